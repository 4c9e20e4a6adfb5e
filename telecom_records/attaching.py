"""A month of old calls or messages that an operator loaded into a table of its own: checked, and attached as it is.

Millions of rows need not go through an import when they are rows already. They must be what an import would have made of
them: of a customer who had the number then, of nobody who was erased, each once. Everything is one transaction, so a
table is attached whole or left as it was. Readers never wait; who writes to workspaces does while the database compares the
rows with their workspaces, for seconds.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Max, Model
from psycopg import sql

from accounts import evidence
from accounts.models import Workspace
from accounts.validators import E164
from accounts.verdicts import ModelMap, data_map
from retention import tombstones
from retention.models import ErasedPerson, Tombstone
from retention.months import without_queueing
from telecom_records import partitions
from telecom_records.models import NumberAssignment

ROWS_AT_ONCE = 20_000
ATTACHABLE = {"calls": "telecom_records.CallDetailRecord", "messages": "telecom_records.SmsRecord"}
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
EXTRAS = """
SELECT 'a trigger' FROM pg_trigger WHERE tgrelid = %(table)s::regclass AND NOT tgisinternal
UNION SELECT 'an index' FROM pg_index WHERE indrelid = %(table)s::regclass
UNION SELECT 'a constraint' FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype <> 'n'
UNION SELECT 'rules or policies' FROM pg_class WHERE oid = %(table)s::regclass AND (relhasrules OR relrowsecurity)
UNION SELECT 'a parent or child' FROM pg_inherits WHERE %(table)s::regclass IN (inhrelid, inhparent) ORDER BY 1
"""
INDEXES = """
SELECT pg_get_constraintdef(con.oid), pg_get_indexdef(ind.indexrelid) FROM pg_index ind
LEFT JOIN pg_constraint con ON con.conindid = ind.indexrelid AND con.contype IN ('p', 'u') AND con.conrelid = ind.indrelid
WHERE ind.indrelid = %s::regclass ORDER BY ind.indexrelid
"""
CHECKS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c' ORDER BY 1
"""
REFERENCES = """
SELECT a.attname, con.confrelid::regclass::text, f.attname FROM pg_constraint con
JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = con.conkey[1]
JOIN pg_attribute f ON f.attrelid = con.confrelid AND f.attnum = con.confkey[1]
WHERE con.conrelid = %s::regclass AND con.contype = 'f' AND con.conparentid = 0
"""


class UnableToAttach(ValueError):
    """The table cannot become a month; nothing was changed. The message says why, with counts and never a value."""


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A table that somebody loaded, and the month of a model that it is to become."""

    entry: ModelMap
    table: str
    month: dt.date

    @property
    def parent(self) -> str:
        return self.model._meta.db_table

    @property
    def model(self) -> type[Model]:
        return self.entry.model_class

    @property
    def instant(self) -> str:
        return self.entry.partitioned_by

    @property
    def partition(self) -> str:
        return partitions.partition_name(self.parent, self.month)


def attach_month(kind: str, table: str, month: dt.date, *, now: dt.datetime) -> int:
    """Attach ``table`` as the month of calls or messages that starts on ``month``; return its rows.

    Its rows get new ids, and the table the name of the month. Raises UnableToAttach, and MonthInUse when the large table
    is in use whenever it is tried.
    """
    loaded = Loaded(data_map()[ATTACHABLE[kind]], table, month.replace(day=1))
    with transaction.atomic():
        with connection.cursor() as cursor:
            _check_place(cursor, loaded, now)
            cursor.execute(_sql("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", loaded))
            _check_columns(cursor, loaded)
            erasures = _erasures()
            rows = _check_rows(cursor, loaded)
            _check_owners(loaded)
            _prepare(cursor, loaded)
        without_queueing(lambda cursor: _attach(cursor, loaded, erasures), table=loaded.parent)
        evidence.append_entry("MONTH_ATTACHED", subject=loaded.partition, body={"rows": rows})
    return rows


def _sql(text: str, loaded: Loaded, **names: str) -> sql.Composed:
    parts = {"table": loaded.table, "parent": loaded.parent, "instant": loaded.instant, **names}
    return sql.SQL(text).format(**{name: sql.Identifier(value) for name, value in parts.items()})


def _count(cursor: CursorWrapper, loaded: Loaded, condition: str, *values: Any, **names: str) -> int:
    cursor.execute(_sql(f"SELECT count(*) FROM {{table}} t WHERE {condition}", loaded, **names), values)
    return cursor.fetchone()[0]


def _refuse_if(count: int, one: str, many: str) -> None:
    if count:
        raise UnableToAttach(f"One row {one}." if count == 1 else f"{count:,} rows {many}.")


def _check_place(cursor: CursorWrapper, loaded: Loaded, now: dt.datetime) -> None:
    """Refuse a month that cannot be, or is there; and a table that is not somebody's plain one beside ours."""
    first = dt.datetime.combine(loaded.month, dt.time(), tzinfo=dt.UTC)
    if not partitions.within_bounds(first, now):
        raise UnableToAttach(f"{loaded.month:%Y-%m} is before 2000 or in the future.")
    if partitions.has_month(loaded.parent, loaded.month):
        raise UnableToAttach(
            f"{loaded.month:%B %Y} is there already, and two tables cannot hold one month. Import the rows as a file."
        )
    cursor.execute(
        "SELECT relkind = 'r' AND relpersistence = 'p', pg_get_userbyid(relowner) = current_user FROM pg_class "
        "WHERE oid = to_regclass(%s)",
        [connection.ops.quote_name(loaded.table)],
    )
    found = cursor.fetchone()
    if found is None:
        raise UnableToAttach(f"There is no table {loaded.table}.")
    if not found[0]:
        raise UnableToAttach(f"{loaded.table} is no ordinary, logged table.")
    if not found[1]:
        raise UnableToAttach(
            f"{loaded.table} belongs to another role of the database. ALTER TABLE … OWNER TO ours first."
        )
    if loaded.table in connection.introspection.django_table_names():
        raise UnableToAttach(f"{loaded.table} is a table of the portal.")
    cursor.execute(EXTRAS, {"table": connection.ops.quote_name(loaded.table)})
    if extras := [what for (what,) in cursor.fetchall()]:
        raise UnableToAttach(f"{loaded.table} must be plain, and has {', '.join(extras)}.")


def _check_columns(cursor: CursorWrapper, loaded: Loaded) -> None:
    wanted, found = (_columns(cursor, name) for name in (loaded.parent, loaded.table))
    wrong = [f"{name} is missing" for name in wanted if name not in found]
    wrong += [f"{name} is not a column of {loaded.parent}" for name in found if name not in wanted]
    wrong += [
        f"{name} is {found[name][0]} and must be {wanted[name][0]}"
        for name in wanted
        if name in found and wanted[name][0] != found[name][0]
    ]
    if wrong:
        raise UnableToAttach(f"The columns are not those of {loaded.parent}: {'; '.join(wrong)}.")


def _columns(cursor: CursorWrapper, table: str) -> dict[str, tuple[str, bool]]:
    cursor.execute(COLUMNS, [connection.ops.quote_name(table)])
    return {name: (type, required) for name, type, required in cursor.fetchall()}


def _check_rows(cursor: CursorWrapper, loaded: Loaded) -> int:
    """Refuse rows that no import would have made; return how many there are."""
    cursor.execute(_sql("SELECT count(*) FROM {table}", loaded))
    (rows,) = cursor.fetchone()
    if not rows:
        raise UnableToAttach(f"{loaded.table} is empty.")
    for name, (_, required) in _columns(cursor, loaded.parent).items():
        if required and name != "id":
            empty = _count(cursor, loaded, "t.{column} IS NULL", column=name)
            _refuse_if(empty, f"has no {name}", f"have no {name}")
    start, end = partitions.bounds_of(loaded.month)
    outside = _count(cursor, loaded, "NOT (t.{instant} >= %s AND t.{instant} < %s)", start, end)
    _refuse_if(outside, "is of another month", "are of another month (in UTC)")
    for field in loaded.model._meta.concrete_fields:
        if field.choices:
            allowed = [value for value, _ in field.choices]  # type: ignore[union-attr, misc]
            unknown = _count(cursor, loaded, "NOT t.{column} = ANY(%s)", allowed, column=field.name)
            _refuse_if(unknown, f"has an unknown {field.name}", f"have an unknown {field.name}")
    wrong = _count(cursor, loaded, "t.own_number !~ %s", E164)
    _refuse_if(wrong, "has no number in international form", "have no number in international form")
    for name, check in _checks(cursor, loaded):
        wrong = _count(
            cursor,
            loaded,
            f"NOT {check.removeprefix('CHECK ')}".replace("%", "%%").replace("{", "{{").replace("}", "}}"),
        )
        _refuse_if(wrong, f"breaks the rule {name}", f"break the rule {name}")
    for constraint, _ in _indexes(cursor, loaded):
        if columns := (constraint or "").partition("UNIQUE ")[2]:
            grouped = f"SELECT count(*) AS n FROM {{table}} GROUP BY {columns} HAVING count(*) > 1"
            cursor.execute(_sql(f"SELECT coalesce(sum(n - 1), 0) FROM ({grouped}) more", loaded))
            _refuse_if(cursor.fetchone()[0], "is there twice", "are there twice")
    for column, table, key in _references(cursor, loaded):
        dangling = _count(
            cursor, loaded, "t.{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {other} o WHERE o.{key} = t.{column})",
            column=column, other=table, key=key,
        )  # fmt: skip
        _refuse_if(dangling, f"names a {column} that is not there", f"name a {column} that is not there")
    return rows


def _indexes(cursor: CursorWrapper, loaded: Loaded) -> list[tuple[str | None, str]]:
    """Return of each index of the parent its constraint, if it has one, and its definition."""
    cursor.execute(INDEXES, [loaded.parent])
    return cursor.fetchall()


def _checks(cursor: CursorWrapper, loaded: Loaded) -> list[tuple[str, str]]:
    """Return the name and the words of each rule that the parent has for its rows."""
    cursor.execute(CHECKS, [loaded.parent])
    return cursor.fetchall()


def _references(cursor: CursorWrapper, loaded: Loaded) -> list[tuple[str, str, str]]:
    cursor.execute(REFERENCES, [loaded.parent])
    return cursor.fetchall()


def _check_owners(loaded: Loaded) -> None:
    """Refuse rows of the erased, and of a workspace that did not have the number then."""
    erased = strangers = 0
    for rows in _owners(loaded):
        holders = _holders({number for number, _, _ in rows})
        for number, workspace_id, at in rows:
            then = [holder for window, holder in holders.get(number, ()) if at in window]
            had_it = next(filter(None, then), None)
            if had_it != workspace_id:
                was_erased = had_it is None and bool(then)
                erased, strangers = erased + was_erased, strangers + (not was_erased)
    _refuse_if(erased, "is of a customer whose data was deleted", "are of customers whose data was deleted")
    _refuse_if(
        strangers,
        "is of a workspace that did not have the number then",
        "are of workspaces that did not have the number then",
    )


def _holders(numbers: set[str]) -> dict[str, list[tuple[Any, uuid.UUID | None]]]:
    """Return by number who had it when, an assignment before a tombstone; None stands for somebody who was erased."""
    holders: dict[str, list[tuple[Any, uuid.UUID | None]]] = {}
    assigned = NumberAssignment.objects.filter(number__e164__in=numbers, workspace__state__in=Workspace.INTACT)
    for number, window, workspace_id in assigned.values_list("number__e164", "window", "workspace_id"):
        holders.setdefault(number, []).append((window, workspace_id))
    past = list(tombstones.windows_of(numbers))
    ids = {workspace_id for _, _, workspace_id in past if workspace_id}
    living = set(Workspace.objects.filter(pk__in=ids, state__in=Workspace.INTACT).values_list("pk", flat=True))
    for number, window, holder in past:
        holders.setdefault(number, []).append((window, holder if holder in living else None))
    return holders


def _owners(loaded: Loaded) -> Iterator[list[tuple]]:
    query = _sql("SELECT own_number, workspace_id, {instant} FROM {table} ORDER BY own_number", loaded)
    with connection.chunked_cursor() as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows


def _prepare(cursor: CursorWrapper, loaded: Loaded) -> None:
    """Give the table new ids, the keys and indexes of its parent, and its bounds, so that attaching it reads no row."""
    cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [loaded.parent])
    cursor.execute(_sql("UPDATE {table} SET id = nextval(%s::regclass)", loaded), cursor.fetchone())
    for name, (_, required) in _columns(cursor, loaded.parent).items():
        if required:
            cursor.execute(_sql("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL", loaded, column=name))
    for name, check in _checks(cursor, loaded):
        cursor.execute(_sql(f"ALTER TABLE {{table}} ADD CONSTRAINT {{name}} {check}", loaded, name=name))
    for constraint, definition in _indexes(cursor, loaded):
        if constraint:
            cursor.execute(_sql(f"ALTER TABLE {{table}} ADD {constraint}", loaded))
        else:
            cursor.execute(_sql(f"CREATE INDEX ON {{table}} USING {definition.partition(' USING ')[2]}", loaded))
    start, end = (sql.Literal(bound) for bound in partitions.bounds_of(loaded.month))
    within = sql.SQL("{0} IS NOT NULL AND {0} >= {1} AND {0} < {2}").format(sql.Identifier(loaded.instant), start, end)
    cursor.execute(_sql("ALTER TABLE {table} ADD CONSTRAINT in_month CHECK (", loaded) + within + sql.SQL(")"))
    cursor.execute(_sql("ALTER TABLE {table} RENAME TO {partition}", loaded, partition=loaded.partition))


def _erasures() -> tuple:
    """Return what changes whenever somebody is erased."""
    return tuple(model.objects.aggregate(last=Max("pk"))["last"] for model in (Tombstone, ErasedPerson))


def _attach(cursor: CursorWrapper, loaded: Loaded, erasures: tuple) -> None:
    """Attach the table while none of its workspaces can begin to be emptied, if nobody was erased since it was checked."""
    partition = sql.Identifier(loaded.partition)
    cursor.execute(
        sql.SQL(
            "SELECT state FROM accounts_workspace WHERE id IN (SELECT workspace_id FROM {}) ORDER BY id FOR KEY SHARE"
        ).format(partition)
    )
    if {state for (state,) in cursor.fetchall()} - set(Workspace.INTACT) or _erasures() != erasures:
        raise UnableToAttach(
            "A customer of the month was deleted, or is being deleted. Take its rows out, and try again."
        )
    partitions.attach(cursor, loaded.parent, loaded.partition, loaded.month)
    cursor.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT in_month").format(partition))
