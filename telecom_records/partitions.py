"""The months of the large tables.

Calls, messages and usage are native range partitions by month: an import writes into few indexes, an old month can go
as a whole, and no index grows without end. A month is made beside the table and then attached, which does not block
readers; CREATE … PARTITION OF would (architecture.md, "Partitions in Django").
"""

import datetime as dt

from django.db import connection, transaction

from accounts.verdicts import data_map
from retention.guard import guard_partition

MONTHS_AHEAD = 3
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # older instants are a broken clock, not a call


def month_of(instant: dt.datetime) -> dt.date:
    """Return the first day of the UTC month of an aware instant."""
    return instant.astimezone(dt.UTC).date().replace(day=1)


def next_month(month: dt.date) -> dt.date:
    return (month.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def within_bounds(instant: dt.datetime, now: dt.datetime) -> bool:
    """Return whether a record of this instant is believable: from 2000 until a day after ``now``."""
    return EARLIEST <= instant <= now + dt.timedelta(days=1)


def ensure_month(table: str, month: dt.date) -> bool:
    """Make the partition of ``table`` for the month that starts on ``month``; return whether it was missing."""
    partition = f"{table}_{month:%Y_%m}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [partition])
        if cursor.fetchone()[0]:
            return False
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [partition])
        cursor.execute("SELECT to_regclass(%s)", [partition])
        if cursor.fetchone()[0]:
            return False
        cursor.execute(
            f"CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS EXCLUDING IDENTITY)"
        )
        guard_partition(cursor, partition)
        start, end = f"{month:%Y-%m-%d} 00:00:00+00", f"{next_month(month):%Y-%m-%d} 00:00:00+00"
        cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ('{start}') TO ('{end}')")
    return True


def ensure_months_ahead(now: dt.datetime) -> int:
    """Make this month and the next ones of every partitioned table; return how many were missing."""
    made = 0
    for entry in data_map().values():
        if entry.partitioned_by:
            month = month_of(now)
            for _ in range(MONTHS_AHEAD + 1):
                made += ensure_month(entry.model_class._meta.db_table, month)
                month = next_month(month)
    return made
