"""The due scan: what it costs to find 100 due workspaces among a million subscriptions, and with ten times as many."""

import datetime as dt

from django.db import connection

from bench import invented
from bench.databases import EMPTY, copy_database, without_indexes
from bench.telling import figure, median, seconds
from retention.due import due_workspaces

DUE = 100
GROWN = 10
NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
TABLES = ("accounts_workspace", "accounts_subscription")


def scan(rows: int) -> list[dict]:
    """Measure the scan as the tick runs it, among a million subscriptions that are not due and, for the growth, ten times
    as many as at first: from 100,000 to a million, in the large run from a million to ten.
    """
    million, fewer = 1_000_000, 100_000 if rows <= 1_000_000 else 1_000_000
    copy_database(EMPTY)
    with without_indexes(*TABLES):
        invented.make_workspaces(DUE, name="due", ends=f"timestamptz '{NOW}' - n * interval '1 minute'")
        _make_not_due("a", fewer)
    times = {fewer: _time()}
    with without_indexes(*TABLES):
        _make_not_due("b", fewer * (GROWN - 1))
    times[fewer * GROWN] = _time()
    return [
        figure("due_scan_ms", times[million] * 1000, "ms", against="under 10 ms", rows=million, due=DUE),
        figure(
            "due_scan_growth", times[fewer * GROWN] / times[fewer], "×", against=f"the scan with {fewer:,} not due",
            rows=fewer * GROWN, due=DUE,
        ),
    ]  # fmt: skip


def _make_not_due(name: str, subscriptions: int) -> None:
    """Three quarters are a workspace's only subscription; the last quarter ended and was followed by one of the others."""
    single = subscriptions * 3 // 4
    ends = (
        f"CASE WHEN n %% 3 = 0 THEN NULL ELSE timestamptz '{NOW}' + (n %% 360) * interval '1 day' + interval '1 h' END"
    )
    invented.make_workspaces(single, name=name, ends=ends)
    invented.run(
        "INSERT INTO accounts_subscription (id, outside_id, workspace_id, plan, starts_at, expires_at, recording_enabled)"
        " SELECT md5('old' || %(name)s || n)::uuid, 'S-old-' || %(name)s || '-' || n, md5(%(name)s || n)::uuid, 'Basic',"
        f" {invented.LONG_AGO}, timestamptz '{NOW}' - (n %% 30) * interval '1 day', false FROM generate_series(1, %(count)s) n",
        {"name": name, "count": subscriptions - single},
    )


def _time() -> float:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) accounts_workspace, accounts_subscription")
    found = len(due_workspaces(NOW))
    assert found == DUE, f"The scan found {found} of {DUE}."
    return median([seconds(lambda: len(due_workspaces(NOW))) for _ in range(51)])
