"""Readers of call and message record files: one module per family, pure functions from bytes to rows.

``read_calls`` gives every row of a file, as a call, a message or a reject with its reason. What a whole file cannot be read for
is UnableToRead. Adding a format is one module and one line in FORMATS.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from telecom_records.formats import (
    asterisk,
    bandwidth,
    broadworks,
    cdrstats,
    cgrates,
    cucm,
    didww,
    freeswitch,
    fusionpbx,
    mapped,
    plain,
    plivo,
    sip_events,
    telnyx,
    threecx,
    twilio,
    vonage,
)
from telecom_records.formats.family import Format
from telecom_records.formats.lines import BOM, UTF_16
from telecom_records.formats.packed import head_of, parts_of
from telecom_records.formats.rows import ParsedCall, ParsedMessage, Passed, Reject, Settings, Skip, UnableToRead

__all__ = [
    "FORMATS", "ParsedCall", "ParsedMessage", "Reject", "UnableToRead", "UnknownTable", "detect_format", "format_choices",
    "head_of", "read_calls",
]  # fmt: skip

FORMATS: dict[str, Format] = {
    "asterisk": asterisk.MASTER,
    "asterisk-custom": asterisk.CUSTOM_MASTER,
    "freepbx": asterisk.FREEPBX,
    "freepbx-dmy": asterisk.FREEPBX_DMY,
    "freepbx-mdy": asterisk.FREEPBX_MDY,
    "freeswitch-csv": freeswitch.CSV,
    "freeswitch": freeswitch.JSON,
    "fusionpbx": fusionpbx.FORMAT,
    "sip-events": sip_events.FLATSTORE,
    "sip-events-table": sip_events.EVENTS,
    "broadworks": broadworks.FORMAT,
    "3cx": threecx.FORMAT,
    "cucm": cucm.FORMAT,
    "cdr-stats": cdrstats.FORMAT,
    "cgrates": cgrates.CSV,
    "cgrates-wide": cgrates.WIDE,
    "cgrates-json": cgrates.JSON,
    "bandwidth": bandwidth.FORMAT,
    "bandwidth-messages": bandwidth.MESSAGES_FORMAT,
    "didww": didww.FORMAT,
    "didww-messages": didww.MESSAGES_FORMAT,
    "plivo": plivo.FORMAT,
    "plivo-messages": plivo.MESSAGES_FORMAT,
    "telnyx": telnyx.JSON,
    "telnyx-csv": telnyx.CSV,
    "telnyx-messages": telnyx.MESSAGES_FORMAT,
    "vonage": vonage.JSON,
    "vonage-csv": vonage.CSV,
    "vonage-messages": vonage.MESSAGES_JSON,
    "vonage-messages-csv": vonage.MESSAGES_CSV,
    "twilio": twilio.JSON,
    "twilio-csv": twilio.CSV,
    "twilio-messages": twilio.MESSAGES_JSON,
    "twilio-messages-csv": twilio.MESSAGES_CSV,
    "csv": plain.FORMAT,
    "mapped": mapped.CALLS,
    "mapped-messages": mapped.MESSAGES,
}

NOT_CALLS = [
    (b"PK\x03\x04", "a zip archive or a spreadsheet"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"7z\xbc\xaf", "compressed with 7z"),
    (b"(\xb5/\xfd", "compressed with zstd"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet"),
    (b"RIFF", "a sound"),
]


class UnknownTable(UnableToRead):
    """No format knows the file, but it is text whose columns a person could map."""


def format_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the formats by what they give, as a form's choices, with the words for people; mapped ones are no choice."""
    groups = {"calls": "Calls", "messages": "Messages"}
    return [
        (
            title,
            sorted(
                ((key, each.name) for key, each in FORMATS.items() if each.gives == gives and each.read != mapped.read),
                key=lambda one: one[1].lower(),
            ),
        )
        for gives, title in groups.items()
    ]


def detect_format(head: bytes) -> str:
    """Return the name of the format a file begins like (``head_of``, unpacked). Raises UnableToRead, saying what it looks like instead."""
    for magic, what in NOT_CALLS:
        if head.startswith(magic):
            raise UnableToRead(f"The file is {what}. Give the call records as CSV or JSON text.")
    if head.startswith(UTF_16):
        raise UnknownTable("The file is UTF-16. Map its columns, or save it as UTF-8.")
    if b"\x00" in head:
        raise UnableToRead("The file has NUL bytes: it is not a text file, or it is damaged.")
    text = head.removeprefix(BOM).decode("utf-8", errors="replace")
    first_line = next((line for line in text.replace("\r", "\n").split("\n") if line.strip()), "")
    for name, format in FORMATS.items():
        if format.by_first_line and format.by_first_line(first_line):
            return name
        if format.by_beginning and format.by_beginning(text):
            return name
    if text.lstrip().startswith("<?xml"):
        raise UnableToRead(
            "The file is XML of a kind that is not known here. Give the call records as CSV or JSON text."
        )
    if text.lstrip()[:1] in ("{", "[", "<"):
        raise UnableToRead("The file is JSON or XML of a kind that is not known here. Give the records as CSV.")
    raise UnknownTable(
        f"The format is not known. Say which it is: {', '.join(FORMATS)}. Or upload the file and map its columns."
    )


def read_calls(
    file: BinaryIO,
    *,
    format: str,
    zone: ZoneInfo | None,
    country: str,
    mapping: Mapping[str, Any] | None = None,
    skip: int = 0,
) -> Iterator[ParsedCall | ParsedMessage | Reject]:
    """Yield every row of a seekable file from its beginning; line numbers count from 1 (in a JSON list: its entries).

    A file in gzip or zip is unpacked on the way; through several files of a zip the numbers go on counting. The first
    ``skip`` rows are passed over without being converted.

    ``zone`` is that of times without an offset, ``country`` that of national numbers, ``mapping`` what the
    columns of a mapped file are. Raises UnableToRead for an unknown format and for a file that is broken as a whole.
    """
    if format not in FORMATS:
        raise UnableToRead(f"There is no format “{format}”. There are: {', '.join(FORMATS)}.")
    settings = Settings(zone=zone, country=country, mapping=mapping or {}, skip=Skip(skip))
    return _rows(file, FORMATS[format], settings)


def _rows(file: BinaryIO, format: Format, settings: Settings) -> Iterator[ParsedCall | ParsedMessage | Reject]:
    before = 0
    for part in parts_of(file):
        last = 0
        for row in format.read(part, settings):
            last = max(last, row.line)
            if not isinstance(row, Passed):
                yield dataclasses.replace(row, line=before + row.line) if before else row
        before += last
