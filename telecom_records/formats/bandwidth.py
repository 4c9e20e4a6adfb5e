"""Bandwidth: billing detail records. All times are UTC, on a dial of twelve hours; numbers are those of North America.

``Duration`` is rounded up to six seconds: it is what is billed, and how long they talked is not told. A record that was
rated again has its old id.
"""

from telecom_records.formats.family import Family, Row, cell, either, ids, priced
from telecom_records.formats.tables import HeaderTable, table_format
from telecom_records.formats.values import in_utc, seconds
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
