"""Twilio: pages of the Calls list, a bare list, the bulk export (one call a line), and CSV. Times are UTC.

A price is negative for a charge, and comes later than the call. Every leg is a row, tied by its parent's sid. Nothing
says when a call was answered: a completed one counts as answered at its start.
"""

from telecom_records.formats.documents import Documents, document_format
from telecom_records.formats.family import Family, Row, by_word, cell, either, ids, priced
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
    Documents(marks=("sid",), lists=("calls",), others={"messages": "a message", "recordings": "a recording"}),
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
