"""What is past its time now, asked of a large table of which a twentieth is."""

import datetime as dt

from django.db import connection
from django.utils import timezone

from accounts.models import User
from bench import invented
from bench.databases import EMPTY, copy_database, without_indexes
from bench.telling import figure, median, seconds
from retention.conformance import COUNT_UP_TO, conformance
from retention.models import RuleVersion

WORKSPACES = 2_000
TARGET_S = 0.5


def measure(rows: int) -> list[dict]:
    """Measure all rules at once. A twentieth of the calls is of expired workspaces, and as many usage records are too old."""
    copy_database(EMPTY)
    now = timezone.now()
    invented.make_months(now)
    overdue = rows // 20
    invented.make_workspaces(WORKSPACES // 20, name="due", ends="now() - interval '1 hour' - n * interval '1 minute'")
    invented.make_workspaces(WORKSPACES, name="stays", ends="now() + interval '90 days'")
    with without_indexes(invented.CALLS):
        invented.make_calls(rows - overdue, name="stays", of=WORKSPACES, until=now)
        invented.make_calls(overdue, name="due", of=WORKSPACES // 20, until=now)
    with without_indexes(invented.USAGE):
        invented.make_usage(overdue, name="stays", of=WORKSPACES, until=now)
    _set_period()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    at = timezone.now()
    found = {line.rule: line for line in conformance(at)}
    assert found["workspace_expiry"].overdue == WORKSPACES // 20
    assert found["usage_record"].shown == f"{COUNT_UP_TO:,} or more"
    return [
        figure(
            "conformance_20m_s", median([seconds(lambda: conformance(at)) for _ in range(7)]), "s",
            against=f"under {TARGET_S} s; {overdue:,} calls and {overdue:,} usage records overdue, counted up to {COUNT_UP_TO:,}",
            rows=rows,
        )
    ]  # fmt: skip


def _set_period() -> None:
    """Let two officers have set since yesterday that usage records go after one day."""
    first, second = (User.objects.create(email=f"officer{n}@example.test", name=f"Officer {n}") for n in (1, 2))
    now = timezone.now()
    RuleVersion.objects.create(
        rule_id="usage_record",
        number=1,
        period="1 day",
        effective_at=now - dt.timedelta(days=1),
        asked_by=first,
        approved_by=second,
        approved_at=now,
    )
