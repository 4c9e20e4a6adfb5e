"""Cisco CUCM: CDR flat files, by their header, which grows with each release; the second line may hold SQL types.

Times are epoch seconds; a connection of 0 was never made, and a duration of 0 with a connection is under a second. A call
that is transferred or shared is several records with one global call id. CMR files, which lie beside them, are no calls.
"""

from telecom_records.formats.family import Q850, Family, Row, cell, ids, joined
from telecom_records.formats.rows import RowFault
from telecom_records.formats.tables import HeaderTable, table_format
from telecom_records.formats.values import seconds, since_1970


def _prepare(row: Row) -> Row:
    if cell(row, "cdrrecordtype") not in ("", "1"):
        raise RowFault("not_a_call", "The record is not that of a call.")
    return row


def _status(row: Row, answered: bool) -> str:
    if answered:
        return "answered"
    called, calling = cell(row, "destcause_value"), cell(row, "origcause_value")
    if called in ("", "0") and calling == "16":  # the caller hung up before anybody answered
        return "cancelled"
    cause = called if called not in ("", "0") else calling or "0"
    return Q850.get(cause, "failed")


CALLS = Family(
    key=ids(("pkid",)),
    group=joined("globalcallid_callmanagerid", "globalcallid_callid", "globalcallid_clusterid"),
    caller=("callingpartynumber", "callingpartynumber_uri"),
    dialled=(
        "originalcalledpartynumber", "finalcalledpartynumber", "originalcalledpartynumber_uri", "finalcalledpartynumber_uri",
    ),
    started=(("datetimeorigination", since_1970(1)),),
    answered=(("datetimeconnect", since_1970(1)),),
    ended=(("datetimedisconnect", since_1970(1)),),
    billed=(("duration", seconds),),
    status=_status,
    prepare=_prepare,
)  # fmt: skip
FORMAT = table_format(
    HeaderTable(
        called="a CDR file of CUCM",
        needed=(frozenset({"pkid", "globalcallid_callid", "callingpartynumber", "datetimeorigination"}),),
        delimiters=",",
        skip=lambda row: cell(row, "cdrrecordtype").upper() == "INTEGER",
    ),
    CALLS,
    name="Cisco CUCM",
)
