"""Tables: text files with one row a line, with a header or known by their width."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import BinaryIO

from telecom_records.formats.family import Family, Format, Row, Rows
from telecom_records.formats.lines import decoded, fields, numbered_lines, quoted_fields
from telecom_records.formats.rows import RowFault, UnableToRead

NOT_LETTERS = re.compile(r"[^a-z0-9]+")


def plain_name(title: str) -> str:
    """Return the title of a column as a name: small letters, digits and underscores, ``Date/Time (UTC)`` and all."""
    return NOT_LETTERS.sub("_", title.lower()).strip("_")


@dataclasses.dataclass(frozen=True)
class HeaderTable:
    """A table whose first line names its columns. It is known by those that ``needed`` asks for, in one of its sets."""

    called: str
    needed: tuple[frozenset[str], ...]
    delimiters: str = ",;"
    rename: Mapping[str, str] = dataclasses.field(default_factory=dict)
    quoted: bool = False  # every value stands in quotes, and quotes inside are not doubled
    skip: Callable[[Row], bool] | None = None  # rows that are no data, such as a second header

    def looks_like(self, line: str) -> bool:
        """Return whether a line is the header of this table."""
        return self._header(line) is not None

    def rows(self, file: BinaryIO) -> Rows:
        """Yield the rows, with their line numbers. Raises UnableToRead when the first line is another header."""
        head = next(numbered_lines(file), None)
        header = self._header(_decoded_head(head[1])) if head else None
        if header is None:
            wanted = " or ".join(", ".join(sorted(names)) for names in self.needed)
            raise UnableToRead(f"The first line is not the header of {self.called}: it lacks columns of {wanted}.")
        file.seek(0)
        return self._rows(file, *header)

    def _rows(self, file: BinaryIO, delimiter: str, names: list[str]) -> Rows:
        widths = {len(names)}
        for number, line in islice(numbered_lines(file), 1, None):
            try:
                row = dict(zip(names, self._split(decoded(line), delimiter, widths), strict=True))
            except RowFault as fault:
                yield number, fault
                continue
            if not (self.skip and self.skip(row)):
                yield number, row

    def _split(self, text: str, delimiter: str, widths: set[int]) -> list[str]:
        if self.quoted and delimiter == ",":
            return quoted_fields(text, widths=widths)
        return fields(text, delimiter=delimiter, widths=widths)

    def _header(self, line: str) -> tuple[str, list[str]] | None:
        for delimiter in self.delimiters:
            try:
                titles = fields(line, delimiter=delimiter)
            except RowFault:
                continue
            names = [self.rename.get(name, name) for name in map(plain_name, titles)]
            if any(needed <= set(names) for needed in self.needed):
                return delimiter, names
        return None


@dataclasses.dataclass(frozen=True)
class WidthTable:
    """A table without a header: the number of its columns decides what they are, and ``is_row`` whether they are."""

    layouts: Mapping[int, list[str]]
    is_row: Callable[[Row], bool]
    delimiter: str = ","
    comment: str = ""
    quoted: bool = False  # as in HeaderTable
    unwrapped: Callable[[str], str] = lambda line: line  # takes away what stands around the values of a line

    def looks_like(self, line: str) -> bool:
        """Return whether a line is a row of this table."""
        try:
            return self.is_row(self._row(line))
        except RowFault:
            return False

    def rows(self, file: BinaryIO) -> Iterator[tuple[int, Row | RowFault]]:
        """Yield the rows, with their line numbers."""
        for number, line in numbered_lines(file):
            try:
                text = decoded(line)
                if self.comment and text.startswith(self.comment):
                    continue
                yield number, self._row(text)
            except RowFault as fault:
                yield number, fault

    def _row(self, text: str) -> dict[str, str]:
        text, widths = self.unwrapped(text), set(self.layouts)
        if self.quoted:
            found = quoted_fields(text, widths=widths)
        else:
            found = fields(text, delimiter=self.delimiter, widths=widths)
        return dict(zip(self.layouts[len(found)], found, strict=True))


def table_format(table: HeaderTable | WidthTable, family: Family) -> Format:
    """Return the format of a table whose rows are calls of a family."""
    return Format(lambda file, settings: family.read(table, file, settings), by_first_line=table.looks_like)


def _decoded_head(line: bytes) -> str:
    try:
        return decoded(line)
    except RowFault as fault:  # with a broken header the file means nothing
        raise UnableToRead(f"The first line cannot be read: {fault}") from fault
