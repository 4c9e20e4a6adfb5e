"""The months of the large tables.

Calls, messages and usage are native range partitions by month: an import writes into few indexes, an old month can go
as a whole, and no index grows without end. A month is made beside the table and then attached, which does not block
readers; CREATE … PARTITION OF would (architecture.md, "Partitions in Django").
"""

import datetime as dt
import logging

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from accounts.verdicts import data_map
from retention.guard import guard_partition
from retention.months import MonthInUse, without_queueing

log = logging.getLogger(__name__)

MONTHS_AHEAD = 3
MADE_WITHIN = dt.timedelta(hours=1)  # of the beginning of a month; beat tries every ten minutes
ATTACHED = (
    "SELECT relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = ANY(%s::regclass[])"
)
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # older instants are a broken clock, not a call


def month_of(instant: dt.datetime) -> dt.date:
    """Return the first day of the UTC month of an aware instant."""
    return instant.astimezone(dt.UTC).date().replace(day=1)


def next_month(month: dt.date) -> dt.date:
    return (month.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def within_bounds(instant: dt.datetime, now: dt.datetime) -> bool:
    """Return whether a record of this instant is believable: from 2000 until a day after ``now``."""
    return EARLIEST <= instant <= now + dt.timedelta(days=1)


def partition_name(table: str, month: dt.date) -> str:
    return f"{table}_{month:%Y_%m}"


def bounds_of(month: dt.date) -> tuple[str, str]:
    """Return a month's first instant and that of the next, as they are written in SQL."""
    return f"{month:%Y-%m-%d} 00:00:00+00", f"{next_month(month):%Y-%m-%d} 00:00:00+00"


def attached(*tables: str) -> set[str]:
    """Return the names of the partitions of these tables."""
    with connection.cursor() as cursor:
        cursor.execute(ATTACHED, [list(tables)])
        return {name for (name,) in cursor.fetchall()}


def has_month(table: str, month: dt.date) -> bool:
    """Return whether the partition of the month is there and attached."""
    return partition_name(table, month) in attached(table)


def ensure_month(table: str, month: dt.date) -> bool:
    """Make the partition of ``table`` for the month that starts on ``month``; return whether it was missing.

    Raises MonthInUse when the tables that it must lock are in use all the time: whoever writes to workspaces, or changes
    the table, waits for a second at the most, and readers not at all.
    """
    if has_month(table, month):
        return False
    with transaction.atomic():
        with connection.cursor() as cursor:  # only who makes this very month waits here
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [partition_name(table, month)])
        if has_month(table, month):
            return False
        without_queueing(lambda cursor: _make_month(cursor, table, month), table=table)
    return True


def _make_month(cursor: CursorWrapper, table: str, month: dt.date) -> None:
    partition = partition_name(table, month)
    cursor.execute(
        f"CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS EXCLUDING IDENTITY)"
    )
    attach(cursor, table, partition, month)


def attach(cursor: CursorWrapper, table: str, partition: str, month: dt.date) -> None:
    """Make a table that stands beside a month of ``table``. What is checked before makes it short."""
    guard_partition(cursor, partition)
    start, end = bounds_of(month)
    cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ('{start}') TO ('{end}')")


def months_ahead(now: dt.datetime) -> list[tuple[str, dt.date]]:
    """Return every month that should be there at ``now``: of each partitioned table this one and the next ones."""
    months = [month_of(now)]
    for _ in range(MONTHS_AHEAD):
        months.append(next_month(months[-1]))
    tables = [entry.model_class._meta.db_table for entry in data_map().values() if entry.partitioned_by]
    return [(table, month) for table in tables for month in months]


def ensure_months_ahead(now: dt.datetime) -> list[str]:
    """Make the months that should be there; return the names of those that were missing and are made.

    One that cannot be made, for whatever reason the database has, is written to the log and tried again the next time;
    the others are made. ``missing_months`` says so on every page.
    """
    made = []
    for table, month in months_ahead(now):
        try:
            if ensure_month(table, month):
                made.append(partition_name(table, month))
        except (MonthInUse, DatabaseError) as error:
            log.error("month %s could not be made: %s", partition_name(table, month), type(error).__name__)
    return made


def missing_months(now: dt.datetime) -> list[tuple[str, dt.date]]:
    """Return the months that should have been there for an hour and are not, as (plural of the records, first day)."""
    plural = {entry.model_class._meta.db_table: entry.plural for entry in data_map().values() if entry.partitioned_by}
    there = attached(*plural)
    wanted = months_ahead(now - MADE_WITHIN)
    return [(plural[table], month) for table, month in wanted if partition_name(table, month) not in there]


def make_first_months(*, using: str = DEFAULT_DB_ALIAS, **_) -> None:
    """Make the months after a migration, so that a new installation has them before anything else runs."""
    if using == DEFAULT_DB_ALIAS and "telecom_records_calldetailrecord" in connection.introspection.table_names():
        ensure_months_ahead(timezone.now())
