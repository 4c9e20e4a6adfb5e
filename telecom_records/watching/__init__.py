"""Files that other systems put into a folder or a bucket: seen, taken when they are finished, and gone when they are imported.

A look brings the rows in line with what is there; a row goes with its file. A file is taken when it was the same at two looks,
or when a marker says that it is finished. Taking it makes the import and writes it down at the file's row in one
transaction, so that a crash leaves a file either untaken or known; the original stays where it is until the import is over.
Then it is removed if it is still the same file, or moved aside with the reason if it was refused, and removed some days
later. The same bytes twice, under whatever name, are one import.
"""

import datetime as dt
import logging
import time
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.keys import KeyDestroyed
from accounts.stores import read_s3_address
from telecom_records import intake
from telecom_records.imports import KnownFile, UnableToImport
from telecom_records.models import ImportRun, ImportSource, WatchedFile, WatchedPlace
from telecom_records.watching.places import DONE, REFUSED, Changed, Entry, Folder, Listing, Place, UnableToLook

log = logging.getLogger(__name__)

QUIET = dt.timedelta(seconds=20)  # at least between the two looks at which a file was the same
TURN_SECONDS = 30  # after which no further file is begun; the next look goes on
LATE = dt.timedelta(minutes=10)  # looks are half a minute apart
MOVING = (ImportRun.State.WAITING, ImportRun.State.RUNNING)
Kind, Where = WatchedPlace.Kind, WatchedFile.Folder


def places() -> dict[str, Place]:
    """Return the places that the settings name, by kind. Raises ValueError for an address that is none."""
    found: dict[str, Place] = {}
    if settings.WATCH_FOLDER:
        found[Kind.FOLDER] = Folder(Path(settings.WATCH_FOLDER))
    if settings.WATCH_S3:
        from telecom_records.watching.bucket import BucketPlace  # noqa: PLC0415  half a second that a folder need not pay

        found[Kind.BUCKET] = BucketPlace(read_s3_address(settings.WATCH_S3, "WATCH_S3"))
    return found


def check_settings(app_configs, **_) -> list[checks.Error]:
    """Report an address of a watched bucket that is none, before anything starts."""
    try:
        places()
    except ValueError as error:
        return [checks.Error(str(error), id="telecom_records.E001")]
    return []


def look(kind: str, place: Place, *, now: dt.datetime) -> None:
    """Look at a place once, and carry its files on. A fault stands on its row, and on every page, until it is over."""
    row, _ = WatchedPlace.objects.get_or_create(kind=kind)
    stop_at = time.monotonic() + TURN_SECONDS
    try:
        sources = {source.name: source for source in ImportSource.objects.exclude(name__in=(REFUSED, DONE))}
        listing = place.list(set(sources))
        for entry, file in _in_line(row, listing, sources, now=now):
            if time.monotonic() > stop_at:
                break
            _carry_on(place, entry, file, now=now)
        problem = listing.problem
        row.left_alone = "; ".join(listing.left_alone)[:200]
    except UnableToLook as error:
        problem = str(error)
    row.problem = problem[:200]
    row.problem_since = (row.problem_since or now) if problem else None
    row.looked_at = now
    row.save()


def _in_line(
    row: WatchedPlace, listing: Listing, sources: dict[str, ImportSource], *, now: dt.datetime
) -> Iterable[tuple[Entry, WatchedFile]]:
    """Make a row for each file that is new, forget those that are gone, and return every file with its row, oldest first."""
    known = {(file.folder, file.source.name, file.name): file for file in row.files.select_related("source", "run")}
    found = []
    for entry in listing.entries:
        file = known.pop((entry.folder, entry.source, entry.name), None)
        if file is None or file.fingerprint != entry.fingerprint:
            values = {"fingerprint": entry.fingerprint, "size": entry.size, "seen_at": now, "run": None, "problem": ""}
            file, _ = WatchedFile.objects.update_or_create(
                place=row, folder=entry.folder, source=sources[entry.source], name=entry.name, defaults=values
            )
        found.append((entry, file))
    if not listing.problem:  # what could not be looked at may be there
        WatchedFile.objects.filter(pk__in=[file.pk for file in known.values()]).delete()
    return sorted(found, key=lambda pair: (pair[1].seen_at, pair[0].name))


def _carry_on(place: Place, entry: Entry, file: WatchedFile, *, now: dt.datetime) -> None:
    """Do what is next with one file. Whatever is wrong with it, the others must not wait behind it."""
    try:
        if entry.folder:
            _remove_when_over(place, entry, file, now=now)
        elif file.run is None:
            if entry.is_finished or file.seen_at <= now - QUIET:
                _take(place, entry, file, now=now)
        elif file.run.state == ImportRun.State.DONE:
            if settings.WATCH_DONE_DAYS:
                place.move(entry, DONE)
            else:
                place.remove(entry)
            file.delete()
        elif not file.run.is_open:
            _refuse(place, entry, file, file.run.message or "The import was not finished.", now=now)
    except (Changed, intake.StillChanging):  # the next look sees it as it is then
        return
    except (OSError, DatabaseError, KeyDestroyed) as error:
        log.error("watched file %s: %s", file.pk, type(error).__name__)
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else type(error).__name__
        WatchedFile.objects.filter(pk=file.pk).update(problem=f"It is tried again. {reason}"[:200])


def _take(place: Place, entry: Entry, file: WatchedFile, *, now: dt.datetime) -> None:
    """Make the import of a file, once, whoever else is looking. Raises Changed, StillChanging, and what stores raise."""
    with transaction.atomic():
        row = WatchedFile.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            pk=file.pk, run__isnull=True, fingerprint=entry.fingerprint
        ).first()  # fmt: skip
        if row is None:
            return
        try:
            row.run = _import_of(place, entry, file.source)
        except intake.StillChanging:
            raise
        except UnableToImport as error:
            _refuse(place, entry, row, str(error), now=now)
        else:
            row.problem = ""
            row.save(update_fields=["run", "problem"])


def _import_of(place: Place, entry: Entry, source: ImportSource) -> ImportRun:
    """Return the import of these bytes: the one that there is, or a new one."""
    if entry.size > settings.WATCH_LARGEST_BYTES:
        raise UnableToImport(f"The file is larger than {settings.WATCH_LARGEST_BYTES:,} bytes.")
    with place.open(entry) as opened:
        try:
            return intake.take(source, opened, file_name=entry.name)
        except KnownFile as known:
            return known.run


def _refuse(place: Place, entry: Entry, file: WatchedFile, reason: str, *, now: dt.datetime) -> None:
    """Move a file aside with the reason, and let its row say it. Raises Changed."""
    file.name, file.folder = place.move(entry, REFUSED, reason=reason), Where.REFUSED
    file.reason, file.seen_at, file.problem = reason[:400], now, ""
    file.save()


def _remove_when_over(place: Place, entry: Entry, file: WatchedFile, *, now: dt.datetime) -> None:
    days = settings.WATCH_REFUSED_DAYS if entry.folder == REFUSED else settings.WATCH_DONE_DAYS
    if file.seen_at <= now - dt.timedelta(days=days):
        place.remove(entry)
        file.delete()


def problems(now: dt.datetime) -> list[str]:
    """Return in words what keeps files from coming in: a place that cannot be read or is not looked at, files that stay."""
    wrong = []
    watched = [
        kind for kind, is_set in ((Kind.FOLDER, settings.WATCH_FOLDER), (Kind.BUCKET, settings.WATCH_S3)) if is_set
    ]
    for place in WatchedPlace.objects.filter(kind__in=watched).order_by("kind"):
        name = f"The watched {place.get_kind_display().lower()}"
        if place.problem and place.problem_since:
            wrong.append(
                f"{name} has a problem since {timezone.localtime(place.problem_since):%-d %b %Y %H:%M}: {place.problem}"
            )
        elif place.looked_at and place.looked_at <= now - LATE:
            wrong.append(f"Nobody has looked at the watched {place.get_kind_display().lower()} for minutes.")
    if count := WatchedFile.objects.filter(place__in=watched).exclude(problem="").count():
        wrong.append(
            "A watched file cannot be taken or removed."
            if count == 1
            else f"{count} watched files cannot be taken or removed."
        )
    return wrong


def summaries() -> list[dict]:
    """Return of every place that is watched how the last look went, and how many files are where."""
    watched = {Kind.FOLDER: settings.WATCH_FOLDER, Kind.BUCKET: settings.WATCH_S3}
    rows = {place.kind: place for place in WatchedPlace.objects.all()}
    shown = []
    for kind in [kind for kind, is_set in watched.items() if is_set]:
        files = WatchedFile.objects.filter(place=kind)
        coming = files.filter(folder=Where.COMING)
        shown.append(
            {
                "name": kind.label,
                "row": rows.get(kind),
                "waiting": coming.filter(run__isnull=True).count(),
                "taken": coming.filter(run__isnull=False).count(),
                "refused": files.filter(folder=Where.REFUSED).count(),
                "days": settings.WATCH_REFUSED_DAYS,
            }
        )
    return shown
