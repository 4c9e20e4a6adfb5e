"""Tables: text files with one row a line, with a header or known by their width."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import BinaryIO

from telecom_records.formats.family import Family, Format, MessageFamily, Row, Rows
from telecom_records.formats.lines import decoded, fields, numbered_lines, quoted_fields
from telecom_records.formats.rows import RowFault, UnableToRead

NOT_LETTERS = re.compile(r"[\W_]+")
Lines = Callable[[BinaryIO], Iterator[tuple[int, bytes]]]


def plain_name(title: str) -> str:
    """Return the title of a column as a name: small letters of any script, digits and underscores."""
    return NOT_LETTERS.sub("_", title.lower()).strip("_")


def plain_names(titles: list[str]) -> list[str]:
    """Return the names of all columns; a title that stands there again gets its place behind it, as does an empty one."""
    names: list[str] = []
    for place, title in enumerate(titles, start=1):
        name = plain_name(title) or f"column_{place}"
        names.append(f"{name}_{place}" if name in names else name)
    return names


@dataclasses.dataclass(frozen=True)
class HeaderTable:
    """A table whose first line names its columns. It is known by those that ``needed`` asks for, in one of its sets."""

    called: str
    needed: tuple[frozenset[str], ...]
    delimiters: str = ",;"
    rename: Mapping[str, str] = dataclasses.field(default_factory=dict)
    quoted: bool = False  # every value stands in quotes, and quotes inside are not doubled
    skip: Callable[[Row], bool] | None = None  # rows that are no data, such as a second header
    lines: Lines = numbered_lines

    def looks_like(self, line: str) -> bool:
        """Return whether a line is the header of this table."""
        return self._header(line) is not None

    def rows(self, file: BinaryIO) -> Rows:
        """Yield the rows, with their line numbers. Raises UnableToRead when the first line is another header."""
        head = next(self.lines(file), None)
        header = self._header(_decoded_head(head[1])) if head else None
        if header is None:
            wanted = " or ".join(", ".join(sorted(names)) for names in self.needed)
            raise UnableToRead(f"The first line is not the header of {self.called}: it lacks columns of {wanted}.")
        file.seek(0)
        return self._rows(file, *header)

    def _rows(self, file: BinaryIO, delimiter: str, names: list[str]) -> Rows:
        widths = {len(names)}
        for number, line in islice(self.lines(file), 1, None):
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
            names = [self.rename.get(name, name) for name in plain_names(titles)]
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
    lines: Lines = numbered_lines

    def looks_like(self, line: str) -> bool:
        """Return whether a line is a row of this table."""
        try:
            return self.is_row(self._row(line))
        except RowFault:
            return False

    def rows(self, file: BinaryIO) -> Iterator[tuple[int, Row | RowFault]]:
        """Yield the rows, with their line numbers."""
        for number, line in self.lines(file):
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


@dataclasses.dataclass(frozen=True)
class FixedTable:
    """A table whose columns stand at fixed places of a line: ``places`` counts characters from 0, the end excluded."""

    places: Mapping[str, tuple[int, int]]
    needed: frozenset[str]  # a line that does not reach one of these is not whole
    lines: Lines = numbered_lines

    def rows(self, file: BinaryIO) -> Rows:
        """Yield the rows, with their line numbers."""
        shortest = max((self.places[name][0] for name in self.needed), default=0) + 1
        for number, line in self.lines(file):
            try:
                text = decoded(line)
            except RowFault as fault:
                yield number, fault
                continue
            if len(text.rstrip()) < shortest:
                yield number, RowFault("wrong_width", "The line ends before the columns that are needed.")
            else:
                yield number, {name: text[start:end] for name, (start, end) in self.places.items()}


def table_format(table: HeaderTable | WidthTable, family: Family | MessageFamily, *, name: str) -> Format:
    """Return the format of a table whose rows are calls or messages of a family; ``name`` is for people."""
    return Format(
        lambda file, settings: family.read(table, file, settings),
        by_first_line=table.looks_like,
        name=name,
        gives=family.gives,
    )


def _decoded_head(line: bytes) -> str:
    try:
        return decoded(line)
    except RowFault as fault:  # with a broken header the file means nothing
        raise UnableToRead(f"The first line cannot be read: {fault}") from fault
