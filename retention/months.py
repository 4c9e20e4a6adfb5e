"""A whole month at once: part of the door, and only called by it (``retention/deletion.py``).

Calls, messages and usage are partitioned by month. When every row of a month is past its time and nothing keeps one of
them, the partition is taken off and dropped, which costs the same for ten rows and for ten million. Dropping fires no
trigger, so this module looks itself: the month is counted and digested when it is chosen, and again under a lock before
it goes; a month that has changed since, or of which something keeps a row, is left, and the next job chooses anew.
"""

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from accounts.verdicts import ModelMap, data_map
from retention.due import past_condition, without_kept
from retention.models import Hold
from retention.rules import aged_maps, periods_of

KEY = "months"  # of the scope of a job that takes whole months, and then nothing else
MONTHS_A_JOB = 3  # each is counted while the intent is written
LOCK_TIMEOUT = "1s"  # whoever queues behind the lock waits for no longer
TRIES = 5  # in one turn, shorter together than a lease
BUSY = {"55P03", "40P01"}  # lock not available, deadlock: somebody else was first
Result = TypeVar("Result")

PARTITIONS = """
SELECT child.relname, pg_get_expr(child.relpartbound, child.oid)
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = %s::regclass ORDER BY 1
"""
BOUNDS = re.compile(r"FROM \('([^']+)'\) TO \('([^']+)'\)")
DIGEST = "SELECT count(*), coalesce(bit_xor(hashtextextended(workspace_id::text || ':' || id::text, 0)), 0) FROM {}"


class MonthInUse(RuntimeError):
    """The table was in use whenever one of its months was to be made, attached or dropped; nothing was done."""


class _HasChanged(Exception):
    """The month is not as it was chosen; the next job chooses anew."""


@dataclasses.dataclass(frozen=True)
class Month:
    """One month of a model as it was chosen: its bounds (the end belongs to the next), its rows and their digest."""

    model: str
    partition: str
    start: dt.datetime
    end: dt.datetime
    rows: int = 0
    digest: int = 0

    def __str__(self) -> str:
        """Return it as it stands in a job's scope, and so in the digest of the intent."""
        return (
            f"{self.model} {self.partition} {self.start.isoformat()} {self.end.isoformat()} {self.rows} {self.digest}"
        )

    @classmethod
    def of(cls, text: str) -> "Month":
        model, partition, start, end, rows, digest = text.split(" ")
        bounds = dt.datetime.fromisoformat(start), dt.datetime.fromisoformat(end)
        return cls(model, partition, *bounds, int(rows), int(digest))

    @property
    def entry(self) -> ModelMap:
        return data_map()[self.model]

    def content(self) -> QuerySet:
        """Return the rows of the month, by their instant."""
        instant = self.entry.partitioned_by
        within = {f"{instant}__gte": self.start, f"{instant}__lt": self.end}
        return self.entry.model_class._default_manager.filter(**within)


def months_of(scope: dict[str, list[Any]]) -> list[Month]:
    """Return the months that a job is about; none for one that is about rows."""
    return [Month.of(str(text)) for text in scope.get(KEY, [])]


def count_rows(scope: dict[str, list[Any]]) -> int:
    """Return how many rows a scope by age is about: one for each id, and those of its whole months."""
    ids = sum(len(found) for label, found in scope.items() if label != KEY)
    return ids + sum(month.rows for month in months_of(scope))


def choose(rule: str, now: dt.datetime) -> list[Month]:
    """Return the oldest months of which every row is past its time under a rule and nothing keeps one, with digests."""
    chosen: list[Month] = []
    for entry, _ in aged_maps(rule):
        shortest = next(iter(periods_of(rule, now).known), None)
        if not entry.partitioned_by or shortest is None:
            continue
        for month in partitions_of(entry):
            if len(chosen) == MONTHS_A_JOB or month.end > now - shortest:
                break
            if month.content().exists() and nothing_stays(month, rule, now):
                rows, digest = _digest(month.partition)
                chosen.append(dataclasses.replace(month, rows=rows, digest=digest))
    return chosen


def partitions_of(entry: ModelMap) -> list[Month]:
    """Return the months of a partitioned model, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS, [entry.model_class._meta.db_table])
        found = [(name, BOUNDS.search(bound)) for name, bound in cursor.fetchall()]
    months = [
        Month(entry.model, name, dt.datetime.fromisoformat(bounds[1]), dt.datetime.fromisoformat(bounds[2]))
        for name, bounds in found
        if bounds
    ]
    return sorted(months, key=lambda month: month.start)


def nothing_stays(month: Month, rule: str, now: dt.datetime) -> bool:
    """Return whether every row of the month is past its time at ``now`` and nothing keeps one."""
    age = month.entry.age(rule)
    assert age is not None, f"{month.model} has no clock under {rule}."
    past = past_condition(month.entry, age, now=now, periods=periods_of(rule, now))
    if past is None:
        return False
    return without_kept(month.entry, month.content().filter(past), now=now).count() == month.content().count()


def destroy_next(entry: ModelMap, months: list[Month], *, rule: str, cutoff: dt.datetime) -> int:
    """Drop the first month of ``entry`` that is still there as it was chosen; return its rows, 0 when there is none.

    Must run inside the transaction that also writes the count down. Raises MonthInUse.
    """
    for month in months:
        if month.model == entry.model and _is_there(month.partition) and _drop_in_time(month, rule, cutoff):
            return month.rows
    return 0


def without_queueing(act: Callable[[CursorWrapper], Result], *, table: str) -> Result:
    """Change a table in a transaction, or savepoint, of its own that waits for no lock longer than LOCK_TIMEOUT.

    When the table is in use it tries again, TRIES times; then it raises MonthInUse. Readers so never stand behind a change
    that itself stands behind a long query.
    """
    for _ in range(TRIES):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                result = act(cursor)
                cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
                return result
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") not in BUSY:
                raise
    raise MonthInUse(f"The table {table} was in use whenever it was to be changed. Nothing was done.")


def _drop_in_time(month: Month, rule: str, cutoff: dt.datetime) -> bool:
    try:
        without_queueing(lambda cursor: _drop(cursor, month, rule, cutoff), table=month.partition)
    except _HasChanged:
        return False
    return True


def _drop(cursor: CursorWrapper, month: Month, rule: str, cutoff: dt.datetime) -> None:
    """Drop one month under its locks. Raises _HasChanged when it is not as it was chosen, or something keeps a row.

    No row comes into it and no hold is placed while it is counted. Then readers wait: a deletion of a workspace that has
    just begun has either counted its rows here, and is seen, or waits and counts without them.
    """
    parent = month.entry.model_class._meta.db_table
    cursor.execute(f"LOCK TABLE {month.partition} IN SHARE ROW EXCLUSIVE MODE")
    cursor.execute(f"LOCK TABLE {Hold._meta.db_table} IN SHARE MODE")
    if _digest(month.partition) != (month.rows, month.digest) or not nothing_stays(month, rule, cutoff):
        raise _HasChanged
    _cut_links(month)
    cursor.execute(f"LOCK TABLE {parent}, {month.partition} IN ACCESS EXCLUSIVE MODE")
    if _is_of_a_workspace_that_goes(cursor, month.partition):
        raise _HasChanged
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks still to come cannot be altered
    cursor.execute(f"ALTER TABLE {parent} DETACH PARTITION {month.partition}")
    cursor.execute(f"DROP TABLE {month.partition}")


def _is_of_a_workspace_that_goes(cursor, partition: str) -> bool:
    cursor.execute(
        f"SELECT EXISTS (SELECT 1 FROM accounts_workspace w WHERE w.state NOT IN ('active', 'hidden', 'emptied') "
        f"AND EXISTS (SELECT 1 FROM {partition} p WHERE p.workspace_id = w.id))"
    )
    return cursor.fetchone()[0]


def _cut_links(month: Month) -> None:
    """Cut the optional links by which other rows name rows of the month: a recording its call."""
    for relation in month.entry.model_class._meta.related_objects:
        if relation.field.null:
            linked = relation.related_model._default_manager.filter(  # type: ignore[union-attr]
                **{f"{relation.field.name}__in": month.content().values("pk")}
            )
            linked.update(**{relation.field.name: None})


def remains(months: list[Month], *, cutoff: dt.datetime) -> dict[str, int]:
    """Return by model the rows of months that are still as they were chosen, looked for by instant on the parent.

    A month that has changed since is not this job's any more; the next one chooses it anew.
    """
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for month in months:
            model = month.entry.model_class._meta
            instant = model.get_field(month.entry.partitioned_by).column  # type: ignore[union-attr]
            between = f"{model.db_table} WHERE {instant} >= %s AND {instant} < %s"
            cursor.execute(DIGEST.format(between), [month.start, month.end])
            if month.rows and cursor.fetchone() == (month.rows, month.digest) and nothing_keeps(month, cutoff):
                found[month.model] = found.get(month.model, 0) + month.rows
    return found


def nothing_keeps(month: Month, now: dt.datetime) -> bool:
    """Return whether no hold and no other deletion keeps a row of the month."""
    return without_kept(month.entry, month.content(), now=now).count() == month.content().count()


def _is_there(partition: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [partition])
        return cursor.fetchone()[0]


def _digest(partition: str) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(DIGEST.format(partition))
        return cursor.fetchone()
