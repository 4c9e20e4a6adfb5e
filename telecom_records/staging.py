"""The staging table of an import: the rows of one file as they were read, before anybody knows whose they are.

A table of its own for each run, without log and without indexes, so that COPY into it costs next to nothing; made when
the reading begins and dropped when the import ends, however it ends. What is in it is on no page.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from telecom_records.formats.rows import NOTHING, ParsedCall, ParsedMessage, ParsedRow, Reject, RowFault, Told, hash_of
from telecom_records.partitions import month_of
from telecom_records.phone_numbers import PhoneParty

PREFIX = "import_stage_"
LINES_AT_ONCE = 200


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of records that files bring: its table, and what only this kind has, in the order of ``own_values``."""

    table: str
    instant: str  # the column of the instant that dates a row
    parsed: type[ParsedRow]
    parties: tuple[str, str]
    own: tuple[tuple[str, str], ...]  # columns and their types

    @property
    def values(self) -> tuple[str, ...]:
        """The columns that a revision of a record brings anew."""
        return ("other_party", "other_party_kind", "direction", "status", "cost", "currency", "time_source", "row_hash", "run_id",
                *(name for name, _ in self.own))  # fmt: skip

    @property
    def key(self) -> tuple[str, ...]:
        """What a record is known by (the unique key of its table)."""
        return "workspace_id", "source_id", "source_key", "own_number", self.instant


KINDS = {
    "calls": Kind(
        table="telecom_records_calldetailrecord",
        instant="started_at",
        parsed=ParsedCall,
        parties=("caller", "dialled"),
        own=(
            ("call_group", "text"),
            ("answered_at", "timestamptz"),
            ("ended_at", "timestamptz"),
            ("duration_s", "numeric"),
            ("talk_s", "numeric"),
            ("billed_s", "bigint"),
        ),
    ),
    "messages": Kind(
        table="telecom_records_smsrecord",
        instant="sent_at",
        parsed=ParsedMessage,
        parties=("sender", "recipient"),
        own=(("segments", "bigint"),),
    ),
}

BEFORE = (("position", "bigint"), ("line", "bigint"), ("counted", "boolean"), ("row_hash", "bytea"))
SHARED = (
    ("source_key", "text"), ("time_source", "text"), ("status", "text"), ("currency", "text"),
    ("out_kind", "text"), ("out_value", "text"), ("out_e164", "text"),
    ("in_kind", "text"), ("in_value", "text"), ("in_e164", "text"),
    ("out_restricted", "boolean"), ("in_restricted", "boolean"), ("instant", "timestamptz"), ("cost", "numeric"),
)  # fmt: skip


def table_of(run_id: uuid.UUID) -> str:
    return f"{PREFIX}{run_id.hex}"


def columns_of(kind: Kind) -> list[str]:
    return [name for name, _ in (*BEFORE, *SHARED, *kind.own)]


def make(run_id: uuid.UUID, kind: Kind) -> None:
    """Make the staging table of a run, empty."""
    drop(run_id)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNLOGGED TABLE {table_of(run_id)} ({_definitions(kind)})")


def make_temporary(name: str, kind: Kind) -> None:
    """Make a staging table that is gone with the transaction, for rows that do not come from a file."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {name} ({_definitions(kind)}) ON COMMIT DROP")


def drop(run_id: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table_of(run_id)}")


def is_lost(run_id: uuid.UUID, *, had_rows: bool) -> bool:
    """Return whether a run's staging table is gone, or empty though it ``had_rows``: a crash of the database empties it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [table_of(run_id)])
        if not cursor.fetchone()[0]:
            return True
        cursor.execute(f"SELECT EXISTS (SELECT FROM {table_of(run_id)})")
        return had_rows and not cursor.fetchone()[0]


def strays(open_runs: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Return the runs that are over, or unknown, and whose staging table is still there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND starts_with(relname, %s) AND pg_table_is_visible(oid)",
            [PREFIX],
        )
        found = {uuid.UUID(name.removeprefix(PREFIX)) for (name,) in cursor.fetchall()}
    return sorted(found - set(open_runs))


def append(table: str, kind: Kind, rows: Iterable[tuple[int, ParsedRow]]) -> list[Reject]:
    """Write rows with their places in the file to a staging table; return those that no database stores."""
    rejects: list[Reject] = []
    lines: list[str] = []
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns_of(kind))}) FROM STDIN (NULL '{NOTHING}')") as copy,
    ):
        for position, row in rows:
            try:
                text = row.as_text()
            except RowFault as fault:
                rejects.append(Reject(row.line, fault.code, str(fault)))
                continue
            counted = "t" if isinstance(row.source_key, Told) else "f"
            lines.append(f"{position}\t{row.line}\t{counted}\t\\\\x{hash_of(text).hex()}\t{text}\n")
            if len(lines) == LINES_AT_ONCE:  # the database takes them in while the next ones are made
                copy.write("".join(lines))
                lines.clear()
        copy.write("".join(lines))
    return rejects


def make_ready(run_id: uuid.UUID, kind: Kind) -> tuple[Any, Any]:
    """Count the equals of keys without an id, and put the rows in the order in which they are stored: by time.

    The months are then filled one after another, each index where it is warm. Returns the first and the last instant,
    or two Nones.
    """
    table = table_of(run_id)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(instant), max(instant), bool_or(counted) FROM {table}")
        first, last, any_counted = cursor.fetchone()
        if any_counted:
            cursor.execute(
                f"UPDATE {table} staged SET source_key = staged.source_key || '/' || nth FROM ("
                f"SELECT position, row_number() OVER (PARTITION BY source_key ORDER BY position) AS nth FROM {table}"
                f" WHERE counted) equals WHERE staged.position = equals.position"
            )
        cursor.execute(f"CREATE INDEX ON {table} (instant, position)")
        cursor.execute(f"ANALYZE {table}")
    return first, last


def months_of(run_id: uuid.UUID) -> list[dt.date]:
    """Return the first days of the months (UTC) in which the staged rows lie."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT date_trunc('month', instant, 'UTC') FROM {table_of(run_id)} ORDER BY 1")
        return [month_of(month) for (month,) in cursor.fetchall()]


def parsed(kind: Kind, row: Sequence[Any]) -> Any:
    """Return the call or message that a staged row holds (values of ``columns_of``)."""
    held = dict(zip(columns_of(kind), row, strict=True))
    outgoing, incoming = (
        PhoneParty(
            held[f"{side}_kind"], held[f"{side}_value"], held[f"{side}_e164"] or None, held[f"{side}_restricted"]
        )
        for side in ("out", "in")
    )
    names = ("line", "source_key", "status", "cost", "currency", "time_source", *(name for name, _ in kind.own))
    values: dict[str, Any] = {name: held[name] for name in names}
    values |= zip(kind.parties, (outgoing, incoming), strict=True)
    return kind.parsed(**values, **{kind.instant: held["instant"]})


def _definitions(kind: Kind) -> str:
    return ", ".join(f"{name} {type_}" for name, type_ in (*BEFORE, *SHARED, *kind.own))
