"""Twilio's CSV and bulk export: the traps of each."""

import json
from decimal import Decimal

from tests.telecom_records.format_files import TWILIO_CALL, TWILIO_CSV, at, read

BULK = {**TWILIO_CALL, "start_time": "2026-07-01T09:00:00Z", "end_time": "2026-07-01T09:01:00Z"}


def test_a_call_of_the_csv_is_the_call_of_the_json():
    (from_csv,) = read(TWILIO_CSV, "twilio-csv", zone=None)
    (from_json,) = read(json.dumps([{**TWILIO_CALL, "sid": "CA1"}]), "twilio", zone=None)
    assert from_csv.row_hash == from_json.row_hash
    assert (from_csv.started_at, from_csv.answered_at, from_csv.ended_at) == (at(9), at(9), at(9, 1))


def test_the_bulk_export_is_read_line_by_line_beyond_the_size_of_a_page(monkeypatch):
    monkeypatch.setattr("telecom_records.formats.documents.MAX_JSON_BYTES", 100)
    rows = read("\n".join(json.dumps({**BULK, "sid": f"CA{n}"}) for n in range(50)), "twilio", zone=None)
    assert [(row.source_key, row.line) for row in rows] == [(f"CA{n}", n + 1) for n in range(50)]
    assert {row.started_at for row in rows} == {at(9)}


def test_a_page_in_one_line_with_a_line_end_is_a_page():
    (row,) = read(json.dumps({"calls": [TWILIO_CALL]}) + "\n\n", "twilio")
    assert row.source_key == TWILIO_CALL["sid"]


def test_a_leg_is_tied_to_its_parent_and_a_parent_to_itself():
    parent, leg = read(json.dumps([TWILIO_CALL, {**TWILIO_CALL, "sid": "CA2", "parent_call_sid": "CA1"}]), "twilio")
    assert (parent.call_group, leg.call_group) == (TWILIO_CALL["sid"], "CA1")


def test_a_call_that_nobody_took_has_a_duration_and_no_talk():
    (row,) = read(json.dumps([{**TWILIO_CALL, "status": "no-answer"}]), "twilio")
    assert (row.answered_at, row.talk_s, row.duration_s, row.status) == (None, None, Decimal(60), "no_answer")


def test_a_price_without_its_currency_is_rejected_and_one_that_is_not_there_yet_is_not():
    bad, unrated = read(
        json.dumps([{**BULK, "price_unit": None}, {**BULK, "price": None, "price_unit": None}]), "twilio"
    )
    assert bad.code == "no_currency"
    assert (unrated.cost, unrated.currency) == (None, "")


def test_utc_that_rfc_2822_writes_as_minus_zero_is_utc():
    (row,) = read(json.dumps([{**TWILIO_CALL, "start_time": "Wed, 01 Jul 2026 09:00:00 -0000"}]), "twilio", zone=None)
    assert row.started_at == at(9)
