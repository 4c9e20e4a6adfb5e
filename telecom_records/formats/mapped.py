"""Files whose columns an officer mapped: the mapping makes the same tables and families that the known formats declare."""

import codecs
import dataclasses
import io
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from telecom_records.formats.dates import EPOCHS, ZONE_MARK, moment
from telecom_records.formats.family import (
    Family,
    Format,
    Lengths,
    MessageFamily,
    Read,
    Row,
    Source,
    by_word,
    cell,
    either,
    ids,
    international,
    priced,
    read_length,
    told,
)
from telecom_records.formats.lines import BLOCK_BYTES, numbered_lines
from telecom_records.formats.mapping import BadMapping, TableMapping, needed, read_mapping
from telecom_records.formats.rows import RowFault, Settings, UnableToRead
from telecom_records.formats.tables import FixedTable, HeaderTable, WidthTable
from telecom_records.formats.values import clock, go_duration, is_never, milliseconds, minutes, seconds
from telecom_records.phone_numbers import classify

LENGTH_READERS = {
    "seconds": seconds, "milliseconds": milliseconds, "minutes": minutes, "clock": clock, "go": go_duration,
}  # fmt: skip
YES = {"1", "y", "yes", "true", "t"}
WITH_COMMA = re.compile(r"^[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?$", re.ASCII)
IN_A_KEY = ("start", "caller", "dialled", "duration", "talk", "billed", "status", "segments")


def source_of(mapping: TableMapping) -> Source:
    """Return the table of a mapping; its columns are called by what they mean."""
    names = _names(mapping)
    must = frozenset(mapping.label(means) for means in needed(mapping))
    lines = lines_of(mapping)
    if mapping.layout == "fixed":
        places = {names[column.at]: column.places for column in mapping.columns}
        return FixedTable(places, needed=must, lines=lines)
    if mapping.header:
        called = "this source"
        wanted = (frozenset(names.values()),)
        return HeaderTable(called, needed=wanted, delimiters=mapping.delimiter, rename=names, lines=lines)
    layout = [names.get(str(number), f"column {number}") for number in range(1, mapping.width + 1)]
    return WidthTable({mapping.width: layout}, is_row=bool, delimiter=mapping.delimiter, lines=lines)


def family_of(mapping: TableMapping) -> Family | MessageFamily:
    """Return the family of a mapping."""
    at = mapping.label
    moments = moment(mapping.time_style, in_utc=mapping.times_in == "utc")
    times = {name: ((at(name), moments),) if mapping.has(name) else () for name in ("start", "answer", "end")}
    length = LENGTH_READERS[mapping.lengths]
    lengths: dict[str, Lengths] = {
        name: ((at(name), length),) if mapping.has(name) else () for name in ("duration", "talk", "billed")
    }
    id_names = tuple(_names(mapping)[column.at] for column in mapping.columns if column.means == "id")
    told_by = [at(name) for name in IN_A_KEY if name in ("caller", "dialled") or mapping.has(name)]
    key = ids(id_names) if id_names else told(*told_by)
    sign = -1 if mapping.charge == "negative" else 1
    cost = priced(at("cost"), currency=(at("currency"),), default=mapping.currency, sign=sign)
    number = international if mapping.numbers == "international" else classify
    prepare = _prepare(mapping)
    if mapping.kind == "messages":
        words = by_word(at("status"), mapping.statuses)
        return MessageFamily(
            key=key, sender=(at("caller"),), recipient=(at("dialled"),), sent=times["start"], status=words,
            segments=(at("segments"),), cost=cost, number=number, prepare=prepare,
        )  # fmt: skip
    return Family(
        key=key, caller=(at("caller"),), dialled=(at("dialled"),), started=times["start"], answered=times["answer"],
        ended=times["end"], group=either(at("group")), duration=lengths["duration"], talk=lengths["talk"],
        billed=lengths["billed"], status=_status(mapping, lengths["talk"]), cost=cost, number=number, prepare=prepare,
        withheld=lambda row: cell(row, at("withheld")).lower() in YES,
    )  # fmt: skip


def _names(mapping: TableMapping) -> dict[str, str]:
    """Return what each mapped column is called: what it means, with its place behind it where several mean the same."""
    names: dict[str, str] = {}
    for column in mapping.columns:
        label = mapping.label(column.means)
        names[column.at] = f"{label} {len(names)}" if label in names.values() else label
    return names


def _status(mapping: TableMapping, talk: Lengths) -> Callable[[Row, bool], str]:
    """Return a reader of the status; without a column for it, who talked or has an answer was answered."""
    if mapping.has("status"):
        return by_word(mapping.label("status"), mapping.statuses)

    def status(row: Row, answered: bool) -> str:
        talked = read_length(talk, row)
        if answered or talked:
            return "answered"
        return "no_answer" if talked == 0 or mapping.has("answer") else "unknown"

    return status


def _prepare(mapping: TableMapping) -> Callable[[Row], Row]:
    """Return what brings the values of a row into the forms that are the same for all."""
    at = mapping.label
    nulls = {word.lower() for word in mapping.nulls}
    numeric = [at(name) for name in ("duration", "talk", "billed", "cost") if mapping.has(name)]
    times = [at(name) for name in ("start", "answer", "end") if mapping.has(name)]
    names = set(_names(mapping).values())

    def prepare(row: Row) -> Row:
        values = {name: cell(row, name) for name in names}
        values = {name: "" if value.lower() in nulls else value for name, value in values.items()}
        if mapping.decimal == ",":
            values.update({name: _with_point(values[name], name) for name in numeric})
        if mapping.has("date") and values[at("start")]:
            values[at("start")] = f"{values[at('date')]} {values[at('start')]}"
        if mapping.has("zone") and values[at("zone")] and mapping.time_style not in EPOCHS:
            told_times = [name for name in times if not is_never(values[name])]
            values.update({name: f"{values[name]}{ZONE_MARK}{values[at('zone')]}" for name in told_times})
        if mapping.has("direction"):
            values.update(_sides(values, mapping))
        return values

    return prepare


def _sides(values: dict[str, str], mapping: TableMapping) -> dict[str, str]:
    """Return who called whom, in a row that says it from the customer's side."""
    at = mapping.label
    direction = mapping.directions.get(values[at("direction")].lower())
    if direction is None:
        raise RowFault("bad_direction", "The direction is a word that the source's columns do not explain.")
    sides = (values[at("own")], values[at("other")])
    caller, dialled = sides if direction == "outbound" else sides[::-1]
    return {at("caller"): caller, at("dialled"): dialled}


def _with_point(text: str, column: str) -> str:
    """Return a number that has a comma before its decimals as one with a point. Raises RowFault."""
    if text and not WITH_COMMA.match(text):
        raise RowFault("bad_number", f"Column {column} does not hold a number with a decimal comma.")
    return text.replace(".", "").replace(",", ".")


def lines_of(mapping: TableMapping) -> Callable[[BinaryIO], Iterator[tuple[int, bytes]]]:
    """Return what gives the lines of a file: in UTF-8, without those above the table and those that are passed over."""
    passed_over = tuple(word.encode() for word in mapping.comments)

    def lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        for number, line in numbered_lines(recoded(file, mapping.encoding)):
            if number > mapping.skip_lines and not (passed_over and line.startswith(passed_over)):
                yield number, line

    return lines


class _Recoded(io.RawIOBase):
    """A file in another encoding, read as UTF-8. What is no character of it becomes bytes that are no UTF-8."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self.file, self.encoding, self.rest = file, encoding, b""
        self.decoder = codecs.getincrementaldecoder(encoding)(errors="surrogateescape")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self.rest:
            block = self.file.read(BLOCK_BYTES)
            try:
                text = self.decoder.decode(block, final=not block)
                self.rest = text.encode("utf-8", "surrogateescape")
            except UnicodeError as error:
                raise UnableToRead(f"The file is not in the encoding that was said ({self.encoding}).") from error
            if not block:
                break
        part, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def recoded(file: BinaryIO, encoding: str) -> BinaryIO:
    """Return a file, from where it stands, as one in UTF-8."""
    return file if encoding == "utf-8" else io.BufferedReader(_Recoded(file, encoding), BLOCK_BYTES)


def read(file: BinaryIO, settings: Settings) -> Read:
    """Yield the rows of a file by the mapping of its source. Raises UnableToRead for a mapping that is none."""
    try:
        mapping = read_mapping(settings.mapping)
    except BadMapping as error:
        raise UnableToRead(f"The columns are not mapped: {error}") from error
    return family_of(mapping).read(source_of(mapping), file, settings)


CALLS = Format(read, name="Calls, by columns that were mapped")
MESSAGES = dataclasses.replace(CALLS, name="Messages, by columns that were mapped", gives="messages")
FORMAT_OF = {"calls": "mapped", "messages": "mapped-messages"}  # the kind of a mapping, and the format of its source
