"""What an officer says of a file that no format knows: how its lines are split, which column is what, how values are written.

A mapping is kept as JSON with its source, and a copy with each import. It holds titles and places of columns and words
of settings, never a value of a row: what looks like a number or an address is refused.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from telecom_records.formats.dates import EPOCHS, STYLES

KINDS = {"calls": "Calls", "messages": "Messages"}
LAYOUTS = {"delimited": "Columns between signs", "fixed": "Columns at fixed places"}
DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Bar |", "^": "Caret ^", "~": "Tilde ~"}
ENCODINGS = {
    "utf-8": "UTF-8", "utf-16": "UTF-16", "windows-1252": "Windows 1252 (Western Europe)",
    "windows-1250": "Windows 1250 (Central Europe)", "windows-1251": "Windows 1251 (Cyrillic)",
    "windows-1253": "Windows 1253 (Greek)", "windows-1254": "Windows 1254 (Turkish)",
    "iso-8859-1": "ISO 8859-1 (Western Europe)", "iso-8859-2": "ISO 8859-2 (Central Europe)",
    "iso-8859-5": "ISO 8859-5 (Cyrillic)", "iso-8859-7": "ISO 8859-7 (Greek)", "iso-8859-9": "ISO 8859-9 (Turkish)",
    "iso-8859-15": "ISO 8859-15 (Western Europe, euro)", "big5": "Big5 (Traditional Chinese)",
    "gb18030": "GB 18030 (Simplified Chinese)", "shift_jis": "Shift JIS (Japanese)", "euc-kr": "EUC-KR (Korean)",
}  # fmt: skip
LENGTHS = {
    "seconds": "Seconds", "milliseconds": "Milliseconds", "minutes": "Minutes", "clock": "HH:MM:SS", "go": "As in 1m30s",
}  # fmt: skip
TIMES_IN = {"source": "The zone of the source", "utc": "UTC"}
DECIMALS = {".": "Point: 0.25", ",": "Comma: 0,25"}
NUMBERS = {"national": "As dialled in the country", "international": "International, with or without plus"}
CHARGES = {"positive": "Positive", "negative": "Negative"}
DIRECTIONS = {"outbound": "Outgoing", "inbound": "Incoming"}
STATUSES = {
    "calls": {
        "answered": "Answered", "no_answer": "No answer", "busy": "Busy", "cancelled": "Cancelled", "failed": "Failed",
        "unknown": "Unknown",
    },
    "messages": {
        "sent": "Sent", "delivered": "Delivered", "undelivered": "Undelivered", "failed": "Failed", "received": "Received",
        "unknown": "Unknown",
    },
}  # fmt: skip
MEANINGS = {
    "calls": {
        "caller": "Caller", "dialled": "Number dialled", "own": "Own number", "other": "Other party",
        "direction": "Direction", "start": "Start", "date": "Date of the start", "answer": "Answer", "end": "End",
        "zone": "Time zone", "duration": "Duration from the start", "talk": "Talk time", "billed": "Billed time",
        "status": "Status", "cost": "Cost", "currency": "Currency", "withheld": "Caller withheld", "id": "Id of the call",
        "group": "Id that ties legs",
    },
    "messages": {
        "caller": "Sender", "dialled": "Recipient", "own": "Own number", "other": "Other party",
        "direction": "Direction", "start": "Sent", "date": "Date when sent", "zone": "Time zone", "status": "Status",
        "segments": "Parts", "cost": "Cost", "currency": "Currency", "id": "Id of the message",
    },
}  # fmt: skip
SEVERAL = {"id"}  # what may stand in several columns
MAX_COLUMNS, MAX_TITLE, MAX_PLACE, MAX_SKIPPED = 300, 100, 10_000, 1_000
PLACES = re.compile(r"^(\d{1,5})-(\d{1,5})$", re.ASCII)
PERSONAL = re.compile(
    r"\d[\d\s().-]{3,}\d|@"
)  # five digits are a number, an address or an instant, and no title or word


class BadMapping(ValueError):
    """A mapping by which no file can be read; ``faults`` says of which setting what is wrong."""

    def __init__(self, faults: dict[str, str]):
        super().__init__(" ".join(faults.values()))
        self.faults = faults


@dataclasses.dataclass(frozen=True)
class Column:
    """Where a value stands (the name of a title, the number of a column, or places such as 1-10) and what it means."""

    at: str
    means: str

    @property
    def places(self) -> tuple[int, int]:
        """Return the first place, from 0, and the one behind the last."""
        match = PLACES.match(self.at)
        return (int(match[1]) - 1, int(match[2])) if match else (0, 0)


@dataclasses.dataclass(frozen=True)
class TableMapping:
    """All that is said of a file. ``width`` is how many columns a file without titles has."""

    kind: str = "calls"
    layout: str = "delimited"
    delimiter: str = ","
    header: bool = True
    width: int = 0
    skip_lines: int = 0
    comments: tuple[str, ...] = ()
    encoding: str = "utf-8"
    columns: tuple[Column, ...] = ()
    time_style: str = ""
    times_in: str = "source"
    lengths: str = "seconds"
    decimal: str = "."
    numbers: str = "national"
    charge: str = "positive"
    currency: str = ""
    statuses: Mapping[str, str] = dataclasses.field(default_factory=dict)
    directions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    nulls: tuple[str, ...] = ()

    def has(self, means: str) -> bool:
        """Return whether a column has this meaning."""
        return any(column.means == means for column in self.columns)

    def label(self, means: str) -> str:
        """Return what a column is called in faults: in quotes, so that no title of the file can be the same."""
        return f"“{MEANINGS[self.kind][means]}”"

    def as_json(self) -> dict[str, Any]:
        """Return the mapping as it is kept."""
        return {**dataclasses.asdict(self), "comments": list(self.comments), "nulls": list(self.nulls),
                "columns": [dataclasses.asdict(column) for column in self.columns]}  # fmt: skip


CHOSEN = {
    "kind": KINDS, "layout": LAYOUTS, "delimiter": DELIMITERS, "encoding": ENCODINGS, "time_style": STYLES,
    "times_in": TIMES_IN, "lengths": LENGTHS, "decimal": DECIMALS, "numbers": NUMBERS, "charge": CHARGES,
}  # fmt: skip
NAMES = {field.name for field in dataclasses.fields(TableMapping)}


def read_mapping(told: Any) -> TableMapping:
    """Return a mapping from its JSON. Raises BadMapping, whatever else it may be."""
    mapping = draft_mapping(told)
    if faults := dict(_faults(mapping)):
        raise BadMapping(faults)
    return mapping


def draft_mapping(told: Any) -> TableMapping:
    """Return a mapping that may still lack what a file cannot be read without. Raises BadMapping for what is no mapping."""
    if not isinstance(told, Mapping):
        raise BadMapping({"columns": "A mapping is a set of settings."})
    if unknown := {str(name) for name in told} - NAMES:
        raise BadMapping({"columns": f"Unknown settings: {', '.join(sorted(unknown))[:80]}."})
    faults: dict[str, str] = {}
    for name, choices in CHOSEN.items():
        value = told.get(name, getattr(TableMapping, name))
        if not isinstance(value, str) or not (value in choices or (name == "time_style" and not value)):
            faults[name] = f"One of: {', '.join(choices.values())}."
    for name, most in (("skip_lines", MAX_SKIPPED), ("width", MAX_COLUMNS)):
        value = told.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            faults[name] = f"A number from 0 to {most}."
    if not isinstance(told.get("header", True), bool):
        faults["header"] = "True or false."
    for name in ("comments", "nulls"):
        if not _are_words(told.get(name, []), most=20, length=20):
            faults[name] = "At most 20 words of at most 20 signs."
    for name in ("statuses", "directions"):
        if not _is_glossary(told.get(name, {})):
            faults[name] = "At most 100 words of at most 40 signs, none of them a number or an address."
    currency = told.get("currency", "")
    if not isinstance(currency, str) or (currency and not re.fullmatch(r"[A-Z]{3}", currency)):
        faults["currency"] = "Three capital letters, such as EUR."
    columns = _columns(told.get("columns", []))
    if columns is None:
        faults["columns"] = f"At most {MAX_COLUMNS} columns, each with a title of at most {MAX_TITLE} signs."
    if faults:
        raise BadMapping(faults)
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    return TableMapping(**{**values, "columns": columns})


def _faults(mapping: TableMapping) -> Iterator[tuple[str, str]]:
    """Yield, of a mapping whose values are of the right kinds, what no file can be read by."""
    meanings = MEANINGS[mapping.kind]
    told = [column.means for column in mapping.columns]
    lacking = [meanings[means] for means in needed(mapping) if means not in told]
    if unknown := set(told) - set(meanings):
        yield "columns", f"Unknown meaning: {sorted(unknown)[0][:40]}."
    elif twice := {means for means in told if told.count(means) > 1} - SEVERAL:
        yield "columns", f"Two columns are “{meanings[sorted(twice)[0]]}”. Only one can be."
    elif {"caller", "dialled"} & set(told) and {"own", "other", "direction"} & set(told):
        yield (
            "columns",
            (
                f"Either {meanings['caller']} and {meanings['dialled']}, or own number, other party and direction: not both."
            ),
        )
    elif lacking:
        yield "columns", f"Say which column is: {', '.join(lacking)}."
    elif len({column.at for column in mapping.columns}) < len(mapping.columns):
        yield "columns", "One column has two meanings."
    elif not all(_is_place(column.at, mapping) for column in mapping.columns):
        yield "columns", "A column stands at no place that such a file has."
    if mapping.layout == "delimited" and not mapping.header and not mapping.width:
        yield "width", "Say how many columns the file has."
    if not mapping.time_style:
        yield "time_style", "Choose how times are written. Day and month are never guessed."
    if "date" in told and mapping.time_style in (*EPOCHS, "mail"):
        yield "time_style", "Times of this form hold their date: there can be no column of dates beside them."
    if "cost" in told and "currency" not in told and not mapping.currency:
        yield "currency", "A cost needs its currency."
    if set(mapping.statuses.values()) - set(STATUSES[mapping.kind]):
        yield "statuses", f"A status is one of: {', '.join(STATUSES[mapping.kind])}."
    if set(mapping.directions.values()) - set(DIRECTIONS):
        yield "directions", "A direction is inbound or outbound."


def needed(mapping: TableMapping) -> tuple[str, ...]:
    """Return what a row cannot do without."""
    by_side = any(mapping.has(means) for means in ("own", "other", "direction"))
    return ("start", *(("own", "other", "direction") if by_side else ("caller", "dialled")))


def says_nobody(text: str) -> bool:
    """Return whether a title or a word of a file can be kept: it holds no number and no address of anybody."""
    return not PERSONAL.search(text)


def _is_place(at: str, mapping: TableMapping) -> bool:
    if mapping.layout == "fixed":
        match = PLACES.match(at)
        return bool(match) and 1 <= int(match[1]) <= int(match[2]) <= MAX_PLACE  # type: ignore[index]
    if mapping.header:
        return bool(at) and says_nobody(at)
    return at.isascii() and at.isdigit() and 1 <= int(at) <= mapping.width


def _columns(told: Any) -> tuple[Column, ...] | None:
    if not isinstance(told, list | tuple) or len(told) > MAX_COLUMNS:
        return None
    columns = []
    for one in told:
        if not isinstance(one, Mapping) or set(one) != {"at", "means"}:
            return None
        if not all(
            isinstance(value, str) and 0 < len(value) <= MAX_TITLE and value.isprintable() for value in one.values()
        ):
            return None
        columns.append(Column(one["at"], one["means"]))
    return tuple(columns)


def _are_words(told: Any, *, most: int, length: int) -> bool:
    return (
        isinstance(told, list | tuple)
        and len(told) <= most
        and all(isinstance(word, str) and 0 < len(word) <= length and word.isprintable() for word in told)
    )


def _is_glossary(told: Any) -> bool:
    return (
        isinstance(told, Mapping)
        and _are_words(list(told), most=100, length=40)
        and all(isinstance(value, str) for value in told.values())
        and all(says_nobody(word) for word in told)
    )
