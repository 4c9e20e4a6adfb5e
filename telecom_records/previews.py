"""How the first rows of a file would be read by a mapping, before anything is imported."""

import dataclasses
import datetime as dt
import io
from itertools import islice
from zoneinfo import ZoneInfo

from telecom_records.formats import FORMATS, ParsedCall, ParsedMessage, Reject, UnableToRead
from telecom_records.formats.guesses import SAMPLE_ROWS, column_places, guess_word, split_rows, values_of
from telecom_records.formats.mapped import FORMAT_OF
from telecom_records.formats.mapping import MEANINGS, STATUSES, BadMapping, TableMapping, read_mapping, says_nobody
from telecom_records.formats.rows import Passed, Settings
from telecom_records.phone_numbers import PhoneParty

CELL_CHARS, MAX_WORDS = 60, 20
KINDS = {"unknown": "no number", "alphanumeric": "a word", "sip_uri": "SIP address", "service_code": "service code"}
OPTIONAL = ("answer", "end", "duration", "talk", "billed", "segments", "cost")


@dataclasses.dataclass(frozen=True)
class Sample:
    """The first rows of a file as they stand in it. ``places`` says what a mapping calls each column."""

    titles: list[str]
    places: list[str]
    rows: list[tuple[int, list[str]]]

    @property
    def shown(self) -> list[tuple[int, list[str]]]:
        """Return the rows for a page, long values cut short."""
        return [(number, [_cut(cell) for cell in row]) for number, row in self.rows]


@dataclasses.dataclass(frozen=True)
class Line:
    """One row as it would be read: what is told under each heading, or why it would be rejected."""

    number: int
    told: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    why: str = ""
    is_unread: bool = False  # one of its numbers could not be read as one


@dataclasses.dataclass(frozen=True)
class Preview:
    """What an import would make of the first rows; ``fault`` when it could not read the file at all."""

    headings: list[str]
    lines: list[Line]
    fault: str = ""

    @property
    def taken(self) -> int:
        """Return how many of the rows would be taken."""
        return sum(1 for line in self.lines if not line.why)

    @property
    def unread(self) -> int:
        """Return how many of the rows hold a number that cannot be read: nobody's, whoever it is."""
        return sum(1 for line in self.lines if line.is_unread)


def sample_of(head: bytes, mapping: TableMapping) -> Sample:
    """Return the first rows of a file, split as the mapping says."""
    titles, rows = split_rows(head, mapping)
    return Sample(titles, [] if mapping.layout == "fixed" else column_places(mapping, titles, rows), rows)


def preview_of(head: bytes, mapping: TableMapping, *, zone: ZoneInfo | None, country: str) -> Preview:
    """Return how the first rows would be read, times in UTC and in the zone of the source."""
    settings = Settings(zone=zone, country=country, mapping=mapping.as_json())
    meanings = MEANINGS[mapping.kind]
    shown = [name for name in OPTIONAL if name in meanings and mapping.has(name)]
    headings = [
        f"{meanings['start']} (UTC)",
        *([zone.key] if zone else []),
        meanings["caller"],
        meanings["dialled"],
        "Status",
    ]
    headings += [meanings[name] for name in shown]
    try:
        read_mapping(mapping.as_json())
        found = (
            row
            for row in FORMATS[FORMAT_OF[mapping.kind]].read(io.BytesIO(head), settings)
            if not isinstance(row, Passed)
        )
        lines = [_line(row, zone, shown, headings) for row in islice(found, SAMPLE_ROWS)]
    except (BadMapping, UnableToRead) as error:
        return Preview(headings, [], fault=str(error))
    return Preview(headings, lines)


def words_of(sample: Sample, mapping: TableMapping, means: str) -> tuple[str, list[tuple[str, str]]]:
    """Return where the words of the status or of the direction stand, those said before and in the file, and what each is.

    Words that look like a number or an address are no words: somebody has taken the wrong column for it.
    """
    at = next((column.at for column in mapping.columns if column.means == means), "")
    if not at:
        return "", []
    said = mapping.directions if means == "direction" else mapping.statuses
    known = {word: value for word, value in said.items() if means == "direction" or value in STATUSES[mapping.kind]}
    for value in _values(sample, mapping, means):
        word = value.lower()
        if (
            word not in known
            and says_nobody(word)
            and len(word) <= 40
            and word.isprintable()
            and len(known) < MAX_WORDS
        ):
            known[word] = guess_word(word, means, mapping.kind)
    return at, list(known.items())


def with_words(head: bytes, mapping: TableMapping) -> TableMapping:
    """Return the mapping with a guess for each word of the file that nobody has explained yet."""
    sample = sample_of(head, mapping)
    statuses, directions = (dict(words_of(sample, mapping, means)[1]) for means in ("status", "direction"))
    return dataclasses.replace(mapping, statuses=statuses, directions=directions)


def _values(sample: Sample, mapping: TableMapping, means: str) -> list[str]:
    if mapping.layout == "fixed":
        column = next(column for column in mapping.columns if column.means == means)
        start, end = column.places
        return [text for _, (line,) in sample.rows if (text := line[start:end].strip())]
    return values_of(means, mapping.columns, sample.places, sample.rows)


def _line(
    row: ParsedCall | ParsedMessage | Reject, zone: ZoneInfo | None, shown: list[str], headings: list[str]
) -> Line:
    if isinstance(row, Reject):
        return Line(row.line, why=row.message)
    cost = "" if row.cost is None else f"{row.cost.normalize():f} {row.currency}"
    if isinstance(row, ParsedMessage):
        at, sides, status = row.sent_at, (row.sender, row.recipient), STATUSES["messages"][row.status]
        values = {"segments": "" if row.segments is None else str(row.segments), "cost": cost}
    else:
        at, sides, status = row.started_at, (row.caller, row.dialled), STATUSES["calls"][row.status]
        lengths = {"duration": row.duration_s, "talk": row.talk_s, "billed": row.billed_s}
        values = {"cost": cost, "answer": _instant(row.answered_at), "end": _instant(row.ended_at)}
        values |= {name: "" if each is None else f"{float(each):g} s" for name, each in lengths.items()}
    local = [f"{at.astimezone(zone):%d %b %H:%M:%S}"] if zone else []
    if local and row.time_source == "source_zone_ambiguous":
        local = [f"{local[0]} (twice that night: the earlier)"]
    told = [_instant(at), *local, *(_party(side) for side in sides), status]
    is_unread = any(side.kind == "unknown" and side.value for side in sides)
    return Line(
        row.line, list(zip(headings, [*told, *(values[name] for name in shown)], strict=True)), is_unread=is_unread
    )


def _instant(at: dt.datetime | None) -> str:
    return f"{at:%d %b %Y %H:%M:%S}" if at else ""


def _party(party: PhoneParty) -> str:
    shown = party.e164 or party.value or "–"
    hidden = " (withheld)" if party.restricted else ""
    return _cut(shown) + ("" if party.e164 or shown == "–" else f" ({KINDS.get(party.kind, party.kind)})") + hidden


def _cut(text: str) -> str:
    return text if len(text) <= CELL_CHARS else f"{text[: CELL_CHARS - 1]}…"
