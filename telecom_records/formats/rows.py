"""What a reader gives for each row of a file."""

import dataclasses
import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from telecom_records.phone_numbers import PhoneParty

KEY_LENGTH = 150
# Rows that are no fault of the file: they say themselves that there is nothing to take, or not yet.
NO_FAULT = {"not_a_call", "not_a_message", "not_finished", "other_run", "repeated_event", "fragment"}
NOTHING = "\x1e"  # how a column without a value is told to the database, which takes no text for it
TO_ESCAPE = re.compile(r"[\\\t\n\r\x1e]")
ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", NOTHING: " "})


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

    @property
    def is_fault(self) -> bool:
        """Whether the row should have been a call; one that is none is passed over."""
        return self.code not in NO_FAULT


@dataclasses.dataclass(frozen=True, slots=True)
class Passed:
    """A row that an earlier turn has taken already: only its line counts."""

    line: int


class Told(str):
    """A key made of what a row says, for files without ids: equals are counted when the whole file is staged."""

    __slots__ = ()


@dataclasses.dataclass(slots=True)  # frozen, it would take twice as long to make one, and files have millions
class ParsedRow:
    """What calls and messages have in common. Instants are aware and in UTC; ``cost`` is positive for a charge."""

    line: int
    source_key: str
    status: str
    cost: Decimal | None
    currency: str
    time_source: str

    @property
    def instant(self) -> dt.datetime:
        raise NotImplementedError

    @property
    def parties(self) -> tuple[PhoneParty, PhoneParty]:
        """Whose side is outgoing, and whose is incoming."""
        raise NotImplementedError

    def own_values(self) -> tuple[object, ...]:
        """Return what only rows of this kind have."""
        raise NotImplementedError

    def as_text(self) -> str:
        """Return the row as a line of COPY, but for its place, line and hash (``telecom_records/staging.py``).

        Raises RowFault when a text holds what no database stores: a NUL byte, or half a character.
        """
        outgoing, incoming = self.parties
        texts: tuple[str, ...] = (
            self.source_key, self.time_source, self.status, self.currency,
            outgoing.kind, outgoing.value, outgoing.e164 or "", incoming.kind, incoming.value, incoming.e164 or "",
        )  # fmt: skip
        if TO_ESCAPE.search("".join(texts)):
            texts = tuple(text.translate(ESCAPES) for text in texts)
        values = [NOTHING if value is None else str(value) for value in (self.cost, *self.own_values())]
        withheld = "t\t" if outgoing.restricted else "f\t", "t" if incoming.restricted else "f"
        told = "\t".join((*texts, "".join(withheld), str(self.instant), *values))
        if "\x00" in told or not _is_whole(told):
            raise RowFault("bad_text", "A value holds a NUL byte or half a character.")
        return told

    @property
    def row_hash(self) -> bytes:
        """Over the mapped values, so that the same call from a longer export is the same. Raises RowFault."""
        return hash_of(self.as_text())


@dataclasses.dataclass(slots=True)
class ParsedCall(ParsedRow):
    """One call as its source recorded it; None means it did not happen.

    The caller's name is not taken over: nobody needs it here.
    """

    call_group: str
    caller: PhoneParty
    dialled: PhoneParty
    started_at: dt.datetime
    answered_at: dt.datetime | None
    ended_at: dt.datetime | None
    duration_s: Decimal | None
    talk_s: Decimal | None
    billed_s: int | None

    @property
    def instant(self) -> dt.datetime:
        return self.started_at

    @property
    def parties(self) -> tuple[PhoneParty, PhoneParty]:
        return self.caller, self.dialled

    def own_values(self) -> tuple[object, ...]:
        group = self.call_group.translate(ESCAPES) if TO_ESCAPE.search(self.call_group) else self.call_group
        return group, self.answered_at, self.ended_at, self.duration_s, self.talk_s, self.billed_s


@dataclasses.dataclass(slots=True)
class ParsedMessage(ParsedRow):
    """One text message as its source recorded it, without its text.

    ``status`` is sent, delivered, undelivered, failed, received or unknown; None for ``segments``: not told.
    """

    sender: PhoneParty
    recipient: PhoneParty
    sent_at: dt.datetime
    segments: int | None

    @property
    def instant(self) -> dt.datetime:
        return self.sent_at

    @property
    def parties(self) -> tuple[PhoneParty, PhoneParty]:
        return self.sender, self.recipient

    def own_values(self) -> tuple[object, ...]:
        return (self.segments,)


@dataclasses.dataclass
class Skip:
    """How many rows of the beginning an earlier turn has taken already."""

    left: int = 0


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a file does not say about itself: the zone of its times, the country of its national numbers, its columns."""

    zone: ZoneInfo | None = None
    country: str = ""
    skip: Skip = dataclasses.field(default_factory=Skip)
    mapping: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def hash_of(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def joined_key(first: str, *rest: object) -> str:
    """Return a key of several parts that fits its column; the rest only as a hash, since it may hold numbers."""
    if not rest:
        return first[:KEY_LENGTH]
    digest = hashlib.sha256("\x1f".join(str(part) for part in rest).encode()).hexdigest()[:24]
    return f"{first[: KEY_LENGTH - 25]}/{digest}"
