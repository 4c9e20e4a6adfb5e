"""Kamailio and OpenSIPS: events become calls."""

import random

import pytest

from telecom_records.formats import Reject, sip_events
from tests.telecom_records.format_files import JULY_1_9Z, SIP_EVENTS, SIP_TABLE, at, read

INVITE, BYE = SIP_EVENTS.strip().split("\n")


def call(number: int) -> tuple[str, str]:
    """Return the beginning and the end of another call."""
    return INVITE.replace("c-1@", f"c-{number}@"), BYE.replace("c-1@", f"c-{number}@")


def codes(rows) -> list[str]:
    return [row.code if isinstance(row, Reject) else row.status for row in rows]


@pytest.mark.parametrize("lines", [[INVITE, BYE], [BYE, INVITE]], ids=["in order", "the end first"])
def test_a_beginning_and_an_end_are_one_call_in_any_order(lines):
    (found,) = read("\n".join(lines), "sip-events", zone=None)
    assert (found.started_at, found.answered_at, found.ended_at) == (at(9, 0, 5), at(9, 0, 5), at(9, 1, 5))
    assert (found.caller.e164, found.dialled.e164) == ("+442079460101", "+442079460871")
    assert (found.duration_s, found.talk_s, found.status, found.line) == (60, 60, "answered", 1)
    assert found.call_group == "c-1@example.com"


def test_the_called_party_hangs_up_with_the_tags_exchanged_and_without_the_numbers():
    (found,) = read(INVITE + "\n" + f"BYE|t1|f1|c-1@example.com|200|OK|{JULY_1_9Z + 65}||||||", "sip-events")
    assert (found.talk_s, found.caller.e164) == (60, "+442079460101")


def test_a_table_has_local_times_and_its_columns_by_name():
    (found,) = read(SIP_TABLE, "sip-events-table")
    assert (found.started_at, found.talk_s, found.dialled.e164) == (at(9, 0, 5), 60, "+442079460871")
    assert codes(read(SIP_TABLE, "sip-events-table", zone=None)) == ["no_zone"]


@pytest.mark.parametrize(
    ("code", "status"), [("486", "busy"), ("487", "cancelled"), ("408", "no_answer"), ("404", "failed"), ("401", "not_a_call"), ("407", "not_a_call")]
)  # fmt: skip
def test_a_beginning_that_failed_is_a_call_of_its_own_and_a_challenge_is_none(code, status):
    (found,) = read(INVITE.replace("|t1|", "||").replace("|200|OK|", f"|{code}|x|"), "sip-events")
    assert codes([found]) == [status]
    if not isinstance(found, Reject):
        assert (found.answered_at, found.ended_at, found.duration_s) == (None, None, None)


def test_branches_that_failed_stand_beside_the_one_that_was_answered():
    rows = read("\n".join([INVITE.replace("|t1|", "|t9|").replace("|200|", "|486|"), INVITE, BYE]), "sip-events")
    assert codes(rows) == ["busy", "answered"]
    assert len({row.source_key for row in rows}) == 2
    assert len({row.call_group for row in rows}) == 1


def test_a_call_that_goes_on_is_a_call_without_an_end_and_an_end_alone_is_none():
    rows = read("\n".join([call(1)[0], call(2)[1]]), "sip-events")
    assert codes(rows) == ["answered", "no_beginning"]
    assert (rows[0].ended_at, rows[0].talk_s) == (None, None)


def test_the_call_that_went_on_is_the_same_call_in_the_file_that_holds_its_end():
    (open_,), (whole,) = read(INVITE, "sip-events"), read(SIP_EVENTS, "sip-events")
    assert (open_.source_key, open_.started_at) == (whole.source_key, whole.started_at)
    assert open_.row_hash != whole.row_hash


def test_a_repeated_event_adds_nothing_before_or_after_the_end():
    assert codes(read("\n".join([INVITE, INVITE, BYE, BYE, INVITE]), "sip-events")) == [
        "repeated_event", "answered", "repeated_event", "repeated_event",
    ]  # fmt: skip


def test_other_events_of_a_call_add_nothing_and_those_of_no_call_are_rejected():
    ack, message = INVITE.replace("INVITE", "ACK"), INVITE.replace("INVITE", "MESSAGE")
    assert codes(read("\n".join([INVITE, ack, BYE, message]), "sip-events")) == ["answered", "not_a_call"]


def test_a_thousand_calls_in_any_order_are_a_thousand_calls():
    lines = [event for number in range(1000) for event in call(number)]
    random.Random(7).shuffle(lines)
    rows = read("\n".join(lines), "sip-events")
    assert codes(rows) == ["answered"] * 1000
    assert {row.talk_s for row in rows} == {60}


def test_only_so_many_wait_and_the_longest_waiting_goes_on_its_own(monkeypatch):
    monkeypatch.setattr(sip_events, "MAX_WAITING", 10)
    begun = [call(number)[0] for number in range(30)]
    rows = read("\n".join([*begun, call(0)[1], call(29)[1]]), "sip-events")
    assert codes(rows).count("no_beginning") == 1
    assert [row.line for row in rows[:20]] == list(range(1, 21))
    assert sum(row.talk_s == 60 for row in rows if not isinstance(row, Reject)) == 1


def test_another_width_is_rejected_by_line():
    assert codes(read(f"{INVITE}|more\n{INVITE}\n{BYE}", "sip-events")) == ["wrong_width", "answered"]
