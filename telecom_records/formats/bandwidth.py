"""Bandwidth: billing detail records, and the message list of its API. All times are UTC, on a dial of twelve hours; numbers are those of North America.

``Duration`` is rounded up to six seconds: it is what is billed, and how long they talked is not told. A record that was
rated again has its old id.
"""

from telecom_records.formats.documents import Documents, document_format
from telecom_records.formats.family import Family, MessageFamily, Row, by_word, cell, either, ids, priced
from telecom_records.formats.rows import RowFault
from telecom_records.formats.tables import HeaderTable, table_format
from telecom_records.formats.values import in_utc, seconds, zoned
from telecom_records.phone_numbers import PhoneParty, classify


def _number(text: str, country: str) -> PhoneParty:
    return classify(text, "US")


def _status(row: Row, answered: bool) -> str:
    return "answered" if seconds(cell(row, "duration"), "Duration") else "unknown"


CALLS = Family(
    key=ids(("bdrid",)),
    group=either("callid", "bdrid"),
    caller=("callsource",),
    dialled=("calldestination",),
    started=(("callstartdatetime", in_utc),),
    ended=(("callenddatetime", in_utc),),
    billed=(("duration", seconds),),
    status=_status,
    cost=priced("amount", default="USD"),
    number=_number,
)
FORMAT = table_format(
    HeaderTable(
        called="billing detail records of Bandwidth",
        needed=(frozenset({"bdrid", "callsource", "calldestination", "callstartdatetime"}),),
    ),
    CALLS,
    name="Bandwidth billing records",
)

MESSAGE_STATUSES = {
    "accepted": "sent", "sent": "sent", "delivered": "delivered", "undelivered": "undelivered", "failed": "failed",
    "received": "received",
}  # fmt: skip


def _message(row: Row) -> Row:
    if cell(row, "messageStatus").lower() in ("queued", "sending"):
        raise RowFault("not_finished", "The message was still on its way when the list was made. Fetch it again later.")
    return row


MESSAGES = MessageFamily(
    key=ids(("messageId",)),
    sender=("sourceTn",),
    recipient=("destinationTn",),
    sent=(("receiveTime", zoned),),
    status=by_word("messageStatus", MESSAGE_STATUSES),
    segments=("segmentCount",),
    number=_number,
    prepare=_message,
)
MESSAGES_FORMAT = document_format(
    Documents(marks=("messageId", "sourceTn"), lists=("messages",), one="a message"),
    MESSAGES,
    name="Bandwidth messages (JSON)",
)
