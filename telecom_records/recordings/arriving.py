"""Where recordings come from: files that are given, archives of them, a folder. Names are read, and dropped.

Lists of a provider are read before the sounds that may belong to them. An archive is read to its end before anything of it is
stored, so that a broken one, or one that unpacks to far more than sounds do, is refused whole.
"""

import dataclasses
import datetime as dt
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from accounts import files
from telecom_records.formats import UnableToRead
from telecom_records.formats.packed import ZIP, named_parts_of
from telecom_records.models import ImportSource, Recording
from telecom_records.recordings.lists import Unlisted, looks_like_list, read_list
from telecom_records.recordings.matching import Call, facts_of_entry, facts_of_name
from telecom_records.recordings.names import read_name
from telecom_records.recordings.placing import PlainFile
from telecom_records.recordings.sounds import NoSound, inspect
from telecom_records.recordings.taking import Outcome, Taken, take

HEAD_BYTES = 64 * 1024
DRAIN_BYTES = 1024 * 1024
FAULTS = {  # of the files, rather than of the customers whose they are: somebody has to look
    "empty", "too_large", "damaged", "unknown", "text", "html", "zip", "program", "picture", "codec", "unreadable",
    "unpackable", "changed", "growing",
}  # fmt: skip


class UnableToTake(ValueError):
    """Nothing can be read where recordings should be; the message says why."""


@dataclasses.dataclass(frozen=True)
class Way:
    """How recordings come in: from which source, of which kind, and the call if somebody has said which."""

    source: ImportSource
    kind: str = Recording.Kind.SUBSCRIBER.value
    ticket: str = ""
    call: Call | None = None


@dataclasses.dataclass(frozen=True)
class Given:
    """A file that is given: its name, as hostile as any, and how to open it. ``fault`` says why it cannot be."""

    name: str | bytes
    file: BinaryIO | None
    fault: Taken | None = None


def take_files(given: Iterable[tuple[str, BinaryIO]], way: Way, *, now: dt.datetime) -> Iterator[tuple[int, Taken]]:
    """Take every recording in these files and yield where each went, with the place of its file, counted from 1."""
    named = list(given)
    places = [(place, lambda name=name, file=file: Given(name, file)) for place, (name, file) in enumerate(named, 1)]
    for lists in (True, False):
        for place, opened in places:
            yield from ((place, taken) for taken in _take_one(opened(), way, now, lists=lists))


def take_folder(
    folder: Path, way: Way, *, now: dt.datetime, settled: dt.timedelta = dt.timedelta(0)
) -> Iterator[tuple[int, Taken]]:
    """Take every recording in a folder and those in it, as ``take_files``. What was written to a moment ago is left for later.

    Links are not followed, and only files are opened. Raises UnableToTake.
    """
    if not folder.is_dir():
        raise UnableToTake(f"{folder} is no folder.")
    paths = sorted(_paths_in(folder))
    if not paths:
        raise UnableToTake(f"There is no file in {folder}.")
    for lists in (True, False):
        for place, path in enumerate(paths, start=1):
            given = _open(path, now - settled if settled else None)
            try:
                yield from ((place, taken) for taken in _take_one(given, way, now, lists=lists))
            finally:
                if given.file:
                    given.file.close()


def accounting(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return how many recordings went where; ``read`` is the sum of the others."""
    counts = Counter(outcomes)
    return {"read": counts.total(), **{outcome.value: counts[outcome] for outcome in Outcome}}


def _paths_in(folder: Path) -> Iterator[bytes]:
    for where, _, names in os.walk(os.fsencode(folder)):
        yield from (os.path.join(where, name) for name in names if not name.startswith(b"."))


def _open(path: bytes, settled_by: dt.datetime | None) -> Given:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return Given(path, None, _fault("unreadable", "The file cannot be opened, or is a link."))
    about = os.fstat(handle)
    fault = None
    if not stat.S_ISREG(about.st_mode):
        fault = _fault("unreadable", "This is no file.")
    elif settled_by and about.st_mtime > settled_by.timestamp():
        fault = _fault("growing", "The file was written to a moment ago. Import it again later.")
    if fault:
        os.close(handle)
        return Given(path, None, fault)
    return Given(path, os.fdopen(handle, "rb"))


def _take_one(given: Given, way: Way, now: dt.datetime, *, lists: bool) -> Iterator[Taken]:
    """Yield what came of one file, in the round for lists or in that for sounds; of an archive, of each file in it."""
    if given.file is None:
        if given.fault and not lists:
            yield given.fault
        return
    try:
        given.file.seek(0)
        if given.file.read(4) != ZIP:
            yield from _take_member(given.name, given.file, way, now, lists=lists)
            return
        for _, part in named_parts_of(given.file):
            while part.read(DRAIN_BYTES):
                pass
        for name, part in named_parts_of(given.file):
            yield from _take_member(name, part, way, now, lists=lists)
    except UnableToRead as error:
        if not lists:
            yield _fault("unpackable", str(error))
    except OSError:
        if not lists:
            yield _fault("unreadable", "The file cannot be read.")


def _take_member(name: str | bytes, file: BinaryIO, way: Way, now: dt.datetime, *, lists: bool) -> Iterator[Taken]:
    file.seek(0)
    is_list = looks_like_list(file.read(HEAD_BYTES))
    if is_list != lists:
        return
    file.seek(0)
    if is_list:
        yield from _take_list(file, way, now)
    else:
        yield _take_sound(name, file, way, now)


def _take_list(file: BinaryIO, way: Way, now: dt.datetime) -> Iterator[Taken]:
    try:
        for entry in read_list(file):
            if isinstance(entry, Unlisted):
                yield _fault(entry.code, entry.message)
            else:
                facts = facts_of_entry(entry, kind=way.kind, ticket=way.ticket)
                yield take(facts, None, source=way.source, now=now, call=way.call)
    except UnableToRead as error:
        yield _fault("unreadable", str(error))


def _take_sound(name: str | bytes, file: BinaryIO, way: Way, now: dt.datetime) -> Taken:
    named = read_name(name)
    try:
        sound = inspect(file, most_bytes=settings.RECORDING_LARGEST_BYTES, is_called_gsm=named.is_gsm)
        facts = facts_of_name(named, way.source, kind=way.kind, ticket=way.ticket)
        return take(facts, PlainFile(file, sound), source=way.source, now=now, call=way.call)
    except NoSound as fault:
        return _fault(fault.code, str(fault))
    except files.UnableToStore as error:
        return _fault("unreadable", f"{error}.")


def _fault(code: str, message: str) -> Taken:
    return Taken(Outcome.REFUSED, code, message)
