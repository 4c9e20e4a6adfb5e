"""The portal's own plain CSV (docs/call-record-csv.md): a header, one call a line, times with their offset."""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from telecom_records.formats.asterisk import decoded_head
from telecom_records.formats.lines import decoded, fields, numbered_lines
from telecom_records.formats.rows import ParsedCall, Reject, RowFault, Settings, UnableToRead, joined_key, make_call
from telecom_records.formats.values import instant, is_never, money, seconds, whole_seconds
from telecom_records.phone_numbers import classify

NEEDED = ["call_id", "started_at", "from", "to"]
OPTIONAL = [
    "answered_at",
    "ended_at",
    "duration_seconds",
    "talk_seconds",
    "billed_seconds",
    "status",
    "cost",
    "currency",
]
STATUSES = {"answered", "no_answer", "busy", "cancelled", "failed", "unknown"}


def looks_like_plain(line: str) -> bool:
    """Return whether a line is the header of the plain CSV."""
    return {"call_id", "started_at"} <= set(_names(line))


def read_plain(file: BinaryIO, settings: Settings) -> Iterator[ParsedCall | Reject]:
    """Yield the rows of a plain CSV. Raises UnableToRead when its header is not the documented one."""
    first = next(numbered_lines(file), None)
    names = _names(decoded_head(first[1])) if first else []
    if missing := [name for name in NEEDED if name not in names]:
        raise UnableToRead(f"The header lacks {', '.join(missing)}. It takes: {', '.join(NEEDED + OPTIONAL)}.")
    if unknown := [name for name in names if name not in NEEDED + OPTIONAL]:
        raise UnableToRead(
            f"Unknown columns: {', '.join(unknown)[:80]}. The header takes: {', '.join(NEEDED + OPTIONAL)}."
        )
    if len(set(names)) != len(names):
        raise UnableToRead("A column stands twice in the header.")
    file.seek(0)
    return _rows(file, names, settings)


def _names(line: str) -> list[str]:
    try:
        return [name.strip().lower() for name in fields(line)]
    except RowFault:
        return []


def _rows(file: BinaryIO, names: list[str], settings: Settings) -> Iterator[ParsedCall | Reject]:
    for number, line in islice(numbered_lines(file), 1, None):
        try:
            row = dict(zip(names, fields(decoded(line), widths={len(names)}), strict=True))
            yield _call(number, row, settings)
        except RowFault as fault:
            yield Reject(number, fault.code, str(fault))


def _call(number: int, row: dict[str, str], settings: Settings) -> ParsedCall:
    if not row["call_id"].strip():
        raise RowFault("no_id", "The row has no call_id.")
    started_at, time_source = instant(row["started_at"], "started_at", settings.zone)
    status = row.get("status", "").strip().lower() or "unknown"
    if status not in STATUSES:
        raise RowFault("bad_status", f"The status is none of: {', '.join(sorted(STATUSES))}.")
    cost = money(row.get("cost"), "cost")
    currency = row.get("currency", "").strip().upper()
    if cost is not None and not (len(currency) == 3 and currency.isalpha() and currency.isascii()):
        raise RowFault("no_currency", "A cost needs its currency, as three letters.")
    return make_call(
        line=number,
        source_key=joined_key(row["call_id"].strip()),
        call_group=row["call_id"].strip()[:150],
        caller=classify(row["from"], settings.country),
        dialled=classify(row["to"], settings.country),
        started_at=started_at,
        answered_at=_optional(row, "answered_at", settings),
        ended_at=_optional(row, "ended_at", settings),
        duration_s=seconds(row.get("duration_seconds"), "duration_seconds"),
        talk_s=seconds(row.get("talk_seconds"), "talk_seconds"),
        billed_s=whole_seconds(row.get("billed_seconds"), "billed_seconds"),
        status=status,
        cost=cost,
        currency=currency if cost is not None else "",
        time_source=time_source,
    )


def _optional(row: dict[str, str], column: str, settings: Settings):
    text = row.get(column, "")
    return None if is_never(text) else instant(text, column, settings.zone)[0]
