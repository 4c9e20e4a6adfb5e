"""Compressed files: gzip and zip in front of any format, and what is wrong with some."""

import gzip
import io
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telecom_records.formats import ParsedCall, Reject, UnableToRead, detect_format, head_of, packed, read_calls
from tests.telecom_records.format_files import FILES, PLAIN, read
from tests.telecom_records.test_formats_all import a_few

HEADER, ROW = PLAIN.strip().split("\n")


def rows(number: int) -> str:
    return "\n".join([HEADER, *(ROW.replace("c-1", f"c-{each}") for each in range(number))]) + "\n"


def zipped(*files: tuple[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, text in files:
            archive.writestr(name, text)
    return target.getvalue()


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_known_and_read_through_gzip_and_zip(name):
    plain = read(FILES[name], name)
    for data in (gzip.compress(FILES[name].encode()), zipped(("calls", FILES[name]))):
        assert detect_format(head_of(io.BytesIO(data), 256 * 1024)) == name
        assert read(data, name) == plain


def test_a_file_that_is_not_packed_is_read_as_it_is():
    assert head_of(io.BytesIO(PLAIN.encode()), 7) == b"call_id"
    assert head_of(io.BytesIO(b""), 7) == b""


def test_the_members_of_a_gzip_are_one_text():
    data = gzip.compress(PLAIN.encode()) + gzip.compress(ROW.replace("c-1", "c-2").encode())
    assert [(row.source_key, row.line) for row in read(data, "csv")] == [("c-1", 2), ("c-2", 3)]


def test_each_file_of_a_zip_is_read_as_its_own_and_no_two_rows_have_one_line():
    other = PLAIN.replace("c-1", "c-3").replace("from,to", "to,from")
    data = zipped(
        ("a.csv", rows(2)), ("empty/", ""), ("__MACOSX/a.csv", b"\x00"), ("b/.DS_Store", b"\x00"), ("../b.csv", other)
    )
    assert [(row.source_key, row.line) for row in read(data, "csv")] == [("c-0", 2), ("c-1", 3), ("c-3", 5)]


@pytest.mark.parametrize("cut", [5, 30, -12, -8, -1])
def test_a_gzip_that_is_cut_off_is_refused_whole(cut):
    data = gzip.compress(rows(3000).encode())
    with pytest.raises(UnableToRead, match="cut off or damaged"):
        read(data[:cut], "csv")


@pytest.mark.parametrize("place", [-6, -2, 200])
def test_a_gzip_whose_checksum_or_length_is_wrong_is_refused(place):
    data = bytearray(gzip.compress(rows(3000).encode()))
    data[place] ^= 0xFF
    with pytest.raises(UnableToRead):
        read(bytes(data), "csv")


def test_what_stands_behind_a_gzip_is_refused_and_padding_is_not():
    data = gzip.compress(PLAIN.encode())
    assert len(read(data + b"\x00" * 50, "csv")) == 1
    with pytest.raises(UnableToRead, match="damaged"):
        read(data + b"more", "csv")


def test_a_zip_whose_checksum_is_wrong_or_that_is_cut_off_is_refused():
    data = zipped(("a.csv", rows(50)), method=zipfile.ZIP_STORED)
    with pytest.raises(UnableToRead, match="damaged"):
        read(data.replace(b"c-7", b"c-8"), "csv")
    for cut in (10, 100, -1, -30):
        with pytest.raises(UnableToRead, match="damaged"):
            read(data[:cut], "csv")


def bomb(size: int) -> bytes:
    """Return a CSV of that many bytes, all of one row, in gzip."""
    target = io.BytesIO()
    with gzip.GzipFile(fileobj=target, mode="wb") as file:
        file.write(HEADER.encode() + b"\n")
        for _ in range(size // 1_000_000):
            file.write((b" " * 99 + b"\n") * 10_000)
    return target.getvalue()


def test_a_gzip_that_unpacks_to_a_thousand_times_its_size_is_refused_in_little_memory():
    data = bomb(100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(UnableToRead, match="unpacks to far more"):
            read(data, "csv")
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_files_of_a_zip_share_what_they_may_unpack_to(monkeypatch):
    monkeypatch.setattr(packed, "FREE_BYTES", 50_000)
    monkeypatch.setattr(packed, "MAX_RATIO", 1)
    monkeypatch.setattr(packed, "BUFFER_BYTES", 1_000)  # so that the header is read, and then everything again
    monkeypatch.setattr("telecom_records.formats.lines.BLOCK_BYTES", 1_000)
    part = HEADER + "\n" + (" " * 99 + "\n") * 400
    assert read(zipped(("a", part)), "csv") == []
    with pytest.raises(UnableToRead, match="unpacks to far more"):
        read(zipped(("a", part), ("b", part)), "csv")


def test_no_file_unpacks_to_more_than_the_absolute_limit(monkeypatch):
    monkeypatch.setattr(packed, "MAX_UNPACKED_BYTES", 10_000)
    with pytest.raises(UnableToRead, match="unpacks to far more"):
        read(gzip.compress(rows(400).encode()), "csv")


def test_a_head_that_is_read_again_is_spent_once(monkeypatch):
    monkeypatch.setattr(packed, "FREE_BYTES", 0)
    monkeypatch.setattr(packed, "MAX_RATIO", 1.2)
    text = FILES["freepbx"]
    data = zipped(("a.csv", text), method=zipfile.ZIP_STORED)
    assert len(read(data, "freepbx")) == 1


def encrypted() -> bytes:
    data = bytearray(zipped(("a.csv", PLAIN)))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def with_directory_of(size: int) -> bytes:
    data = bytearray(zipped(("a.csv", PLAIN)))
    data[-10:-6] = size.to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (zipped(("[Content_Types].xml", "<x/>"), ("xl/workbook.xml", "<x/>")), "spreadsheet"),
        (zipped(("a/", "")), "holds no file"),
        (encrypted(), "password"),
        (zipped(("a.csv", PLAIN), method=zipfile.ZIP_LZMA), "unusual way"),
        (with_directory_of(50_000_000), "larger than those"),
        (b"PK\x03\x04" + b"x" * 100, "damaged"),
        (
            zipped(("a.csv", PLAIN))[:-22] + b"PK\x06\x07" + b"\x00" * 16 + zipped(("a.csv", PLAIN))[-22:],
            "larger than those",
        ),
    ],
    ids=["a spreadsheet", "nothing", "encrypted", "lzma", "a huge directory", "noise", "zip64"],
)
def test_a_zip_that_holds_no_text_to_read_is_refused_with_what_it_is(data, says):
    with pytest.raises(UnableToRead, match=says):
        read(data, "csv")


def test_too_many_files_are_refused(monkeypatch):
    monkeypatch.setattr(packed, "MAX_FILES", 2)
    with pytest.raises(UnableToRead, match="more than 2 files"):
        read(zipped(*((f"{n}.csv", PLAIN) for n in range(3))), "csv")


def test_a_packed_file_in_a_packed_file_is_refused():
    inner = gzip.compress(PLAIN.encode())
    for data in (gzip.compress(inner), zipped(("a.csv.gz", inner))):
        with pytest.raises(UnableToRead):
            detect_format(head_of(io.BytesIO(data), 1000))
        with pytest.raises(UnableToRead):
            read(data, "csv")


def test_the_file_itself_stays_open():
    for data in (gzip.compress(PLAIN.encode()), zipped(("a.csv", PLAIN)), PLAIN.encode()):
        file = io.BytesIO(data)
        list(read_calls(file, format="csv", zone=None, country=""))
        head_of(file, 10)
        assert not file.closed


@a_few
@given(data=st.data(), gz=st.booleans())
def test_a_damaged_packed_file_is_read_or_refused_and_never_crashes(data, gz):
    whole = bytearray(gzip.compress(rows(5).encode()) if gz else zipped(("a.csv", rows(5)), ("b.csv", rows(2))))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, 9))
    try:
        found = read(bytes(whole[: len(whole) - cut]), "csv")
    except UnableToRead:
        return
    assert all(isinstance(row, ParsedCall | Reject) for row in found)


def test_zlib_without_its_frame_is_no_packed_file():
    with pytest.raises(UnableToRead):
        detect_format(head_of(io.BytesIO(zlib.compress(PLAIN.encode())), 100))
