"""Files outside the database: what was confirmed stays, whole and in order, whatever dies in between."""

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from accounts import outside

FORK = multiprocessing.get_context("fork")


def path(settings, name: str = "journal") -> Path:
    return Path(settings.OUTSIDE_ROOT) / f"{name}.jsonl"


def test_lines_come_back_in_order_and_the_last_one_alone():
    assert list(outside.lines("journal")) == [] and outside.last("journal") is None
    outside.append("journal", {"number": 1})
    outside.append("journal", {"number": 2}, {"number": 3, "text": "§"})
    assert list(outside.lines("journal")) == [{"number": 1}, {"number": 2}, {"number": 3, "text": "§"}]
    assert outside.last("journal") == {"number": 3, "text": "§"}


def test_a_last_line_longer_than_what_is_read_at_once_is_read_whole():
    outside.append("journal", {"number": 1})
    outside.append("journal", {"long": "x" * (3 * outside.TAIL_BYTES)})
    assert len(outside.last("journal")["long"]) == 3 * outside.TAIL_BYTES


def test_nobody_else_on_the_machine_may_read_them(settings):
    outside.append("journal", {"number": 1})
    assert path(settings).stat().st_mode & 0o777 == 0o600
    assert path(settings).parent.stat().st_mode & 0o777 == 0o700


def test_what_a_crash_left_unfinished_is_not_read_and_is_gone_with_the_next_line(settings):
    outside.append("journal", {"number": 1})
    with path(settings).open("ab") as file:
        file.write(b'{"number":')
    assert list(outside.lines("journal")) == [{"number": 1}] and outside.last("journal") == {"number": 1}
    outside.append("journal", {"number": 2})
    assert list(outside.lines("journal")) == [{"number": 1}, {"number": 2}]


def test_a_full_disk_leaves_nothing_of_the_new_lines(settings, monkeypatch):
    outside.append("journal", {"number": 1})
    before = path(settings).read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(outside.UnableToWrite, match="No space left"):
        outside.append("journal", {"number": 2})
    assert path(settings).read_bytes() == before


@pytest.mark.parametrize("damage", [b"nonsense\n", b"[1]\n", b"\xff\n"])
def test_a_damaged_line_is_told(settings, damage):
    outside.append("journal", {"number": 1})
    with path(settings).open("ab") as file:
        file.write(damage)
    with pytest.raises(outside.Damaged, match=r"journal\.jsonl"):
        outside.last("journal")
    outside.append("journal", {"number": 2})
    with pytest.raises(outside.Damaged, match="Line 2"):
        list(outside.lines("journal"))


@pytest.mark.parametrize("name", ["../x", "Journal", "", "a/b", "journal.jsonl"])
def test_a_name_leads_nowhere_else(name):
    with pytest.raises(ValueError, match="small letters"):
        outside.append(name, {"number": 1})


def test_writers_at_once_mix_up_nothing():
    def write(writer: int) -> None:
        for number in range(50):
            outside.append("journal", {"writer": writer, "number": number}, {"writer": writer, "again": number})

    writers = [FORK.Process(target=write, args=[writer]) for writer in range(3)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    lines = list(outside.lines("journal"))
    assert len(lines) == 3 * 50 * 2
    for writer in range(3):
        assert [line["number"] for line in lines if line["writer"] == writer and "number" in line] == list(range(50))
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        assert (first["writer"], first["number"]) == (second["writer"], second["again"])
