"""A small file of each format, with invented people: numbers from ranges for fiction."""

import datetime as dt
import io
import json
from zoneinfo import ZoneInfo

from telecom_records.formats import ParsedCall, ParsedMessage, Reject, read_calls

LONDON = ZoneInfo("Europe/London")
UTC = dt.UTC
JULY_1_9Z = 1782896400  # 2026-07-01 09:00:00 UTC, 10:00 in London


def read(
    text: str | bytes, format: str, zone=LONDON, country="GB", mapping=None
) -> list[ParsedCall | ParsedMessage | Reject]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_calls(io.BytesIO(data), format=format, zone=zone, country=country, mapping=mapping))


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
THREECX = (
    "Call 7,00000171DEE41BB3_2501,00:01:00,2026/07/01 09:00:00,2026/07/01 09:00:05,2026/07/01 09:01:05,TerminatedByDst,"
    '02079460101,Ext.610,10000,610,02079460871,,,,,1,5.12,default,"Chain: 02079460101,Ext.610,",External,Internal,,'
    "Edwin,to,,\n"
)
CUCM = (
    '"cdrRecordType","globalCallID_callManagerId","globalCallID_callId","dateTimeOrigination","callingPartyNumber",'
    '"origCause_value","originalCalledPartyNumber","finalCalledPartyNumber","destCause_value","dateTimeConnect",'
    '"dateTimeDisconnect","pkid","duration","globalCallId_ClusterID"\n'
    "INTEGER,INTEGER,INTEGER,INTEGER,VARCHAR(50),INTEGER,VARCHAR(50),VARCHAR(50),INTEGER,INTEGER,INTEGER,UNIQUEIDENTIFIER,"
    "INTEGER,VARCHAR(50)\n"
    f'1,2,47823,{JULY_1_9Z},"02079460101",0,"02079460871","102",16,{JULY_1_9Z + 5},{JULY_1_9Z + 65},"p-1",60,"Cluster"\n'
)
DIDWW_2017 = (
    "Date/Time (UTC),Source,DID,Destination,Duration (secs),Disconnect Initiator,Disconnect Code,Response,"
    "TollFree Amount (USD),Termination Amount (USD),Metered Channels Amount (USD),Customer ID,Sell Amount (Points)\n"
    '2026-07-01 09:00:00,"13125550117",442079460101,sip:test@example.com,60,Origination,200,Bye,0.010,0.000,0.003,,0.5\n'
)
DIDWW = (
    "Date/Time Start (UTC),Date/Time Connect (UTC),Date/Time End (UTC),Status,Source,Source Name,Destination DID,"
    "Duration (sec),Attempt,Disconnect Code,Response,Destination,Toll-free (USD),PSTN (USD)\n"
    "2026-07-01 09:00:00,2026-07-01 09:00:05,2026-07-01 09:01:05,Success,13125550117,Edwin,442079460101,60,1,200,OK,"
    "sip:test@example.com,0.01,0.003\n"
)
PLIVO_CALL = {
    "call_uuid": "eb-1", "parent_call_uuid": None, "call_direction": "outbound", "from_number": "+442079460101",
    "to_number": "13125550117", "initiation_time": "2026-07-01 14:30:00+05:30", "answer_time": "2026-07-01 14:30:05+05:30",
    "end_time": "2026-07-01 14:31:05+05:30", "bill_duration": 60, "billed_duration": 120, "call_duration": 924,
    "total_amount": "0.01700", "hangup_cause_name": "Normal Hangup",
}  # fmt: skip
SIP_EVENTS = (
    f"INVITE|f1|t1|c-1@example.com|200|OK|{JULY_1_9Z + 5}|02079460101|example.com|192.0.2.1|02079460871|102|example.com\n"
    f"BYE|f1|t1|c-1@example.com|200|OK|{JULY_1_9Z + 65}|02079460101|example.com|192.0.2.1|02079460871|102|example.com\n"
)
SIP_TABLE = (
    "id,method,from_tag,to_tag,callid,sip_code,sip_reason,time,src_user,dst_user\n"
    "1,INVITE,f1,t1,c-1@example.com,200,OK,2026-07-01 10:00:05,02079460101,02079460871\n"
    "2,BYE,t1,f1,c-1@example.com,200,OK,2026-07-01 10:01:05,,\n"
)
BROADWORKS = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE broadWorksCDR>
<broadWorksCDR version="19.0">
  <cdrData><headerModule><recordId><eventCounter>1</eventCounter><systemId>S</systemId><date>20260701090000.104</date></recordId>
    <type>Start</type></headerModule></cdrData>
  <cdrData><headerModule><recordId><eventCounter>2</eventCounter><systemId>S</systemId><date>20260701090000.247</date></recordId>
    <type>Normal</type></headerModule>
    <basicModule><userNumber>101</userNumber><callingNumber>02079460101</callingNumber>
      <callingPresentationIndicator>Public</callingPresentationIndicator><calledNumber>02079460871</calledNumber>
      <startTime>20260701090000.247</startTime><localCallId>25:0</localCallId><answerIndicator>Yes</answerIndicator>
      <answerTime>20260701090005.500</answerTime><releaseTime>20260701090105.500</releaseTime>
      <terminationCause>016</terminationCause><userId>edwin@example.com</userId></basicModule></cdrData>
</broadWorksCDR>
"""
CGRATES = (
    ":RunID,Tenant,ToR,OriginID,RequestType,Account,Subject,Destination,SetupTime,AnswerTime,Usage\n"
    "*default,example.com,*voice,o-1,*prepaid,02079460101,edwin,02079460871,2026-07-01 09:00:00 +0000 UTC,"
    "2026-07-01 09:00:05 +0000 UTC,1m0s\n"
)
CGRATES_WIDE = (
    "g-1,default,*voice,o-1,*rated,*out,example.com,call,02079460101,edwin,02079460871,2026-07-01 09:00:00 +0000 UTC,"
    '2026-07-01 09:00:05 +0000 UTC,60s,1.0100,a,"",b\n'
)
CGRATES_CALL = {
    "CGRID": "g-1", "RunID": "*default", "ToR": "*voice", "OriginID": "o-1", "OriginHost": "192.0.2.1",
    "Account": "02079460101", "Destination": "02079460871", "SetupTime": "2026-07-01T09:00:00Z",
    "AnswerTime": "2026-07-01T09:00:05Z", "Usage": 60_000_000_000, "Cost": 1.01, "ExtraFields": {"name": "Edwin"},
}  # fmt: skip
BANDWIDTH = (
    "AccountNumber,CallStartDateTime,CallEndDateTime,CallType,CallSource,CallDestination,Duration,PerMinRate,Amount,"
    "DesinationRateCenter,CallID,BdrID,RateAttempts\n"
    "1,2026/07/01 9:00:00 PM,2026/07/01 9:01:02 PM,INTERSTATE,13125550117,2125550143,66,0.01,0.011,DENVER,77,78,1\n"
)
TELNYX_CALL = {
    "record_type": "call-control", "id": "l-1", "telnyx_leg_id": "l-1", "session_id": "s-1", "cli": "+442079460101",
    "cld": "+13125550117", "started_at": "2026-07-01T09:00:00Z", "answered_at": "2026-07-01T09:00:05Z",
    "finished_at": "2026-07-01T09:01:05Z", "call_sec": 60, "billed_sec": 120, "cost": "0.004", "currency": "USD",
    "hangup_code": "16", "caller_name": "Edwin",
}  # fmt: skip
TELNYX_CSV = (
    "Origination Number,Terminating Number,Start Timestamp UTC,Start Timestamp,Answer Timestamp,End Timestamp,Direction,"
    "Hangup Code,SIP Call ID,Billable Time,Cost,Rate\n"
    "+442079460101,+13125550117,2026-07-01 09:00:00,2026-07-01 05:00:00,2026-07-01 05:00:05,2026-07-01 05:01:05,outbound,"
    "16,sip-1@example.com,120,0.004,0.002\n"
)
VONAGE_CALL = {
    "account_id": "a", "call_id": "v-1", "conversation_id": "CON-1", "direction": "outbound", "from": "442079460101",
    "to": "13125550117", "date_start": "2026-07-01T09:00:00+0000", "date_end": "2026-07-01T09:01:00+0000",
    "duration": "60", "status": "completed", "total_price": "0.0125", "currency": "EUR",
}  # fmt: skip
VONAGE_CSV = (
    "account_id,call_id,direction,from,to,date_start,date_end,duration,status,total_price,currency\n"
    "a,v-1,outbound,442079460101,13125550117,2026-07-01 09:00:00,2026-07-01 09:01:00,60,completed,0.0125,EUR\n"
)
CDRSTATS = (
    "switch,cdr_source_type,callid,caller_id_number,caller_id_name,destination_number,starting_date,duration,billsec,"
    "hangup_cause_id,direction,extradata\n"
    "192.0.2.1,1,s-1,02079460101,Edwin,+442079460871,2026-07-01 10:00:00,65,60,16,1,{}\n"
)

TWILIO_MESSAGE = {
    "sid": "SM" + "0" * 32, "from": "+442079460101", "to": "+13125550117", "status": "delivered", "num_segments": "2",
    "date_created": "Wed, 01 Jul 2026 08:59:59 +0000", "date_sent": "Wed, 01 Jul 2026 09:00:00 +0000", "body": "Dear Edwin",
    "price": "-0.0150", "price_unit": "USD", "direction": "outbound-api",
}  # fmt: skip
TWILIO_MESSAGES_CSV = (
    "From,To,Body,Status,SentDate,ApiVersion,NumSegments,ErrorCode,AccountSid,Sid,Direction,Price,PriceUnit\n"
    "+442079460101,+13125550117,Dear Edwin,delivered,2026-07-01T09:00:00Z,2010,2,,AC1,SM1,outbound-api,-0.0150,USD\n"
)
PLIVO_MESSAGE = {
    "message_uuid": "m-1", "from_number": "442079460101", "to_number": "13125550117", "message_state": "delivered",
    "message_time": "2026-07-01 14:30:00+05:30", "message_sent_time": "2026-07-01 14:30:01.2+05:30", "units": 2,
    "total_amount": "0.0150", "message_direction": "outbound", "message_type": "sms",
}  # fmt: skip
VONAGE_MESSAGE = {
    "message_id": "m-1", "client_ref": "Edwin", "direction": "outbound", "from": "442079460101", "to": "13125550117",
    "date_received": "2026-07-01T09:00:00+0000", "date_finalized": "2026-07-01T09:00:02+0000", "status": "delivered",
    "currency": "USD", "total_price": "0.0150", "message_body": "Dear Edwin",
}  # fmt: skip
VONAGE_MESSAGES_CSV = (
    "account_id,message_id,direction,from,to,message_body,date_received,date_finalized,status,total_price,currency\n"
    "a,m-1,outbound,442079460101,13125550117,Dear Edwin,2026-07-01 09:00:00,2026-07-01 09:00:02,delivered,0.0150,USD\n"
)
TELNYX_MESSAGE = {
    "record_type": "message_detail_record", "uuid": "m-1", "cli": "+442079460101", "cld": "+13125550117", "parts": 2,
    "sent_at": "2026-07-01T09:00:00Z", "created_at": "2026-07-01T08:59:59Z", "status": "delivered", "cost": "0.0150",
    "currency": "USD", "direction": "outbound", "message_type": "SMS",
}  # fmt: skip
BANDWIDTH_MESSAGE = {
    "messageId": "m-1", "accountId": "1", "sourceTn": "+442079460101", "destinationTn": "+13125550117",
    "messageStatus": "DELIVERED", "messageDirection": "OUTBOUND", "segmentCount": 2, "receiveTime": "2026-07-01T09:00:00.000Z",
}  # fmt: skip
DIDWW_MESSAGES = (
    "Time Received (UTC),Time Sent (UTC),Status,Reason,Source Address,Destination Address,Trunk/Type,Destination,Fragments,"
    "Attempt,SMS ID\n"
    "2026-07-01 09:00:00,2026-07-01 09:00:01,Success,,442079460101,13125550117,Edwin/Email,edwin@example.com,1/2,1,m-1\n"
)
MAPPED = "Started;A;B;Talked\n01/07/2026 10:00;02079460101;02079460871;60\n"
MAPPING = {
    "delimiter": ";", "time_style": "dmy",
    "columns": [
        {"at": "started", "means": "start"}, {"at": "a", "means": "caller"}, {"at": "b", "means": "dialled"},
        {"at": "talked", "means": "talk"},
    ],
}  # fmt: skip
FILES: dict[str, str] = {
    "asterisk": MASTER,
    "asterisk-custom": CUSTOM,
    "freepbx": FREEPBX,
    "freeswitch-csv": FREESWITCH_CSV,
    "freeswitch": json.dumps(FREESWITCH_CALL),
    "fusionpbx": FUSIONPBX,
    "sip-events": SIP_EVENTS,
    "sip-events-table": SIP_TABLE,
    "broadworks": BROADWORKS,
    "3cx": THREECX,
    "cucm": CUCM,
    "cdr-stats": CDRSTATS,
    "cgrates": CGRATES,
    "cgrates-wide": CGRATES_WIDE,
    "cgrates-json": json.dumps({"result": [CGRATES_CALL]}),
    "bandwidth": BANDWIDTH,
    "telnyx": json.dumps({"data": [TELNYX_CALL]}),
    "telnyx-csv": TELNYX_CSV,
    "vonage": json.dumps({"request_id": "r", "records": [VONAGE_CALL]}),
    "vonage-csv": VONAGE_CSV,
    "didww": DIDWW,
    "plivo": json.dumps({"meta": {"total_count": 1}, "objects": [PLIVO_CALL]}),
    "twilio": json.dumps({"calls": [TWILIO_CALL]}),
    "twilio-csv": TWILIO_CSV,
    "twilio-messages": json.dumps({"messages": [TWILIO_MESSAGE]}),
    "twilio-messages-csv": TWILIO_MESSAGES_CSV,
    "plivo-messages": json.dumps({"meta": {"total_count": 1}, "objects": [PLIVO_MESSAGE]}),
    "vonage-messages": json.dumps({"date_start": "x", "records": [VONAGE_MESSAGE]}),
    "vonage-messages-csv": VONAGE_MESSAGES_CSV,
    "telnyx-messages": json.dumps({"data": [TELNYX_MESSAGE]}),
    "bandwidth-messages": json.dumps({"totalCount": 1, "messages": [BANDWIDTH_MESSAGE]}),
    "didww-messages": DIDWW_MESSAGES,
    "csv": PLAIN,
}
NEVER_SEEN = {"freepbx-dmy", "freepbx-mdy", "mapped", "mapped-messages"}  # only a person can say which it is
