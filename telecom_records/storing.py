"""From staged rows to records: whose each is, what is new, what is known and what has changed, in statements over sets.

A call between two customers is two records but one row of the file. A row of nobody waits sealed; one of an erased
customer is rejected. The database decides all of that for some ten thousand rows at once; other ways take several
times as long (``make bench``, ``import_vs_bulk_create``).
"""

import dataclasses
from collections.abc import Iterable

from django.db import connection

from accounts.models import Workspace
from retention import tombstones
from telecom_records import staging
from telecom_records.formats import Reject
from telecom_records.formats.rows import ParsedRow
from telecom_records.models import Direction, ImportRun
from telecom_records.partitions import ensure_month, month_of
from telecom_records.staging import Kind

ERASED = ("erased_customer", "The record belongs to a customer whose data was deleted.")


@dataclasses.dataclass
class Outcome:
    """Where the rows of one chunk went: each to one of these."""

    inserted: int = 0
    duplicates: int = 0
    revised: int = 0
    erased: list[Reject] = dataclasses.field(default_factory=list)
    nobodys: list[ParsedRow] = dataclasses.field(default_factory=list)


def store_parsed(rows: Iterable[ParsedRow], kind: Kind, *, run: ImportRun) -> Outcome:
    """Store rows that are at hand for whose they are. Must run inside a transaction."""
    rows = list(rows)
    for month in sorted({month_of(row.instant) for row in rows}):
        ensure_month(kind.table, month)
    staging.make_temporary("staged_again", kind)
    staging.append("staged_again", kind, enumerate(rows, 1))
    with connection.cursor() as cursor:
        outcome = store(cursor, "staged_again", kind, run=run)
        cursor.execute("DROP TABLE staged_again")
    return outcome


def store(cursor, chunk: str, kind: Kind, *, run: ImportRun) -> Outcome:
    """Store the rows of the table ``chunk`` for whose they are and return where each went. Must run inside a transaction.

    Their months must be there (``staging.months_of``): making one locks what everybody uses until the transaction ends.
    One key may stand several times in a chunk: the later row revises the earlier one.
    """
    first_only = "DISTINCT ON (row.position)" if _find_holders(cursor, chunk) else ""
    _find_records(cursor, chunk, kind, run, first_only)
    columns = ", ".join((*kind.key, *kind.values))
    cursor.execute(
        f"INSERT INTO {kind.table} (id, {columns}, revision) SELECT id, {columns}, 0 FROM found ORDER BY {kind.instant}, position"
        f" ON CONFLICT ({', '.join(kind.key)}) DO NOTHING"
    )
    inserted = cursor.rowcount
    cursor.execute("SELECT count(*), count(DISTINCT position) FROM found")
    records, rows = cursor.fetchone()
    outcome = Outcome(inserted=rows)
    if inserted < records:
        _revise(cursor, kind, outcome)
    cursor.execute(f"SELECT count(*) FROM {chunk}")
    if rows < cursor.fetchone()[0]:
        _sort_out(cursor, chunk, kind, outcome)
    cursor.execute("DROP TABLE found, holders, past")
    return outcome


def _find_holders(cursor, chunk: str) -> bool:
    """Make the tables of who had the chunk's numbers when, and of who of the erased had had them.

    Returns whether two may have had one number at one instant: an assignment and a tombstone may, two assignments never.
    A number that a living workspace had and that is gone is known by its tombstone; so is an erased customer's, and by
    its keyed hash only. An assignment comes first.
    """
    cursor.execute(
        f"SELECT out_e164 FROM {chunk} WHERE out_e164 <> '' UNION SELECT in_e164 FROM {chunk} WHERE in_e164 <> ''"
    )
    numbers = {e164 for (e164,) in cursor.fetchall()}
    cursor.execute("CREATE TEMPORARY TABLE past (e164 text, held tstzrange, workspace_id uuid) ON COMMIT DROP")
    windows = list(tombstones.windows_of(numbers))
    with cursor.copy("COPY past FROM STDIN") as copy:
        for window in windows:
            copy.write_row(window)
    intact = [str(state) for state in Workspace.INTACT]
    cursor.execute(
        "CREATE TEMPORARY TABLE holders ON COMMIT DROP AS"
        ' SELECT number.e164::text, assigned."window" AS held, assigned.workspace_id, 1 AS rank'
        " FROM telecom_records_number number JOIN telecom_records_numberassignment assigned ON assigned.number_id = number.id"
        " JOIN accounts_workspace workspace ON workspace.id = assigned.workspace_id"
        f" WHERE workspace.state = ANY(%s) AND number.e164 IN (SELECT out_e164 FROM {chunk} UNION SELECT in_e164 FROM {chunk})"
        " UNION ALL SELECT past.e164, past.held, past.workspace_id, 2 FROM past"
        " JOIN accounts_workspace workspace ON workspace.id = past.workspace_id WHERE workspace.state = ANY(%s)",
        [intact, intact],
    )
    cursor.execute("ANALYZE holders")
    return bool(windows)


def _find_records(cursor, chunk: str, kind: Kind, run: ImportRun, first_only: str) -> None:
    """Make the table of the records of the chunk's rows: one for each of our customers who took part.

    What a withheld caller's number was is never shown to the called party. Somebody who calls their own number has one
    record, as the caller.
    """
    outgoing = f"{_shown('in')} AS other_party, row.in_kind AS other_party_kind"
    incoming = (
        f"CASE WHEN row.out_restricted THEN '' ELSE {_shown('out')} END AS other_party,"
        " CASE WHEN row.out_restricted THEN 'anonymous' ELSE row.out_kind END AS other_party_kind"
    )
    sides = [
        f"(SELECT {first_only} row.*, holders.workspace_id, row.{mine}_e164 AS own_number, {other},"
        f" '{direction.value}' AS direction FROM {chunk} row"
        f" JOIN holders ON holders.e164 = row.{mine}_e164 AND row.instant <@ holders.held"
        f" {condition}{' ORDER BY row.position, holders.rank' if first_only else ''})"
        for mine, other, direction, condition in (
            ("out", outgoing, Direction.OUTBOUND, ""),
            ("in", incoming, Direction.INBOUND, "WHERE row.in_e164 <> row.out_e164"),
        )
    ]
    own = "".join(f", {name}" for name, _ in kind.own)
    cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [kind.table])
    (sequence,) = cursor.fetchone()  # asked once, not for each row
    cursor.execute(
        "CREATE TEMPORARY TABLE found ON COMMIT DROP AS SELECT nextval(%s::regclass) AS id, position,"
        f" workspace_id, %s::bigint AS source_id, source_key, own_number, instant AS {kind.instant}, other_party,"
        f" other_party_kind, direction, status, cost, currency, time_source, row_hash, %s::uuid AS run_id{own}"
        f" FROM ({' UNION ALL '.join(sides)}) sides",
        [sequence, run.source_id, run.pk],
    )


def _shown(side: str) -> str:
    return f"left(CASE WHEN row.{side}_e164 <> '' THEN row.{side}_e164 ELSE row.{side}_value END, 64)"


def _revise(cursor, kind: Kind, outcome: Outcome) -> None:
    """Bring the records up to date whose key was there already, and correct the outcome: known, or known with other values."""
    on_key = " AND ".join(f"kept.{name} = found.{name}" for name in kind.key)
    cursor.execute(
        "CREATE TEMPORARY TABLE again ON COMMIT DROP AS"
        " SELECT found.*, kept.id AS kept_id,"
        " coalesce(lag(found.row_hash) OVER told, kept.row_hash) <> found.row_hash AS differs,"
        " row_number() OVER (PARTITION BY kept.id ORDER BY found.position DESC) = 1 AS is_last"
        f" FROM found JOIN {kind.table} kept ON {on_key} WHERE kept.id <> found.id"
        " WINDOW told AS (PARTITION BY kept.id ORDER BY found.position)"
    )
    assignments = ", ".join(f"{name} = again.{name}" for name in kind.values if name != "run_id")
    cursor.execute(
        f"UPDATE {kind.table} kept SET {assignments}, revision = kept.revision + changes.count FROM again JOIN"
        " (SELECT kept_id, count(*) FROM again WHERE differs GROUP BY kept_id) changes USING (kept_id)"
        f" WHERE kept.id = again.kept_id AND kept.{kind.instant} = again.{kind.instant} AND kept.workspace_id = again.workspace_id"
        " AND again.is_last"
    )
    cursor.execute(
        "SELECT count(*) FILTER (WHERE NOT new AND differs), count(*) FILTER (WHERE NOT new AND NOT differs) FROM ("
        " SELECT bool_or(again.id IS NULL) AS new, coalesce(bool_or(again.differs), false) AS differs"
        " FROM found LEFT JOIN again ON again.id = found.id GROUP BY found.position) outcome"
    )
    outcome.revised, outcome.duplicates = cursor.fetchone()
    outcome.inserted -= outcome.revised + outcome.duplicates
    cursor.execute("DROP TABLE again")


def _sort_out(cursor, chunk: str, kind: Kind, outcome: Outcome) -> None:
    """Find the rows that are nobody's now: an erased customer's, or nobody's at all."""
    living = [str(state) for state in Workspace.INTACT]
    columns = ", ".join(f"row.{name}" for name in staging.columns_of(kind))
    cursor.execute(
        f"SELECT EXISTS (SELECT FROM past LEFT JOIN accounts_workspace workspace ON workspace.id = past.workspace_id"
        " AND workspace.state = ANY(%s) WHERE workspace.id IS NULL AND row.instant <@ past.held"
        f" AND past.e164 IN (row.out_e164, row.in_e164)), {columns}"
        f" FROM {chunk} row WHERE NOT EXISTS (SELECT FROM found WHERE found.position = row.position) ORDER BY row.position",
        [living],
    )
    for was_erased, *row in cursor.fetchall():
        parsed = staging.parsed(kind, row)
        if was_erased:
            outcome.erased.append(Reject(parsed.line, *ERASED))
        else:
            outcome.nobodys.append(parsed)
