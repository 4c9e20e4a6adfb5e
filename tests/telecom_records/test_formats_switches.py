"""3CX and CUCM: the traps of their files."""

from decimal import Decimal

import pytest

from telecom_records.formats import ParsedCall, UnableToRead, detect_format
from tests.telecom_records.format_files import CDRSTATS, CUCM, JULY_1_9Z, THREECX, at, read


def test_a_row_of_3cx_becomes_a_call_in_utc_without_a_zone():
    (call,) = read(THREECX, "3cx", zone=None)
    assert (call.started_at, call.answered_at, call.ended_at) == (at(9), at(9, 0, 5), at(9, 1, 5))
    assert (call.caller.e164, call.dialled.e164) == ("+442079460101", "+442079460871")
    assert (call.duration_s, call.talk_s, call.billed_s, call.status) == (65, 60, 60, "answered")
    assert (call.cost, call.time_source, call.call_group) == (None, "declared_utc", "Call 7")


@pytest.mark.parametrize(
    ("reason", "status"),
    [("Failed_Cancelled", "cancelled"), ("Failed_Busy", "busy"), ("Failed_NoAnswer", "no_answer"), ("Failed", "failed"),
     ("TerminatedBySrc", "cancelled"), ("NoRouteExists", "failed"), ("", "unknown")],
)  # fmt: skip
def test_a_call_of_3cx_that_nobody_answered_ends_for_a_reason(reason, status):
    text = THREECX.replace("2026/07/01 09:00:05", "").replace("00:01:00", "").replace("TerminatedByDst", reason)
    (call,) = read(text, "3cx")
    assert (call.status, call.answered_at, call.talk_s, call.duration_s) == (status, None, None, 65)


def test_an_extension_of_3cx_is_no_subscriber_and_a_mark_in_front_is_dropped():
    text = THREECX.replace("02079460871", "Ext.610")
    assert detect_format(("\ufeff" + text).encode()) == "3cx"
    (call,) = read("\ufeff" + text, "3cx")
    assert (call.dialled.kind, call.dialled.value) == ("extension", "610")


def test_3cx_with_a_chain_that_is_not_quoted_is_rejected_and_not_shifted():
    (row,) = read(THREECX.replace('"Chain: 02079460101,Ext.610,"', "Chain: 02079460101,Ext.610,"), "3cx")
    assert row.code == "wrong_width"


def test_a_record_of_cucm_becomes_a_call_and_the_line_of_types_is_passed_over():
    (call,) = read(CUCM, "cucm", zone=None)
    assert (call.line, call.source_key, call.call_group) == (3, "p-1", "2/47823/Cluster")
    assert (call.started_at, call.answered_at, call.ended_at) == (at(9), at(9, 0, 5), at(9, 1, 5))
    assert (call.caller.e164, call.dialled.e164) == ("+442079460101", "+442079460871")
    assert (call.duration_s, call.talk_s, call.billed_s, call.status) == (65, 60, 60, "answered")


def changed(*changes: tuple[str, str]) -> ParsedCall:
    text = CUCM
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (call,) = read(text, "cucm")
    return call


@pytest.mark.parametrize(
    ("calling", "called", "status"),
    [
        ("0", "17", "busy"),
        ("0", "19", "no_answer"),
        ("16", "0", "cancelled"),
        ("0", "1", "failed"),
        ("0", "0", "unknown"),
    ],
)
def test_a_connection_of_nought_means_that_nobody_answered(calling, called, status):
    call = changed(
        (f",{JULY_1_9Z + 5},", ",0,"),
        (',0,"02079460871"', f',{calling},"02079460871"'),
        ('"102",16', f'"102",{called}'),
    )
    assert (call.answered_at, call.talk_s, call.status) == (None, None, status)


def test_a_duration_of_nought_with_a_connection_was_answered_for_less_than_a_second():
    call = changed((f",{JULY_1_9Z + 65},", f",{JULY_1_9Z + 5},"), ('"p-1",60', '"p-1",0'))
    assert (call.status, call.talk_s, call.billed_s) == ("answered", Decimal(0), 0)


def test_a_later_release_with_more_columns_is_read_by_its_names():
    head, types, row = CUCM.strip().split("\n")
    (call,) = read(f'"new",{head},"newer"\nVARCHAR(9),{types},INTEGER\n"x",{row},1\n', "cucm")
    assert (call.source_key, call.talk_s) == ("p-1", 60)


def test_files_about_quality_are_refused_and_records_of_another_kind_rejected():
    cmr = '"cdrRecordType","globalCallID_callManagerId","globalCallID_callId","nodeId","directoryNum","pkid"\n2,1,1,1,"101","p"\n'
    with pytest.raises(UnableToRead, match="not the header of a CDR file of CUCM"):
        read(cmr, "cucm")
    (row,) = read(CUCM.replace(f"\n1,2,47823,{JULY_1_9Z}", f"\n2,2,47823,{JULY_1_9Z}"), "cucm")
    assert row.code == "not_a_call"


@pytest.mark.parametrize(
    ("talk", "cause", "status"),
    [("60", "16", "answered"), ("0", "17", "busy"), ("0", "16", "no_answer"), ("0", "1", "failed")],
)
def test_a_row_of_cdr_stats_was_answered_when_they_talked(talk, cause, status):
    (call,) = read(CDRSTATS.replace(",65,60,16,", f",65,{talk},{cause},"), "cdr-stats")
    assert (call.started_at, call.status, call.talk_s, call.duration_s) == (at(9), status, int(talk), 65)
    assert (call.caller.e164, call.dialled.e164, call.time_source) == ("+442079460101", "+442079460871", "source_zone")
