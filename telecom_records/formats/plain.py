"""The portal's own plain CSV (docs/call-record-csv.md): a header, one call a line, times with their offset."""

from typing import BinaryIO

from telecom_records.formats.family import Family, Format, Read, Row, cell, either, ids, priced
from telecom_records.formats.lines import decoded, fields, numbered_lines
from telecom_records.formats.rows import RowFault, Settings, UnableToRead
from telecom_records.formats.tables import HeaderTable
from telecom_records.formats.values import seconds, zoned

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


def _status(row: Row, answered: bool) -> str:
    status = cell(row, "status").lower() or "unknown"
    if status not in STATUSES:
        raise RowFault("bad_status", f"The status is none of: {', '.join(sorted(STATUSES))}.")
    return status


CALLS = Family(
    key=ids(("call_id",)),
    group=either("call_id"),
    caller=("from",),
    dialled=("to",),
    started=(("started_at", zoned),),
    answered=(("answered_at", zoned),),
    ended=(("ended_at", zoned),),
    duration=(("duration_seconds", seconds),),
    talk=(("talk_seconds", seconds),),
    billed=(("billed_seconds", seconds),),
    status=_status,
    cost=priced("cost", currency=("currency",)),
)
TABLE = HeaderTable(called="the plain CSV", needed=(frozenset({"call_id", "started_at"}),), delimiters=",")


def read_plain(file: BinaryIO, settings: Settings) -> Read:
    """Yield the rows of a plain CSV. Raises UnableToRead when its header is not the documented one."""
    names = _names(file)
    if missing := [name for name in NEEDED if name not in names]:
        raise UnableToRead(f"The header lacks {', '.join(missing)}. It takes: {', '.join(NEEDED + OPTIONAL)}.")
    if unknown := [name for name in names if name not in NEEDED + OPTIONAL]:
        raise UnableToRead(
            f"Unknown columns: {', '.join(unknown)[:80]}. The header takes: {', '.join(NEEDED + OPTIONAL)}."
        )
    file.seek(0)
    return CALLS.read(TABLE, file, settings)


def _names(file: BinaryIO) -> list[str]:
    head = next(numbered_lines(file), None)
    try:
        return [name.strip().lower() for name in fields(decoded(head[1]))] if head else []
    except RowFault as fault:
        raise UnableToRead(f"The first line cannot be read: {fault}") from fault


FORMAT = Format(read_plain, by_first_line=TABLE.looks_like, name="The portal’s own CSV")
