"""Asterisk: Master.csv of cdr_csv, cdr_custom, and the exports of FreePBX.

Master.csv has no header; its width decides the layout (16 columns, then uniqueid, userfield, and three new ones, each
by a setting). cdr_custom begins with the caller id. A FreePBX export has a header. Times are local to the switch; the
integer part of a uniqueid is the epoch of the channel, which gives a wrongly configured zone away.
"""

import datetime as dt
import re
import statistics
from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO
from zoneinfo import ZoneInfo

from telecom_records.formats.lines import decoded, fields, numbered_lines
from telecom_records.formats.rows import (
    Ordinals,
    ParsedCall,
    Reject,
    RowFault,
    Settings,
    UnableToRead,
    joined_key,
    make_call,
)
from telecom_records.formats.values import in_zone, is_never, local_time, seconds, whole_seconds
from telecom_records.phone_numbers import classify

BASE = [
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata",
    "start", "answer", "end", "duration", "billsec", "disposition", "amaflags",
]  # fmt: skip
NEW = ["peeraccount", "linkedid", "sequence"]
LAYOUTS: dict[int, list[str]] = {
    16: BASE,
    17: [*BASE, "uniqueid"],
    18: [*BASE, "uniqueid", "userfield"],
    19: [*BASE, *NEW],
    20: [*BASE, "uniqueid", *NEW],
    21: [*BASE, "uniqueid", "userfield", *NEW],
}
CUSTOM = [
    "clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer", "end",
    "duration", "billsec", "disposition", "amaflags", "accountcode", "uniqueid", "userfield",
]  # fmt: skip
CUSTOM_LAYOUTS = {18: CUSTOM, 19: [*CUSTOM, "sequence"]}
HEADER_NEEDED = {"calldate", "src", "dst"}
HEADER_NAMES = {"calldate": "start", "cnum": "src"}
DISPOSITIONS = {
    "answered": "answered", "no answer": "no_answer", "busy": "busy", "failed": "failed", "congestion": "failed",
    "cancel": "cancelled", "canceled": "cancelled", "cancelled": "cancelled",
}  # fmt: skip
UNIQUEID = re.compile(r"(?:^|-)(\d{9,10})\.\d+$")
CLID = re.compile(r'^\s*(?:".*"\s*)?<[^<>]*>\s*$')
HEAD_ROWS = 1_000
TOLERANCE_S = (
    600  # a call's start may lie a little behind its channel's; a wrong zone is at least a quarter of an hour off
)

Named = dict[str, str]


def looks_like_master(line: str) -> bool:
    """Return whether a headerless line is one of Master.csv."""
    try:
        row = fields(line, widths=set(LAYOUTS))
    except RowFault:
        return False
    return not CLID.match(row[0]) and _looks_like_time(row[9]) and row[12].strip().isdigit()


def looks_like_custom(line: str) -> bool:
    """Return whether a headerless line is one of cdr_custom, which begins with the caller id."""
    try:
        row = fields(line, widths=set(CUSTOM_LAYOUTS))
    except RowFault:
        return False
    return bool(CLID.match(row[0])) and _looks_like_time(row[8])


def looks_like_freepbx(line: str) -> bool:
    """Return whether a line is the header of a FreePBX export."""
    return _header(line) is not None


def read_master(file: BinaryIO, settings: Settings) -> Iterator[ParsedCall | Reject]:
    """Yield the rows of a Master.csv."""
    return _read(file, settings, lambda text: _by_width(text, LAYOUTS))


def read_custom(file: BinaryIO, settings: Settings) -> Iterator[ParsedCall | Reject]:
    """Yield the rows of a cdr_custom file."""
    return _read(file, settings, lambda text: _by_width(text, CUSTOM_LAYOUTS))


def read_freepbx(file: BinaryIO, settings: Settings, *, order: str = "") -> Iterator[ParsedCall | Reject]:
    """Yield the rows of a FreePBX export; ``order`` says how its dates with slashes are written."""
    first = next(numbered_lines(file), None)
    header = _header(decoded_head(first[1])) if first else None
    if header is None:
        raise UnableToRead("The first line is not the header of a FreePBX export (calldate, src, dst …).")
    delimiter, names = header

    def split(text: str) -> Named:
        return dict(zip(names, fields(text, delimiter=delimiter, widths={len(names)}), strict=True))

    file.seek(0)
    return _read(file, settings, split, order=order, skip=1)


def decoded_head(line: bytes) -> str:
    """Return the first line as text. Raises UnableToRead: with a broken header the file means nothing."""
    try:
        return decoded(line)
    except RowFault as fault:
        raise UnableToRead(f"The first line cannot be read: {fault}") from fault


def _header(line: str) -> tuple[str, list[str]] | None:
    for delimiter in (",", ";"):
        try:
            names = [name.strip().lower() for name in fields(line, delimiter=delimiter)]
        except RowFault:
            continue
        if HEADER_NEEDED <= set(names):
            return delimiter, [HEADER_NAMES.get(name, name) for name in names]
    return None


def _looks_like_time(text: str) -> bool:
    return bool(re.match(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}", text.strip()))


def _by_width(text: str, layouts: dict[int, list[str]]) -> Named:
    row = fields(text, widths=set(layouts))
    named = dict(zip(layouts[len(row)], row, strict=True))
    if len(row) == 17 and not UNIQUEID.search(named.get("uniqueid", "")):
        named["userfield"] = named.pop("uniqueid")  # logged without uniqueid, with userfield
    return named


def _read(
    file: BinaryIO, settings: Settings, split: Callable[[str], Named], *, order: str = "", skip: int = 0
) -> Iterator[ParsedCall | Reject]:
    offsets = _offsets(file, split, order, skip)
    if settings.zone is None:
        hint = f" The call ids in this file suggest {_named_offset(statistics.median(offsets))}." if offsets else ""
        raise UnableToRead(f"The times in this file have no zone. Say --timezone, such as Europe/London.{hint}")
    fault = _zone_fault(file, split, order, skip, settings.zone)
    file.seek(0)
    return _rows(file, settings, settings.zone, split, order, skip, fault)


def _rows(file, settings, zone, split, order, skip, zone_fault: str) -> Iterator[ParsedCall | Reject]:
    ordinals = Ordinals()
    for number, line in islice(numbered_lines(file), skip, None):
        try:
            if zone_fault:
                raise RowFault("wrong_zone", zone_fault)
            yield _call(number, split(decoded(line)), settings.country, zone, order, ordinals)
        except RowFault as fault:
            yield Reject(number, fault.code, str(fault))


def _call(number: int, row: Named, country: str, zone: ZoneInfo, order: str, ordinals: Ordinals) -> ParsedCall:
    epoch = _epoch(row)
    local = local_time(row["start"], "start", order=order)
    started_at, time_source = in_zone(local, zone, epoch=epoch)
    caller, dialled = classify(row["src"], country), classify(row["dst"], country)
    duration, talk = seconds(row.get("duration"), "duration"), seconds(row.get("billsec"), "billsec")
    disposition = row.get("disposition", "").strip()
    unique, sequence = row.get("uniqueid", "").strip(), row.get("sequence", "").strip()
    if unique and sequence:
        key = joined_key(unique) + f".{sequence}"
    elif unique:
        key = joined_key(unique, row["start"], row.get("dstchannel", ""), row.get("lastapp", ""))
    else:
        key = ordinals.key_for(
            row["start"], row["src"], row["dst"], row.get("duration"), row.get("billsec"), disposition
        )
    return make_call(
        line=number,
        source_key=key,
        call_group=(row.get("linkedid") or unique)[:150],
        caller=caller,
        dialled=dialled,
        started_at=started_at,
        answered_at=_other_time(row, "answer", zone, order, started_at),
        ended_at=_other_time(row, "end", zone, order, started_at),
        duration_s=duration,
        talk_s=talk,
        billed_s=whole_seconds(row.get("billsec"), "billsec"),
        status=DISPOSITIONS.get(disposition.lower(), "unknown"),
        cost=None,
        currency="",
        time_source=time_source,
    )


def _other_time(row: Named, column: str, zone: ZoneInfo, order: str, started_at: dt.datetime) -> dt.datetime | None:
    """Return a later time of the same call; in the doubled hour, the reading that is nearest after its start."""
    text = row.get(column)
    if text is None or is_never(text):
        return None
    local = local_time(text, column, order=order)
    return in_zone(local, zone, epoch=int(started_at.timestamp()))[0]


def _epoch(row: Named) -> int | None:
    match = UNIQUEID.search(row.get("uniqueid", "").strip())
    return int(match[1]) if match else None


def _head(file: BinaryIO, split, order: str, skip: int) -> Iterator[tuple[dt.datetime, int]]:
    file.seek(0)
    for _, line in islice(numbered_lines(file), skip, skip + HEAD_ROWS):
        try:
            row = split(decoded(line))
            epoch = _epoch(row)
            if epoch is not None:
                yield local_time(row["start"], "start", order=order), epoch
        except RowFault:
            continue


def _offsets(file: BinaryIO, split, order: str, skip: int) -> list[float]:
    """Return, for the first rows, by how many seconds their local start is ahead of their channel's epoch."""
    return [local.replace(tzinfo=dt.UTC).timestamp() - epoch for local, epoch in _head(file, split, order, skip)]


def _zone_fault(file: BinaryIO, split, order: str, skip: int, zone: ZoneInfo) -> str:
    """Return why the configured zone cannot be right, or an empty text."""
    gaps, offsets = [], []
    for local, epoch in _head(file, split, order, skip):
        try:
            started_at, _ = in_zone(local, zone, epoch=epoch)
        except RowFault:
            continue
        gaps.append(started_at.timestamp() - epoch)
        offsets.append(local.replace(tzinfo=dt.UTC).timestamp() - epoch)
    if not gaps or abs(statistics.median(gaps)) <= TOLERANCE_S:
        return ""
    return f"The zone {zone.key} cannot be right: the call ids suggest {_named_offset(statistics.median(offsets))}."


def _named_offset(offset_s: float) -> str:
    quarters = round(offset_s / 900)
    sign = "-" if quarters < 0 else "+"
    return f"UTC{sign}{abs(quarters) // 4:02d}:{abs(quarters) % 4 * 15:02d}"
