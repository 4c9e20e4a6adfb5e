"""What a sound is: told by its bytes, whatever its file is called; all else is refused with its reason."""

import gzip
import io
import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telecom_records.recordings.sounds import ENDINGS, GSM_IN_WAV, NoSound, Sound, inspect, is_played
from tests.telecom_records import sounds
from tests.telecom_records.test_formats_all import a_few

AUDIO = Path(__file__).resolve().parents[3] / "shared" / "audio"


def told(data: bytes, *, most: int = 10**7, gsm: bool = False) -> Sound:
    return inspect(io.BytesIO(data), most_bytes=most, is_called_gsm=gsm)


def why(data: bytes, **how) -> str:
    with pytest.raises(NoSound) as refused:
        told(data, **how)
    return refused.value.code


@pytest.mark.parametrize(
    ("data", "content_type", "seconds", "channels"),
    [
        (sounds.wav(1.5), "audio/wav", "1.5", 1),
        (sounds.wav(2, channels=2), "audio/wav", "2", 2),
        (sounds.wav(3, codec=6), "audio/wav", "3", 1),
        (sounds.wav(3, codec=7), "audio/wav", "3", 1),
        (sounds.wav(2, codec=0x31), GSM_IN_WAV, "2", 1),
        (sounds.mp3(40), "audio/mpeg", "1.042", 2),
        (sounds.mp3(40, tag=sounds.id3(100)), "audio/mpeg", "1.042", 2),
        (sounds.mp3(400, tag=sounds.id3(300_000)), "audio/mpeg", "10.425", 2),
        (sounds.opus(2), "audio/ogg", "2", 1),
        (sounds.vorbis(3), "audio/ogg", "3", 2),
        (sounds.flac(4), "audio/flac", "4", 1),
        (sounds.au(1), "audio/basic", "1", 1),
        (sounds.m4a(5), "audio/mp4", "5", None),
        (sounds.amr(), "audio/amr", None, 1),
    ],
)
def test_each_kind_of_sound_is_told_with_its_length_and_channels(data, content_type, seconds, channels):
    sound = told(data)
    assert sound.content_type == content_type and sound.content_type in ENDINGS
    assert sound.duration_s == (Decimal(seconds) if seconds else None)
    assert (sound.size, sound.channels) == (len(data), channels)


def test_raw_gsm_is_believed_only_of_a_file_called_so_in_whole_frames_that_begin_as_frames_do():
    assert told(sounds.gsm(50), gsm=True) == Sound(
        "audio/gsm", 1650, told(sounds.gsm(50), gsm=True).sha256, Decimal(1), 1
    )
    assert why(sounds.gsm(50)) == "unknown"
    assert why(sounds.gsm(50) + b"\xd0", gsm=True) == "unknown"
    assert why(sounds.gsm(50).replace(b"\xd0", b"\xc0"), gsm=True) == "unknown"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"just words\r\n", "text"),
        (b"<!DOCTYPE html><html></html>", "html"),
        (b"\xef\xbb\xbf  <HTML>", "html"),
        (b"<svg onload=x>", "html"),
        (b"PK\x03\x04" + b"\x00" * 60, "zip"),
        (gzip.compress(sounds.wav()), "zip"),
        (b"MZ" + b"\x00" * 60, "program"),
        (b"\x7fELF\x02\x01", "program"),
        (b"#!/bin/sh\nrm", "program"),
        (b"%PDF-1.7", "picture"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "unknown"),
        (b"RIFF\x00\x00\x00\x00WAVE", "damaged"),
        (sounds.wav()[:30], "damaged"),
        (sounds.wav(0), "empty"),
        (sounds.wav(1, codec=0x11), "codec"),
        (b"OggS\x00\x02" + b"\x00" * 20 + b"\x01\x08" + b"Speex   ", "codec"),
        (b"OggS\x00", "damaged"),
        (b"fLaC", "damaged"),
        (b".snd\x00\x00\x00\x18" + b"\xff" * 16, "codec"),
        (b".snd\x00\x00\x00\x18\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x1f\x40\x00\x00\x00\x01", "empty"),
        (b"\xff\xfb\x90\x64" + b"\x01" * 500, "unknown"),  # one header by chance, and none behind it
        (b"\x00\x00\x00\x18ftypisom" + b"\x00" * 40 + b"vide soun", "unknown"),
        (b"\x01\x02\x03\x04", "unknown"),
    ],
)
def test_what_is_no_sound_is_refused_with_its_reason(data, code):
    assert why(data) == code


def test_a_file_over_the_limit_is_refused_before_its_end_is_read():
    file = io.BytesIO(sounds.wav(200))
    with pytest.raises(NoSound, match="larger than 1 MB"):
        inspect(file, most_bytes=1024**2)
    assert file.tell() < len(file.getvalue())


def test_the_limit_itself_is_taken():
    data = sounds.wav()
    assert told(data, most=len(data)).size == len(data)
    assert why(data, most=len(data) - 1) == "too_large"


def test_a_recorder_that_died_left_no_length_and_the_sound_counts_to_its_end():
    data = sounds.wav(2)
    for length in (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"):
        assert told(data[:40] + length + data[44:]).duration_s == 2


def test_a_header_that_says_a_year_is_not_believed():
    data = bytearray(sounds.flac(4))
    data[21:26] = b"\xff" * 5
    assert told(bytes(data)).duration_s is None


def test_memory_does_not_grow_with_the_sound():
    file = io.BytesIO(sounds.wav(600) * 4)
    tracemalloc.start()
    inspect(file, most_bytes=10**9)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 1024**2


def test_what_browsers_do_not_play_is_known():
    assert {name for name in ENDINGS if not is_played(name)} == {
        GSM_IN_WAV, "audio/gsm", "audio/basic", "audio/amr", "audio/amr-wb",
    }  # fmt: skip


MAGICS = [b"", b"RIFF\x00\x00\x00\x00WAVEfmt ", b"OggS\x00", b"fLaC", b".snd", b"ID3\x03\x00\x00", b"\xff\xfb\x90\x64",
          b"\x00\x00\x00\x18ftypM4A mvhd", b"#!AMR\n", b"PK\x03\x04"]  # fmt: skip


@a_few
@given(st.sampled_from(MAGICS), st.binary(max_size=400), st.booleans())
def test_no_bytes_do_more_than_be_told_or_refused(magic, data, gsm):
    try:
        sound = told(magic + data, gsm=gsm)
    except NoSound:
        return
    assert sound.content_type in ENDINGS
    assert sound.duration_s is None or 0 <= sound.duration_s < 10**6
    assert sound.channels is None or 1 <= sound.channels <= 32


@a_few
@given(
    st.integers(0, 200), st.sampled_from([sounds.wav(0.1), sounds.opus(), sounds.vorbis(), sounds.flac(), sounds.m4a()])
)
def test_a_sound_that_is_cut_anywhere_is_told_or_refused(cut, data):
    try:
        told(data[:cut])
    except NoSound as fault:
        assert str(fault)


@pytest.mark.skipif(not AUDIO.is_dir(), reason="the real sounds are not on this machine")
@pytest.mark.parametrize(
    ("name", "content_type", "seconds", "channels"),
    [
        ("vm-intro.wav", "audio/wav", "5.654", 1),
        ("vm-intro.gsm", "audio/gsm", "5.660", 1),
        ("demo-congrats.gsm", "audio/gsm", "30.280", 1),
        ("example.opus", "audio/ogg", "11.355", 1),
        ("phone-incoming-call.oga", "audio/ogg", "1.464", 2),
        ("pluck-ulaw.au", "audio/basic", "0.300", 2),
        ("silence-44-s.mp3", "audio/mpeg", "3.736", 2),
    ],
)
def test_sounds_that_real_programs_wrote(name, content_type, seconds, channels):
    sound = told((AUDIO / name).read_bytes(), gsm=name.endswith(".gsm"))
    assert (sound.content_type, sound.duration_s, sound.channels) == (content_type, Decimal(seconds), channels)
