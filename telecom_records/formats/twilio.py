"""Twilio: pages of the lists of calls and messages, a bare list, the bulk export (one a line), and CSV. Times are UTC.

A price is negative for a charge, and comes later than the call. Every leg is a row, tied by its parent's sid. Nothing
says when a call was answered: a completed one counts as answered at its start. The bulk export of messages has prices
without a currency; they are not taken over. The text of a message is never looked at.
"""

from decimal import Decimal

from telecom_records.formats.documents import Documents, document_format
from telecom_records.formats.family import Family, MessageFamily, Row, by_word, cell, either, first, ids, priced
from telecom_records.formats.rows import RowFault
from telecom_records.formats.tables import HeaderTable, table_format
from telecom_records.formats.values import seconds, zoned

STATUSES = {
    "completed": "answered",
    "no-answer": "no_answer",
    "busy": "busy",
    "canceled": "cancelled",
    "failed": "failed",
}
MESSAGE_STATUSES = {
    "sent": "sent", "delivered": "delivered", "read": "delivered", "partially_delivered": "delivered",
    "undelivered": "undelivered", "failed": "failed", "canceled": "failed", "received": "received",
}  # fmt: skip
ON_THEIR_WAY = {"accepted", "scheduled", "queued", "sending", "receiving"}
UNFINISHED = {"queued", "initiated", "ringing", "in-progress"}


def _prepare(row: Row) -> Row:
    sid, status = cell(row, "sid"), cell(row, "status").lower()
    if not sid:
        raise RowFault("no_id", "The record has no sid.")
    if not sid.startswith("CA"):
        raise RowFault("not_a_call", "The sid is not that of a call.")
    if status in UNFINISHED or not cell(row, "start_time"):
        raise RowFault("not_finished", "The call was not finished when the list was made. Fetch it again later.")
    if status != "completed":
        return row
    return {**row, "answer_time": row["start_time"], "talk_seconds": cell(row, "duration")}


CALLS = Family(
    key=ids(("sid",)),
    group=either("parent_call_sid", "sid"),
    caller=("from",),
    dialled=("to",),
    started=(("start_time", zoned),),
    answered=(("answer_time", zoned),),
    ended=(("end_time", zoned),),
    duration=(("duration", seconds),),
    talk=(("talk_seconds", seconds),),
    billed=(("duration", seconds),),
    status=by_word("status", STATUSES),
    cost=priced("price", currency=("price_unit",), sign=-1),
    prepare=_prepare,
)
JSON = document_format(
    Documents(
        marks=("sid",),
        lists=("calls",),
        others={"messages": "a message", "recordings": "a recording"},
        without=("num_segments",),
    ),
    CALLS,
    name="Twilio calls (JSON)",
)
CSV = table_format(
    HeaderTable(
        called="a list of calls of Twilio",
        needed=(frozenset({"sid", "from", "to", "start_time", "price_unit"}),),
        rename={
            "call_sid": "sid", "callsid": "sid", "starttime": "start_time", "endtime": "end_time",
            "priceunit": "price_unit", "parentcallsid": "parent_call_sid",
        },
    ),
    CALLS,
    name="Twilio calls (CSV)",
)  # fmt: skip


def _message(row: Row) -> Row:
    if cell(row, "sid")[:2] not in ("SM", "MM"):
        raise RowFault("not_a_message", "The sid is not that of a message.")
    if cell(row, "status").lower() in ON_THEIR_WAY:
        raise RowFault("not_finished", "The message was still on its way when the list was made. Fetch it again later.")
    return row


def _message_cost(row: Row) -> tuple[Decimal | None, str]:
    return priced("price", currency=("price_unit",), sign=-1)(row) if first(row, ("price_unit",)) else (None, "")


MESSAGES = MessageFamily(
    key=ids(("sid",)),
    sender=("from",),
    recipient=("to",),
    sent=(("date_sent", zoned), ("date_created", zoned)),
    status=by_word("status", MESSAGE_STATUSES),
    segments=("num_segments",),
    cost=_message_cost,
    prepare=_message,
)
MESSAGES_JSON = document_format(
    Documents(
        marks=("sid", "num_segments"),
        lists=("messages",),
        others={"calls": "a call", "recordings": "a recording"},
        one="a message",
    ),
    MESSAGES,
    name="Twilio messages (JSON)",
)
MESSAGES_CSV = table_format(
    HeaderTable(
        called="a list of messages of Twilio",
        needed=(frozenset({"sid", "from", "to", "date_sent", "num_segments"}),),
        rename={
            "message_sid": "sid", "messagesid": "sid", "sentdate": "date_sent", "sent_date": "date_sent",
            "datesent": "date_sent", "datecreated": "date_created", "numsegments": "num_segments", "priceunit": "price_unit",
        },
    ),
    MESSAGES,
    name="Twilio messages (CSV)",
)  # fmt: skip
