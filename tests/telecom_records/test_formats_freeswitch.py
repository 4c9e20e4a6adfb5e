"""FreeSWITCH and FusionPBX: the traps of their files."""

import json
from decimal import Decimal

import pytest

from telecom_records.formats import ParsedCall, detect_format
from telecom_records.formats.freeswitch import LAYOUTS
from tests.telecom_records.format_files import FREESWITCH_CALL, FREESWITCH_CSV, FUSIONPBX, JULY_1_9Z, at, read

UUID = "5a000000-0000-4000-8000-00000000000a"
VARIABLES = FREESWITCH_CALL["variables"]


def changed(**variables) -> str:
    return json.dumps({**FREESWITCH_CALL, "variables": {**VARIABLES, **variables}})


def test_a_row_of_the_csv_becomes_a_call_in_spite_of_quotes_in_a_name():
    (call,) = read(FREESWITCH_CSV, "freeswitch-csv")
    assert (call.started_at, call.answered_at, call.ended_at) == (at(9), at(9, 0, 5), at(9, 1, 5))
    assert (call.caller.e164, call.dialled.e164) == ("+442079460101", "+442079460871")
    assert (call.talk_s, call.billed_s, call.status, call.time_source) == (60, 60, "answered", "source_zone")
    assert (call.source_key, call.call_group) == (UUID, "5a000000-0000-4000-8000-000000000001")


def test_a_comma_between_the_quotes_of_a_name_shifts_nothing():
    (call,) = read(FREESWITCH_CSV.replace('"the boss"', '"the boss", it says'), "freeswitch-csv")
    assert call.dialled.e164 == "+442079460871"


@pytest.mark.parametrize("width", sorted(LAYOUTS))
def test_each_template_is_known_by_its_width(width):
    values = dict(zip(LAYOUTS[15], FREESWITCH_CSV.strip()[1:-1].split('","'), strict=True))
    line = ",".join(f'"{values.get(name, "")}"' for name in LAYOUTS[width])
    assert detect_format(line.encode()) == "freeswitch-csv"
    (call,) = read(line, "freeswitch-csv")
    assert (call.caller.e164, call.source_key, call.talk_s) == ("+442079460101", UUID, 60)


def test_the_sql_template_is_read_as_what_it_inserts():
    row = ",".join(FREESWITCH_CSV.strip().split(",")[:12]) + ', "1000"'
    text = f"INSERT INTO cdr VALUES ({row});\n"
    assert detect_format(text.encode()) == "freeswitch-csv"
    (call,) = read(text, "freeswitch-csv")
    assert (call.source_key, call.started_at) == (UUID, at(9))


def test_the_csv_needs_a_zone_and_the_json_does_not():
    (row,) = read(FREESWITCH_CSV, "freeswitch-csv", zone=None)
    assert row.code == "no_zone"
    (call,) = read(json.dumps(FREESWITCH_CALL), "freeswitch", zone=None)
    assert call.time_source == "declared_utc"


def test_json_counts_in_microseconds_and_keeps_what_was_dialled_before_a_transfer():
    (call,) = read(json.dumps(FREESWITCH_CALL), "freeswitch")
    assert (call.started_at, call.answered_at, call.ended_at) == (at(9, 0, 0.25), at(9, 0, 5.5), at(9, 1, 5.75))
    assert (call.duration_s, call.talk_s, call.billed_s) == (Decimal("65.5"), Decimal("60.25"), 60)
    assert (call.caller.e164, call.dialled.e164) == ("+442079460101", "+442079460871")


def test_seconds_are_used_where_there_are_no_microseconds_and_the_stamp_where_there_is_no_epoch():
    (in_seconds,) = read(changed(start_uepoch="0"), "freeswitch")
    (stamped,) = read(changed(start_uepoch="", start_epoch="0"), "freeswitch")
    assert in_seconds.started_at == stamped.started_at == at(9)
    assert stamped.time_source == "source_zone"


@pytest.mark.parametrize(
    ("cause", "status"),
    [("USER_BUSY", "busy"), ("NO_ANSWER", "no_answer"), ("ORIGINATOR_CANCEL", "cancelled"), ("NORMAL_CLEARING", "no_answer"),
     ("UNALLOCATED_NUMBER", "failed"), ("", "unknown")],
)  # fmt: skip
def test_an_epoch_of_nought_means_that_nobody_answered(cause, status):
    (call,) = read(changed(answer_epoch="0", answer_uepoch="0", billmsec="0", hangup_cause=cause), "freeswitch")
    assert (call.answered_at, call.status, call.talk_s) == (None, status, 0)


def test_a_call_that_is_posted_again_has_the_same_key_and_both_legs_the_same_group():
    again = read("\n".join([json.dumps(FREESWITCH_CALL)] * 2), "freeswitch")
    assert len({(call.source_key, call.row_hash) for call in again}) == 1
    (leg,) = read(changed(uuid=VARIABLES["bridge_uuid"], bridge_uuid=UUID), "freeswitch")
    assert leg.source_key != again[0].source_key
    assert leg.call_group == again[0].call_group == UUID


def test_a_caller_who_asked_for_privacy_is_withheld_although_the_number_is_there():
    (call,) = read(changed(sip_h_Privacy="id;critical"), "freeswitch")
    assert (call.caller.restricted, call.caller.e164) == (True, "+442079460101")
    (open_,) = read(changed(sip_h_Privacy="none"), "freeswitch")
    assert not open_.caller.restricted


def test_a_row_of_fusionpbx_takes_the_epoch_and_not_the_viewers_clock():
    (call,) = read(FUSIONPBX, "fusionpbx", zone=None)
    assert (call.started_at, call.answered_at, call.ended_at) == (at(9), at(9, 0, 5), at(9, 1, 5))
    assert (call.caller.e164, call.dialled.e164) == ("+442079460101", "+442079460871")
    assert (call.talk_s, call.billed_s, call.status) == (Decimal("60.25"), 60, "answered")


def test_an_export_of_fusionpbx_without_results_is_one_rejected_row():
    header = FUSIONPBX.split("\n")[0]
    (row,) = read(header + "\n" + ",".join(['""'] * 14) + "\n", "fusionpbx")
    assert (row.code, row.line) == ("bad_time", 2)


def test_fusionpbx_without_an_epoch_takes_a_stamp_with_its_offset_and_never_a_formatted_date():
    text = FUSIONPBX.replace(f'"{JULY_1_9Z}"', '"0"')
    assert read(text, "fusionpbx")[0].code == "bad_time"
    (call,) = read(text.replace("01 Jul 2026 05:00:00 am", "2026-07-01 05:00:00-04"), "fusionpbx")
    assert isinstance(call, ParsedCall) and call.started_at == at(9)
