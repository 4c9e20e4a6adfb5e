"""Files that come compressed, gzip or zip, in front of any format: told by content, unpacked as a stream, in bounds.

A file in gzip may have several members, which are one text. Each file of a zip archive is read as its own, one after
the other, names unheeded. What unpacks to more than its size allows is refused as a bomb; a file that is cut off, or
whose checksum is wrong, is refused whole, since an import reads it to the end before it stores anything.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from telecom_records.formats.rows import UnableToRead

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
MAX_UNPACKED_BYTES = 32 * 1024**3
MAX_RATIO = 200  # call records as text come down to a tenth, repetitive JSON to a fiftieth; a bomb to a thousandth
FREE_BYTES = 16 * 1024**2  # what anything may unpack to before its ratio counts
MAX_FILES = 1_000
SPREADSHEET = "[Content_Types].xml"
BUFFER_BYTES = 256 * 1024
ENCRYPTED = 0x1
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
END, ZIP64 = b"PK\x05\x06", b"PK\x06\x07"  # the record at the end of an archive, and the one of a very large one
END_BYTES, TAIL_BYTES = 22, 22 + 65_535 + 20
MAX_DIRECTORY_BYTES = 1024**2


class Unpacker(Protocol):
    """What gzip and zipfile give."""

    def read(self, size: int, /) -> bytes: ...

    def seek(self, offset: int, /) -> int: ...


class Allowance:
    """How many bytes a packed file may unpack to, all its parts together."""

    def __init__(self, packed_bytes: int) -> None:
        self.most = min(MAX_UNPACKED_BYTES, max(FREE_BYTES, packed_bytes * MAX_RATIO))
        self.spent = 0

    def spend(self, size: int) -> None:
        self.spent += size
        if self.spent > self.most:
            raise UnableToRead("The compressed file unpacks to far more than such files do: it is refused.")


class _Bounded(io.RawIOBase):
    """An unpacked file that spends its allowance; whatever is wrong with the packing is UnableToRead."""

    def __init__(self, inner: Unpacker, allowance: Allowance) -> None:
        self.inner, self.allowance, self.spent_before = inner, allowance, allowance.spent

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        try:
            data = self.inner.read(len(buffer))
        except (EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
            raise UnableToRead("The compressed file is cut off or damaged. Fetch it again.") from error
        self.allowance.spend(len(data))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("only back to the beginning")
        self.allowance.spent = self.spent_before
        return self.inner.seek(0)


def parts_of(file: BinaryIO) -> Iterator[BinaryIO]:
    """Yield the files to read in a seekable file: itself, or what is packed in it. Raises UnableToRead.

    A part can be read until the next is asked for. ``file`` stays open.
    """
    return (part for _, part in named_parts_of(file))


def named_parts_of(file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """Yield the same with the name that an archive gives each: hostile, never a path. Empty where there is none."""
    file.seek(0)
    magic = file.read(4)
    size = file.seek(0, io.SEEK_END) if magic.startswith(GZIP) or magic == ZIP else 0
    file.seek(0)
    if magic.startswith(GZIP):
        with gzip.GzipFile(fileobj=file, mode="rb") as inner:
            yield "", _bounded(inner, Allowance(size))
    elif magic == ZIP:
        yield from _members(file, size)
    else:
        yield "", file


def head_of(file: BinaryIO, size: int) -> bytes:
    """Return how a file, or the first that is packed in it, begins. Raises UnableToRead."""
    parts = parts_of(file)
    return next(parts).read(size)


def _members(file: BinaryIO, size: int) -> Iterator[tuple[str, BinaryIO]]:
    allowance = Allowance(size)
    _check_directory(file, size)
    try:
        with zipfile.ZipFile(file) as archive:
            for member in _wanted(archive):
                with archive.open(member) as inner:
                    yield member.filename, _bounded(inner, allowance)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise UnableToRead("The zip archive is cut off or damaged. Fetch it again.") from error


def _wanted(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return what is to be read of an archive: its files, without the notes that a Mac puts beside them."""
    files = [each for each in archive.infolist() if not each.is_dir()]
    if any(each.filename == SPREADSHEET for each in files):
        raise UnableToRead("The file is a spreadsheet. Save it as CSV.")
    wanted = [each for each in files if not each.filename.rpartition("/")[2].startswith(".")]
    wanted = [each for each in wanted if not each.filename.startswith("__MACOSX/")]
    if not wanted:
        raise UnableToRead("The zip archive holds no file.")
    if len(wanted) > MAX_FILES:
        raise UnableToRead(f"The zip archive holds more than {MAX_FILES} files. Give it in parts.")
    if any(each.flag_bits & ENCRYPTED for each in wanted):
        raise UnableToRead("The zip archive needs a password. Unpack it first.")
    if any(each.compress_type not in METHODS for each in wanted):
        raise UnableToRead("The zip archive is packed in an unusual way. Pack it with deflate, or give it as gzip.")
    return wanted


def _check_directory(file: BinaryIO, size: int) -> None:
    """Refuse an archive whose directory would fill the memory: Python reads it whole, whatever it says of its length."""
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read(TAIL_BYTES)
    at_end = tail[-END_BYTES:]
    place = len(tail) - END_BYTES if at_end[:4] == END and at_end[-2:] == b"\0\0" else tail.rfind(END)
    end = tail[place : place + END_BYTES] if place >= 0 else b""
    if len(end) < END_BYTES:
        raise UnableToRead("The zip archive is cut off or damaged. Fetch it again.")
    if int.from_bytes(end[12:16], "little") > MAX_DIRECTORY_BYTES or ZIP64 in tail[:place]:
        raise UnableToRead("The zip archive is larger than those that are read here. Give its files as gzip.")
    file.seek(0)


def _bounded(inner: Unpacker, allowance: Allowance) -> BinaryIO:
    return io.BufferedReader(_Bounded(inner, allowance), BUFFER_BYTES)
