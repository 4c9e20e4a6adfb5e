"""3CX: the CDR log in its full layout of 27 columns, without a header. Times are UTC and do not say so.

``duration`` is the talk, to the second. Costs have no currency of their own and are not taken over.
"""

import re

from telecom_records.formats.family import Family, Row, by_cause, either, ids
from telecom_records.formats.tables import WidthTable, table_format
from telecom_records.formats.values import clock, in_utc

COLUMNS = [
    "historyid", "callid", "duration", "time_start", "time_answered", "time_end", "reason_terminated", "from_no", "to_no",
    "from_dn", "to_dn", "dial_no", "reason_changed", "final_number", "final_dn", "bill_code", "bill_rate", "bill_cost",
    "bill_name", "chain", "from_type", "to_type", "final_type", "from_dispname", "to_dispname", "final_dispname",
    "missed_queue_calls",
]  # fmt: skip
REASONS = {
    "terminatedbysrc": "cancelled", "terminatedbydst": "no_answer", "failed_cancelled": "cancelled",
    "failed_busy": "busy", "failed_noanswer": "no_answer", "failed_no_answer": "no_answer",
}  # fmt: skip
CALLID = re.compile(r"^[0-9A-F]{8,20}_\d+$")
START = re.compile(r"^\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}$")


def _is_row(row: Row) -> bool:
    return bool(CALLID.match(row["callid"].strip()) and START.match(row["time_start"].strip()))


CALLS = Family(
    key=ids(("callid",)),
    group=either("historyid"),
    caller=("from_no",),
    dialled=("dial_no", "to_no"),
    started=(("time_start", in_utc),),
    answered=(("time_answered", in_utc),),
    ended=(("time_end", in_utc),),
    talk=(("duration", clock),),
    billed=(("duration", clock),),
    status=by_cause(("reason_terminated",), REASONS),
)
FORMAT = table_format(WidthTable({len(COLUMNS): COLUMNS}, is_row=_is_row), CALLS, name="3CX log")
