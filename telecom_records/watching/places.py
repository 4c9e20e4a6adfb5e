"""A place in which other systems put files: ``<source>/<file>``, and what became of some under ``refused`` and ``done``.

What is in it is somebody else's doing. Names are never trusted, links and special files never followed, and a file is moved
or removed only if it is still the one that was looked at.
"""

import abc
import contextlib
import dataclasses
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

REFUSED, DONE = "refused", "done"
KEPT = (REFUSED, DONE)
REASON = ".why.txt"  # beside a refused file
MARKER = ".fin"  # beside a file that is finished, or the end of its name
TEMPORARY = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~", REASON)
ASIDE = ".taken-"  # the name of a file for the moment in which it is looked at for the last time


class UnableToLook(OSError):
    """The place does not answer or may not be read. The message says why, without a file's name."""


class Changed(OSError):
    """The file is not the one that was looked at any more."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file that is there: in which folder ("" is where it came in), of which source, as it was at the last look."""

    folder: str
    source: str
    name: str
    size: int
    fingerprint: str
    is_finished: bool = False  # a marker says so


@dataclasses.dataclass
class Listing:
    """What a look has found."""

    entries: list[Entry] = dataclasses.field(default_factory=list)
    problem: str = ""  # a part of the place could not be read
    left_alone: list[str] = dataclasses.field(default_factory=list)  # in words


def is_temporary(name: str) -> bool:
    """Return whether a name is one that programs give to what they have not finished."""
    return name.startswith((".", "~")) or name.lower().endswith(TEMPORARY)


def with_markers(entries: list[Entry]) -> list[Entry]:
    """Return the files, those with a marker as finished, without the markers that belong to one."""
    there = {(entry.folder, entry.source, entry.name) for entry in entries}
    marked = {
        (entry.folder, entry.source, entry.name[: -len(MARKER)])
        for entry in entries
        if entry.name.lower().endswith(MARKER)
    }
    files = []
    for entry in entries:
        is_marker = entry.name.lower().endswith(MARKER)
        if is_marker and (entry.folder, entry.source, entry.name[: -len(MARKER)]) in there:
            continue
        is_finished = is_marker or (entry.folder, entry.source, entry.name) in marked
        files.append(dataclasses.replace(entry, is_finished=is_finished))
    return files


class Place(abc.ABC):
    """What a folder and a bucket both can. Everything raises UnableToLook or another OSError when the place fails."""

    @abc.abstractmethod
    def list(self, sources: set[str]) -> Listing:
        """Look at everything that lies in the folders of these sources."""

    @abc.abstractmethod
    def open(self, entry: Entry) -> BinaryIO:
        """Return the file, which can be read twice. Raises Changed."""

    @abc.abstractmethod
    def remove(self, entry: Entry) -> None:
        """Remove the file for good, with its marker and its reason. Raises Changed, and leaves it."""

    @abc.abstractmethod
    def move(self, entry: Entry, folder: str, *, reason: str = "") -> str:
        """Move the file to ``refused`` or ``done``, with the reason beside it, and return its name there.

        Raises Changed, and leaves it.
        """


class Folder(Place):
    """A folder of the machine."""

    def __init__(self, root: Path):
        self.root = root

    def list(self, sources: set[str]) -> Listing:
        listing = Listing()
        try:
            with self._folder() as top:
                names = sorted(os.listdir(top))
        except OSError as error:
            raise UnableToLook(f"It cannot be read: {error.strerror or error}.") from error
        for name in names:
            if name not in (*KEPT, *sources):
                listing.left_alone += [] if is_temporary(name) else [f"“{shown(name)}” is no source"]
        for folder, source in [("", source) for source in sorted(sources)] + [
            (folder, source) for folder in KEPT if folder in names for source in sorted(sources)
        ]:
            if folder or source in names:
                self._list_one(listing, folder, source)
        listing.entries = with_markers(listing.entries)
        return listing

    def _list_one(self, listing: Listing, folder: str, source: str) -> None:
        odd = 0
        try:
            with self._folder(folder, source) as top:
                for name in sorted(os.listdir(top)):
                    if name.startswith(ASIDE):
                        name = self._put_back(top, name)
                    if is_temporary(name):
                        continue
                    found = os.stat(name, dir_fd=top, follow_symlinks=False)
                    if not _is_ordinary(found) or not _can_be_written_down(name):
                        odd += 1
                        continue
                    listing.entries.append(Entry(folder, source, name, found.st_size, _fingerprint(found)))
        except FileNotFoundError:  # a folder that is not there has no files, and a file that went meanwhile is none
            pass
        except OSError as error:
            listing.problem = f"The folder of {source} cannot be read: {error.strerror or error}."
        if odd:
            listing.left_alone.append(f"{odd} in “{source}” {'is' if odd == 1 else 'are'} no ordinary file")

    def open(self, entry: Entry) -> BinaryIO:
        with self._folder(entry.folder, entry.source) as top:
            try:
                number = os.open(entry.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=top)
            except FileNotFoundError as error:
                raise Changed from error
        file = os.fdopen(number, "rb")
        found = os.fstat(number)
        if not _is_ordinary(found) or _fingerprint(found) != entry.fingerprint:
            file.close()
            raise Changed
        return file

    def remove(self, entry: Entry) -> None:
        with self._set_aside(entry) as (top, aside):
            os.unlink(aside, dir_fd=top)
            self._remove_companions(top, entry.name)

    def move(self, entry: Entry, folder: str, *, reason: str = "") -> str:
        os.makedirs(self.root / folder / entry.source, mode=0o700, exist_ok=True)
        with self._folder(folder, entry.source) as target, self._set_aside(entry) as (top, aside):
            there = set(os.listdir(target))
            names = [entry.name, *(f"{number}-{entry.name}" for number in range(2, len(there) + 3))]
            name = next(name for name in names if name not in there)
            if reason:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
                with os.fdopen(os.open(name + REASON, flags, 0o600, dir_fd=target), "w") as file:
                    file.write(f"{reason}\n")
            os.rename(aside, name, src_dir_fd=top, dst_dir_fd=target)
            self._remove_companions(top, entry.name)
        return name

    @contextlib.contextmanager
    def _folder(self, *names: str) -> Iterator[int]:
        """Open a folder below the root, no step of the way being a link; closed at the end of the block."""
        number = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for name in filter(None, names):
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=number)
                os.close(number)
                number = below
            yield number
        finally:
            os.close(number)

    @contextlib.contextmanager
    def _set_aside(self, entry: Entry) -> Iterator[tuple[int, str]]:
        """Give the file a name that nobody writes to, see that it is the one, and let the block move it.

        A file that came under its name in between keeps that name. What a crash leaves aside is put back at the next look.
        """
        with self._folder(entry.folder, entry.source) as top:
            aside = f"{ASIDE}{uuid.uuid4().hex[:8]}-{entry.name}"
            if len(os.fsencode(aside)) > 255:
                aside = f"{ASIDE}{uuid.uuid4().hex[:8]}-{Path(entry.name).suffix[:20]}"
            try:
                os.rename(entry.name, aside, src_dir_fd=top, dst_dir_fd=top)
            except FileNotFoundError as error:
                raise Changed from error
            try:
                if _fingerprint(os.stat(aside, dir_fd=top, follow_symlinks=False)) != entry.fingerprint:
                    raise Changed
                yield top, aside
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    self._put_back(top, aside)
                raise

    def _put_back(self, top: int, aside: str) -> str:
        """Give a file that was set aside its name again, or another when that is taken; return the name."""
        name = aside.removeprefix(ASIDE).partition("-")[2] or "unnamed"
        if name in os.listdir(top):
            name = f"again-{uuid.uuid4().hex[:8]}-{name}"[:200]
        os.rename(aside, name, src_dir_fd=top, dst_dir_fd=top)
        return name

    def _remove_companions(self, top: int, name: str) -> None:
        for companion in (name + MARKER, name + MARKER.upper(), name + REASON):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(companion, dir_fd=top)


def shown(name: str) -> str:
    """Return a name as a page may show it: short, and without what cannot be written."""
    return name.encode(errors="replace").decode()[:60]


def _is_ordinary(found: os.stat_result) -> bool:
    """Return whether it is a file with one name: no link, pipe, device or folder, and nothing that lies elsewhere too."""
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def _can_be_written_down(name: str) -> bool:
    try:
        return len(name.encode()) <= 240
    except UnicodeEncodeError:
        return False


def _fingerprint(found: os.stat_result) -> str:
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"
