"""What the names of recordings and the lists of providers say; and what hostile ones do: nothing."""

import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telecom_records.formats import UnableToRead
from telecom_records.recordings.lists import Listed, Unlisted, looks_like_list, read_list
from telecom_records.recordings.names import Named, read_name
from tests.telecom_records.test_formats_all import a_few

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "cdr" / "samples"
SID = "RE" + "0a" * 16
UUID = "c2186400-1c8c-1124-a664-0026b945b522"
AT = dt.datetime(2026, 11, 20, 10, 15)


@pytest.mark.parametrize(
    ("name", "parties", "local", "call_id"),
    [
        ("force-02079460100-1001-20261120-101500-1795000500.12.wav", ("02079460100", "1001"), AT, "1795000500.12"),
        ("out-442079460199-1001-20261120-101500-1795000500.12.WAV", ("442079460199", "1001"), AT, "1795000500.12"),
        ("internal-201-203-20261120-101500.wav", ("201", "203"), AT, ""),
        ("202611201015_02079460100-1001_1795000500.12.wav", ("02079460100", "1001"), AT, "1795000500.12"),
        ("202611201015_unknown-1001.wav", ("unknown", "1001"), AT, ""),
        ("20261120101500-1795000500.6-203-201-Internal.yswav", ("203", "201"), AT, "1795000500.6"),
        ("site7-20261120101500-203-201-Internal.yswav", ("203", "201"), AT, ""),
        ("monitor of 1795000500.12 (transfer).wav", (), None, "1795000500.12"),
    ],
)
def test_the_names_of_real_switches_say_who_when_and_which(name, parties, local, call_id):
    named = read_name(name)
    assert (named.parties, named.local_time, named.call_id) == (parties, local, call_id)
    assert read_name(f"2026/11/{name}".encode()) == read_name(f"C:\\monitor\\{name}") == named


def test_a_providers_sid_is_the_recordings_and_a_uuid_may_be_the_calls_too():
    assert read_name(f"{SID}.mp3") == Named(recording_id=SID)
    assert read_name(f"{UUID.upper()}.mp3") == Named(recording_id=UUID, call_id=UUID)


def test_the_id_of_a_call_gives_its_instant_whatever_the_zone_and_else_the_zone_is_needed():
    london = ZoneInfo("Europe/London")
    exact = read_name("202611201015_a-b_1795000500.12.wav")
    assert exact.instant(None) == exact.instant(london) == dt.datetime.fromtimestamp(1795000500, dt.UTC)
    local = read_name("202607011015_a-b.wav")
    assert local.instant(None) is None
    assert local.instant(london) == dt.datetime(2026, 7, 1, 9, 15, tzinfo=dt.UTC)
    assert read_name("202603290130_a-b.wav").instant(london) is None, "clocks went forward over it"


@pytest.mark.parametrize(
    "name",
    [
        b"", b"\xff\xfe", b"../../etc/passwd", "a\x00b_1795000500.12.wav", "x" * 400 + "1795000500.12", "..", "/", "\\", ".wav",
        "1795000500.12_1795000501.13.wav", "999999999999.1.wav", "0000000000.1.wav", "202613451015_a-b.wav",
        "force-1-2-٢٠٢٦١١٢٠-101500.wav", "\u202e1795000500.12.wav",
    ],
)  # fmt: skip
def test_a_hostile_or_unknown_name_says_nothing_certain(name):
    named = read_name(name)
    assert named.epoch is None and named.local_time is None and named.recording_id == ""


@a_few
@given(
    st.one_of(
        st.binary(max_size=350),
        st.text(max_size=350),
        st.from_regex(r"[a-z]{2}-[^-]{1,50}-\d+-\d{8}-\d{6}(-\d{10}\.\d+)?"),
    )
)
def test_no_name_does_more_than_say_something(name):
    named = read_name(name)
    assert len(named.call_id) <= 64 and len(named.recording_id) <= 64 and len(named.parties) <= 2
    assert all(0 < len(party) <= 40 and "/" not in party and party.isprintable() for party in named.parties)
    assert named.instant(ZoneInfo("Europe/London")) is None or named.instant(None) or named.local_time


def test_raw_gsm_is_told_by_the_ending():
    assert read_name("x.GSM").is_gsm and read_name(b"\xff.gsm").is_gsm and not read_name("gsm").is_gsm


TWILIO = {"sid": SID, "call_sid": "CA" + "1" * 32, "start_time": "Fri, 20 Nov 2026 10:15:00 +0000", "duration": "12",
          "status": "completed", "channels": 2, "source": "OutboundAPI"}  # fmt: skip
PLIVO = {"recording_id": UUID, "call_uuid": "c2c128e2-1c8c-11e4-9bff-1db8a9db0432", "recording_start_ms": "1795169700000.00000",
         "recording_duration_ms": "34100.00000"}  # fmt: skip


def entries(page) -> list:
    return list(read_list(io.BytesIO(json.dumps(page).encode())))


def test_a_list_of_twilio_and_one_of_plivo_are_known_and_read():
    began = dt.datetime(2026, 11, 20, 10, 15, tzinfo=dt.UTC)
    pages = {"recordings": [TWILIO]}, {"objects": [PLIVO]}, [TWILIO], [PLIVO]
    assert all(looks_like_list(json.dumps(page).encode()) for page in pages)
    assert entries(pages[0]) == entries(pages[2]) == [Listed(SID, TWILIO["call_sid"], began, Decimal(12), 2)]
    assert entries(pages[1]) == [Listed(UUID, PLIVO["call_uuid"], began, Decimal("34.100"), None)]
    lines = "\n".join(json.dumps({**TWILIO, "sid": "RE" + f"{number:032d}"}) for number in range(3))
    assert len(list(read_list(io.BytesIO(lines.encode())))) == 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": "absent"}, "gone"), ({"status": "deleted"}, "gone"), ({"sid": "CA" + "1" * 32}, "not_a_recording"),
        ({"sid": "RE" + "\x00" * 32}, "not_a_recording"), ({"sid": None}, "not_a_recording"), ({"call_sid": None}, "no_call"),
        ({"call_sid": "CA\x00"}, "no_call"), ({"call_sid": ["x"]}, "bad_value"), ({"duration": "long"}, "bad_number"),
        ({"start_time": "yesterday"}, "bad_time"), ({"start_time": None}, "no_time"), ({"duration": "1e999"}, "bad_number"),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_taken_says_why_and_spoils_no_other(change, code):
    bad, good = entries({"recordings": [{**TWILIO, **change}, TWILIO]})
    assert isinstance(bad, Unlisted) and bad.code == code
    assert isinstance(good, Listed)


def test_what_is_no_list_of_recordings_is_not_taken_for_one():
    for text in (
        b"",
        b"{}",
        b'{"calls": []}',
        b"RIFF",
        b"sid call_sid RE",
        json.dumps({"sid": 1, "call_sid": 2}).encode(),
    ):
        assert not looks_like_list(text)


@pytest.mark.parametrize(
    "data", [b'{"sid": "RE', b"[" * 100_000, b'{"recordings": 1, "sid": ' + b"9" * 5000 + b"}", b"\xff{"]
)
def test_a_list_that_is_broken_is_refused_whole(data):
    with pytest.raises(UnableToRead):
        list(read_list(io.BytesIO(data)))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real files are not on this machine")
def test_the_lists_that_providers_publish():
    (twilio,), (plivo,) = SAMPLES.glob("*recordingsPage*"), SAMPLES.glob("*recordingList*")
    assert looks_like_list(twilio.read_bytes()) and looks_like_list(plivo.read_bytes())
    with twilio.open("rb") as file:
        (entry,) = read_list(file)
    assert (entry.recording_id[:2], entry.call_id[:2], entry.duration_s, entry.channels) == ("RE", "CA", None, 1)
    with plivo.open("rb") as file:
        lengths = [entry.duration_s for entry in read_list(file)]
    assert lengths == [Decimal("345.1"), Decimal("90.7"), Decimal("34.1")]
    others = [path for path in SAMPLES.glob("*json*") if path not in (twilio, plivo)]
    assert others and not any(looks_like_list(path.read_bytes()[: 64 * 1024]) for path in others)
