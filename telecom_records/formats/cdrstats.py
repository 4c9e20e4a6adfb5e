"""CDR-Stats: the table into which its pushers bring the calls of other switches, as CSV. Times are local to the switch."""

from telecom_records.formats.family import Q850, Family, Row, by_cause, cell, either, ids
from telecom_records.formats.tables import HeaderTable, table_format
from telecom_records.formats.values import seconds, switch_time


def _status(row: Row, answered: bool) -> str:
    talked = bool(seconds(cell(row, "billsec"), "billsec"))
    return by_cause(("hangup_cause_id",), Q850)(row, talked)


CALLS = Family(
    key=ids(("callid",)),
    group=either("callid"),
    caller=("caller_id_number",),
    dialled=("destination_number",),
    started=(("starting_date", switch_time()),),
    duration=(("duration", seconds),),
    talk=(("billsec", seconds),),
    billed=(("billsec", seconds),),
    status=_status,
)
FORMAT = table_format(
    HeaderTable(
        called="a table of CDR-Stats",
        needed=(frozenset({"callid", "caller_id_number", "destination_number", "starting_date", "hangup_cause_id"}),),
    ),
    CALLS,
    name="CDR-Stats table",
)
