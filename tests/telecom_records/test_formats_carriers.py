"""CGRateS, Telnyx, Vonage and Bandwidth: the traps of what they give."""

import json
from decimal import Decimal

import pytest

from telecom_records.formats import Reject
from tests.telecom_records.format_files import (
    BANDWIDTH,
    CGRATES,
    CGRATES_CALL,
    CGRATES_WIDE,
    FILES,
    TELNYX_CALL,
    TELNYX_CSV,
    VONAGE_CALL,
    VONAGE_CSV,
    at,
    read,
)


def codes(rows) -> list[str]:
    return [row.code if isinstance(row, Reject) else row.status for row in rows]


@pytest.mark.parametrize("name", ["cgrates", "cgrates-wide", "cgrates-json"])
def test_a_call_of_cgrates_ends_when_its_usage_is_over(name):
    (call,) = read(FILES[name], name, zone=None)
    assert (call.started_at, call.answered_at, call.ended_at) == (at(9), at(9, 0, 5), at(9, 1, 5))
    assert (call.caller.e164, call.dialled.e164) == ("+442079460101", "+442079460871")
    assert (call.duration_s, call.talk_s, call.billed_s, call.status) == (65, 60, 60, "answered")
    assert (call.call_group, call.cost, call.time_source) == ("o-1", None, "explicit_offset")


@pytest.mark.parametrize(
    ("usage", "talk"),
    [("10s", 10), ("5m", 300), ("1h2m3.5s", Decimal("3723.5")), ("1500ms", Decimal("1.5")), ("60000000000", 60)],
)
def test_a_usage_is_written_as_go_does(usage, talk):
    (call,) = read(CGRATES.replace("1m0s", usage), "cgrates")
    assert call.talk_s == talk


@pytest.mark.parametrize("usage", ["1m0", "-5s", "5s1m", "s", "1e3", "９s", "1h" * 9])
def test_a_usage_that_is_none_is_rejected(usage):
    assert codes(read(CGRATES.replace("1m0s", usage), "cgrates")) == ["bad_number"]


def test_other_ratings_of_a_call_and_other_services_are_no_calls():
    head, row = CGRATES.strip().split("\n")
    rows = [row, row.replace("*default", "supplier"), row.replace("*voice", "*sms")]
    assert codes(read("\n".join([head, *rows]), "cgrates")) == ["answered", "other_run", "not_a_call"]


def test_a_comment_is_no_row_and_the_zero_time_of_go_is_no_answer():
    text = "#" + CGRATES_WIDE + CGRATES_WIDE.replace("2026-07-01 09:00:05", "0001-01-01 00:00:00").replace("60s", "0s")
    (call,) = read(text, "cgrates-wide")
    assert (call.line, call.answered_at, call.status) == (2, None, "no_answer")


def test_the_same_origin_on_two_hosts_is_two_calls():
    rows = read(json.dumps([CGRATES_CALL, {**CGRATES_CALL, "OriginHost": "192.0.2.2"}]), "cgrates-json")
    assert len({row.source_key for row in rows}) == 2


@pytest.mark.parametrize("name", ["telnyx", "telnyx-csv"])
def test_a_call_of_telnyx_needs_no_zone(name):
    (call,) = read(FILES[name], name, zone=None)
    assert (call.started_at, call.answered_at, call.ended_at) == (at(9), at(9, 0, 5), at(9, 1, 5))
    assert (call.caller.e164, call.dialled.e164) == ("+442079460101", "+13125550117")
    assert (call.duration_s, call.talk_s, call.billed_s, call.status) == (65, 60, 120, "answered")
    assert (call.cost, call.currency) == (Decimal("0.004"), "USD")


def test_a_report_of_telnyx_by_the_clock_alone_needs_the_sources_zone():
    text = TELNYX_CSV.replace(",Start Timestamp UTC", ",Other").replace(" 05:0", " 10:0")
    assert codes(read(text, "telnyx-csv", zone=None)) == ["no_zone"]
    (call,) = read(text, "telnyx-csv")
    assert (call.started_at, call.answered_at, call.time_source) == (at(9), at(9, 0, 5), "source_zone")


def test_starts_of_telnyx_that_no_two_clocks_show_are_rejected():
    assert codes(read(TELNYX_CSV.replace("2026-07-01 05:00:00", "2026-06-01 05:00:00"), "telnyx-csv")) == ["bad_time"]


@pytest.mark.parametrize(
    ("code", "status"),
    [("17", "busy"), ("486", "busy"), ("487", "cancelled"), ("19", "no_answer"), ("404", "failed"), ("", "unknown")],
)
def test_a_call_of_telnyx_that_nobody_answered_has_a_code(code, status):
    (call,) = read(json.dumps({"data": [{**TELNYX_CALL, "answered_at": None, "hangup_code": code}]}), "telnyx")
    assert (call.status, call.answered_at) == (status, None)


def test_a_report_of_telnyx_without_an_answer_column_tells_it_by_what_was_charged():
    text = TELNYX_CSV.replace(",Answer Timestamp", ",Other")
    assert codes(read(text, "telnyx-csv")) == ["answered"]
    assert codes(read(text.replace(",120,", ",0,").replace(",16,", ",17,"), "telnyx-csv")) == ["busy"]


def test_messages_of_telnyx_and_vonage_are_no_calls():
    assert codes(read(json.dumps({"data": [{**TELNYX_CALL, "record_type": "message_detail_record"}]}), "telnyx")) == [
        "not_a_call"
    ]
    assert codes(read(json.dumps({"records": [{"message_id": "m", "date_received": "x"}]}), "vonage")) == ["not_a_call"]


@pytest.mark.parametrize("name", ["vonage", "vonage-csv"])
def test_a_call_of_vonage_is_in_utc_with_international_numbers(name):
    (call,) = read(FILES[name], name, zone=None)
    assert (call.started_at, call.ended_at, call.answered_at) == (at(9), at(9, 1), None)
    assert (call.caller.e164, call.dialled.e164) == ("+442079460101", "+13125550117")
    assert (call.duration_s, call.talk_s, call.status) == (60, 60, "answered")
    assert (call.cost, call.currency) == (Decimal("0.0125"), "EUR")


def test_a_sender_of_vonage_may_be_a_word_and_a_call_unfinished():
    rows = read(
        json.dumps({"records": [{**VONAGE_CALL, "from": "Example"}, {**VONAGE_CALL, "status": "ringing"}]}), "vonage"
    )
    assert (rows[0].caller.kind, rows[0].caller.e164, rows[1].code) == ("alphanumeric", None, "not_finished")
    assert codes(read(VONAGE_CSV.replace(",EUR", ","), "vonage-csv")) == ["no_currency"]


def test_bandwidth_counts_twelve_hours_in_utc_and_says_nothing_of_talk():
    (call,) = read(BANDWIDTH, "bandwidth", zone=None)
    assert (call.started_at, call.ended_at) == (at(21), at(21, 1, 2))
    assert (call.caller.e164, call.dialled.e164) == ("+13125550117", "+12125550143")
    assert (call.duration_s, call.talk_s, call.billed_s, call.status) == (62, None, 66, "answered")
    assert (call.cost, call.currency, call.source_key, call.call_group) == (Decimal("0.011"), "USD", "78", "77")


@pytest.mark.parametrize(
    ("text", "hour"), [("12:00:00 AM", 0), ("12:00:00 PM", 12), ("1:00:00 am", 1), ("11:00:00 PM", 23)]
)
def test_noon_and_midnight_are_told_apart(text, hour):
    (call,) = read(BANDWIDTH.replace("9:00:00 PM", text), "bandwidth")
    assert call.started_at == at(hour)


@pytest.mark.parametrize("text", ["13:00:00 PM", "0:10:00 AM", "9:60:00 PM"])
def test_an_hour_that_no_dial_has_is_rejected(text):
    assert codes(read(BANDWIDTH.replace("9:00:00 PM", text), "bandwidth")) == ["bad_time"]


def test_a_record_of_bandwidth_that_was_rated_again_is_a_revision_of_itself():
    (first,), (again,) = read(BANDWIDTH, "bandwidth"), read(BANDWIDTH.replace(",0.011,", ",0.012,"), "bandwidth")
    assert first.source_key == again.source_key and first.row_hash != again.row_hash


@pytest.mark.parametrize("number", ["1_0", "Infinity", "NaN", "٣", "1e999", "9" * 50, "0x1", "1,5"])
def test_a_number_that_python_would_take_and_no_switch_writes_is_rejected(number):
    assert codes(read(VONAGE_CSV.replace(",60,", f',"{number}",'), "vonage-csv")) == ["bad_number"]


def test_a_call_over_the_end_of_time_is_rejected_and_one_of_centuries_has_no_length():
    text = CGRATES.replace("2026-07-01", "9999-12-31").replace(" 09:", " 23:").replace("1m0s", "9000h")
    assert codes(read(text, "cgrates")) == ["bad_time"]
    (call,) = read(VONAGE_CSV.replace("2026-07-01 09:01:00", "9026-07-01 09:01:00"), "vonage-csv")
    assert (call.duration_s, call.talk_s) == (None, 60)
