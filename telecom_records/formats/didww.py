"""DIDWW: exports of calls, three generations of columns, and of messages; the zone stands in the titles, and is UTC.

Numbers are international without a plus; an empty source was not sent along. A record has no id: attempts of one call,
and calls that are equal in every column, are told apart by their order in the file. What a call costs is the sum of the
columns in USD that are no rates.

The older log of incoming messages has a row for each fragment of each attempt: the first fragment is the message and
says of how many parts it is, another attempt revises it, and the other fragments are skipped.
"""

import re
from decimal import Decimal

from telecom_records.formats.family import (
    SIP,
    Family,
    MessageFamily,
    Row,
    by_word,
    cell,
    first,
    ids,
    international,
    told,
)
from telecom_records.formats.rows import RowFault
from telecom_records.formats.tables import HeaderTable, table_format
from telecom_records.formats.values import in_utc, money, seconds

DURATION = ("duration_secs", "duration_sec", "duration")


def _status(row: Row, answered: bool) -> str:
    code = cell(row, "disconnect_code")
    talked = seconds(first(row, DURATION), "duration")
    if answered or talked or code == "200":
        return "answered"
    return SIP.get(code, "failed") if code else "unknown"


def _cost(row: Row) -> tuple[Decimal | None, str]:
    amounts = [money(cell(row, name), name) for name in row if name.endswith("_usd") and "rate" not in name]
    known = [amount for amount in amounts if amount is not None]
    return (money(str(sum(known)), "amounts"), "USD") if known else (None, "")


CALLS = Family(
    key=told(
        "date_time_utc", "date_time_start_utc", "source", "source_number", "did", "destination_did", "destination",
        "destination_number", "attempt", *DURATION,
    ),
    caller=("source_number", "source"),
    dialled=("did", "destination_did", "destination_number", "destination"),
    started=(("date_time_start_utc", in_utc), ("date_time_utc", in_utc)),
    answered=(("date_time_connect_utc", in_utc),),
    ended=(("date_time_end_utc", in_utc),),
    talk=tuple((name, seconds) for name in DURATION),
    billed=tuple((name, seconds) for name in DURATION),
    status=_status,
    cost=_cost,
    number=international,
)  # fmt: skip
FORMAT = table_format(
    HeaderTable(
        called="a CDR export of DIDWW, in UTC",
        needed=(
            frozenset({"date_time_utc", "source", "did", "duration_secs"}),
            frozenset({"date_time_start_utc", "destination_did", "duration_sec"}),
            frozenset({"date_time_start_utc", "destination", "duration_sec"}),
        ),
        delimiters=",",
    ),
    CALLS,
    name="DIDWW calls",
)

SMS_STATUSES = {
    "success": "delivered", "delivered": "delivered", "sent": "sent", "failed": "failed", "routing error": "failed",
    "undelivered": "undelivered",
}  # fmt: skip
FRAGMENT = re.compile(r"^(\d{1,3})/(\d{1,3})$", re.ASCII)
SENT = ("time_received_utc", "date_time_received_utc", "date_time_utc", "time_sent_utc")


def _message(row: Row) -> Row:
    if cell(row, "status").lower() in ("queued", "in progress"):
        raise RowFault(
            "not_finished", "The message was still on its way when the export was made. Fetch it again later."
        )
    fragment = FRAGMENT.match(cell(row, "fragments"))
    if fragment and int(fragment[1]) != 1:
        raise RowFault("fragment", "The row is a further part of a message; its first part stands for all of it.")
    return {**row, "fragments": fragment[2]} if fragment else row


MESSAGES = MessageFamily(
    key=ids(("sms_id",)),
    sender=("source_address", "source"),
    recipient=("destination_address", "destination"),
    sent=tuple((name, in_utc) for name in SENT),
    status=by_word("status", SMS_STATUSES),
    segments=("fragments", "fragments_sent"),
    cost=_cost,
    number=international,
    prepare=_message,
)
MESSAGES_FORMAT = table_format(
    HeaderTable(
        called="a log of messages of DIDWW, in UTC",
        needed=tuple(frozenset({"sms_id", "source_address", "destination_address", name}) for name in SENT),
        delimiters=",",
    ),
    MESSAGES,
    name="DIDWW messages (CSV)",
)
