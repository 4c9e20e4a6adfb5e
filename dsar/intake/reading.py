"""What a message of a website form says, read strictly: JSON of a known form, or a fault by name. No database.

The fields stand in one table, from which the description for programs is made too.
"""

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts import strict_json
from accounts.validators import validate_country
from dsar.deadlines import REQUEST_TYPES
from dsar.mail.reading import clean_text, one_line

QUESTION = "question"
KEY = r"^[A-Za-z0-9_-]{8,64}$"
OLDEST = dt.timedelta(days=30)
AHEAD = dt.timedelta(minutes=5)  # how far the sender's clock may be before ours


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is wrong with one field; goes back to the sender."""

    field: str
    message: str

    def as_dict(self) -> dict[str, str]:
        return dataclasses.asdict(self)


class UnableToRead(ValueError):
    """The message is not one; ``faults`` say where and why."""

    def __init__(self, *faults: Fault):
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of a message: how long it may be, what it is for, and what is wrong with a value ("": nothing)."""

    longest: int
    about: str
    check: Callable[[str], str] = lambda value: ""
    is_needed: bool = False
    pattern: str = ""
    choices: tuple[str, ...] = ()
    lines: bool = False  # may be of several lines


def _email(value: str) -> str:
    try:
        validate_email(value)
    except ValidationError:
        return "Not an e-mail address."
    return "" if value.isascii() else "An e-mail address with other letters than a to z cannot be reached from here."


def _country(value: str) -> str:
    try:
        validate_country(value)
    except ValidationError as error:
        return error.messages[0]
    return ""


FIELDS: dict[str, Field] = {
    "key": Field(64, "Yours, one for each form that was sent: the same key again makes nothing new.", is_needed=True, pattern=KEY),
    "type": Field(24, "What is asked for; “question” is none of the rights.", is_needed=True, choices=(QUESTION, *REQUEST_TYPES)),
    "message": Field(20_000, "What the person wrote, as plain text.", is_needed=True, lines=True),
    "name": Field(200, "The person’s name."),
    "email": Field(254, "Where to answer.", check=_email),
    "phone": Field(40, "A telephone number, as it was written.", pattern=r"^[0-9+() ./-]{3,40}$"),
    "subject": Field(200, "A headline."),
    "customer": Field(64, "The customer’s id in the service platform, only if the person was signed in."),
    "workspace": Field(64, "The id of the account in the service platform, only if the person was signed in to it."),
    "country": Field(2, "Where the person lives, as two letters (ISO 3166): it decides which law’s dates hold.", check=_country),
    "received_at": Field(40, "When the form was sent, with its offset; at most 30 days ago. Dates count from it."),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Message:
    """A message that has the right form. A field that was not given is empty."""

    values: dict[str, str]
    received_at: dt.datetime | None

    def __getattr__(self, name: str) -> str:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None


def read(body: bytes, *, now: dt.datetime) -> Message:
    """Return what ``body`` says. Raises UnableToRead with every fault there is."""
    try:
        said = strict_json.read(body)
    except strict_json.NotStrict as error:
        raise UnableToRead(Fault("", str(error))) from error
    if not isinstance(said, dict):
        raise UnableToRead(Fault("", "The message is an object."))
    faults = [
        Fault(ascii(name)[:40], f"Not known here: there are {', '.join(FIELDS)}.")
        for name in sorted(set(said) - set(FIELDS))
    ]
    values: dict[str, str] = {}
    for name, field in FIELDS.items():
        value = said.get(name)
        fault = _fault(field, "" if value is None else value)
        if fault:
            faults.append(Fault(name, fault))
        values[name] = "" if fault or value is None else _clean(field, value)
    if not (values["email"] or values["phone"] or values["customer"] or faults):
        faults.append(Fault("email", "Say where to answer: an e-mail address, a telephone number, or the customer."))
    received_at = strict_json.instant(values["received_at"]) if values["received_at"] else None
    if values["received_at"] and (received_at is None or not now - OLDEST <= received_at <= now + AHEAD):
        faults.append(
            Fault(
                "received_at", "An instant with its offset, such as 2026-12-01T09:30:00+08:00, within the last 30 days."
            )
        )
    if faults:
        raise UnableToRead(*faults)
    return Message(values, min(received_at, now) if received_at else None)


def _fault(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        return "Text."
    if not strict_json.is_text(value):
        return "This holds characters that are no text."
    if len(value) > field.longest:
        return f"At most {field.longest:,} characters; this has {len(value):,}."
    if not value.strip():
        return "This is needed." if field.is_needed else ""
    if field.choices and value not in field.choices:
        return f"One of {', '.join(field.choices)}."
    if field.pattern and not re.fullmatch(field.pattern, value):
        return f"In the form {field.pattern}"
    return field.check(value.strip())


def _clean(field: Field, value: str) -> str:
    return clean_text(value).strip() if field.lines else one_line(value, field.longest)
