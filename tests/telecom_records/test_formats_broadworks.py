"""BroadWorks: XML in a stream, and what XML can do to a reader."""

import io
import re
import tracemalloc

import pytest

from telecom_records.formats import ParsedCall, UnableToRead, detect_format, read_calls
from tests.telecom_records.format_files import BROADWORKS, at, read

RECORD = re.search(r"<cdrData><headerModule><recordId><eventCounter>2.*</cdrData>", BROADWORKS, re.S)[0]
HEAD = BROADWORKS.split("  <cdrData>")[0]


def test_a_record_becomes_a_call_and_the_markers_none():
    (call,) = read(BROADWORKS, "broadworks", zone=None)
    assert (call.started_at, call.answered_at, call.ended_at) == (at(9, 0, 0.247), at(9, 0, 5.5), at(9, 1, 5.5))
    assert (call.caller.e164, call.dialled.e164) == ("+442079460101", "+442079460871")
    assert (float(call.duration_s), call.talk_s, call.status, call.time_source) == (
        65.253,
        60,
        "answered",
        "declared_utc",
    )
    assert (call.line, call.call_group, call.source_key.split("/")[0]) == (2, "25:0", "2")


def test_a_caller_who_hides_is_withheld_although_the_number_is_there():
    (call,) = read(BROADWORKS.replace(">Public<", ">Anonymous<"), "broadworks")
    assert (call.caller.restricted, call.caller.e164) == (True, "+442079460101")


@pytest.mark.parametrize(
    ("cause", "status"),
    [("017", "busy"), ("019", "no_answer"), ("016", "no_answer"), ("001", "failed"), ("", "unknown")],
)
def test_a_call_that_nobody_answered_ends_for_a_cause(cause, status):
    text = BROADWORKS.replace(">Yes<", ">No<").replace(">016<", f">{cause}<")
    (call,) = read(text, "broadworks")
    assert (call.status, call.answered_at, call.talk_s) == (status, None, None)


@pytest.mark.parametrize(
    "stamp", ["20261301000000", "yesterday", "2026070109000", "20260701090000.1234567", "２０２６０７０１０９００００"]
)
def test_a_time_that_is_none_rejects_its_record(stamp):
    text = BROADWORKS.replace("<startTime>20260701090000.247", f"<startTime>{stamp}")
    (row,) = read(text.replace("ISO-8859-1", "UTF-8"), "broadworks")
    assert row.code == "bad_time"


BOMB = '<!DOCTYPE broadWorksCDR [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE broadWorksCDR [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("doctype", [BOMB, OUTSIDE])
def test_entities_are_refused(doctype):
    text = BROADWORKS.replace("<!DOCTYPE broadWorksCDR>", doctype).replace(">25:0<", ">&a;<")
    with pytest.raises(UnableToRead, match="entities"):
        read(text, "broadworks")


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "<cdrData>" + "x" * 600_000 + "</cdrData></broadWorksCDR>",
        HEAD + "<a>" * 300_000,
        HEAD + "<recordId>" * 20_000,
        HEAD + "<cdrData/>" + f'<cdrData a="{"y" * 600_000}"/></broadWorksCDR>',
    ],
    ids=["a long text", "deep", "less deep", "a long attribute"],
)
def test_what_is_longer_than_a_record_is_refused(text):
    with pytest.raises(UnableToRead):
        read(text, "broadworks")


def test_a_record_that_is_deep_inside_is_read_for_what_it_is():
    deep = "<recordId>" * 5_000 + "</recordId>" * 5_000
    rows = read(HEAD + f"<cdrData><headerModule>{deep}</headerModule></cdrData>{RECORD}</broadWorksCDR>", "broadworks")
    assert [getattr(row, "code", "call") for row in rows] == ["not_a_call", "call"]


@pytest.mark.parametrize(
    "text", ["", BROADWORKS[:900], HEAD, "<other/>", BROADWORKS.replace("ISO-8859-1", "no-such"), "\x00" + BROADWORKS]
)
def test_xml_that_is_cut_off_or_something_else_is_refused_whole(text):
    with pytest.raises(UnableToRead):
        read(text, "broadworks")


def test_other_xml_is_not_taken_for_it():
    with pytest.raises(UnableToRead, match="XML of a kind"):
        detect_format(b'<?xml version="1.0"?><cdr/>')


def test_a_long_file_takes_no_more_memory_than_a_short_one():
    def peak(records: int) -> int:
        data = (HEAD + RECORD * records + "</broadWorksCDR>").encode()
        tracemalloc.start()
        try:
            rows = read_calls(io.BytesIO(data), format="broadworks", zone=None, country="GB")
            assert sum(isinstance(row, ParsedCall) for row in rows) == records
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(1_000) < peak(100) + 200_000
