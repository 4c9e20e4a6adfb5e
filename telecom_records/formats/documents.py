"""Documents in JSON: a page with a list of records, a bare list, one record, or one record a line."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from telecom_records.formats.family import Family, Format, MessageFamily, Row, Rows
from telecom_records.formats.lines import BOM, MAX_LINE_BYTES, decoded, numbered_lines
from telecom_records.formats.rows import RowFault, UnableToRead

MAX_JSON_BYTES = 64 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Documents:
    """JSON of a family: known by ``marks`` at its beginning, its records in ``lists``; ``others`` hold something else."""

    marks: tuple[str, ...]
    lists: tuple[str, ...]
    others: Mapping[str, str] = dataclasses.field(default_factory=dict)  # the list and what one of it is called
    without: tuple[str, ...] = ()  # marks of another family that has all of these too
    one: str = "a call"

    def looks_like(self, head: str) -> bool:
        """Return whether the beginning of a file is JSON of this family."""
        if head.lstrip()[:1] not in ("{", "["):
            return False
        return all(f'"{mark}"' in head for mark in self.marks) and not any(f'"{mark}"' in head for mark in self.without)

    def rows(self, file: BinaryIO) -> Rows:
        """Yield the records, numbered by line or by their place in the list, which is read whole, up to 64 MiB."""
        file.seek(0)
        if self._is_by_line(file.read(MAX_LINE_BYTES).removeprefix(BOM)):
            file.seek(0)
            yield from self._by_line(file)
            return
        file.seek(0)
        text = file.read(MAX_JSON_BYTES + 1)
        if len(text) > MAX_JSON_BYTES:
            raise UnableToRead("The file is larger than 64 MiB. Fetch it in smaller pages, or as one record a line.")
        for number, record in enumerate(self._records(_loaded(text)), start=1):
            yield number, record if isinstance(record, RowFault) else self._row(record)

    def _is_by_line(self, head: bytes) -> bool:
        line, end, rest = head.lstrip().partition(b"\n")
        if not end or not rest.strip():
            return False
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return False
        return not (isinstance(record, dict) and any(name in record for name in (*self.lists, *self.others)))

    def _by_line(self, file: BinaryIO) -> Rows:
        for number, line in numbered_lines(file):
            try:
                yield number, self._row(json.loads(decoded(line)))
            except RowFault as fault:
                yield number, fault
            except (ValueError, RecursionError):
                yield number, RowFault("bad_json", "The line is not JSON.")

    def _records(self, page: Any) -> list[Any]:
        if isinstance(page, dict):
            for name in self.lists:
                if isinstance(page.get(name), list):
                    return page[name]
            for name, kind in self.others.items():
                if isinstance(page.get(name), list):
                    return [RowFault(f"not_{self.one.replace(' ', '_')}", f"This is {kind}, not {self.one}.")] * len(
                        page[name]
                    )
            return [page]
        if not isinstance(page, list):
            raise UnableToRead("The JSON holds no list of records.")
        return page

    def _row(self, record: Any) -> Row | RowFault:
        if not isinstance(record, dict):
            return RowFault("bad_json", "The record is not an object.")
        return record


def document_format(documents: Documents, family: Family | MessageFamily, *, name: str) -> Format:
    """Return the format of documents whose records are calls or messages of a family; ``name`` is for people."""
    return Format(
        lambda file, settings: family.read(documents, file, settings),
        by_beginning=documents.looks_like,
        name=name,
        gives=family.gives,
    )


def _loaded(text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnableToRead("The file is not UTF-8.") from error
    except RecursionError as error:
        raise UnableToRead("The file is nested deeper than any list of records.") from error
    except json.JSONDecodeError as error:
        raise UnableToRead(f"The JSON is broken at line {error.lineno}: {error.msg}.") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise UnableToRead("The JSON holds a number that is too long to be one.") from error
