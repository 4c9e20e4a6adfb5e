"""What a file that nobody knows might be: only to preselect what a person then sees and says. Day and month stay open."""

import dataclasses
import io
import re
from collections import Counter
from collections.abc import Iterable
from itertools import islice

from telecom_records.formats.lines import BOM, UTF_16, fields
from telecom_records.formats.mapped import lines_of
from telecom_records.formats.mapping import (
    DELIMITERS,
    DIRECTIONS,
    MAX_COLUMNS,
    MAX_TITLE,
    MEANINGS,
    STATUSES,
    Column,
    TableMapping,
    says_nobody,
)
from telecom_records.formats.rows import RowFault, UnableToRead
from telecom_records.formats.tables import plain_names

SAMPLE_ROWS = 20
TITLES = {
    "start": "start started start_time starttime start_date calldate call_date call_time date_time datetime time timestamp "
    "begin setup setup_time setuptime sent sent_at sent_time date_sent beginn startzeit début debut inicio 開始 開始時間",
    "date": "date day datum fecha data 日期",
    "answer": "answer answered answer_time answertime answered_at connect connected connect_time",
    "end": "end ended end_time endtime ended_at stop stop_time disconnect disconnect_time hangup ende fin",
    "caller": "caller calling from src source a_number anumber a_party calling_number caller_number caller_id cli ani origin "
    "originator sender sender_number from_number source_number anrufer appelant 主叫 主叫號碼",
    "dialled": "called dialled dialed to dst destination b_number bnumber b_party called_number callee cld dnis recipient "
    "receiver to_number destination_number dialled_number dialed_number angerufener appelé 被叫 被叫號碼",
    "own": "own_number our_number own my_number did",
    "other": "other_party other remote remote_number other_number counterpart",
    "direction": "direction call_direction in_out inout richtung",
    "duration": "duration duration_s duration_sec duration_seconds call_duration dauer durée duración length",
    "talk": "billsec talk talk_time talktime conversation seconds usage connected_seconds",
    "billed": "billed billed_seconds billed_duration billable charged_seconds charged_duration rounded_seconds",
    "status": "status disposition state result call_status outcome",
    "cost": "cost price amount charge total_cost total_price fee betrag",
    "currency": "currency currency_code price_unit währung",
    "zone": "timezone time_zone tz zone utc_offset offset",
    "segments": "segments parts units num_segments message_parts",
    "withheld": "withheld anonymous clir private",
    "id": "id call_id callid uuid uniqueid unique_id record_id message_id messageid sms_id sid",
}  # fmt: skip
BY_TITLE = {name: means for means, names in TITLES.items() for name in names.split()}
WORDS = {
    "answered": "answered", "answer": "answered", "completed": "answered", "complete": "answered", "normal_clearing": "answered", "user_busy": "busy", "ok": "answered", "success": "answered",
    "connected": "answered", "busy": "busy", "no answer": "no_answer", "noanswer": "no_answer", "no_answer": "no_answer",
    "no-answer": "no_answer", "missed": "no_answer", "unanswered": "no_answer", "cancel": "cancelled", "canceled": "cancelled",
    "cancelled": "cancelled", "failed": "failed", "congestion": "failed", "error": "failed", "rejected": "failed",
    "sent": "sent", "delivered": "delivered", "read": "delivered", "undelivered": "undelivered", "expired": "undelivered",
    "received": "received",
}  # fmt: skip
SIDES = {
    "in": "inbound", "inbound": "inbound", "incoming": "inbound", "i": "inbound", "mt": "inbound", "received": "inbound",
    "out": "outbound", "outbound": "outbound", "outgoing": "outbound", "o": "outbound", "mo": "outbound", "sent": "outbound",
}  # fmt: skip
DATE = re.compile(
    r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b|^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b|^(?:19|20)\d{12}$|\b[A-Z][a-z]{2} \d{4}\b"
)
SHORT = re.compile(r"^(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}\b")
INTERNATIONAL = re.compile(r"^(?:(?:\+|00)[1-9]\d{8,13}|[1-9]\d{10,13})$", re.ASCII)
PHONE = re.compile(r"^(?:\+|00)?\d[\d\s()-]{5,17}$")
STYLE_BY_DIGITS = {14: "compact", 10: "epoch", 13: "epoch_ms", 16: "epoch_us"}


def guess_mapping(head: bytes, base: TableMapping | None = None) -> TableMapping:
    """Return what the beginning of a file looks like: how its lines are split, and which column is what.

    With a ``base``, its way of splitting the lines is taken at its word, and only the columns are guessed.
    """
    split = base or _guess_split(head)
    titles, rows = split_rows(head, split)
    means = _by_titles(titles) if split.header else _by_values(rows)
    known = MEANINGS[split.kind]
    places = column_places(split, titles, rows)
    columns = tuple(
        Column(place, each)
        for place, each in zip(places, means, strict=False)
        if each in known and len(place) <= MAX_TITLE and (not split.header or says_nobody(place))
    )
    if split.layout == "fixed":
        columns = split.columns
    style = split.time_style or guess_style(
        values_of("start", columns, places, rows) or values_of("date", columns, places, rows)
    )
    numbers = [value for means in ("caller", "dialled") for value in values_of(means, columns, places, rows)]
    written = "international" if numbers and all(map(INTERNATIONAL.match, numbers)) else split.numbers
    return dataclasses.replace(
        split, columns=columns, width=0 if split.header else len(places), time_style=style, numbers=written
    )


def split_rows(head: bytes, split: TableMapping) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the titles of a file, and its first rows with the numbers of their lines, each as far as it can be split."""
    titles: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    try:
        for place, (number, line) in enumerate(islice(lines_of(split)(io.BytesIO(head)), SAMPLE_ROWS + 1)):
            text = line.decode("utf-8", "replace")
            found = [text] if split.layout == "fixed" else _cells(text, split.delimiter)[:MAX_COLUMNS]
            if place == 0 and split.header and split.layout == "delimited":
                titles = found
            else:
                rows.append((number, found))
    except UnableToRead:  # the preview says why
        pass
    return titles, rows[:SAMPLE_ROWS]


def column_places(split: TableMapping, titles: list[str], rows: list[tuple[int, list[str]]]) -> list[str]:
    """Return where the columns of a delimited file stand, as a mapping calls it."""
    if split.header:
        return plain_names(titles)
    widths = Counter(len(row) for _, row in rows)
    return [str(number) for number in range(1, max(widths, key=lambda width: (widths[width], width), default=0) + 1)]


def values_of(means: str, columns: Iterable[Column], places: list[str], rows: list[tuple[int, list[str]]]) -> list[str]:
    """Return what the first rows hold in the column of a meaning."""
    at = next((column.at for column in columns if column.means == means), "")
    if at not in places:
        return []
    place = places.index(at)
    return [row[place].strip() for _, row in rows if place < len(row) and row[place].strip()]


def guess_style(values: list[str]) -> str:
    """Return in which form times are written; nothing where the day and the month could be each other."""
    if not values:
        return ""
    first = values[0]
    if all(value.isascii() and value.isdigit() for value in values):
        return STYLE_BY_DIGITS.get(len(first), "")
    if re.match(r"^\d{4}[-/]", first):
        return "iso"
    if re.match(r"^[A-Z][a-z]{2}, \d", first):
        return "mail"
    if re.search(r"[A-Za-z]{3}", first):
        return "named"
    shorts = [match for match in map(SHORT.match, values) if match]
    if any(int(match[1]) > 12 for match in shorts):
        return "dmy"
    return "mdy" if any(int(match[2]) > 12 for match in shorts) else ""


def guess_word(word: str, means: str, kind: str) -> str:
    """Return what a word of the status or of the direction probably is."""
    if means == "direction":
        return SIDES.get(word, next(iter(DIRECTIONS)))
    found = WORDS.get(word, "unknown")
    return found if found in STATUSES[kind] else "unknown"


def _guess_split(head: bytes) -> TableMapping:
    encoding = "utf-16" if head.startswith(UTF_16) else "utf-8"
    best, score = ",", (0, 0)
    for delimiter in DELIMITERS:
        _, rows = split_rows(head, TableMapping(delimiter=delimiter, encoding=encoding, header=False))
        widths = Counter(len(row) for _, row in rows)
        width, times = max(widths.items(), key=lambda one: (one[0] > 1, one[1], one[0]), default=(0, 0))
        if width > 1 and (times, width) > score:
            best, score = delimiter, (times, width)
    split = TableMapping(delimiter=best, encoding=encoding, header=False)
    _, rows = split_rows(head.removeprefix(BOM), split)
    return dataclasses.replace(split, header=bool(rows) and _are_titles(rows[0][1]))


def _are_titles(cells: list[str]) -> bool:
    told = [cell.strip() for cell in cells if cell.strip()]
    return bool(told) and all(
        re.search(r"[^\W\d_]", cell) and says_nobody(cell) and not DATE.search(cell) for cell in told
    )


def _by_titles(titles: list[str]) -> list[str]:
    means = [BY_TITLE.get(name, "") for name in plain_names(titles)]
    if "start" not in means and "date" in means:  # the only column of a time is called “Date”
        means[means.index("date")] = "start"
    by_side = {"own", "other", "direction"} <= set(means)
    unwanted = {"caller", "dialled"} if by_side else {"own", "other", "direction"}
    return _once([each if each not in unwanted else "" for each in means])


def _by_values(rows: list[tuple[int, list[str]]]) -> list[str]:
    width = max((len(row) for _, row in rows), default=0)
    times, phones = iter(("start", "answer", "end")), iter(("caller", "dialled"))
    means = []
    for place in range(width):
        values = [row[place].strip() for _, row in rows if place < len(row) and row[place].strip()]
        if values and all(DATE.search(value) for value in values):
            means.append(next(times, ""))
        elif values and all(PHONE.match(value) for value in values):
            means.append(next(phones, ""))
        else:
            means.append("")
    return means


def _once(means: list[str]) -> list[str]:
    return [each if each not in means[:place] else "" for place, each in enumerate(means)]


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return fields(text, delimiter=delimiter)
    except RowFault:
        return [text]
