"""Lines of a text file and the fields of a line, within bounds."""

import csv
import re
from collections.abc import Iterator
from typing import BinaryIO

from telecom_records.formats.rows import RowFault, UnableToRead

MAX_LINE_BYTES = 64 * 1024
BLOCK_BYTES = 256 * 1024
LINE_END = re.compile(rb"\r\n|\n|\r")
BETWEEN_QUOTES = re.compile(r'", ?"')
BOM = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")

csv.field_size_limit(MAX_LINE_BYTES)


def numbered_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their numbers from 1; CR, LF and CRLF all end one. Empty lines are passed over.

    Raises UnableToRead for NUL bytes, for a line without end, and for a UTF-16 file.
    """
    rest, number = b"", 0
    first = True
    while True:
        block = file.read(BLOCK_BYTES)
        if first:
            if block.startswith(UTF_16):
                raise UnableToRead("The file is UTF-16. Save it as UTF-8.")
            block = block.removeprefix(BOM)
            first = False
        if b"\x00" in block:
            raise UnableToRead("The file has NUL bytes: it is not a text file, or it is damaged.")
        text = rest + block
        # a CR at the end of a block may be the first half of CRLF
        held = b"\r" if block and text.endswith(b"\r") else b""
        parts = LINE_END.split(text[:-1] if held else text)
        rest = parts.pop() + held
        for part in parts:
            number += 1
            if part.strip():
                yield number, part
        if len(rest) > MAX_LINE_BYTES:
            raise UnableToRead(
                f"Line {number + 1} is longer than {MAX_LINE_BYTES // 1024} KiB: this is not a call record file."
            )
        if not block:
            if rest.strip():
                yield number + 1, rest.rstrip(b"\r")
            return


def decoded(line: bytes) -> str:
    """Return a line as text. Raises RowFault when it is not UTF-8."""
    if len(line) > MAX_LINE_BYTES:
        raise RowFault("long_line", "The line is too long.")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RowFault(
            "bad_encoding",
            "The line holds what is no character of its encoding, which is UTF-8 where no other was said.",
        ) from error


def fields(text: str, *, delimiter: str = ",", widths: set[int] | None = None) -> list[str]:
    """Return the fields of a line: read strictly, or else leniently when the number of columns is right.

    Raises RowFault when the columns are not as many as they should be: a comma in a badly quoted name must not shift
    what stands behind it.
    """
    found = (
        text.split(delimiter) if '"' not in text else []
    )  # which most lines have not; a reader takes three times as long
    if found and (widths is None or len(found) in widths):
        return found
    for strict in (True, False):
        try:
            rows = list(csv.reader([text], delimiter=delimiter, strict=strict))
        except csv.Error:
            continue
        found = rows[0] if len(rows) == 1 else []
        if found and (widths is None or len(found) in widths):
            return found
    if not found:
        raise RowFault("bad_quotes", "The quotes of the line do not match.")
    raise RowFault("wrong_width", f"The line has {len(found)} columns, and this format has another number of them.")


def quoted_fields(text: str, *, widths: set[int]) -> list[str]:
    """Return the fields of a line whose values all stand in quotes, those inside not doubled; of another, ``fields``.

    Raises RowFault as ``fields``.
    """
    text = text.strip()
    if text.startswith('"') and text.endswith('"'):
        found = BETWEEN_QUOTES.split(text[1:-1])
        if len(found) in widths:
            return found
    return fields(text, widths=widths)
