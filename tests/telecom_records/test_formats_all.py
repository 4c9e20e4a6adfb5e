"""What holds for every format: it is known by its own files only, and nothing makes it crash."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telecom_records.formats import FORMATS, ParsedCall, ParsedMessage, Reject, UnableToRead, detect_format
from tests.telecom_records.format_files import FILES, NEVER_SEEN, read

a_few = settings(max_examples=80, derandomize=True, deadline=None, database=None)
HOSTILE = [
    "\x00",
    "\ud800",
    '"',
    "'",
    "\r",
    "\n",
    ",",
    ";",
    "|",
    "=1+1",
    "9" * 400,
    "-1",
    "NaN",
    "1e999",
    "\ufeff",
    "[",
    "{",
]


def recognised_by(text: str) -> list[str]:
    first_line = next(line for line in text.split("\n") if line.strip())
    return [
        name
        for name, format in FORMATS.items()
        if (format.by_first_line and format.by_first_line(first_line))
        or (format.by_beginning and format.by_beginning(text))
    ]


def test_every_format_has_a_file_here():
    assert set(FILES) | NEVER_SEEN == set(FORMATS)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_recognised_by_its_own_format_alone(name):
    assert recognised_by(FILES[name]) == [name]
    assert detect_format(FILES[name].encode()) == name


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_what_its_format_says_without_names_and_the_same_when_read_again(name):
    rows = read(FILES[name], name)
    kind = {"calls": ParsedCall, "messages": ParsedMessage}[FORMATS[name].gives]
    assert rows and all(isinstance(row, kind) for row in rows), rows
    assert "Edwin" not in repr(rows)
    assert read(FILES[name], name) == rows


@pytest.mark.parametrize("name", sorted(FILES))
def test_no_other_format_takes_a_file_for_calls(name):
    for format in set(FORMATS) - {name}:
        if {format, name} <= {"freepbx", *NEVER_SEEN}:
            continue
        try:
            rows = read(FILES[name], format)
        except UnableToRead:
            continue
        assert all(isinstance(row, Reject) for row in rows), (format, rows)


@a_few
@given(
    format=st.sampled_from(sorted(FORMATS)),
    start=st.sampled_from(["", *FILES.values()]),
    data=st.binary(max_size=300),
)
def test_any_bytes_are_read_or_refused_and_never_crash(format, start, data):
    assert_read_or_refused(start.encode() + data, format)


@a_few
@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_a_file_that_is_damaged_anywhere_is_read_or_refused_and_never_crashes(name, data):
    text = FILES[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    put = data.draw(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20)))
    assert_read_or_refused((text[:start] + put + text[end:]).encode("utf-8", "surrogatepass"), name)


@a_few
@given(name=st.sampled_from(sorted(name for name in FILES if FILES[name].lstrip()[:1] in "[{")), data=st.data())
def test_json_with_other_kinds_of_values_is_read_or_refused_and_never_crashes(name, data):
    values = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just([]), st.just({"a": [1]}), st.just("\ud800")
    )  # fmt: skip

    def changed(value):
        if data.draw(st.integers(0, 9)) == 0:
            return data.draw(values)
        if isinstance(value, dict):
            return {key: changed(each) for key, each in value.items()}
        return [changed(each) for each in value] if isinstance(value, list) else value

    assert_read_or_refused(json.dumps(changed(json.loads(FILES[name]))).encode(), name)


def assert_read_or_refused(data: bytes, format: str) -> None:
    try:
        rows = read(data, format)
    except UnableToRead as error:
        assert str(error)
        return
    assert all(isinstance(row, ParsedCall | ParsedMessage | Reject) for row in rows)
    lines = [row.line for row in rows]
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_a_line_without_an_end_is_refused(format):
    with pytest.raises(UnableToRead):
        read(FILES.get(format, FILES["freepbx"]) + "x" * 400_000 + "\n" + "x" * 400_000, format)


def test_detection_reads_only_what_it_is_given():
    with pytest.raises(UnableToRead, match="Say which it is"):
        detect_format(io.BytesIO(b"Some log line\n").read())
