"""The archive's thread: what it cannot write is told to whoever writes, and nothing waits for ever."""

import io
import threading
import zipfile

import pytest

from dsar.packages.archive import BLOCKS_BEHIND, Archive

pytestmark = pytest.mark.timeout(20)


class Full(io.BytesIO):
    def write(self, data) -> int:
        if self.tell() + len(data) > 1_000:
            raise OSError("no space left")
        return super().write(data)


def test_what_cannot_be_written_is_raised_where_the_blocks_come_from():
    blocks = iter(range(100 * BLOCKS_BEHIND))
    with pytest.raises(OSError, match="no space left"), Archive(Full()) as archive, archive.file("calls.csv") as file:
        for number in blocks:
            file.write(str(number).encode() * 10_000)
    assert next(blocks) < 100 * BLOCKS_BEHIND - 1, "it stops at once, not at the end"
    assert not [thread for thread in threading.enumerate() if type(thread).__name__ == "_Behind"]


def test_a_fault_of_the_writer_leaves_no_thread_and_no_archive():
    out = io.BytesIO()
    with pytest.raises(LookupError), Archive(out) as archive:
        archive.add("first.txt", b"whole")
        with archive.file("second.txt") as file:
            file.write(b"half")
            raise LookupError
    assert not zipfile.is_zipfile(out)
    assert not [thread for thread in threading.enumerate() if type(thread).__name__ == "_Behind"]


def test_files_are_whole_in_their_order_and_hashed():
    out = io.BytesIO()
    with Archive(out) as archive:
        for name in ("b", "a"):
            with archive.file(name) as file:
                for number in range(3 * BLOCKS_BEHIND):
                    file.write(f"{name}{number},".encode())
    read = zipfile.ZipFile(out)
    assert read.testzip() is None
    assert [entry["name"] for entry in archive.files] == read.namelist() == ["b", "a"]
    assert read.read("a") == "".join(f"a{number}," for number in range(3 * BLOCKS_BEHIND)).encode()
    assert {entry["size"] for entry in archive.files} == {len(read.read("a"))}
