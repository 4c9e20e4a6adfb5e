"""Telnyx: detail records of calls and messages of its API, and call reports whose columns somebody chose.

A report may tell the start twice, in UTC and by the clock of whoever asked, and its other times by that clock: the two
starts say how far the clock is ahead. Without an id of the leg, the SIP call id and the start are the key.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from telecom_records.formats.documents import Documents, document_format
from telecom_records.formats.family import (
    Q850,
    SIP,
    Family,
    MessageFamily,
    Row,
    by_cause,
    by_word,
    cell,
    either,
    ids,
    priced,
)
from telecom_records.formats.rows import RowFault
from telecom_records.formats.tables import HeaderTable, table_format
from telecom_records.formats.values import in_utc, instant, is_never, seconds, zoned

UTC = ZoneInfo("UTC")
BY_CLOCK = ("answer_timestamp", "end_timestamp")
FURTHEST_CLOCK = dt.timedelta(hours=15)


def _prepare(row: Row) -> Row:
    if "message" in cell(row, "record_type").lower():
        raise RowFault("not_a_call", "The record is not that of a call.")
    if not (cell(row, "start_timestamp_utc") and cell(row, "start_timestamp")):
        return row
    ahead = _as_utc(row, "start_timestamp") - _as_utc(row, "start_timestamp_utc")
    if abs(ahead) > FURTHEST_CLOCK:
        raise RowFault("bad_time", "The two starts of the call are further apart than any two clocks.")
    told = [name for name in BY_CLOCK if not is_never(cell(row, name))]
    try:
        return {**row, **{name: (_as_utc(row, name) - ahead).isoformat() for name in told}}
    except OverflowError as error:
        raise RowFault("bad_time", "A time of the call is out of bounds.") from error


def _as_utc(row: Row, name: str) -> dt.datetime:
    return instant(cell(row, name), name, UTC)[0]


CALLS = Family(
    key=ids(("telnyx_leg_id",), ("call_leg_id",), ("uuid",), ("id",), ("sip_call_id", "start_timestamp_utc", "start_timestamp")),
    group=either("session_id", "call_session_id", "sip_call_id"),
    caller=("cli", "origination_number"),
    dialled=("cld", "terminating_number"),
    started=(("started_at", zoned), ("start_timestamp_utc", in_utc), ("start_timestamp", zoned)),
    answered=(("answered_at", zoned), ("answer_timestamp", zoned)),
    ended=(("finished_at", zoned), ("end_timestamp", zoned)),
    talk=(("call_sec", seconds),),
    billed=(("billed_sec", seconds), ("billable_time", seconds)),
    status=lambda row, answered: by_cause(("hangup_code",), Q850 | SIP)(row, answered or _charged(row)),
    cost=priced("cost", currency=("currency",), default="USD"),
    prepare=_prepare,
)  # fmt: skip


def _charged(row: Row) -> bool:
    """Return whether somebody must have answered, in a report without the column that says when."""
    asked = "answer_timestamp" in row or "answered_at" in row
    return not asked and any(seconds(cell(row, name), name) for name in ("call_sec", "billed_sec", "billable_time"))


JSON = document_format(
    Documents(marks=("cli", "cld", "record_type"), lists=("data",), without=("parts",)),
    CALLS,
    name="Telnyx calls (JSON)",
)
CSV = table_format(
    HeaderTable(
        called="a call report of Telnyx",
        needed=(
            frozenset({"origination_number", "terminating_number", "start_timestamp_utc"}),
            frozenset({"origination_number", "terminating_number", "start_timestamp"}),
        ),
    ),
    CALLS,
    name="Telnyx calls (CSV)",
)

MESSAGE_STATUSES = {
    "sent": "sent", "delivery_unconfirmed": "sent", "dlr_unconfirmed": "sent", "dlr_timeout": "sent",
    "delivered": "delivered", "delivery_failed": "undelivered", "undelivered": "undelivered", "expired": "undelivered",
    "sending_failed": "failed", "failed": "failed", "gw_reject": "failed", "gw_timeout": "failed", "received": "received",
    "webhook_delivered": "received",
}  # fmt: skip
ON_THEIR_WAY = {"queued", "sending", "scheduled"}


def _message(row: Row) -> Row:
    if "call" in cell(row, "record_type").lower():
        raise RowFault("not_a_message", "The record is not that of a message.")
    if cell(row, "status").lower() in ON_THEIR_WAY:
        raise RowFault("not_finished", "The message was still on its way when the list was made. Fetch it again later.")
    return row


MESSAGES = MessageFamily(
    key=ids(("uuid",), ("id",)),
    sender=("cli",),
    recipient=("cld",),
    sent=(("sent_at", zoned), ("created_at", zoned)),
    status=by_word("status", MESSAGE_STATUSES),
    segments=("parts",),
    cost=priced("cost", currency=("currency",), default="USD"),
    prepare=_message,
)
MESSAGES_FORMAT = document_format(
    Documents(marks=("cli", "cld", "parts"), lists=("data",), one="a message"),
    MESSAGES,
    name="Telnyx messages (JSON)",
)
