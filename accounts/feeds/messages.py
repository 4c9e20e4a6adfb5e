"""What a message says, read strictly: JSON of a known form, or a fault by name. No database."""

import dataclasses
import datetime as dt
import re
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from accounts import strict_json
from accounts.models.feeds import Kind

MOST_ITEMS = 5_000
LONGEST_TEXT = 10_000
MOST_FAULTS = 100
ENDS = {"expires_at", "next_billing_at", "agreed_end_at", "until"}  # a date here means the end of that day
LISTS = {"workspaces"}  # columns whose items may be a list of ids
DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is wrong with one item. Only ``item`` and ``field`` are kept; the message goes back to the sender."""

    item: str  # "subscriptions/3"; empty: the whole message
    field: str
    message: str

    def as_dict(self) -> dict[str, str]:
        return dataclasses.asdict(self)


class UnableToRead(ValueError):
    """The message is not one; ``faults`` say where and why."""

    def __init__(self, *faults: Fault):
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults[:MOST_FAULTS]


@dataclasses.dataclass(frozen=True)
class Message:
    """A message that has the right form. Each item is a row as the file imports take it: column name to text."""

    sequence: int
    as_of: dt.datetime
    items: dict[str, list[dict[str, str]]]

    @property
    def count(self) -> int:
        return sum(map(len, self.items.values()))


def read(body: bytes, *, carries: list[str], now: dt.datetime, ahead: dt.timedelta) -> Message:
    """Return what ``body`` says. Raises UnableToRead. ``ahead`` is how far the sender's clock may be before ``now``."""
    said = _json(body)
    if not isinstance(said, dict):
        refuse("", "The message is an object with sequence, as_of and the kinds of items.")
    sequence, as_of = said.pop("sequence", None), said.pop("as_of", None)
    if type(sequence) is not int or not 1 <= sequence < 2**62:
        refuse("sequence", "A whole number from 1 on, one more with each message.")
    faults = []
    if unknown := sorted(set(said) - set(Kind.values)):
        faults.append(Fault("", str(unknown[0])[:40], f"Not known here: there are {', '.join(Kind.values)}."))
    faults += [Fault("", kind, "This feed does not carry it.") for kind in said if kind in Kind and kind not in carries]
    if faults:
        raise UnableToRead(*faults)
    told = _instant(as_of)
    if told > now + ahead:
        refuse("as_of", "It lies in the future.")
    items = {kind: _items(kind, said[kind]) for kind in Kind.values if kind in said}
    message = Message(sequence, told, items)
    if message.count > MOST_ITEMS:
        refuse("", f"At most {MOST_ITEMS:,} items in one message; this has {message.count:,}.")
    return message


def at_hours(item: dict[str, str], instants: set[str], *, zone: str, hour: int) -> dict[str, str]:
    """Return an item whose plain dates are instants: the hour at which the feed's days end, or the start of that day."""
    if not zone:
        return item
    found = dict(item)
    for name in instants & set(item):
        if DATE.match(item[name]):
            try:
                day = dt.date.fromisoformat(item[name])
            except ValueError:
                continue  # the resource says what is wrong with it
            added = hour if name in ENDS else 0
            local = dt.datetime.combine(day + dt.timedelta(days=added // 24), dt.time(added % 24))
            found[name] = local.replace(tzinfo=ZoneInfo(zone)).isoformat()
    return found


def refuse(field: str, message: str) -> NoReturn:
    raise UnableToRead(Fault("", field, message))


def _json(body: bytes) -> Any:
    try:
        return strict_json.read(body)
    except strict_json.NotStrict as error:
        refuse("", str(error))


def _instant(value: Any) -> dt.datetime:
    found = strict_json.instant(value)
    if found is None:
        refuse("as_of", "An instant with its offset, such as 2026-12-01T00:00:00+08:00.")
    return found


def _items(kind: str, said: Any) -> list[dict[str, str]]:
    if not isinstance(said, list):
        refuse(kind, "A list of items.")
    faults: list[Fault] = []
    rows = []
    for place, item in enumerate(said[: MOST_ITEMS + 1]):
        where = f"{kind}/{place}"
        if not isinstance(item, dict):
            faults.append(Fault(where, "", "An item is an object."))
            continue
        row = {}
        for name, value in item.items():
            text = _text(name, value)
            if text is None:
                faults.append(Fault(where, name[:40] if name.isprintable() else "", "Text, a whole number, yes or no (true, false), or null."))  # fmt: skip
            else:
                row[name] = text
        rows.append(row)
    if faults:
        raise UnableToRead(*faults)
    return rows


def _text(name: str, value: Any) -> str | None:
    """Return a value as the file imports take it, or None when it is none that they can take."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if abs(value) < 2**62 else None
    if (
        isinstance(value, list)
        and name in LISTS
        and all(isinstance(one, str) and one.split() == [one] for one in value)
    ):
        value = " ".join(value)
    return value if strict_json.is_text(value) and len(value) <= LONGEST_TEXT else None
