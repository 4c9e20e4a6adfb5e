"""DIDWW and Plivo: the traps of what they give."""

import json
from decimal import Decimal

import pytest

from telecom_records.formats import UnableToRead, detect_format
from tests.telecom_records.format_files import DIDWW, DIDWW_2017, PLIVO_CALL, at, read


def test_an_export_of_didww_is_read_by_its_titles():
    (call,) = read(DIDWW, "didww", zone=None)
    assert (call.started_at, call.answered_at, call.ended_at) == (at(9), at(9, 0, 5), at(9, 1, 5))
    assert (call.caller.e164, call.dialled.e164) == ("+13125550117", "+442079460101")
    assert (call.duration_s, call.talk_s, call.billed_s, call.status) == (65, 60, 60, "answered")
    assert (call.cost, call.currency, call.time_source) == (Decimal("0.013"), "USD", "declared_utc")


def test_the_older_generation_of_didww_is_read_too_and_points_are_no_money():
    assert detect_format(DIDWW_2017.encode()) == "didww"
    (call,) = read(DIDWW_2017, "didww", zone=None)
    assert (call.started_at, call.answered_at, call.ended_at, call.duration_s) == (at(9), None, None, None)
    assert (call.caller.e164, call.dialled.e164, call.status) == ("+13125550117", "+442079460101", "answered")
    assert (call.talk_s, call.cost) == (60, Decimal("0.013"))


def test_titles_in_another_zone_are_refused():
    with pytest.raises(UnableToRead, match="in UTC"):
        read(DIDWW.replace("(UTC)", "(CET)"), "didww")


@pytest.mark.parametrize(
    ("code", "status"),
    [("486", "busy"), ("487", "cancelled"), ("480", "no_answer"), ("404", "failed"), ("", "unknown")],
)
def test_a_call_of_didww_that_was_not_taken_has_an_answer_of_sip(code, status):
    text = DIDWW.replace(",2026-07-01 09:00:05,", ",,").replace(",60,1,200,OK", f",0,1,{code},x")
    (call,) = read(text, "didww")
    assert (call.status, call.answered_at, call.talk_s) == (status, None, 0)


def test_equal_records_and_attempts_of_didww_are_calls_of_their_own_and_the_same_when_read_again():
    head, row = DIDWW.strip().split("\n")
    text = "\n".join([head, row, row, row.replace(",60,1,", ",60,2,")])
    keys = [call.source_key for call in read(text, "didww")]
    assert len(set(keys)) == 2 and keys[0] == keys[1]  # equals are counted when they are stored
    assert [call.source_key for call in read(text, "didww")] == keys
    assert [call.source_key for call in read(f"{head}\n{text.splitlines()[3]}", "didww")] == keys[2:]


@pytest.mark.parametrize(("source", "kind"), [("", "unknown"), ("anonymous", "anonymous"), ("4", "extension")])
def test_a_source_that_is_no_number_stays_none(source, kind):
    (call,) = read(DIDWW.replace(",13125550117,", f",{source},"), "didww")
    assert (call.caller.kind, call.caller.e164) == (kind, None)


def plivo(*calls: dict) -> str:
    return json.dumps({"meta": {"total_count": 9}, "objects": list(calls)})


def test_a_call_of_plivo_has_its_offset_and_talk_is_not_what_is_billed():
    (call,) = read(plivo(PLIVO_CALL), "plivo", zone=None)
    assert (call.started_at, call.answered_at, call.ended_at) == (at(9), at(9, 0, 5), at(9, 1, 5))
    assert (call.caller.e164, call.dialled.e164) == ("+442079460101", "+13125550117")
    assert (call.duration_s, call.talk_s, call.billed_s) == (65, 60, 120)
    assert (call.cost, call.currency, call.time_source) == (Decimal("0.017"), "USD", "explicit_offset")


def test_one_uuid_on_two_starts_is_two_calls_of_one_group():
    later = {**PLIVO_CALL, "initiation_time": "2026-07-01 15:30:00+05:30"}
    first, second = read(plivo(PLIVO_CALL, later), "plivo")
    assert first.source_key != second.source_key
    assert first.call_group == second.call_group == "eb-1"


def test_what_plivo_did_not_finish_or_is_no_call_is_rejected():
    rows = read(
        plivo(
            {**PLIVO_CALL, "end_time": None},
            {"message_uuid": "m"},
            {**PLIVO_CALL, "recording_id": "r"},
            {**PLIVO_CALL, "answer_time": None, "hangup_cause_name": "Busy Line"},
        ),
        "plivo",
    )
    assert [getattr(row, "code", None) or row.status for row in rows] == [
        "not_finished",
        "not_a_call",
        "not_a_call",
        "busy",
    ]


def test_amounts_of_didww_that_no_call_costs_are_rejected():
    (row,) = read(DIDWW.replace(",0.01,0.003", ",999999999,999999999"), "didww")
    assert row.code == "bad_number"
