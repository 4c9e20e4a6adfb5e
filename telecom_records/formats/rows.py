"""What a reader gives for each row of a file."""

import dataclasses
import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from telecom_records.phone_numbers import PhoneParty

KEY_LENGTH = 150


class UnableToRead(ValueError):
    """The file as a whole cannot be read; the message says why, and names nobody."""


class RowFault(ValueError):
    """One row cannot be taken. The message names nobody: it is shown and kept."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not taken: its line, a code, and the reason without anything personal."""

    line: int
    code: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True)
class ParsedCall:
    """One call as its source recorded it. Instants are aware and in UTC; None means it did not happen.

    ``cost`` is positive for a charge. The caller's name is not taken over: nobody needs it here.
    """

    line: int
    source_key: str
    call_group: str
    caller: PhoneParty
    dialled: PhoneParty
    started_at: dt.datetime
    answered_at: dt.datetime | None
    ended_at: dt.datetime | None
    duration_s: Decimal | None
    talk_s: Decimal | None
    billed_s: int | None
    status: str
    cost: Decimal | None
    currency: str
    time_source: str
    row_hash: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class ParsedMessage:
    """One text message as its source recorded it, without its text. ``sent_at`` is in UTC; a charge is positive.

    ``status`` is sent, delivered, undelivered, failed, received or unknown; None for ``segments``: not told.
    """

    line: int
    source_key: str
    sender: PhoneParty
    recipient: PhoneParty
    sent_at: dt.datetime
    status: str
    segments: int | None
    cost: Decimal | None
    currency: str
    time_source: str
    row_hash: bytes


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a file does not say about itself: the zone of its times, the country of its national numbers, its columns."""

    zone: ZoneInfo | None = None
    country: str = ""
    mapping: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def make_call(*, line: int, **values) -> ParsedCall:
    """Return a call with its hash: over the mapped values, so that the same call from a longer export is the same.

    Raises RowFault when a text holds what no database stores: a NUL byte, or half a character.
    """
    return ParsedCall(line=line, row_hash=_row_hash(values), **values)


def make_message(*, line: int, **values) -> ParsedMessage:
    """Return a message with its hash, as ``make_call``. Raises RowFault."""
    return ParsedMessage(line=line, row_hash=_row_hash(values), **values)


def _row_hash(values: Mapping[str, Any]) -> bytes:
    told = "\x1f".join(str(values[name]) for name in sorted(values))
    try:
        encoded = told.encode()
    except UnicodeEncodeError:
        encoded = b"\x00"
    if b"\x00" in encoded:
        raise RowFault("bad_text", "A value holds a NUL byte or half a character.")
    return hashlib.sha256(encoded).digest()[:16]


def joined_key(first: str, *rest: object) -> str:
    """Return a key of several parts that fits its column; the rest only as a hash, since it may hold numbers."""
    if not rest:
        return first[:KEY_LENGTH]
    digest = hashlib.sha256("\x1f".join(str(part) for part in rest).encode()).hexdigest()[:24]
    return f"{first[: KEY_LENGTH - 25]}/{digest}"


class Ordinals:
    """Keys for files without call ids: a hash of what the row says, and which of its equals in the file it is."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def key_for(self, *parts: object) -> str:
        key = joined_key("row", *parts)
        self._seen[key] += 1
        return f"{key}/{self._seen[key]}"
