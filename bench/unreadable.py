"""How long after an expiry nobody can read the files or see the rows any more, whatever the size."""

import datetime as dt
import time

from django.db import connection
from django.utils import timezone

from accounts import keys
from accounts.models import KeyPair, Membership, Subscription, Workspace
from bench import invented
from bench.databases import EMPTY, copy_database
from bench.processes import beat, wait_until, workers
from bench.telling import figure
from retention import breaker

ROWS = 1_000_000
MANY = 5_000
AHEAD = dt.timedelta(seconds=5)
LONGEST = 900


def measure(rows: int) -> list[dict]:
    """Measure a workspace of a million calls, and 5,000 workspaces that end at the same instant; the worse of the two counts."""
    large, many = _seconds(1, ROWS), _seconds(MANY, MANY * 10)
    return [
        figure(
            "unreadable_after_s", max(large, many), "s",
            against=f"within 60 s of the expiry (a workspace of {ROWS:,} calls: {large:.1f} s; {MANY:,} workspaces at once: {many:.1f} s)",
            rows=ROWS,
        )
    ]  # fmt: skip


def _seconds(count: int, calls: int) -> float:
    """Let ``count`` workspaces expire under the real beat and two workers; return how long the last of them was readable."""
    copy_database(EMPTY)
    now = timezone.now()
    invented.make_months(now)
    invented.make_workspaces(count, name="due", ends="now() + interval '1 day'")
    invented.make_people(name="due", count=count)
    invented.make_calls(calls, name="due", of=count, until=now)
    invented.arm("workspace_expiry")
    owners = [(KeyPair.Owner.WORKSPACE, pk) for pk in Workspace.objects.values_list("pk", flat=True)]
    owners += [(KeyPair.Owner.PERSON, pk) for pk in Membership.objects.values_list("person", flat=True)]
    for owner, owner_id in owners:
        keys.recipient_of(owner, owner_id)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    with workers(2), beat():
        time.sleep(5)  # beat's first tick
        expiry = timezone.now() + AHEAD
        Subscription.objects.update(expires_at=expiry)
        breaker.expect("workspace_expiry", now=expiry)  # as when two officers arm the rule: so many are no surprise
        wait_until(_nothing_is_readable, seconds=LONGEST, what="nothing is readable", every=0.2)
        return (timezone.now() - expiry).total_seconds()


def _nothing_is_readable() -> bool:
    """Every key is destroyed, and no workspace is one whose rows a page would show."""
    shown = Workspace.objects.filter(state=Workspace.State.ACTIVE)
    return not shown.exists() and not KeyPair.objects.filter(destroyed_at__isnull=True).exists()
