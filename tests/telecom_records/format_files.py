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

FILES: dict[str, str] = {
    "asterisk": MASTER,
    "asterisk-custom": CUSTOM,
    "freepbx": FREEPBX,
    "twilio": json.dumps({"calls": [TWILIO_CALL]}),
    "twilio-csv": TWILIO_CSV,
    "csv": PLAIN,
}
NEVER_SEEN = {"freepbx-dmy", "freepbx-mdy"}  # the same header as freepbx: only a person can say which
