"""How the rows of a family of files become calls or messages: a declaration of which column holds what, and how it is read.

A module of a family declares its files (``tables.py``, ``documents.py``) and its Family or MessageFamily; everything that all have in
common is here. Columns stand in the order in which they are tried: the first that holds something counts.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO, ClassVar, Protocol, TypeVar

from telecom_records.formats.rows import (
    ParsedCall,
    ParsedMessage,
    Passed,
    Reject,
    RowFault,
    Settings,
    Told,
    joined_key,
)
from telecom_records.formats.values import EMPTY, MAX_SECONDS, is_never, money
from telecom_records.phone_numbers import INTERNAL_DIGITS, PhoneParty, classify

Row = Mapping[str, Any]
Rows = Iterator[tuple[int, Row | RowFault]]
Read = Iterator[ParsedCall | ParsedMessage | Reject | Passed]
Reader = Callable[[BinaryIO, Settings], Read]
TimeReader = Callable[[str, str, Settings, int | None], tuple[dt.datetime, str]]
Times = tuple[tuple[str, TimeReader], ...]
Lengths = tuple[tuple[str, Callable[[str, str], Decimal | None]], ...]
Names = tuple[str, ...]
Parsed = TypeVar("Parsed", ParsedCall, ParsedMessage)

GROUP_LENGTH = 150
MAX_SEGMENTS = 255  # what one byte of a concatenated message counts to


@dataclasses.dataclass(frozen=True)
class Format:
    """How a format is read, and how it is known: by its first line, or by the beginning of the file.

    ``name`` is what people call it; it ``gives`` calls or messages.
    """

    read: Reader
    name: str = dataclasses.field(kw_only=True)
    gives: str = dataclasses.field(default="calls", kw_only=True)
    by_first_line: Callable[[str], bool] | None = None
    by_beginning: Callable[[str], bool] | None = None


class Source(Protocol):
    """What gives the rows of a file: a table with a header, one without, or a document."""

    def rows(self, file: BinaryIO) -> Rows: ...


@dataclasses.dataclass(frozen=True)
class Family:
    """Where each value of a call stands. What no column gives is computed from the instants, or left open."""

    key: Callable[[Row], str]
    caller: Names
    dialled: Names
    started: Times
    status: Callable[[Row, bool], str]
    answered: Times = ()
    ended: Times = ()
    group: Callable[[Row], str] = lambda row: ""
    duration: Lengths = ()
    talk: Lengths = ()
    billed: Lengths = ()
    cost: Callable[[Row], tuple[Decimal | None, str]] = lambda row: (None, "")
    number: Callable[[str, str], PhoneParty] = classify
    withheld: Callable[[Row], bool] = lambda row: False
    prepare: Callable[[Row], Row] = lambda row: row  # adds what the row implies; RowFault for what is no call
    epoch: Callable[[Row], int | None] = lambda row: None
    gives: ClassVar[str] = "calls"

    def read(self, source: Source, file: BinaryIO, settings: Settings) -> Read:
        """Yield each row of a file as a call, or as a reject with the reason; those to be skipped only with their line."""
        return _read(self.call, source, file, settings)

    def call(self, number: int, row: Row, settings: Settings) -> ParsedCall:
        """Return the call of one row. Raises RowFault."""
        row = self.prepare(row)
        started = read_time(self.started, row, settings, self.epoch(row))
        if started is None:
            raise RowFault("bad_time", "The row does not say when the call started.")
        started_at, time_source = started
        near = int(started_at.timestamp())
        answered = read_time(self.answered, row, settings, near)
        ended = read_time(self.ended, row, settings, near)
        answered_at, ended_at = answered and answered[0], ended and ended[0]
        duration, talk = read_length(self.duration, row), read_length(self.talk, row)
        billed = read_length(self.billed, row)
        if ended_at is None and answered_at and talk is not None:
            ended_at = _after(answered_at, talk)
        cost, currency = self.cost(row)
        caller = self.number(first(row, self.caller), settings.country)
        if self.withheld(row) and not caller.restricted:
            caller = dataclasses.replace(caller, restricted=True)
        return ParsedCall(
            line=number,
            source_key=self.key(row),
            call_group=self.group(row)[:GROUP_LENGTH],
            caller=caller,
            dialled=self.number(first(row, self.dialled), settings.country),
            started_at=started_at,
            answered_at=answered_at,
            ended_at=ended_at,
            duration_s=_between(started_at, ended_at) if duration is None else duration,
            talk_s=_between(answered_at, ended_at) if talk is None else talk,
            billed_s=None if billed is None else int(billed),
            status=self.status(row, answered_at is not None),
            cost=cost,
            currency=currency,
            time_source=time_source,
        )


@dataclasses.dataclass(frozen=True)
class MessageFamily:
    """Where each value of a message stands. No column with its text is ever named here."""

    key: Callable[[Row], str]
    sender: Names
    recipient: Names
    sent: Times
    status: Callable[[Row], str]
    segments: Names = ()
    cost: Callable[[Row], tuple[Decimal | None, str]] = lambda row: (None, "")
    number: Callable[[str, str], PhoneParty] = classify
    prepare: Callable[[Row], Row] = lambda row: row  # as in Family
    gives: ClassVar[str] = "messages"

    def read(self, source: Source, file: BinaryIO, settings: Settings) -> Read:
        """Yield each row of a file as a message, or as a reject with the reason."""
        return _read(self.message, source, file, settings)

    def message(self, number: int, row: Row, settings: Settings) -> ParsedMessage:
        """Return the message of one row. Raises RowFault."""
        row = self.prepare(row)
        sent = read_time(self.sent, row, settings, None)
        if sent is None:
            raise RowFault("bad_time", "The row does not say when the message was sent.")
        cost, currency = self.cost(row)
        return ParsedMessage(
            line=number,
            source_key=self.key(row),
            sender=self.number(first(row, self.sender), settings.country),
            recipient=self.number(first(row, self.recipient), settings.country),
            sent_at=sent[0],
            status=self.status(row),
            segments=_segments(first(row, self.segments)),
            cost=cost,
            currency=currency,
            time_source=sent[1],
        )


def _read(parse: Callable[[int, Row, Settings], Parsed], source: Source, file: BinaryIO, settings: Settings) -> Read:
    skip = settings.skip
    for number, row in source.rows(file):
        if skip.left:
            skip.left -= 1
            yield Passed(number)
            continue
        try:
            if isinstance(row, RowFault):
                raise row
            yield parse(number, row, settings)
        except RowFault as fault:
            yield Reject(number, fault.code, str(fault))


def _segments(text: str) -> int | None:
    """Return of how many parts a message was; None where nobody says. Raises RowFault."""
    if not text or text.lower() in EMPTY:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= MAX_SEGMENTS):
        raise RowFault("bad_number", "The number of parts of the message is out of bounds.")
    return int(text)


def cell(row: Row, name: str) -> str:
    """Return what a column holds, as text; nothing is an empty text. Raises RowFault for a list or an object."""
    value = row.get(name)
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise RowFault("bad_value", f"{name} does not hold a single value.")
    return str(value)


def first(row: Row, names: Names) -> str:
    """Return what the first column that holds something holds."""
    for name in names:
        if text := cell(row, name):
            return text
    return ""


def ids(*choices: Names) -> Callable[[Row], str]:
    """Return a reader of keys: of the first choice whose first column holds something; its others go in as a hash."""

    def key(row: Row) -> str:
        for names in choices:
            if text := cell(row, names[0]):
                return joined_key(text, *(cell(row, name) for name in names[1:]))
        raise RowFault("no_id", f"The row has no {choices[0][0]}.")

    return key


def told(*names: str) -> Callable[[Row], str]:
    """Return a reader of keys for rows without an id: what the row says, and which of its equals in the file it is."""
    return lambda row: Told(joined_key("row", *(cell(row, name) for name in names)))


def joined(*names: str) -> Callable[[Row], str]:
    """Return a reader of what ties the legs of a call together, made of several columns."""
    return lambda row: "/".join(filter(None, (cell(row, name) for name in names)))


def either(*names: str) -> Callable[[Row], str]:
    """Return a reader of what ties the legs of a call together: the first of the columns that holds something."""
    return lambda row: first(row, names)


def by_word(name: str, words: Mapping[str, str]) -> Callable[..., str]:
    """Return a reader of the status from the words of a column, in small letters; an unforeseen one is unknown."""
    return lambda row, answered=False: words.get(cell(row, name).lower(), "unknown")


def by_cause(names: Names, causes: Mapping[str, str]) -> Callable[[Row, bool], str]:
    """Return a reader of the status: answered when there is an answer, else by the cause of the end; others failed."""

    def status(row: Row, answered: bool) -> str:
        if answered:
            return "answered"
        cause = first(row, names).lower()
        return causes.get(cause, "failed") if cause else "unknown"

    return status


def priced(amount: str, *, currency: Names = (), default: str = "", sign: int = 1):
    """Return a reader of the cost. The currency stands in a column, or is the same for all; a charge is positive.

    Raises RowFault when there is an amount and nobody knows of what.
    """

    def cost(row: Row) -> tuple[Decimal | None, str]:
        value = money(cell(row, amount), amount)
        if value is None:
            return None, ""
        unit = (first(row, currency) or default).upper()
        if not (len(unit) == 3 and unit.isalpha() and unit.isascii()):
            raise RowFault("no_currency", "A cost needs its currency, as three letters.")
        return value * sign, unit

    return cost


def international(text: str, country: str) -> PhoneParty:
    """Return what a number column holds, of a family that writes international numbers with or without plus or 00."""
    bare = text.strip()
    is_bare = bare.isascii() and bare.isdigit() and len(bare) > INTERNAL_DIGITS and not bare.startswith("0")
    return classify(f"+{bare}" if is_bare else text, country)


def read_time(times: Times, row: Row, settings: Settings, near: int | None) -> tuple[dt.datetime, str] | None:
    """Return the first instant that the columns give, and how sure it is; None when it did not happen.

    ``near`` is the epoch second of an instant close by, which tells the doubled hour of autumn apart.
    """
    for name, reader in times:
        text = cell(row, name)
        if not is_never(text):
            return reader(text, name, settings, near)
    return None


def read_length(lengths: Lengths, row: Row) -> Decimal | None:
    """Return the first number of seconds that the columns give."""
    for name, reader in lengths:
        value = reader(cell(row, name), name)
        if value is not None:
            return value
    return None


def _between(start: dt.datetime | None, end: dt.datetime | None) -> Decimal | None:
    """Return the seconds between two instants; None where there are not two, or no call lies between them."""
    if start is None or end is None or end < start:
        return None
    seconds = Decimal((end - start) // dt.timedelta(milliseconds=1)) / 1000
    return seconds if seconds < MAX_SECONDS else None


def _after(start: dt.datetime, seconds: Decimal) -> dt.datetime:
    try:
        return start + dt.timedelta(milliseconds=int(seconds * 1000))
    except OverflowError as error:
        raise RowFault("bad_time", "The end of the call is out of bounds.") from error


# What ends a call that nobody answered: Q.850 codes, FreeSWITCH's names for them, and answers of SIP.
Q850 = {
    "0": "unknown", "16": "no_answer", "17": "busy", "18": "no_answer", "19": "no_answer", "20": "no_answer",
    "31": "no_answer",
}  # fmt: skip
Q850_NAMES = {
    "normal_clearing": "no_answer", "normal_unspecified": "no_answer", "user_busy": "busy", "no_answer": "no_answer",
    "no_user_response": "no_answer", "subscriber_absent": "no_answer", "allotted_timeout": "no_answer",
    "recovery_on_timer_expire": "no_answer", "lose_race": "no_answer", "originator_cancel": "cancelled", "none": "unknown",
}  # fmt: skip
SIP = {"486": "busy", "600": "busy", "487": "cancelled", "408": "no_answer", "480": "no_answer"}
