"""Reading call record files: what each row becomes, and the traps of each format."""

import datetime as dt
import json
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from telecom_records.formats import ParsedCall, UnableToRead, detect_format
from telecom_records.formats.rows import Told
from tests.telecom_records.format_files import JULY_1_9Z, MASTER, UTC, read
from tests.telecom_records.format_files import TWILIO_CALL as TWILIO


def test_a_row_of_master_csv_becomes_a_call():
    (call,) = read(f'{MASTER},"{JULY_1_9Z}.7","",,,\n'.replace(",,,\n", "\n"), "asterisk")
    assert isinstance(call, ParsedCall)
    assert call.started_at == dt.datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
    assert call.answered_at == dt.datetime(2026, 7, 1, 9, 0, 5, tzinfo=UTC)
    assert call.ended_at == dt.datetime(2026, 7, 1, 9, 1, 5, tzinfo=UTC)
    assert (call.caller.e164, call.dialled.e164) == ("+442079460101", "+442079460871")
    assert (call.duration_s, call.talk_s, call.billed_s) == (Decimal(65), Decimal(60), 60)
    assert (call.status, call.line, call.time_source) == ("answered", 1, "source_zone")
    assert "Edwin" not in repr(call)


@pytest.mark.parametrize(
    ("tail", "width"),
    [("", 16), (f',"{JULY_1_9Z}.7"', 17), (f',"{JULY_1_9Z}.7","u"', 18), (',"","9.9",4', 19),
     (f',"{JULY_1_9Z}.7","","9.9",4', 20), (f',"{JULY_1_9Z}.7","u","","9.9",4', 21)],
)  # fmt: skip
def test_the_width_of_master_csv_decides_its_layout(tail, width):
    line = MASTER + tail
    assert len(next(iter(__import__("csv").reader([line])))) == width
    assert detect_format(line.encode()) == "asterisk"
    (call,) = read(line, "asterisk")
    assert isinstance(call, ParsedCall)


def test_another_width_is_refused_by_line():
    rows = read(f'{MASTER}\n{MASTER},"1.2","u","x","y","z","too many"\n', "asterisk")
    assert [type(row).__name__ for row in rows] == ["ParsedCall", "Reject"]
    assert (rows[1].line, rows[1].code) == (2, "wrong_width")


def test_a_key_is_the_id_and_the_sequence_where_there_is_one():
    first, second = read(
        f'{MASTER},"{JULY_1_9Z}.7","","","9.9",4\n{MASTER},"{JULY_1_9Z}.7","","","9.9",5\n', "asterisk"
    )
    assert (first.source_key, second.source_key) == (f"{JULY_1_9Z}.7.4", f"{JULY_1_9Z}.7.5")


def test_rows_without_an_id_are_known_by_what_they_say_and_counted_later():
    first, second = read(f"{MASTER}\n{MASTER}\n", "asterisk")
    assert isinstance(first.source_key, Told)
    assert (first.source_key, first.row_hash) == (second.source_key, second.row_hash)


def test_a_file_without_a_zone_is_refused_with_what_its_ids_suggest():
    with pytest.raises(UnableToRead, match=r"Say --timezone.*suggest UTC\+01:00"):
        read(f'{MASTER},"{JULY_1_9Z}.7"', "asterisk", zone=None)


def test_a_zone_that_the_ids_contradict_lets_nothing_in_and_accounts_for_each_row():
    rows = read(f'{MASTER},"{JULY_1_9Z}.7"\n' * 3, "asterisk", zone=ZoneInfo("Asia/Hong_Kong"))
    assert [row.code for row in rows] == ["wrong_zone"] * 3
    assert "UTC+01:00" in rows[0].message


@pytest.mark.parametrize(("epoch", "hour"), [(1792886400, 0), (1792890000, 1)])
def test_the_doubled_hour_of_autumn_is_told_apart_by_the_id(epoch, hour):
    line = MASTER.replace("2026-07-01 10:0", "2026-10-25 01:0").replace("01:00:05", "01:00:05") + f',"{epoch}.1"'
    (call,) = read(line, "asterisk")
    assert call.started_at == dt.datetime(2026, 10, 25, hour, 0, tzinfo=UTC)
    assert call.ended_at - call.started_at == dt.timedelta(seconds=65)


def test_the_doubled_hour_without_an_id_is_marked():
    (call,) = read(MASTER.replace("2026-07-01 10:0", "2026-10-25 01:0"), "asterisk")
    assert call.time_source == "source_zone_ambiguous"


def test_the_missing_hour_of_spring_is_rejected():
    (row,) = read(MASTER.replace("2026-07-01 10:0", "2026-03-29 01:0"), "asterisk")
    assert (row.code, row.line) == ("no_such_hour", 1)


def test_an_empty_answer_means_that_nobody_answered():
    line = MASTER.replace('"2026-07-01 10:00:05"', '""').replace("ANSWERED", "NO ANSWER")
    (call,) = read(line, "asterisk")
    assert (call.answered_at, call.status) == (None, "no_answer")


def test_a_custom_file_is_known_by_the_caller_id_in_front():
    line = (
        '"""Edwin"" <101>","101","02079460871","default","SIP/1","SIP/2","Dial","x","2026-07-01 10:00:00","",'
        f'"2026-07-01 10:00:30","30","0","BUSY","DOCUMENTATION","","{JULY_1_9Z}.9","",4'
    )
    assert detect_format(line.encode()) == "asterisk-custom"
    (call,) = read(line, "asterisk-custom")
    assert (call.caller.kind, call.caller.value, call.status, call.source_key) == (
        "extension", "101", "busy", f"{JULY_1_9Z}.9.4",
    )  # fmt: skip


HEADER = "calldate,clid,src,dst,dstchannel,lastapp,duration,billsec,disposition,uniqueid"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_a_freepbx_export_is_read_with_any_line_end_and_a_mark_in_front(end, bom):
    text = bom + end.join(
        [HEADER, f'2026-07-01 10:00:00,"Edwin" <101>,101,02079460871,SIP/1,Dial,9,5,ANSWERED,{JULY_1_9Z}.1', ""]
    )
    assert detect_format(text.encode()) == "freepbx"
    (call,) = read(text, "freepbx")
    assert (call.line, call.dialled.e164, call.talk_s) == (2, "+442079460871", Decimal(5))


def test_a_date_with_slashes_is_never_guessed():
    text = "calldate,src,dst,duration,billsec,disposition\n04/09/26 12:39,101,02079460871,8,6,ANSWERED\n"
    (row,) = read(text, "freepbx")
    assert row.code == "date_order"
    assert "freepbx-dmy" in row.message
    (dmy,), (mdy,) = read(text, "freepbx-dmy"), read(text, "freepbx-mdy")
    assert dmy.started_at == dt.datetime(2026, 9, 4, 11, 39, tzinfo=UTC)
    assert mdy.started_at == dt.datetime(2026, 4, 9, 11, 39, tzinfo=UTC)


def test_a_comma_in_a_badly_quoted_name_shifts_nothing():
    text = f'{HEADER}\n2026-07-01 10:00:00,Ed, "win" <101>,101,02079460871,SIP/1,Dial,9,5,ANSWERED,1.1\n'
    (row,) = read(text, "freepbx")
    assert row.code == "wrong_width"


def test_a_twilio_page_gives_its_calls_with_positive_cost():
    (call,) = read(json.dumps({"calls": [TWILIO], "next_page_uri": None}), "twilio", zone=None)
    assert (call.cost, call.currency, call.source_key) == (Decimal("0.015"), "USD", TWILIO["sid"])
    assert call.started_at == dt.datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
    assert call.time_source == "explicit_offset"


def test_twilio_lines_are_read_one_by_one():
    text = f"{json.dumps(TWILIO)}\nnot json\n{json.dumps({**TWILIO, 'price': None})}\n"
    assert detect_format(text.encode()) == "twilio"
    rows = read(text, "twilio", zone=None)
    assert [type(row).__name__ for row in rows] == ["ParsedCall", "Reject", "ParsedCall"]
    assert (rows[1].line, rows[2].cost, rows[2].currency) == (2, None, "")


@pytest.mark.parametrize("change", [{"status": "ringing"}, {"start_time": None}, {"status": "in-progress"}])
def test_an_unfinished_twilio_call_is_rejected(change):
    (row,) = read(json.dumps({"calls": [{**TWILIO, **change}]}), "twilio")
    assert row.code == "not_finished"


@pytest.mark.parametrize("name", ["messages", "recordings"])
def test_another_list_of_twilio_is_rejected_row_by_row(name):
    rows = read(json.dumps({name: [{"sid": "SM1"}, {"sid": "SM2"}]}), "twilio")
    assert [(row.line, row.code) for row in rows] == [(1, "not_a_call"), (2, "not_a_call")]


PLAIN = "call_id,started_at,from,to,status,cost,currency\n"


def test_the_plain_csv_is_read_by_its_header():
    (call,) = read(
        PLAIN + "c-1,2026-07-01T10:00:00+01:00,02079460101,+13125550117,answered,0.5,usd\n", "csv", zone=None
    )
    assert (call.source_key, call.cost, call.currency) == ("c-1", Decimal("0.5"), "USD")
    assert call.started_at == dt.datetime(2026, 7, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("c-1,2026-07-01T10:00:00,+442079460101,+13125550117,answered,,", "no_zone"),
        ("c-1,yesterday,+442079460101,+13125550117,answered,,", "bad_time"),
        (",2026-07-01T10:00:00Z,+442079460101,+13125550117,answered,,", "no_id"),
        ("c-1,2026-07-01T10:00:00Z,+442079460101,+13125550117,lost,,", "bad_status"),
        ("c-1,2026-07-01T10:00:00Z,+442079460101,+13125550117,answered,0.5,", "no_currency"),
        ("c-1,2026-07-01T10:00:00Z,+442079460101,+13125550117,answered,NaN,USD", "bad_number"),
        ("c-1,2026-07-01T10:00:00Z,+442079460101", "wrong_width"),
    ],
)
def test_a_bad_plain_row_is_rejected_with_its_reason_and_no_number(row, code):
    (found,) = read(PLAIN + row + "\n", "csv", zone=None)
    assert (found.code, found.line) == (code, 2)
    assert "+44" not in found.message
    assert "yesterday" not in found.message


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"PK\x03\x04rest", "zip archive or a spreadsheet"), (b"\x1f\x8brest", "gzip"), (b"a\x00b", "NUL"),
        (b"Some log line\n", "Say which it is"), (b"\xff\xfec\x00", "UTF-16"),
    ],
)  # fmt: skip
def test_what_is_no_call_record_file_is_refused_with_what_it_is(head, says):
    with pytest.raises(UnableToRead, match=says):
        detect_format(head)


def test_a_line_that_is_not_utf8_is_rejected_alone():
    data = (
        PLAIN.encode()
        + b"c-1,2026-07-01T10:00:00Z,+442079460101,\xff,answered,,\nc-2,2026-07-01T10:00:00Z,+442079460101,100,busy,,\n"
    )
    rows = read(data, "csv")
    assert [getattr(row, "code", "call") for row in rows] == ["bad_encoding", "call"]


def test_a_line_without_end_is_refused():
    with pytest.raises(UnableToRead, match="longer than 64 KiB"):
        read(PLAIN + "x" * 400_000, "csv")


def test_a_last_line_without_an_end_counts():
    assert len(read(PLAIN + "c-1,2026-07-01T10:00:00Z,+442079460101,100,busy,,", "csv")) == 1


def test_a_line_end_between_two_blocks_is_one_line_end(monkeypatch):
    monkeypatch.setattr("telecom_records.formats.lines.BLOCK_BYTES", 1)
    text = PLAIN.replace("\n", "\r\n") + "c-1,2026-07-01T10:00:00Z,+442079460101,100,busy,,\r\n"
    (call,) = read(text, "csv")
    assert call.line == 2
