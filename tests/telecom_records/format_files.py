"""A small file of each format, with invented people: numbers from ranges for fiction."""

import datetime as dt
import io
import json
from zoneinfo import ZoneInfo

from telecom_records.formats import ParsedCall, Reject, read_calls

LONDON = ZoneInfo("Europe/London")
UTC = dt.UTC
JULY_1_9Z = 1782896400  # 2026-07-01 09:00:00 UTC, 10:00 in London


def read(text: str | bytes, format: str, zone=LONDON, country="GB") -> list[ParsedCall | Reject]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_calls(io.BytesIO(data), format=format, zone=zone, country=country))


def at(hour: int, minute: int = 0, second: float = 0) -> dt.datetime:
    """Return an instant of 1 July 2026, in UTC."""
    whole = int(second)
    return dt.datetime(2026, 7, 1, hour, minute, whole, round((second - whole) * 1_000_000), tzinfo=UTC)


MASTER = (
    '"","02079460101","02079460871","from-internal","""Edwin"" <101>","SIP/101-01","SIP/trunk-02","Dial","SIP/trunk/x",'
    '"2026-07-01 10:00:00","2026-07-01 10:00:05","2026-07-01 10:01:05",65,60,"ANSWERED","DOCUMENTATION"'
)
CUSTOM = (
    '"""Edwin"" <101>","101","02079460871","default","SIP/1","SIP/2","Dial","x","2026-07-01 10:00:00","",'
    f'"2026-07-01 10:00:30","30","0","BUSY","DOCUMENTATION","","{JULY_1_9Z}.9","",4'
)
FREEPBX = (
    "calldate,clid,src,dst,dstchannel,lastapp,duration,billsec,disposition,uniqueid\n"
    f'2026-07-01 10:00:00,"Edwin" <101>,101,02079460871,SIP/1,Dial,9,5,ANSWERED,{JULY_1_9Z}.1\n'
)
TWILIO_CALL = {
    "sid": "CA" + "0" * 32, "parent_call_sid": None, "from": "+442079460101", "to": "+13125550117", "status": "completed",
    "start_time": "Wed, 01 Jul 2026 09:00:00 +0000", "end_time": "Wed, 01 Jul 2026 09:01:00 +0000", "duration": "60",
    "price": "-0.0150", "price_unit": "USD", "direction": "outbound-api",
}  # fmt: skip
TWILIO_CSV = (
    "Call Sid,Parent Call Sid,From,To,Status,Start Time,End Time,Duration,Price,Price Unit\n"
    "CA1,,+442079460101,+13125550117,completed,2026-07-01 09:00:00 UTC,2026-07-01 09:01:00 UTC,60,-0.0150,USD\n"
)
PLAIN = "call_id,started_at,from,to,status,cost,currency\nc-1,2026-07-01T10:00:00+01:00,02079460101,101,busy,,\n"

FREESWITCH_CSV = (
    '"Edwin ("the boss")","02079460101","02079460871","default","2026-07-01 10:00:00","2026-07-01 10:00:05",'
    '"2026-07-01 10:01:05","65","60","NORMAL_CLEARING","5a000000-0000-4000-8000-00000000000a",'
    '"5a000000-0000-4000-8000-000000000001","","PCMU","PCMU"\n'
)
FREESWITCH_CALL = {
    "core-uuid": "c0", "channel_data": {"state": "CS_REPORTING"},
    "variables": {
        "uuid": "5a000000-0000-4000-8000-00000000000a", "bridge_uuid": "5a000000-0000-4000-8000-00000000000b",
        "start_stamp": "2026-07-01 10:00:00", "start_epoch": str(JULY_1_9Z), "start_uepoch": f"{JULY_1_9Z}250000",
        "answer_stamp": "", "answer_epoch": str(JULY_1_9Z + 5), "answer_uepoch": f"{JULY_1_9Z + 5}500000",
        "end_epoch": str(JULY_1_9Z + 65), "end_uepoch": f"{JULY_1_9Z + 65}750000", "duration": "65", "mduration": "65500",
        "billsec": "60", "billmsec": "60250", "hangup_cause": "NORMAL_CLEARING", "caller_id": '"Edwin" <101>',
    },
    "callflow": [
        {"profile_index": "2", "caller_profile": {"caller_id_number": "02079460101", "destination_number": "102"}},
        {"profile_index": "1", "caller_profile": {"caller_id_number": "02079460101", "destination_number": "02079460871"}},
    ],
}  # fmt: skip
FUSIONPBX = (
    '"xml_cdr_uuid","direction","caller_id_name","caller_id_number","caller_destination","destination_number",'
    '"start_stamp","start_epoch","answer_epoch","end_epoch","duration","billsec","billmsec","hangup_cause"\n'
    '"f-1","inbound","Edwin "the, boss"","02079460101","02079460871","102",'
    f'"01 Jul 2026 05:00:00 am","{JULY_1_9Z}","{JULY_1_9Z + 5}","{JULY_1_9Z + 65}","65","60","60250","NORMAL_CLEARING"\n'
)

FILES: dict[str, str] = {
    "asterisk": MASTER,
    "asterisk-custom": CUSTOM,
    "freepbx": FREEPBX,
    "freeswitch-csv": FREESWITCH_CSV,
    "freeswitch": json.dumps(FREESWITCH_CALL),
    "fusionpbx": FUSIONPBX,
    "twilio": json.dumps({"calls": [TWILIO_CALL]}),
    "twilio-csv": TWILIO_CSV,
    "csv": PLAIN,
}
NEVER_SEEN = {"freepbx-dmy", "freepbx-mdy"}  # the same header as freepbx: only a person can say which
