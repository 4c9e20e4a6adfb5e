"""Folders and archives of recordings: every file accounted for, hostile names and bombs refused, nothing kept of a name."""

import io
import json
import os
import zipfile

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts import files
from telecom_records.models import Recording, WaitingRecording
from telecom_records.recordings.arriving import UnableToTake, Way, accounting, take_files, take_folder
from tests import factories
from tests.factories import DAY, NOW
from tests.telecom_records import sounds
from tests.telecom_records.recordings import AT, SECOND, call
from tests.telecom_records.test_formats_all import a_few
from tests.telecom_records.test_recording_names import TWILIO

pytestmark = pytest.mark.django_db
EPOCH = int(AT.timestamp())
NAME = f"out-13125550117-1001-20261121-120000-{EPOCH}.7.wav"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def given_files(way: Way, *given: tuple[str, bytes]) -> list[tuple[int, str, str]]:
    taken = take_files([(name, io.BytesIO(data)) for name, data in given], way, now=NOW)
    return [(place, each.outcome.value, each.code) for place, each in taken]


def zipped(*given: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in given:
            archive.writestr(name, data)
    return target.getvalue()


def level(number: int) -> bytes:
    return sounds.wav(0.1, level=number)


def test_a_folder_is_taken_with_what_is_in_it_each_file_somewhere(alice, source, folder):
    call(alice, source, group=f"{EPOCH}.7")
    (folder / "2026" / "11").mkdir(parents=True)
    (folder / "2026" / "11" / NAME).write_bytes(level(1))
    (folder / "again.wav").write_bytes(level(1))
    (folder / f"monitor-{EPOCH}.9.gsm").write_bytes(sounds.gsm())
    (folder / "notes.txt").write_text("call me")
    (folder / "empty.mp3").touch()
    (folder / ".hidden").write_bytes(level(2))
    (folder / "link.wav").symlink_to(folder / "again.wav")
    os.mkfifo(folder / "pipe.wav")
    (folder / "box.zip").write_bytes(zipped((f"x/{EPOCH}.7.wav", level(3)), ("../../up.wav", level(4))))
    with open(os.fsencode(folder) + b"/\xff\xfe_%d.7.wav" % EPOCH, "wb") as file:
        file.write(level(5))
    outcomes = [taken for _, taken in take_folder(folder, Way(source), now=NOW)]
    assert accounting(taken.outcome for taken in outcomes) == {
        "read": 10, "stored": 3, "announced": 0, "waiting": 2, "known": 1, "refused": 4,
    }  # fmt: skip
    assert sorted(taken.code for taken in outcomes if taken.code) == ["empty", "text", "unreadable", "unreadable"]
    assert Recording.objects.count() == 3 and WaitingRecording.objects.count() == 2


def test_the_name_of_a_file_is_kept_nowhere(alice, source):
    call(alice, source, group=f"{EPOCH}.7", other="+442079460199")
    assert given_files(Way(source), (NAME, level(1)), ("out-13125550117-1-x.wav", level(2)))[0][1] == "stored"
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")
            text = cursor.fetchone()[0]
            assert "13125550117" not in text and "out-" not in text, table


def test_a_file_that_is_still_written_to_is_left_for_later(alice, source, folder):
    (folder / "a.wav").write_bytes(level(1))
    at = NOW.timestamp()
    os.utime(folder / "a.wav", (at - 59, at - 59))
    ((_, taken),) = take_folder(folder, Way(source), now=NOW, settled=60 * SECOND)
    assert taken.code == "growing"
    os.utime(folder / "a.wav", (at - 60, at - 60))
    ((_, taken),) = take_folder(folder, Way(source), now=NOW, settled=60 * SECOND)
    assert taken.outcome == "waiting"


@pytest.mark.parametrize("lists_first", [True, False])
def test_a_list_is_read_before_the_sounds_wherever_it_stands(alice, source, lists_first):
    made = call(alice, source, group=TWILIO["call_sid"], at=NOW - DAY)
    entry = {**TWILIO, "start_time": f"{NOW - DAY:%a, %d %b %Y %H:%M:%S} +0000"}
    page = ("z.json" if lists_first else "a.json", json.dumps({"recordings": [entry]}).encode())
    sound = (f"{TWILIO['sid']}.wav", level(1))
    assert [each[1] for each in given_files(Way(source), *((page, sound) if lists_first else (sound, page)))] == [
        "announced", "stored",
    ]  # fmt: skip
    recording = Recording.objects.get()
    assert recording.call == made and files.read_encrypted(recording.file_key) == level(1)
    assert [each[1] for each in given_files(Way(source), ("both.zip", zipped(sound, page)))] == ["known", "known"]


def test_the_faults_of_a_list_are_counted_entry_by_entry(source):
    page = {"recordings": [{**TWILIO, "status": "deleted"}, {**TWILIO, "call_sid": ""}, TWILIO]}
    assert given_files(Way(source), ("x", json.dumps(page).encode())) == [
        (1, "refused", "gone"), (1, "refused", "no_call"), (1, "waiting", ""),
    ]  # fmt: skip
    assert given_files(Way(source), ("x", b'{"sid": "RE", "call_sid": ')) == [(1, "refused", "unreadable")]


def bomb() -> bytes:
    return zipped(("a.wav", sounds.wav(1) + b"\0" * 64 * 1024**2), method=zipfile.ZIP_DEFLATED)


def damaged() -> bytes:
    data = bytearray(zipped(("a.wav", level(1)), ("b.wav", level(2))))
    data[data.rindex(b"RIFF") + 100] ^= 0xFF
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [bomb(), damaged(), zipped(("a.wav", level(1)))[:-10], b"PK\x03\x04", zipped(*((str(n), b"x") for n in range(1001)))],
    ids=["bomb", "damaged", "cut", "magic", "many"],
)  # fmt: skip
def test_a_broken_or_monstrous_archive_is_refused_before_anything_of_it_is_stored(alice, source, data):
    assert given_files(Way(source), ("x.zip", data)) == [(1, "refused", "unpackable")]
    assert not WaitingRecording.objects.exists() and not list(files.store().walk())


def test_an_archive_in_an_archive_and_other_files_in_it_are_refused_one_by_one(source):
    inner = zipped(("a.wav", level(1)))
    data = zipped(
        ("in.zip", inner), ("page.html", b"<html>"), ("run.exe", b"MZ\x00"), ("dir/", b""), ("ok.wav", level(2))
    )
    assert given_files(Way(source), ("x.zip", data)) == [
        (1, "refused", "zip"), (1, "refused", "html"), (1, "refused", "program"), (1, "waiting", ""),
    ]  # fmt: skip


def test_too_large_is_a_setting(source, settings):
    settings.RECORDING_LARGEST_BYTES = len(level(1)) - 1
    assert given_files(Way(source), ("a.wav", level(1))) == [(1, "refused", "too_large")]


def test_a_folder_that_is_none_or_has_nothing_is_told(source, folder):
    for each in (folder, folder / "none"):
        with pytest.raises(UnableToTake):
            list(take_folder(each, Way(source), now=NOW))


@a_few
@given(st.text(max_size=80), st.binary(max_size=200))
def test_no_name_and_no_bytes_end_in_more_than_an_outcome(name, data):
    way = Way(factories.make_source("fuzzed", country="GB", time_zone="Europe/London"))
    for content in (data, level(3) + data, b"PK\x03\x04" + data, b'{"sid": "call_sid RE' + data):
        taken = list(take_files([(name, io.BytesIO(content))], way, now=NOW))
        assert len(taken) == 1 and taken[0][1].outcome in ("waiting", "known", "refused")


def test_the_command_accounts_for_all_and_names_no_file(alice, source, folder, capsys):
    (folder / "force-13125550117-x-20261121-120000.wav").write_bytes(level(1))
    arguments = ["import_recordings", "--source", "pbx", "--folder", str(folder), "--settled", "0"]
    call_command(*arguments)
    *_, last = capsys.readouterr().out.splitlines()
    assert json.loads(last) == {"read": 1, "stored": 0, "announced": 0, "waiting": 1, "known": 0, "refused": 0}
    (folder / "13125550117.txt").write_text("words")
    with pytest.raises(CommandError, match="1 of the files"):
        call_command(*arguments)
    out = capsys.readouterr().out
    assert "13125550117" not in out and "file 1: The file is a text" in out
    assert json.loads(out.splitlines()[-1])["known"] == 1 and WaitingRecording.objects.count() == 1
    with pytest.raises(CommandError, match="no folder"):
        call_command(*arguments[:4], str(folder / "none"))
    with pytest.raises(CommandError, match="time zone|zone"):
        call_command(*arguments, "--timezone", "Nowhere")
