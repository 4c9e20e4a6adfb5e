"""Lists of text messages: what each provider tells, and never the text."""

import json
from collections import Counter

import pytest

from telecom_records import imports
from telecom_records.formats import ParsedMessage, Reject, detect_format
from tests import factories
from tests.factories import NOW
from tests.telecom_records.format_files import (
    DIDWW_MESSAGES,
    FILES,
    PLIVO_MESSAGE,
    TELNYX_MESSAGE,
    TWILIO_CALL,
    TWILIO_MESSAGE,
    at,
    read,
)
from tests.telecom_records.test_formats_samples import SAMPLES

MESSAGES = [name for name in FILES if "messages" in name]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_what_its_provider_says(name):
    (row,) = read(FILES[name], name, zone=None, country="")
    assert (row.sender.value, row.recipient.value, row.sent_at, row.status) == (
        "+442079460101", "+13125550117", at(9), "delivered",
    )  # fmt: skip
    assert row.segments == (None if name.startswith("vonage") else 2)
    unpriced = name.startswith(("bandwidth", "didww"))
    assert (str(row.cost), row.currency) == (("None", "") if unpriced else ("0.01500000", "USD"))


def test_the_bulk_export_has_a_message_a_line_and_no_currency():
    one = {name: value for name, value in TWILIO_MESSAGE.items() if name != "price_unit"}
    text = "\n".join(json.dumps({**one, "sid": f"SM{number}"}) for number in range(3))
    rows = read(text, detect_format(text.encode()))
    assert [(row.line, row.source_key, row.cost) for row in rows] == [
        (1, "SM0", None),
        (2, "SM1", None),
        (3, "SM2", None),
    ]


def test_a_message_from_a_word_or_a_service_keeps_what_it_says():
    rows = read(
        json.dumps([{**TWILIO_MESSAGE, "from": "CALLMAMA"}, {**TWILIO_MESSAGE, "from": "", "to": "12345"}]),
        "twilio-messages",
    )
    assert [(row.sender.kind, row.sender.value, row.recipient.kind) for row in rows] == [
        ("alphanumeric", "CALLMAMA", "e164"), ("unknown", "", "extension"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("format", "record"),
    [
        ("twilio-messages", {**TWILIO_MESSAGE, "status": "queued"}),
        ("plivo-messages", {**PLIVO_MESSAGE, "message_state": "queued"}),
        ("telnyx-messages", {**TELNYX_MESSAGE, "status": "sending"}),
    ],
)
def test_a_message_on_its_way_is_fetched_again_later(format, record):
    assert [row.code for row in read(json.dumps([record]), format)] == ["not_finished"]


@pytest.mark.parametrize(
    ("format", "record", "status"),
    [
        ("twilio-messages", {**TWILIO_MESSAGE, "status": "read"}, "delivered"),
        ("twilio-messages", {**TWILIO_MESSAGE, "status": "new word"}, "unknown"),
        ("plivo-messages", {**PLIVO_MESSAGE, "message_state": "rejected"}, "failed"),
        ("telnyx-messages", {**TELNYX_MESSAGE, "status": "dlr_timeout"}, "sent"),
        ("telnyx-messages", {**TELNYX_MESSAGE, "status": "received"}, "received"),
    ],
)
def test_words_of_a_provider_become_ours(format, record, status):
    assert [row.status for row in read(json.dumps([record]), format)] == [status]


def test_calls_in_a_list_of_messages_and_the_other_way_round_are_rejected_as_what_they_are():
    calls, messages = json.dumps({"calls": [TWILIO_CALL]}), json.dumps({"messages": [TWILIO_MESSAGE]})
    assert [row.code for row in read(calls, "twilio-messages")] == ["not_a_message"]
    assert [row.code for row in read(json.dumps([TWILIO_CALL]), "twilio-messages")] == ["not_a_message"]
    assert [row.code for row in read(messages, "twilio")] == ["not_a_call"]
    assert (detect_format(calls.encode()), detect_format(messages.encode())) == ("twilio", "twilio-messages")


@pytest.mark.parametrize("segments", ["-1", "256", "1.5", "many"])
def test_a_number_of_parts_that_is_none_rejects_the_message(segments):
    assert [
        row.code for row in read(json.dumps([{**TWILIO_MESSAGE, "num_segments": segments}]), "twilio-messages")
    ] == ["bad_number"]


def test_fragments_and_attempts_of_one_message_are_one_message():
    header, first = DIDWW_MESSAGES.strip().split("\n")
    rows = [
        first,
        first.replace("1/2", "2/2"),
        first.replace("Success,", "Failed,no route").replace(",1,m-1", ",2,m-1"),
    ]
    found = read("\n".join([header, *rows]), "didww-messages", zone=None, country="")
    assert [row.code if isinstance(row, Reject) else (row.source_key, row.segments, row.status) for row in found] == [
        ("m-1", 2, "delivered"), "fragment", ("m-1", 2, "failed"),
    ]  # fmt: skip


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real files are not on this machine")
def test_real_lists_of_messages_have_exact_counts_and_values():
    (path,) = SAMPLES.glob("plivo*messageList*")
    assert detect_format(path.read_bytes()) == "plivo-messages"
    rows = read(path.read_bytes(), "plivo-messages", zone=None, country="")
    assert (len(rows), len({row.source_key for row in rows})) == (20, 20)
    assert Counter(row.status for row in rows) == {"sent": 12, "delivered": 8}
    first = rows[0]
    assert (first.source_key, first.sender.value, first.recipient.value) == (
        "5b40a428-bfc7-4daf-9d06-726c558bf3b8", "+911231231230", "+911231231231",
    )  # fmt: skip
    assert (f"{first.sent_at:%Y-%m-%d %H:%M:%S}", first.segments, str(first.cost), first.currency) == (
        "2017-05-22 16:06:14", 1, "0.00250000", "USD",
    )  # fmt: skip
    assert sum(row.segments for row in rows) == 20 and str(sum(row.cost for row in rows)) == "0.05000000"

    (path,) = SAMPLES.glob("twilio*messagesPage*")
    assert detect_format(path.read_bytes()) == "twilio-messages"
    (row,) = read(path.read_bytes(), "twilio-messages", zone=None, country="")
    assert isinstance(row, ParsedMessage) and "Hello" not in repr(row)
    assert (row.sender.kind, row.recipient.value, row.status, row.segments) == ("unknown", "+10123456789", "failed", 1)
    assert row.cost is None
    assert f"{row.sent_at:%Y-%m-%d %H:%M:%S}" == "2020-06-27 23:00:00"


@pytest.mark.django_db
def test_further_fragments_are_skipped_and_no_fault_of_the_file(tmp_path):
    header, first = DIDWW_MESSAGES.strip().split("\n")
    factories.make_assignment(factories.make_workspace(), factories.make_number("+13125550117"))
    (tmp_path / "sms.csv").write_text("\n".join([header, first, first.replace("1/2", "2/2")]))
    run = imports.import_file(tmp_path / "sms.csv", source=factories.make_source("didww"), now=NOW)
    assert (run.state, run.read, run.inserted, run.skipped, run.rejected) == ("done", 2, 1, 1, 0)
