"""DIDWW: CDR exports of its API, three generations of columns; the zone stands in the titles, and is UTC.

Numbers are international without a plus; an empty source was not sent along. A record has no id: attempts of one call,
and calls that are equal in every column, are told apart by their order in the file. What a call costs is the sum of the
columns in USD that are no rates.
"""

from decimal import Decimal

from telecom_records.formats.family import SIP, Family, Row, cell, first, international, told
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
