"""Asterisk: Master.csv of cdr_csv, cdr_custom, and the exports of FreePBX.

Master.csv has no header; its width decides the layout (16 columns, then uniqueid, userfield, and three new ones, each
by a setting). cdr_custom begins with the caller id. A FreePBX export has a header. Times are local to the switch; the
integer part of a uniqueid is the epoch of the channel, which gives a wrongly configured zone away.
"""

import datetime as dt
import re
import statistics
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO
from zoneinfo import ZoneInfo

from telecom_records.formats.family import Family, Format, Read, Row, by_word, cell
from telecom_records.formats.rows import (
    Reject,
    RowFault,
    Settings,
    Told,
    UnableToRead,
    joined_key,
)
from telecom_records.formats.tables import HeaderTable, WidthTable
from telecom_records.formats.values import in_zone, local_time, seconds, switch_time

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
DISPOSITIONS = {
    "answered": "answered", "no answer": "no_answer", "busy": "busy", "failed": "failed", "congestion": "failed",
    "cancel": "cancelled", "canceled": "cancelled", "cancelled": "cancelled",
}  # fmt: skip
UNIQUEID = re.compile(r"(?:^|-)(\d{9,10})\.\d+$")
CLID = re.compile(r'^\s*(?:".*"\s*)?<[^<>]*>\s*$')
TIME = re.compile(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}")
HEAD_ROWS = 1_000
TOLERANCE_S = (
    600  # a call's start may lie a little behind its channel's; a wrong zone is at least a quarter of an hour off
)


def _is_master(row: Row) -> bool:
    known = not row["disposition"] or row["disposition"].strip().lower() in DISPOSITIONS
    return known and bool(TIME.match(row["start"])) and row["duration"].strip().isdigit()


def _is_custom(row: Row) -> bool:
    return bool(CLID.match(row["clid"]) and TIME.match(row["start"]))


def _uniqueid(row: Row) -> str:
    """Return the channel's id; a row of 17 columns may have been logged without it, with the userfield."""
    text = cell(row, "uniqueid")
    return "" if len(row) == 17 and not UNIQUEID.search(text) else text


def _epoch(row: Row) -> int | None:
    match = UNIQUEID.search(cell(row, "uniqueid"))
    return int(match[1]) if match else None


def _key(row: Row) -> str:
    unique, sequence = _uniqueid(row), cell(row, "sequence")
    if unique and sequence:
        return joined_key(unique) + f".{sequence}"
    if unique:
        return joined_key(unique, row["start"], row.get("dstchannel", ""), row.get("lastapp", ""))
    parts = (row["start"], row["src"], row["dst"], row.get("duration"), row.get("billsec"))
    return Told(joined_key("row", *parts, cell(row, "disposition")))


def _family(order: str = "") -> Family:
    local = switch_time(order=order)
    return Family(
        key=_key,
        group=lambda row: cell(row, "linkedid") or _uniqueid(row),
        caller=("src",),
        dialled=("dst",),
        started=(("start", local),),
        answered=(("answer", local),),
        ended=(("end", local),),
        duration=(("duration", seconds),),
        talk=(("billsec", seconds),),
        billed=(("billsec", seconds),),
        status=by_word("disposition", DISPOSITIONS),
        epoch=_epoch,
    )


def _format(table: HeaderTable | WidthTable, *, name: str, order: str = "", known: bool = True) -> Format:
    family = _family(order)

    def read(file: BinaryIO, settings: Settings) -> Read:
        fault = _zone_fault(table, file, settings.zone, order)
        file.seek(0)
        return _all_rejected(table, file, fault) if fault else family.read(table, file, settings)

    return Format(read, by_first_line=table.looks_like if known else None, name=name)


def _all_rejected(table: HeaderTable | WidthTable, file: BinaryIO, why: str) -> Iterator[Reject]:
    for number, _ in table.rows(file):
        yield Reject(number, "wrong_zone", why)


def _zone_fault(table: HeaderTable | WidthTable, file: BinaryIO, zone: ZoneInfo | None, order: str) -> str:
    """Return why the configured zone cannot be right, or an empty text. Raises UnableToRead when there is none."""
    gaps, offsets = [], []
    for local, epoch in _head(table, file, order):
        offsets.append(local.replace(tzinfo=dt.UTC).timestamp() - epoch)
        try:
            if zone:
                gaps.append(in_zone(local, zone, epoch=epoch)[0].timestamp() - epoch)
        except RowFault:
            continue
    if zone is None:
        hint = f" The call ids in this file suggest {_named_offset(statistics.median(offsets))}." if offsets else ""
        raise UnableToRead(f"The times in this file have no zone. Say --timezone, such as Europe/London.{hint}")
    if not gaps or abs(statistics.median(gaps)) <= TOLERANCE_S:
        return ""
    return f"The zone {zone.key} cannot be right: the call ids suggest {_named_offset(statistics.median(offsets))}."


def _head(table: HeaderTable | WidthTable, file: BinaryIO, order: str) -> Iterator[tuple[dt.datetime, int]]:
    """Yield, of the first rows, the local start and the epoch of the channel."""
    for _, row in islice(table.rows(file), HEAD_ROWS):
        if isinstance(row, RowFault):
            continue
        epoch = _epoch(row)
        try:
            if epoch is not None:
                yield local_time(cell(row, "start"), "start", order=order), epoch
        except RowFault:
            continue


def _named_offset(offset_s: float) -> str:
    quarters = round(offset_s / 900)
    sign = "-" if quarters < 0 else "+"
    return f"UTC{sign}{abs(quarters) // 4:02d}:{abs(quarters) % 4 * 15:02d}"


EXPORT = HeaderTable(
    called="a FreePBX export",
    needed=(frozenset({"start", "src", "dst"}),),
    rename={"calldate": "start", "cnum": "src"},
)
MASTER = _format(WidthTable(LAYOUTS, is_row=_is_master), name="Asterisk Master.csv")
CUSTOM_MASTER = _format(WidthTable(CUSTOM_LAYOUTS, is_row=_is_custom), name="Asterisk cdr_custom")
FREEPBX = _format(EXPORT, name="FreePBX export")
FREEPBX_DMY = _format(EXPORT, name="FreePBX export, day/month", order="dmy", known=False)
FREEPBX_MDY = _format(EXPORT, name="FreePBX export, month/day", order="mdy", known=False)
