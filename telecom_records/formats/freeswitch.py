"""FreeSWITCH: mod_cdr_csv in the layouts of its shipped templates, and mod_json_cdr.

The CSV has local times without a zone and no escapes in its quotes; JSON has the epoch beside every stamp, in seconds and
microseconds, and everything as a string. A failed post is written again, and both legs may be written: the uuid of the
leg is the key, and the smaller uuid of the two legs ties them.
"""

import re
from urllib.parse import unquote

from telecom_records.formats.documents import Documents, document_format
from telecom_records.formats.family import Q850_NAMES, Family, Row, Times, by_cause, cell, first, ids
from telecom_records.formats.rows import RowFault
from telecom_records.formats.tables import WidthTable, table_format
from telecom_records.formats.values import milliseconds, seconds, since_1970, switch_time

BASE = [
    "caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp", "answer_stamp", "end_stamp",
    "duration", "billsec", "hangup_cause", "uuid", "bleg_uuid", "accountcode",
]  # fmt: skip
CODECS = [*BASE, "read_codec", "write_codec"]
LAYOUTS = {
    13: BASE,
    15: CODECS,
    17: [*CODECS, "sip_user_agent", "sip_p_rtp_stat"],
    18: [
        "accountcode", "caller_id_number", "destination_number", "context", "caller_id", "channel_name",
        "bridge_channel", "last_app", "last_arg", "start_stamp", "answer_stamp", "end_stamp", "duration", "billsec",
        "hangup_cause", "amaflags", "uuid", "userfield",
    ],
    20: [*CODECS, "sip_user_agent", "call_clientcode", "sip_rtp_rxstat", "sip_rtp_txstat", "sofia_record_file"],
}  # fmt: skip
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
SQL = re.compile(r"^INSERT INTO \w+ VALUES ?\((.*)\);?$", re.IGNORECASE)
HIDDEN = {"id", "full", "number", "yes", "user"}


def stamped(event: str) -> Times:
    """Return where the time of an event stands: as an epoch, else as a local stamp."""
    return (
        (f"{event}_uepoch", since_1970(1_000_000)),
        (f"{event}_epoch", since_1970(1)),
        (f"{event}_stamp", switch_time()),
    )


def _is_row(row: Row) -> bool:
    return bool(UUID.match(row["uuid"].strip()) and re.match(r"\d{4}[-/]\d{1,2}[-/]\d", row["start_stamp"].strip()))


def _without_sql(line: str) -> str:
    match = SQL.match(line.strip())
    return match[1] if match else line


def _legs(row: Row) -> str:
    other = first(row, ("bleg_uuid", "bridge_uuid", "originating_leg_uuid"))
    return min(filter(None, (cell(row, "uuid"), other)), default="")


def _prepare(row: Row) -> Row:
    """Return the variables of a call, with the numbers of its first profile: what was dialled before any transfer."""
    variables = row.get("variables", row)
    if not isinstance(variables, dict):
        raise RowFault("not_a_call", "The record has no variables.")
    flow = row.get("callflow")
    profile = flow[-1].get("caller_profile") if isinstance(flow, list) and flow and isinstance(flow[-1], dict) else None
    if not isinstance(profile, dict):
        profile = {}
    caller = first(profile, ("caller_id_number",)) or first(variables, ("caller_id_number", "sip_from_user"))
    dialled = first(profile, ("destination_number",)) or first(variables, ("destination_number", "sip_to_user"))
    return {**variables, "caller": unquote(caller), "dialled": unquote(dialled)}


def _withheld(row: Row) -> bool:
    asked = first(row, ("sip_h_Privacy", "privacy", "origination_privacy")).lower()
    return bool(HIDDEN & set(re.split(r"[^a-z]+", asked)))


CALLS = Family(
    key=ids(("uuid",)),
    group=_legs,
    caller=("caller",),
    dialled=("dialled",),
    started=stamped("start"),
    answered=stamped("answer"),
    ended=stamped("end"),
    duration=(("mduration", milliseconds), ("duration", seconds)),
    talk=(("billmsec", milliseconds), ("billsec", seconds)),
    billed=(("billsec", seconds),),
    status=by_cause(("hangup_cause",), Q850_NAMES),
    prepare=_prepare,
    withheld=_withheld,
)
CSV = table_format(
    WidthTable(LAYOUTS, is_row=_is_row, quoted=True, unwrapped=_without_sql), CALLS, name="FreeSWITCH Master.csv"
)
JSON = document_format(Documents(marks=("channel_data", "variables"), lists=("cdrs",)), CALLS, name="FreeSWITCH (JSON)")
