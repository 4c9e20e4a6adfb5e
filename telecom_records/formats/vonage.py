"""Vonage: the voice and SMS records of its Reports API, as JSON or CSV. Times are UTC, numbers have no plus.

``duration`` is what was charged for and counts as the talk too: nothing else is known of it.
"""

from telecom_records.formats.documents import Documents, document_format
from telecom_records.formats.family import Family, MessageFamily, Row, by_word, cell, either, ids, international, priced
from telecom_records.formats.rows import RowFault
from telecom_records.formats.tables import HeaderTable, table_format
from telecom_records.formats.values import in_utc, seconds

STATUSES = {
    "completed": "answered", "answered": "answered", "machine": "answered", "busy": "busy", "cancelled": "cancelled",
    "failed": "failed", "rejected": "failed", "timeout": "no_answer", "unanswered": "no_answer",
}  # fmt: skip
UNFINISHED = {"started", "ringing"}


def _prepare(row: Row) -> Row:
    if not cell(row, "call_id"):
        raise RowFault("not_a_call", "The record is not that of a call.")
    if cell(row, "status").lower() in UNFINISHED:
        raise RowFault("not_finished", "The call was not finished when the report was made. Fetch it again later.")
    return row


CALLS = Family(
    key=ids(("call_id",)),
    group=either("conversation_id", "conversation_uuid", "call_id"),
    caller=("from",),
    dialled=("to",),
    started=(("date_start", in_utc),),
    ended=(("date_end", in_utc),),
    talk=(("duration", seconds),),
    billed=(("duration", seconds),),
    status=by_word("status", STATUSES),
    cost=priced("total_price", currency=("currency",)),
    number=international,
    prepare=_prepare,
)
JSON = document_format(
    Documents(marks=("call_id", "date_start"), lists=("records",)), CALLS, name="Vonage calls (JSON)"
)
CSV = table_format(
    HeaderTable(called="a voice report of Vonage", needed=(frozenset({"call_id", "from", "to", "date_start"}),)),
    CALLS,
    name="Vonage calls (CSV)",
)

SMS_STATUSES = {
    "accepted": "sent", "buffered": "sent", "submitted": "sent", "delivered": "delivered", "expired": "undelivered",
    "deleted": "undelivered", "undelivered": "undelivered", "undeliverable": "undelivered", "failed": "failed",
    "rejected": "failed", "received": "received",
}  # fmt: skip


def _message(row: Row) -> Row:
    if not cell(row, "message_id"):
        raise RowFault("not_a_message", "The record is not that of a message.")
    return row


MESSAGES = MessageFamily(
    key=ids(("message_id",)),
    sender=("from",),
    recipient=("to",),
    sent=(("date_received", in_utc),),
    status=by_word("status", SMS_STATUSES),
    cost=priced("total_price", currency=("currency",)),
    number=international,
    prepare=_message,
)
MESSAGES_JSON = document_format(
    Documents(marks=("message_id", "date_received"), lists=("records",), one="a message"),
    MESSAGES,
    name="Vonage SMS (JSON)",
)
MESSAGES_CSV = table_format(
    HeaderTable(called="an SMS report of Vonage", needed=(frozenset({"message_id", "from", "to", "date_received"}),)),
    MESSAGES,
    name="Vonage SMS (CSV)",
)
