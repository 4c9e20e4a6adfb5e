"""Vonage: the voice records of its Reports API, as JSON or CSV. Times are UTC, numbers have no plus.

``duration`` is what was charged for and counts as the talk too: nothing else is known of it.
"""

from telecom_records.formats.documents import Documents, document_format
from telecom_records.formats.family import Family, Row, by_word, cell, either, ids, international, priced
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
