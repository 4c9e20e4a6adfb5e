"""Twilio: pages of the Calls list, a bare list of calls, or one call a line. Times are UTC by declaration."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from telecom_records.formats.lines import decoded, numbered_lines
from telecom_records.formats.rows import ParsedCall, Reject, RowFault, Settings, UnableToRead, joined_key, make_call
from telecom_records.formats.values import instant, money, whole_seconds
from telecom_records.formats.values import seconds as read_seconds
from telecom_records.phone_numbers import classify

MAX_JSON_BYTES = 64 * 1024 * 1024
STATUSES = {
    "completed": "answered",
    "no-answer": "no_answer",
    "busy": "busy",
    "canceled": "cancelled",
    "failed": "failed",
}
UNFINISHED = {"queued", "initiated", "ringing", "in-progress"}
OTHER_LISTS = {"messages": "a message", "recordings": "a recording"}


def looks_like_twilio(head: str) -> bool:
    """Return whether the beginning of a file is JSON of Twilio."""
    return head.lstrip()[:1] in ("{", "[") and '"sid"' in head


def read_twilio(file: BinaryIO, settings: Settings) -> Iterator[ParsedCall | Reject]:
    """Yield the calls of a file; a page or a list is read whole, up to 64 MiB."""
    for number, record, kind in _records(file):
        try:
            if isinstance(record, RowFault):
                raise record
            yield _call(number, record, kind, settings)
        except RowFault as fault:
            yield Reject(number, fault.code, str(fault))


def _records(file: BinaryIO) -> Iterator[tuple[int, Any, str]]:
    text = file.read(MAX_JSON_BYTES + 1)
    if len(text) > MAX_JSON_BYTES:
        raise UnableToRead("The file is larger than 64 MiB. Fetch the list in smaller pages, or as one call a line.")
    try:
        page = json.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnableToRead("The file is not UTF-8.") from error
    except RecursionError as error:
        raise UnableToRead("The file is nested deeper than any list of calls.") from error
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise UnableToRead(f"The JSON is broken at line {error.lineno}: {error.msg}.") from error
        file.seek(0)
        yield from _by_line(file)
        return
    except ValueError as error:  # a number of more digits than Python reads
        raise UnableToRead("The JSON holds a number that is too long to be one.") from error
    if isinstance(page, dict):
        for name in ("calls", *OTHER_LISTS):
            if isinstance(page.get(name), list):
                for number, record in enumerate(page[name], start=1):
                    yield number, record, name
                return
        page = [page]
    if not isinstance(page, list):
        raise UnableToRead("The JSON holds no list of calls.")
    for number, record in enumerate(page, start=1):
        yield number, record, "calls"


def _by_line(file: BinaryIO) -> Iterator[tuple[int, Any, str]]:
    for number, line in numbered_lines(file):
        try:
            yield number, json.loads(decoded(line)), "calls"
        except RowFault as fault:
            yield number, fault, "calls"
        except (ValueError, RecursionError):
            yield number, RowFault("bad_json", "The line is not JSON."), "calls"


def _call(number: int, record: Any, kind: str, settings: Settings) -> ParsedCall:
    if kind in OTHER_LISTS:
        raise RowFault("not_a_call", f"This is {OTHER_LISTS[kind]}, not a call.")
    if not isinstance(record, dict) or not isinstance(record.get("sid"), str) or not record["sid"]:
        raise RowFault("no_id", "The record has no sid.")
    if not record["sid"].startswith("CA"):
        raise RowFault("not_a_call", "The sid is not that of a call.")
    status = _text(record, "status").lower()
    if status in UNFINISHED or not record.get("start_time"):
        raise RowFault("not_finished", "The call was not finished when the list was made. Fetch it again later.")
    started_at, time_source = instant(_text(record, "start_time"), "start_time", settings.zone)
    ended = _text(record, "end_time")
    duration = _text(record, "duration")
    price = money(_text(record, "price"), "price")
    return make_call(
        line=number,
        source_key=joined_key(record["sid"]),
        call_group=_text(record, "parent_call_sid")[:150] or record["sid"][:150],
        caller=classify(_text(record, "from"), settings.country),
        dialled=classify(_text(record, "to"), settings.country),
        started_at=started_at,
        answered_at=started_at if status == "completed" else None,
        ended_at=instant(ended, "end_time", settings.zone)[0] if ended else None,
        duration_s=read_seconds(duration, "duration"),
        talk_s=read_seconds(duration, "duration") if status == "completed" else None,
        billed_s=whole_seconds(duration, "duration"),
        status=STATUSES.get(status, "unknown"),
        cost=-price if price is not None else None,
        currency=_text(record, "price_unit").upper()[:3] if price is not None else "",
        time_source=time_source,
    )


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise RowFault("bad_value", f"{name} does not hold a single value.")
    return str(value)
