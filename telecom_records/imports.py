"""Call records in: from a file to rows, with every row of the file accounted for.

A file is first read once to its end, so that a broken one is refused before anything is stored. Then it is taken in
chunks; a chunk is one transaction that stages its calls by COPY, inserts what is new, revises what has changed, and
writes down how far it came. A run that is interrupted goes on behind its last chunk; the same file twice adds nothing,
because every call has a key (source, source key, own number, start).
"""

import dataclasses
import datetime as dt
import hashlib
import logging
import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from telecom_records import waiting
from telecom_records.attribution import Directory
from telecom_records.formats import ParsedCall, ParsedMessage, Reject, UnableToRead, detect_format, head_of, read_calls
from telecom_records.models import Direction, ImportReject, ImportRun, ImportSource
from telecom_records.partitions import ensure_month, month_of, within_bounds

log = logging.getLogger(__name__)

CHUNK_ROWS = 2_000
LEASE = dt.timedelta(seconds=60)
ABANDONED_AFTER = dt.timedelta(days=1)
HEAD_BYTES = 256 * 1024
TABLE = "telecom_records_calldetailrecord"
KEY = ("workspace_id", "source_id", "source_key", "own_number", "started_at")
VALUES = (
    "other_party", "other_party_kind", "direction", "answered_at", "ended_at", "duration_s", "talk_s", "billed_s",
    "status", "cost", "currency", "call_group", "time_source", "row_hash", "run_id",
)  # fmt: skip
COLUMNS = KEY + VALUES


class UnableToImport(ValueError):
    """The file cannot be imported; nothing of it was stored. The message says why."""


@dataclasses.dataclass
class Outcome:
    """Where the rows of one chunk went, and what is to be listed of them."""

    inserted: int = 0
    duplicates: int = 0
    revised: int = 0
    rejected: int = 0
    unattributed: int = 0
    rejects: list[Reject] = dataclasses.field(default_factory=list)

    def reject(self, row: Reject) -> None:
        self.rejected += 1
        self.rejects.append(row)


def source_for(name: str, *, format: str = "", time_zone: str = "", country: str = "") -> ImportSource:
    """Return the source called ``name``, made or brought up to date with what was given. Raises ValidationError."""
    source = ImportSource.objects.filter(name=name).first() or ImportSource(name=name)
    for field, value in (("format", format), ("time_zone", time_zone), ("country", country)):
        if value:
            setattr(source, field, value)
    source.full_clean()
    source.save()
    return source


def open_run(source: ImportSource, file: BinaryIO, *, file_name: str, user=None) -> ImportRun:
    """Look at a file and make its run, in state waiting. Raises UnableToImport when it cannot be read at all."""
    digest, size = _digest(file)
    if size == 0:
        raise UnableToImport("The file is empty.")
    try:
        format = source.format or detect_format(head_of(file, HEAD_BYTES))
    except UnableToRead as error:
        raise UnableToImport(str(error)) from error
    file.seek(0)
    return ImportRun.objects.create(
        source=source,
        format=format,
        time_zone=source.time_zone,
        country=source.country,
        mapping=source.mapping,
        file_name=os.path.basename(file_name)[:200],
        file_bytes=size,
        file_sha256=digest,
        started_by=user,
    )


def rows_of(run: ImportRun, file: BinaryIO) -> Iterator[ParsedCall | Reject]:
    """Yield the rows of the run's file, from its beginning. Raises UnableToRead."""
    file.seek(0)
    zone = ZoneInfo(run.time_zone) if run.time_zone else None
    for row in read_calls(file, format=run.format, zone=zone, country=run.country, mapping=run.mapping):
        if isinstance(row, ParsedMessage):  # until messages are stored
            yield Reject(row.line, "not_a_call", "This is a message, not a call.")
        else:
            yield row


def claim(run_id) -> ImportRun | None:
    """Take a run for the length of a lease, or return None when somebody else has it or it is over."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    taken = ImportRun.objects.filter(
        free, pk=run_id, state__in=[ImportRun.State.WAITING, ImportRun.State.RUNNING]
    ).update(lease_until=Now() + LEASE, state=ImportRun.State.RUNNING)
    return ImportRun.objects.get(pk=run_id) if taken else None


def carry_on(run: ImportRun, file: BinaryIO, *, now: dt.datetime, seconds: float | None = None) -> ImportRun:
    """Take a claimed run's file on, for at most about ``seconds``; return the run as it then is.

    A file that turns out broken is refused whole, with the reason, before anything of it is stored.
    """
    stop_at = time.monotonic() + seconds if seconds else None
    try:
        if run.rows_total is None:
            run.rows_total = sum(1 for _ in rows_of(run, file))
            run.save(update_fields=["rows_total"])
        rows = islice(rows_of(run, file), run.read, None)
        while chunk := list(islice(rows, CHUNK_ROWS)):
            take_chunk(run, chunk, now=now)
            if stop_at and time.monotonic() > stop_at:
                ImportRun.objects.filter(pk=run.pk).update(lease_until=None)
                run.refresh_from_db()
                return run
    except UnableToRead as error:
        return _end(run, ImportRun.State.REFUSED, now, str(error))
    except (OverflowError, ValueError, DataError) as error:  # a value that no format foresaw: never tried for ever
        log.error("import %s: stopped after %s rows: %s", run.pk, run.read, type(error).__name__)
        why = f"Stopped after {run.read} rows: one of the next holds a value that cannot be read or stored."
        return _end(run, ImportRun.State.REFUSED, now, why)
    message = "" if run.rows_total else "The file has no rows."
    return _end(run, ImportRun.State.DONE, now, message)


def take_chunk(run: ImportRun, rows: list[ParsedCall | Reject], *, now: dt.datetime) -> None:
    """Store one chunk and write down how far the run came, in one transaction."""
    try:
        _take_chunk(run, rows, now)
    except IntegrityError:  # a workspace began to be emptied meanwhile: look again whose calls these are
        _take_chunk(run, rows, now)
    run.refresh_from_db()


def _take_chunk(run: ImportRun, rows: list[ParsedCall | Reject], now: dt.datetime) -> None:
    with transaction.atomic():
        ImportRun.objects.select_for_update().get(pk=run.pk)
        outcome = Outcome()
        calls = []
        for row in rows:
            if isinstance(row, Reject):
                outcome.reject(row)
            elif not within_bounds(row.started_at, now):
                outcome.reject(
                    Reject(
                        line=row.line, code="unlikely_time", message="The call is from before 2000 or from the future."
                    )
                )
            else:
                calls.append(row)
        store_calls(run.source, calls, run=run, outcome=outcome, now=now)
        ImportReject.objects.bulk_create(
            [
                ImportReject(run=run, line=row.line, code=row.code[:30], message=row.message[:300])
                for row in outcome.rejects
            ],
            ignore_conflicts=True,
        )
        ImportRun.objects.filter(pk=run.pk).update(
            read=F("read") + len(rows),
            inserted=F("inserted") + outcome.inserted,
            duplicates=F("duplicates") + outcome.duplicates,
            revised=F("revised") + outcome.revised,
            rejected=F("rejected") + outcome.rejected,
            unattributed=F("unattributed") + outcome.unattributed,
            lease_until=Now() + LEASE,
        )


def store_calls(
    source: ImportSource, calls: list[ParsedCall], *, run: ImportRun, outcome: Outcome, now: dt.datetime
) -> None:
    """Store calls for whose they are and add to ``outcome`` where each went.

    A call between two of our customers is two records but one row of the file. A call of nobody waits; a call of an
    erased customer is rejected. Must run inside a transaction.
    """
    for month in sorted({month_of(call.started_at) for call in calls}):
        ensure_month(TABLE, month)
    directory = Directory({party.e164 for call in calls for party in (call.caller, call.dialled) if party.e164})
    records: list[tuple[int, tuple]] = []
    nobodys: list[ParsedCall] = []
    for call in calls:
        own = list(records_of(call, directory, source_id=source.pk, run_id=run.pk))
        records += [(call.line, record) for record in own]
        if not own and (
            directory.was_erased(call.caller.e164, call.started_at)
            or directory.was_erased(call.dialled.e164, call.started_at)
        ):
            outcome.reject(
                Reject(call.line, "erased_customer", "The call belongs to a customer whose data was deleted.")
            )
        elif not own:
            nobodys.append(call)
    inserted, revised = upsert(records)
    lines = {line for line, _ in records}
    outcome.inserted += len(inserted)
    outcome.revised += len(revised - inserted)
    outcome.duplicates += len(lines - inserted - revised)
    outcome.unattributed += len(nobodys)
    waiting.keep(nobodys, run=run, now=now)


def records_of(call: ParsedCall, directory: Directory, *, source_id: int, run_id) -> Iterator[tuple]:
    """Yield the records (values of COLUMNS) of one call: one for each of our customers who took part."""
    sides = (
        (call.caller, call.dialled, Direction.OUTBOUND),
        (call.dialled, call.caller, Direction.INBOUND),
    )
    for own, other, direction in sides:
        workspace = directory.workspace_at(own.e164, call.started_at)
        if workspace is None:
            continue
        withheld = other.restricted and direction == Direction.INBOUND  # never shown to the called party
        yield (
            workspace, source_id, call.source_key, own.e164, call.started_at,
            "" if withheld else (other.e164 or other.value)[:64], "anonymous" if withheld else other.kind, direction.value,
            call.answered_at, call.ended_at, call.duration_s, call.talk_s, call.billed_s, call.status, call.cost,
            call.currency, call.call_group, call.time_source, call.row_hash, run_id,
        )  # fmt: skip


def upsert(records: list[tuple[int, tuple]]) -> tuple[set[int], set[int]]:
    """Insert what is new and revise what has changed; return the lines of each. Must run inside a transaction.

    One key may stand several times in a file: the rounds keep their order, so that the last one wins.
    """
    inserted: set[int] = set()
    revised: set[int] = set()
    while records:
        seen: set[tuple] = set()
        later: list[tuple[int, tuple]] = []
        now_: list[tuple[int, tuple]] = []
        for line, record in records:
            (later if record[: len(KEY)] in seen else now_).append((line, record))
            seen.add(record[: len(KEY)])
        new, changed = _upsert_round(now_)
        inserted |= new
        revised |= changed
        records = later
    return inserted, revised


def _upsert_round(records: list[tuple[int, tuple]]) -> tuple[set[int], set[int]]:
    columns = ", ".join(COLUMNS)
    on_key = " AND ".join(f"kept.{name} = staged.{name}" for name in KEY)
    assignments = ", ".join(f"{name} = staged.{name}" for name in VALUES)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS staged_calls ON COMMIT DROP AS "
            f"SELECT 0::integer AS line, {columns} FROM {TABLE} LIMIT 0"
        )
        cursor.execute("TRUNCATE staged_calls")
        with cursor.copy(f"COPY staged_calls (line, {columns}) FROM STDIN") as copy:
            for line, record in records:
                copy.write_row((line, *record))
        cursor.execute(
            f"WITH taken AS (INSERT INTO {TABLE} ({columns}, revision) SELECT {columns}, 0 FROM staged_calls "
            f"ON CONFLICT ({', '.join(KEY)}) DO NOTHING RETURNING {', '.join(KEY)}) "
            f"SELECT staged.line FROM staged_calls staged JOIN taken kept ON {on_key}"
        )
        inserted = {line for (line,) in cursor.fetchall()}
        cursor.execute(
            f"UPDATE {TABLE} kept SET {assignments}, revision = kept.revision + 1 FROM staged_calls staged "
            f"WHERE {on_key} AND kept.row_hash <> staged.row_hash RETURNING staged.line"
        )
        revised = {line for (line,) in cursor.fetchall()}
    return inserted, revised


def import_file(path: Path, *, source: ImportSource, now: dt.datetime) -> ImportRun:
    """Import one file from the disk to its end. Raises UnableToImport; a file broken inside gives a refused run."""
    try:
        with path.open("rb") as file:
            run = open_run(source, file, file_name=path.name)
            claimed = claim(run.pk)
            assert claimed is not None, "a run that was just made is free"
            return carry_on(claimed, file, now=now)
    except OSError as error:
        raise UnableToImport(f"{path}: {error.strerror}") from error


def end_abandoned(now: dt.datetime) -> int:
    """Refuse the runs of yesterday that nobody has in hand and whose file is gone; return how many."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    return ImportRun.objects.filter(
        free,
        state__in=[ImportRun.State.WAITING, ImportRun.State.RUNNING],
        file_key="",
        created_at__lte=now - ABANDONED_AFTER,
    ).update(
        state=ImportRun.State.REFUSED,
        message="It never ended, and its file is no longer there. What had been read stays; import the file again.",
        finished_at=now,
        lease_until=None,
    )


def _end(run: ImportRun, state: str, now: dt.datetime, message: str) -> ImportRun:
    ImportRun.objects.filter(pk=run.pk).update(
        state=state, message=message[:400], finished_at=timezone.now(), lease_until=None
    )
    run.refresh_from_db()
    log.info("import %s: %s", run.pk, run.accounting)
    return run


def _digest(file: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while block := file.read(1024 * 1024):
        digest.update(block)
        size += len(block)
    file.seek(0)
    return digest.hexdigest(), size
