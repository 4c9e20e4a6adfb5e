"""BroadWorks: the XML of its CDR files, read as a stream. Times are GMT.

A file holds a record for each side of each call, and markers where it starts and ends; those are no calls. It has a
DOCTYPE: entities are refused, and what stands between two records may not be longer than a record ever is.
"""

import datetime as dt
import re
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from telecom_records.formats.family import Q850, Family, Format, Read, Row, Rows, cell, either, ids
from telecom_records.formats.rows import RowFault, Settings, UnableToRead

MAX_RECORD_BYTES = 256 * 1024
MARKERS = {"start", "end", "failover", "reset"}
CAUSES = {code.zfill(3): status for code, status in Q850.items()}
STAMP = re.compile(r"^\d{14}(?:\.\d{1,6})?$", re.ASCII)
MODULES = ("headerModule", "headerModule/recordId", "basicModule")


class _Measured:
    """A file of which no more is read between two records than a record may have."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.since = file, 0

    def read(self, size: int = -1) -> bytes:
        self.since += size
        if self.since > MAX_RECORD_BYTES:
            raise UnableToRead("A record of the XML is longer than any record of a call.")
        return self.file.read(size)


class Records:
    """The records of a file, each as a flat row."""

    def rows(self, file: BinaryIO) -> Rows:
        """Yield the records of calls, numbered by their place among all. Raises UnableToRead for XML that is broken."""
        source = _Measured(file)
        number = 0
        root: Element | None = None
        try:
            for event, element in iterparse(source, events=("start", "end")):
                if root is None:
                    root = element
                    if element.tag != "broadWorksCDR":
                        raise UnableToRead("The XML is not a CDR file of BroadWorks.")
                if event == "end" and element.tag == "cdrData":
                    number, source.since = number + 1, 0
                    row = _flat(element)
                    root.clear()
                    if cell(row, "type").lower() not in MARKERS:
                        yield number, row
        except DefusedXmlException as error:
            raise UnableToRead("The XML defines entities or asks for other files: it is refused.") from error
        except (ParseError, ValueError, LookupError) as error:
            if isinstance(error, UnableToRead):
                raise
            raise UnableToRead(f"The XML is broken behind record {number}.") from error


def _flat(record: Element) -> dict[str, Any]:
    """Return the values of the modules that say who, when and why, under their own names."""
    row: dict[str, Any] = {}
    for path in MODULES:
        for value in record.find(path) or ():
            row.setdefault(value.tag, value.text)
    return row


def looks_like_broadworks(head: str) -> bool:
    """Return whether the beginning of a file is XML of BroadWorks."""
    return head.lstrip().startswith("<") and "<broadWorksCDR" in head


def _stamp(text: str, column: str, settings: Settings, near: int | None) -> tuple[dt.datetime, str]:
    if not STAMP.match(text):
        raise RowFault("bad_time", f"The time in {column} is not written as BroadWorks does.")
    try:
        whole = dt.datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise RowFault("bad_time", f"The time in {column} is not a real date and time.") from error
    return whole + dt.timedelta(microseconds=int(text[15:].ljust(6, "0"))), "declared_utc"


def _prepare(row: Row) -> Row:
    if not cell(row, "startTime"):
        raise RowFault("not_a_call", "The record is not that of a call.")
    if cell(row, "answerIndicator").lower() == "no":
        return {**row, "answerTime": ""}
    return row


def _status(row: Row, answered: bool) -> str:
    cause = cell(row, "terminationCause")
    return "answered" if answered else CAUSES.get(cause, "failed" if cause else "unknown")


CALLS = Family(
    key=ids(("eventCounter", "systemId", "date")),
    group=either("localCallId"),
    caller=("callingNumber", "userNumber"),
    dialled=("calledNumber", "dialedDigits"),
    started=(("startTime", _stamp),),
    answered=(("answerTime", _stamp),),
    ended=(("releaseTime", _stamp),),
    status=_status,
    withheld=lambda row: cell(row, "callingPresentationIndicator").lower() not in ("", "public"),
    prepare=_prepare,
)


def read_broadworks(file: BinaryIO, settings: Settings) -> Read:
    """Yield the calls of a file, one for each side that it holds."""
    return CALLS.read(Records(), file, settings)


FORMAT = Format(read_broadworks, by_beginning=looks_like_broadworks, name="BroadWorks (XML)")
