"""FusionPBX: the CSV export of its call detail records.

Its columns change with the version and with what the viewer may see, and its quotes are not escaped. Formatted dates are
in the zone of whoever exported, so the epoch counts. An export without results is one row of nothing.
"""

from telecom_records.formats.family import Q850_NAMES, Family, Row, by_cause, cell, either, ids
from telecom_records.formats.tables import HeaderTable, table_format
from telecom_records.formats.values import milliseconds, seconds, since_1970, zoned

STATUSES = {
    "answered": "answered", "voicemail": "answered", "no_answer": "no_answer", "missed": "no_answer",
    "cancelled": "cancelled", "busy": "busy", "failed": "failed",
}  # fmt: skip


def _status(row: Row, answered: bool) -> str:
    said = STATUSES.get(cell(row, "status").lower())
    return said or by_cause(("hangup_cause",), Q850_NAMES)(row, answered)


CALLS = Family(
    key=ids(("xml_cdr_uuid",)),
    group=either("sip_call_id", "bridge_uuid", "xml_cdr_uuid"),
    caller=("caller_id_number", "source_number"),
    dialled=("caller_destination", "destination_number"),
    started=(("start_epoch", since_1970(1)), ("start_stamp", zoned)),
    answered=(("answer_epoch", since_1970(1)), ("answer_stamp", zoned)),
    ended=(("end_epoch", since_1970(1)), ("end_stamp", zoned)),
    duration=(("mduration", milliseconds), ("duration", seconds)),
    talk=(("billmsec", milliseconds), ("billsec", seconds)),
    billed=(("billsec", seconds),),
    status=_status,
)
FORMAT = table_format(
    HeaderTable(
        called="a FusionPBX export",
        needed=(frozenset({"xml_cdr_uuid", "start_epoch"}), frozenset({"xml_cdr_uuid", "start_stamp"})),
        delimiters=",",
        quoted=True,
    ),
    CALLS,
    name="FusionPBX export",
)
