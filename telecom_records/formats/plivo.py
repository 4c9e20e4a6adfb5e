"""Plivo: pages of the calls and messages of its API. Times have their offset, numbers may lack their plus, amounts are in USD.

One uuid may stand on several records, so the start belongs to the key. ``bill_duration`` is what is charged for, and may
have nothing to do with how long they talked. A message was sent at its ``message_time``; the other times are those of
its way through the network.
"""

from telecom_records.formats.documents import Documents, document_format
from telecom_records.formats.family import (
    Family,
    MessageFamily,
    Row,
    by_cause,
    by_word,
    cell,
    either,
    ids,
    international,
    priced,
)
from telecom_records.formats.rows import RowFault
from telecom_records.formats.values import seconds, zoned

CAUSES = {
    "busy line": "busy", "busy": "busy", "no answer": "no_answer", "ring timeout reached": "no_answer",
    "cancelled": "cancelled", "normal hangup": "no_answer",
}  # fmt: skip


def _prepare(row: Row) -> Row:
    if not cell(row, "call_uuid") or cell(row, "recording_id"):
        raise RowFault("not_a_call", "The record is not that of a call.")
    if not cell(row, "end_time"):
        raise RowFault("not_finished", "The call was not finished when the list was made. Fetch it again later.")
    return row


CALLS = Family(
    key=ids(("call_uuid", "initiation_time")),
    group=either("parent_call_uuid", "call_uuid"),
    caller=("from_number",),
    dialled=("to_number",),
    started=(("initiation_time", zoned), ("answer_time", zoned)),
    answered=(("answer_time", zoned),),
    ended=(("end_time", zoned),),
    billed=(("billed_duration", seconds), ("bill_duration", seconds)),
    status=by_cause(("hangup_cause_name",), CAUSES),
    cost=priced("total_amount", default="USD"),
    number=international,
    prepare=_prepare,
)
FORMAT = document_format(
    Documents(marks=("call_uuid", "call_direction"), lists=("objects",)), CALLS, name="Plivo calls (JSON)"
)

MESSAGE_STATES = {
    "sent": "sent", "delivered": "delivered", "read": "delivered", "undelivered": "undelivered", "failed": "failed",
    "rejected": "failed", "received": "received",
}  # fmt: skip


def _message(row: Row) -> Row:
    if not cell(row, "message_uuid"):
        raise RowFault("not_a_message", "The record is not that of a message.")
    if cell(row, "message_state").lower() == "queued":
        raise RowFault("not_finished", "The message was still on its way when the list was made. Fetch it again later.")
    return row


MESSAGES = MessageFamily(
    key=ids(("message_uuid",)),
    sender=("from_number",),
    recipient=("to_number",),
    sent=(("message_time", zoned),),
    status=by_word("message_state", MESSAGE_STATES),
    segments=("units",),
    cost=priced("total_amount", default="USD"),
    number=international,
    prepare=_message,
)
MESSAGES_FORMAT = document_format(
    Documents(marks=("message_uuid", "message_state"), lists=("objects",), one="a message"),
    MESSAGES,
    name="Plivo messages (JSON)",
)
