"""Files of records in: from a file to rows, with every row of the file accounted for.

A file is first read to its end into a staging table (``staging.py``), so that a broken one, or one with too many faults,
is refused before anything of it is stored. Then its rows are stored in chunks (``storing.py``). A chunk of either kind is
one transaction that also writes down how far the run came: a run that is interrupted goes on behind its last chunk. The
same file twice adds nothing, because every record has a key (source, source key, own number, instant).
"""

import datetime as dt
import hashlib
import logging
import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Now

from retention.months import MonthInUse
from telecom_records import staging, waiting
from telecom_records.formats import (
    FORMATS,
    ParsedCall,
    ParsedMessage,
    Reject,
    UnableToRead,
    detect_format,
    head_of,
    read_calls,
)
from telecom_records.models import ImportReject, ImportRun, ImportSource
from telecom_records.partitions import ensure_month, within_bounds
from telecom_records.storing import store

log = logging.getLogger(__name__)

READ_ROWS = 10_000  # at once into the staging table
CHUNK_ROWS = 50_000  # at once out of it: some two seconds on a small machine
LEASE = dt.timedelta(seconds=60)
ABANDONED_AFTER = dt.timedelta(days=1)
GIVEN_UP_AFTER = dt.timedelta(days=3)  # what was read must not lie in staging for ever
HEAD_BYTES = 256 * 1024
REJECTS_LISTED = 10_000
FEW_FAULTS = 10  # so many do not make a file a wrong one, whatever their share
State = ImportRun.State


class UnableToImport(ValueError):
    """The file cannot be imported; nothing of it was stored. The message says why."""


class KnownFile(UnableToImport):
    """The same file was imported before."""

    def __init__(self, run: ImportRun):
        state = "is being imported already" if run.is_open else f"was imported on {run.created_at:%-d %b %Y}"
        super().__init__(f"The same file {state}: {run.inserted:,} records. Import it again if something was missing.")
        self.run = run


def source_for(name: str, *, format: str = "", time_zone: str = "", country: str = "") -> ImportSource:
    """Return the source called ``name``, made or brought up to date with what was given. Raises ValidationError."""
    source = ImportSource.objects.filter(name=name).first() or ImportSource(name=name)
    for field, value in (("format", format), ("time_zone", time_zone), ("country", country)):
        if value:
            setattr(source, field, value)
    source.full_clean()
    source.save()
    return source


def open_run(source: ImportSource, file: BinaryIO, *, file_name: str, user=None, again: bool = True) -> ImportRun:
    """Look at a file and make its run, in state waiting.

    Raises UnableToImport when it cannot be read at all, and KnownFile when the same bytes were imported in the same way
    before, unless it is to be done ``again``, which adds nothing but what could not be taken then.
    """
    digest, size = _digest(file)
    if size == 0:
        raise UnableToImport("The file is empty.")
    try:
        format = source.format or detect_format(head_of(file, HEAD_BYTES))
    except UnableToRead as error:
        raise UnableToImport(str(error)) from error
    file.seek(0)
    read_as: dict[str, Any] = {
        "format": format,
        "time_zone": source.time_zone,
        "country": source.country,
        "mapping": source.mapping,
    }
    known = ImportRun.objects.filter(
        source=source, file_sha256=digest, state__in=[*ImportRun.OPEN, State.DONE], **read_as
    )
    if not again and (earlier := known.order_by("-created_at").first()):
        raise KnownFile(earlier)
    return ImportRun.objects.create(
        source=source,
        kind=FORMATS[format].gives,
        file_name=os.path.basename(file_name)[:200],
        file_bytes=size,
        file_sha256=digest,
        started_by=user,
        **read_as,
    )


def rows_of(run: ImportRun, file: BinaryIO) -> Iterator[ParsedCall | ParsedMessage | Reject]:
    """Yield the rows of the run's file behind those that were read already. Raises UnableToRead."""
    file.seek(0)
    zone = ZoneInfo(run.time_zone) if run.time_zone else None
    return read_calls(file, format=run.format, zone=zone, country=run.country, mapping=run.mapping, skip=run.read)


def claim(run_id) -> ImportRun | None:
    """Take a run for the length of a lease, or return None when somebody else has it or it is over."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    taken = ImportRun.objects.filter(free, pk=run_id, state__in=ImportRun.OPEN).update(
        lease_until=Now() + LEASE, state=State.RUNNING
    )
    return ImportRun.objects.get(pk=run_id) if taken else None


def carry_on(run: ImportRun, file: BinaryIO | None, *, now: dt.datetime, seconds: float | None = None) -> ImportRun:
    """Take a claimed run on, for at most about ``seconds``; return the run as it then is.

    The file is needed until it is read to its end. One that turns out broken, or to have more faults than its source
    allows, is refused whole with the reason, before anything of it is stored.
    """
    stop_at = time.monotonic() + seconds if seconds else None
    try:
        if run.is_reading:
            if file is None:
                return _end(run, State.REFUSED, now, "Its file is no longer there. Nothing of it was stored.")
            if not _read(run, file, now, stop_at):
                return _pause(run)
            if why := _why_refused(run):
                return _end(run, State.REFUSED, now, why)
        elif staging.is_lost(run.pk, had_rows=run.first_at is not None):
            return _start_over(run, now)
        while _store_chunk(run, now):
            if run.cancel_asked_at:
                return _give_up(run, now, "Cancelled.", State.CANCELLED)
            if stop_at and time.monotonic() > stop_at:
                return _pause(run)
    except UnableToRead as error:
        return _end(run, State.REFUSED, now, str(error))
    except MonthInUse as error:  # before anything was stored
        return _pause(run) if seconds else _end(run, State.REFUSED, now, f"{error} Import the file again.")
    except (OverflowError, ValueError, DataError) as error:  # a value that no format foresaw: never tried for ever
        log.error("import %s: stopped after %s rows: %s", run.pk, run.read, type(error).__name__)
        run.refresh_from_db()
        why = f"Stopped after {run.read} rows: one of the next holds a value that cannot be read or stored."
        return _give_up(run, now, why, State.REFUSED)
    return _end(run, State.DONE, now, "" if run.rows_total else "The file has no rows.")


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


def ask_to_cancel(run: ImportRun, *, now: dt.datetime) -> bool:
    """Ask that a run end before its file does; whoever has it in hand sees it at the next chunk. Return whether it was open."""
    return bool(
        ImportRun.objects.filter(pk=run.pk, state__in=ImportRun.OPEN, cancel_asked_at__isnull=True).update(
            cancel_asked_at=now
        )
    )


def end_abandoned(now: dt.datetime) -> int:
    """Refuse the runs that nobody can go on reading, or that never end, and drop what stands in nobody's staging; return how many."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    ended = ImportRun.objects.filter(
        free, state__in=ImportRun.OPEN, rows_total__isnull=True, file_key="", created_at__lte=now - ABANDONED_AFTER
    ).update(
        state=State.REFUSED,
        message="It was never read to its end, and its file is no longer there. Nothing of it was stored: import it again.",
        finished_at=now,
        lease_until=None,
    )
    for run in ImportRun.objects.filter(free, state__in=ImportRun.OPEN, created_at__lte=now - GIVEN_UP_AFTER):
        _give_up(run, now, "It did not come to its end in three days.", State.REFUSED)
        ended += 1
    for run_id in staging.strays(ImportRun.objects.filter(state__in=ImportRun.OPEN).values_list("pk", flat=True)):
        staging.drop(run_id)
    return ended


def end_undone(now: dt.datetime) -> int:
    """Mark the undone imports of which no record is left, so that nothing is looked for any more; return how many."""
    ended = 0
    for run in ImportRun.objects.filter(undone_at__lte=now, undone_whole_at__isnull=True):
        with connection.cursor() as cursor:
            kind = staging.KINDS[run.kind]
            cursor.execute(
                f"SELECT EXISTS (SELECT FROM {kind.table} WHERE {kind.instant} BETWEEN %s AND %s AND run_id = %s)",
                [run.first_at, run.last_at, run.pk],
            )
            if not cursor.fetchone()[0]:
                ended += ImportRun.objects.filter(pk=run.pk).update(undone_whole_at=now)
    return ended


def _read(run: ImportRun, file: BinaryIO, now: dt.datetime, stop_at: float | None) -> bool:
    """Read the file on into the staging table; return whether its end was reached. Raises UnableToRead."""
    kind = staging.KINDS[run.kind]
    if run.read == 0 or staging.is_lost(run.pk, had_rows=run.read > run.rejected + run.skipped):
        _forget_reading(run)
        staging.make(run.pk, kind)
    rows = rows_of(run, file)
    while chunk := list(islice(rows, READ_ROWS)):
        _read_chunk(run, chunk, kind, now)
        if run.cancel_asked_at:
            raise UnableToRead("Cancelled before anything of it was stored.")
        if stop_at and time.monotonic() > stop_at:
            return False
    for month in staging.months_of(run.pk):
        ensure_month(kind.table, month)
    with transaction.atomic():
        run.first_at, run.last_at = staging.make_ready(run.pk, kind)
        run.rows_total = run.read
        run.save(update_fields=["first_at", "last_at", "rows_total"])
    return True


def _read_chunk(run: ImportRun, chunk: list, kind: staging.Kind, now: dt.datetime) -> None:
    rejects: list[Reject] = []
    rows = []
    for position, row in enumerate(chunk, run.read + 1):
        if isinstance(row, Reject):
            rejects.append(row)
        elif not isinstance(row, kind.parsed):
            rejects.append(Reject(row.line, "not_a_call", f"The row is none of the {run.kind} of this file."))
        elif not within_bounds(row.instant, now):
            rejects.append(Reject(row.line, "unlikely_time", "The call is from before 2000 or from the future."))
        else:
            rows.append((position, row))
    with transaction.atomic():
        rejects += staging.append(staging.table_of(run.pk), kind, rows)
        _write_down(run, rejects, read=len(chunk))


def _store_chunk(run: ImportRun, now: dt.datetime) -> bool:
    """Store the next chunk; return False when there is none."""
    try:
        return _take_chunk(run, now)
    except IntegrityError:  # a workspace began to be emptied meanwhile: look again whose these are
        return _take_chunk(run, now)


def _take_chunk(run: ImportRun, now: dt.datetime) -> bool:
    kind = staging.KINDS[run.kind]
    with transaction.atomic(), connection.cursor() as cursor:
        stored = ImportRun.objects.select_for_update().get(pk=run.pk)
        behind, values = "", list[Any]()
        if stored.stored_until:
            behind, values = "WHERE (instant, position) > (%s, %s)", [stored.stored_until, stored.stored_position]
        cursor.execute(
            f"CREATE TEMPORARY TABLE chunk ON COMMIT DROP AS SELECT * FROM {staging.table_of(run.pk)} {behind}"
            " ORDER BY instant, position LIMIT %s",
            [*values, CHUNK_ROWS],
        )
        if not cursor.rowcount:
            cursor.execute("DROP TABLE chunk")
            return False
        cursor.execute("ANALYZE chunk (position, instant, out_e164, in_e164)")
        cursor.execute("SELECT instant, position FROM chunk ORDER BY instant DESC, position DESC LIMIT 1")
        until, position = cursor.fetchone()
        outcome = store(cursor, "chunk", kind, run=run)
        waiting.keep(outcome.nobodys, run=run, now=now)
        _write_down(
            run,
            outcome.erased,
            inserted=outcome.inserted,
            duplicates=outcome.duplicates,
            revised=outcome.revised,
            skipped=len(outcome.nobodys),
            unattributed=len(outcome.nobodys),
        )
        ImportRun.objects.filter(pk=run.pk).update(stored_until=until, stored_position=position)
        cursor.execute("DROP TABLE chunk")
    run.refresh_from_db()
    return True


def _write_down(run: ImportRun, rejects: list[Reject], **counts: int) -> None:
    """Add to the accounting of a run, list what was not taken, and keep the run for another lease."""
    faults = sum(row.is_fault for row in rejects)
    counts["rejected"] = faults
    counts["skipped"] = counts.get("skipped", 0) + len(rejects) - faults
    room = max(0, REJECTS_LISTED - run.rejected - run.skipped)
    ImportReject.objects.bulk_create(
        [ImportReject(run=run, line=row.line, code=row.code[:30], message=row.message[:300]) for row in rejects[:room]],
        ignore_conflicts=True,
    )
    ImportRun.objects.filter(pk=run.pk).update(
        **{name: F(name) + count for name, count in counts.items()}, lease_until=Now() + LEASE
    )
    run.refresh_from_db()


def _why_refused(run: ImportRun) -> str:
    """Return why a file that was read to its end is refused for its faults, or an empty text."""
    total, faults, allowed = run.rows_total or 0, run.rejected, run.source.reject_percent
    if faults == 0 or (faults < total and (faults <= FEW_FAULTS or faults * 100 <= allowed * total)):
        return ""
    often = run.rejects.values_list("message").annotate(count=Count("pk")).order_by("-count", "message").first()
    why = f"{faults:,} of {total:,} rows have faults: "
    limit = "none could be taken" if faults == total else f"the source allows {allowed} %"
    return f"{why}{limit}. Nothing was stored. Most often: {often[0] if often else ''}"


def _start_over(run: ImportRun, now: dt.datetime) -> ImportRun:
    """The database crashed and emptied the staging table: read again; what is stored already is then known."""
    if not run.file_key:
        return _give_up(run, now, "The database broke down meanwhile. Import the file again.", State.REFUSED)
    _forget_reading(run)
    return _pause(run)


def _forget_reading(run: ImportRun) -> None:
    with transaction.atomic():
        run.rejects.all().delete()
        ImportRun.objects.filter(pk=run.pk).update(
            **dict.fromkeys(ImportRun.ACCOUNTING, 0),
            unattributed=0,
            rows_total=None,
            stored_until=None,
            stored_position=0,
        )
    run.refresh_from_db()


def _give_up(run: ImportRun, now: dt.datetime, why: str, state: str) -> ImportRun:
    """End a run whose file is not whole in: what is stored of it goes again (``clocks.import_is_undone``)."""
    gone = "Nothing of it was stored."
    if run.inserted:
        ImportRun.objects.filter(pk=run.pk).update(undone_at=now)
        gone = f"The {run.inserted:,} records stored until then go by the rule “Undone imports”."
    return _end(run, state, now, f"{why} {gone}")


def _pause(run: ImportRun) -> ImportRun:
    ImportRun.objects.filter(pk=run.pk).update(lease_until=None)
    run.refresh_from_db()
    return run


def _end(run: ImportRun, state: str, now: dt.datetime, message: str) -> ImportRun:
    if run.cancel_asked_at and state == State.REFUSED:
        state = State.CANCELLED
    with transaction.atomic():
        ImportRun.objects.filter(pk=run.pk).update(
            state=state, message=message[:400], finished_at=now, lease_until=None
        )
        staging.drop(run.pk)
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
