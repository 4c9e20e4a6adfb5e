"""CGRateS: CDRs as CSV with a header, in the 18 columns of its older exports, and as JSON.

One call is a row for each run (what the customer pays, what the supplier is paid): the run belongs to the key, and only
the default run is a call, else every call would count several times. Durations are written as Go does.
"""

import re

from telecom_records.formats.documents import Documents, document_format
from telecom_records.formats.family import Family, Row, cell, either, first, ids
from telecom_records.formats.rows import RowFault
from telecom_records.formats.tables import HeaderTable, WidthTable, plain_name, table_format
from telecom_records.formats.values import go_duration, zoned

COLUMNS = [
    "cgrid", "runid", "tor", "originid", "requesttype", "direction", "tenant", "category", "account", "subject",
    "destination", "setuptime", "answertime", "usage", "cost", "extra1", "extra2", "extra3",
]  # fmt: skip
DEFAULT_RUNS = {"", "default", "*default", "*raw"}
VOICE = {"", "voice"}
NEVER = "0001-01-01"  # Go's time of nothing


def _prepare(row: Row) -> Row:
    row = {plain_name(name): value for name, value in row.items()}
    if cell(row, "tor").lstrip("*").lower() not in VOICE:
        raise RowFault("not_a_call", "The record is not that of a call.")
    if cell(row, "runid").lower() not in DEFAULT_RUNS:
        raise RowFault("other_run", "The row is another rating of a call; only the default run is a call.")
    never = {name: "" for name in ("setuptime", "answertime") if cell(row, name).startswith(NEVER)}
    return {**row, **never}


def _status(row: Row, answered: bool) -> str:
    usage = go_duration(cell(row, "usage"), "usage")
    return "answered" if answered and usage else "no_answer" if usage == 0 else "unknown"


CALLS = Family(
    key=ids(("originid", "originhost", "runid"), ("cgrid", "runid")),
    group=either("originid", "cgrid"),
    caller=("account", "subject"),
    dialled=("destination",),
    started=(("setuptime", zoned), ("answertime", zoned)),
    answered=(("answertime", zoned),),
    talk=(("usage", go_duration),),
    billed=(("usage", go_duration),),
    status=_status,
    prepare=_prepare,
)


def _is_row(row: Row) -> bool:
    return row["tor"].startswith("*") and bool(re.match(r"\d{4}-\d\d-\d\d", first(row, ("setuptime", "answertime"))))


NEEDED = (frozenset({"originid", "account", "destination", "answertime", "usage"}),)
CSV = table_format(
    HeaderTable(called="a CDR export of CGRateS", needed=NEEDED), CALLS, name="CGRateS (CSV with a header)"
)
WIDE = table_format(
    WidthTable({len(COLUMNS): COLUMNS}, is_row=_is_row, comment="#"), CALLS, name="CGRateS (CSV of 18 columns)"
)
JSON = document_format(Documents(marks=("OriginID", "SetupTime"), lists=("result",)), CALLS, name="CGRateS (JSON)")
