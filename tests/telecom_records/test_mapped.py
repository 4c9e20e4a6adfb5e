"""Files whose columns an officer mapped: what each setting does, and that no mapping and no file makes a crash."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telecom_records.formats import ParsedCall, ParsedMessage, Reject, UnableToRead
from telecom_records.formats import mapping as settings_of
from telecom_records.formats.guesses import guess_mapping
from telecom_records.formats.mapping import PERSONAL, BadMapping, draft_mapping, read_mapping
from telecom_records.formats.rows import Told
from telecom_records.previews import preview_of, sample_of, with_words, words_of
from tests.telecom_records.format_files import MAPPED, MAPPING, at, read

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "cdr" / "samples"
a_few = settings(max_examples=150, derandomize=True, deadline=None, database=None)


def columns(**places: str) -> list[dict[str, str]]:
    """Return columns by what they mean; ``start="started"`` is the column of that title."""
    return [{"at": place, "means": means} for means, place in places.items()]


def by_number(*means: str, **more) -> dict:
    """Return a mapping of a file without titles; ``-`` is a column that is not read."""
    told = [{"at": str(place), "means": each} for place, each in enumerate(means, start=1) if each != "-"]
    return {"header": False, "width": len(means), "time_style": "iso", "columns": told, **more}


def only(text: str | bytes, mapping: dict, *, zone: str = "Europe/London", country: str = "GB", format: str = "mapped"):
    (row,) = read(text, format, zone=ZoneInfo(zone) if zone else None, country=country, mapping=mapping)
    return row


def test_columns_are_found_by_their_titles_wherever_they_stand():
    call = only(MAPPED, MAPPING)
    assert (call.caller.value, call.dialled.value, call.started_at) == ("+442079460101", "+442079460871", at(9))
    assert (call.talk_s, call.status, call.time_source) == (60, "answered", "source_zone")
    moved = "B;New;Talked;A;Started\n02079460871;x;60;02079460101;01/07/2026 10:00\n"
    assert only(moved, MAPPING).row_hash == call.row_hash


def test_a_file_that_lacks_a_mapped_column_is_refused_by_what_it_lacks():
    with pytest.raises(UnableToRead, match="“Talk time”"):
        read("Started;A;B\n01/07/2026 10:00;1;2\n", "mapped", mapping=MAPPING)


def test_titles_of_any_script_and_titles_that_come_twice_are_told_apart():
    text = "主叫號碼,Number,Number,開始\n02079460101,02079460102,02079460103,2026-07-01 10:00:00\n"
    told = {"time_style": "iso", "columns": columns(caller="主叫號碼", dialled="number_3", start="開始")}
    assert only(text, told).dialled.value == "+442079460103"


def test_a_column_that_is_called_as_a_meaning_is_not_mistaken_for_it():
    text = "caller,a,b,start\nEdwin,02079460101,02079460102,2026-07-01 10:00:00\n"
    told = {"time_style": "iso", "columns": columns(caller="a", dialled="b", start="start")}
    assert only(text, told).caller.value == "+442079460101"


@pytest.mark.parametrize(
    ("style", "text", "expected"),
    [
        ("iso", "2026-07-01 10:00:00", at(9)),
        ("iso", "2026-07-01T10:00:00.5+02:00", at(8, 0, 0.5)),
        ("iso", "2026-07-01 10:00:00+02", at(8)),
        ("iso", "2026/7/1 10:00 PM", at(21)),
        ("dmy", "01.07.2026 10:00:05", at(9, 0, 5)),
        ("dmy", "1-7-26 12:30 AM", dt.datetime(2026, 6, 30, 23, 30, tzinfo=dt.UTC)),
        ("mdy", "07/01/2026 10:00 pm", at(21)),
        ("named", "1 Jul 2026 10:00", at(9)),
        ("named", "July 1, 2026 10:00:00 PM", at(21)),
        ("named", "01-JUL-26 10:00:00", at(9)),
        ("mail", "Wed, 01 Jul 2026 10:00:00 +0100", at(9)),
        ("compact", "20260701100005", at(9, 0, 5)),
        ("epoch", "1782896400", at(9)),
        ("epoch_ms", "1782896400500", at(9, 0, 0.5)),
        ("epoch_us", "1782896400500000", at(9, 0, 0.5)),
    ],
)
def test_a_time_is_read_in_the_form_that_was_said(style, text, expected):
    told = by_number("start", "caller", "dialled", time_style=style, delimiter=";")
    assert only(f"{text};02079460101;101\n", told).started_at == expected


@pytest.mark.parametrize(
    ("style", "text", "code"),
    [
        ("iso", "01/07/2026 10:00", "date_order"),
        ("dmy", "07/13/2026 10:00", "bad_time"),
        ("dmy", "2026-07-01 10:00", "bad_time"),
        ("mdy", "2026-07-01 10:00", "bad_time"),
        ("dmy", "01/07-2026 10:00", "bad_time"),
        ("dmy", "01/07/2026 13:00 PM", "bad_time"),
        ("named", "1 Foo 2026 10:00", "bad_time"),
        ("mail", "2026-07-01 10:00", "no_zone"),
        ("compact", "20261301100000", "bad_time"),
        ("epoch", "never", "bad_number"),
        ("iso", "", "bad_time"),
    ],
)
def test_a_time_in_another_form_rejects_its_row(style, text, code):
    told = by_number("start", "caller", "dialled", time_style=style, delimiter=";")
    row = only(f"{text};02079460101;101\n", told)
    assert isinstance(row, Reject) and row.code == code, row
    assert "2026" not in row.message


def test_utc_the_zone_of_a_row_and_that_of_the_source_are_different_hours():
    row = "2026-07-01 10:00:00,02079460101,101"
    assert only(row, by_number("start", "caller", "dialled")).started_at == at(9)
    assert only(row, by_number("start", "caller", "dialled", times_in="utc")).started_at == at(10)
    for zone, hour in (("Asia/Hong_Kong", 2), ("+02:00", 8), ("UTC", 10), ("GMT-3", 13), ("", 9)):
        found = only(f"{row},{zone}", by_number("start", "caller", "dialled", "zone"))
        assert found.started_at == at(hour), zone
    for zone in ("CET", "../../etc/passwd", "+99:00"):
        assert only(f"{row},{zone}", by_number("start", "caller", "dialled", "zone")).code == "bad_zone"
    assert only(row, by_number("start", "caller", "dialled"), zone="").code == "no_zone"


def test_date_and_time_may_stand_in_two_columns():
    told = by_number("date", "start", "caller", "dialled", time_style="mdy")
    assert only("07/01/2026,10:00:05 PM,02079460101,101", told).started_at == at(21, 0, 5)
    assert only("07/01/2026,,02079460101,101", told).code == "bad_time"


@pytest.mark.parametrize(
    ("unit", "text", "expected"),
    [("seconds", "90", 90), ("milliseconds", "90500", 90.5), ("minutes", "1.5", 90), ("clock", "00:01:30", 90), ("go", "1m30s", 90)],
)  # fmt: skip
def test_lengths_are_read_in_their_unit(unit, text, expected):
    told = by_number("start", "caller", "dialled", "talk", lengths=unit)
    assert only(f"2026-07-01 10:00:00,02079460101,101,{text}", told).talk_s == expected


@pytest.mark.parametrize(
    ("decimal", "text", "cost"),
    [
        (".", "0.25", "0.25"),
        (",", '"0,25"', "0.25"),
        (",", '"1.234,5"', "1234.5"),
        (",", "1.5", None),
        (".", '"1,5"', None),
    ],
)
def test_a_decimal_sign_that_was_not_said_is_never_a_thousand(decimal, text, cost):
    told = by_number("start", "caller", "dialled", "cost", decimal=decimal, currency="EUR", charge="negative")
    row = only(f"2026-07-01 10:00:00,02079460101,101,{text}", told)
    if cost is None:
        assert row.code == "bad_number"
    else:
        assert (row.cost, row.currency) == (-1 * type(row.cost)(cost), "EUR")


def test_words_of_the_status_are_those_that_were_said():
    told = by_number("start", "caller", "dialled", "status", statuses={"ok": "answered", "occupied": "busy"})
    rows = read("".join(f"2026-07-01 10:00:00,02079460101,10{n},{word}\n" for n, word in enumerate(("OK", "occupied", "new"))),
                "mapped", mapping=told)  # fmt: skip
    assert [row.status for row in rows] == ["answered", "busy", "unknown"]


def test_without_a_status_who_talked_was_answered():
    told = by_number("start", "caller", "dialled", "talk", "answer")
    rows = [
        only(f"2026-07-01 10:00:00,02079460101,101,{rest}", told).status
        for rest in ("5,", "0,", ",2026-07-01 10:00:09", ",")
    ]
    assert rows == ["answered", "no_answer", "answered", "no_answer"]
    assert only("2026-07-01 10:00:00,02079460101,101", by_number("start", "caller", "dialled")).status == "unknown"


def test_the_customers_side_becomes_who_called_whom():
    told = by_number("start", "own", "other", "direction", directions={"in": "inbound", "o": "outbound"})
    line = "2026-07-01 10:00:00,02079460101,02079460102,"
    assert only(f"{line}IN", told).dialled.value == "+442079460101"
    assert only(f"{line}o", told).caller.value == "+442079460101"
    assert only(f"{line}sideways", told).code == "bad_direction"


def test_international_numbers_come_with_plus_with_00_or_bare_and_national_ones_stay_national():
    told = by_number("start", "caller", "dialled", numbers="international")
    for caller in ("+442079460101", "00442079460101", "442079460101", "02079460101"):
        assert only(f"2026-07-01 10:00:00,{caller},101", told).caller.value == "+442079460101"
    assert only("2026-07-01 10:00:00,086517174963,101", told, country="DE").caller.value == "+4986517174963"


def test_null_words_are_nothing():
    told = by_number("start", "caller", "dialled", "talk", nulls=["n/a", "(none)"])
    row = only("2026-07-01 10:00:00,(none),101,N/A", told)
    assert (row.caller.kind, row.talk_s) == ("unknown", None)


def test_keys_are_the_columns_that_were_said_or_counted():
    line = "2026-07-01 10:00:00,02079460101,101,c-1,leg-2\n"
    by_ids = read(line * 2, "mapped", mapping=by_number("start", "caller", "dialled", "id", "id"))
    assert by_ids[0].source_key == by_ids[1].source_key and by_ids[0].source_key.startswith("c-1/")
    counted = read(line * 2, "mapped", mapping=by_number("start", "caller", "dialled", "-", "-"))
    assert all(isinstance(row.source_key, Told) for row in counted)
    assert only("2026-07-01 10:00:00,1,2,,x", by_number("start", "caller", "dialled", "id", "id")).code == "no_id"


def test_lines_above_comments_and_trailers_are_passed_over_and_numbers_stay():
    text = "Report of July\nmade 2 July\nStarted;A;B;Talked\n#x\n01/07/2026 10:00;02079460101;101;1\nTRL;1\n"
    call = only(text, {**MAPPING, "skip_lines": 2, "comments": ["#", "TRL"]})
    assert call.line == 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1252", "iso-8859-1"])
def test_the_encoding_is_the_one_that_was_said(encoding):
    text = "Début;Numéro appelant;B\n2026-07-01 10:00:00;02079460101;101\n"
    told = {"delimiter": ";", "time_style": "iso", "encoding": encoding,
            "columns": columns(start="début", caller="numéro_appelant", dialled="b")}  # fmt: skip
    assert only(text.encode(encoding), told).started_at == at(9)
    if encoding != "utf-8":
        with pytest.raises(UnableToRead):
            read(text.encode(encoding), "mapped", mapping={**told, "encoding": "utf-8"})


def test_what_is_no_character_of_the_encoding_rejects_its_line_alone():
    line = b"2026-07-01 10:00:00,02079460101,%s\n"
    told = by_number("start", "caller", "dialled", encoding="windows-1252")
    rows = read(line % b"101" + line % b"\x81\x8d" + line % b"102", "mapped", mapping=told)
    assert [getattr(row, "code", "call") for row in rows] == ["call", "bad_encoding", "call"]
    with pytest.raises(UnableToRead, match="utf-16"):
        read(b"\xff\xfea\x00b", "mapped", mapping={**told, "encoding": "utf-16"})


def test_columns_at_fixed_places():
    told = {
        "layout": "fixed",
        "time_style": "compact",
        "columns": columns(start="1-14", caller="15-26", dialled="27-38", talk="39-44"),
    }
    text = "20260701100000" + "02079460101 " + "02079460102 " + "000061" + "\n" + "20260701100000" + "02079460101 \n"
    call, short = read(text, "mapped", mapping=told)
    assert (call.started_at, call.caller.value, call.dialled.value, call.talk_s) == (
        at(9), "+442079460101", "+442079460102", 61,
    )  # fmt: skip
    assert short.code == "wrong_width"


def test_a_width_that_changes_midway_rejects_the_line():
    told = by_number("start", "caller", "dialled")
    rows = read("2026-07-01 10:00:00,1,2\n2026-07-01 10:00:00,1,2,3\n", "mapped", mapping=told)
    assert [getattr(row, "code", "call") for row in rows] == ["call", "wrong_width"]


def test_messages_are_mapped_likewise():
    told = by_number(
        "id", "start", "caller", "dialled", "segments", "status", "-", kind="messages", statuses={"ok": "delivered"}
    )
    row = only("m-1,2026-07-01 10:00:00,Callmama,02079460101,2,OK,the text of it", told, format="mapped-messages")
    assert isinstance(row, ParsedMessage)
    assert (row.sender.kind, row.recipient.value, row.sent_at, row.segments, row.status) == (
        "alphanumeric", "+442079460101", at(9), 2, "delivered",
    )  # fmt: skip
    assert "text" not in repr(row)


@pytest.mark.parametrize(
    ("change", "setting", "words"),
    [
        ({"time_style": ""}, "time_style", "never guessed"),
        ({"columns": columns(start="a", caller="b")}, "columns", "Number dialled"),
        ({"columns": columns(caller="a", dialled="b")}, "columns", "Start"),
        ({"columns": columns(start="a", caller="b", dialled="c") + columns(start="d")}, "columns", "Only one"),
        ({"columns": columns(start="a", caller="b", dialled="c", own="d")}, "columns", "not both"),
        ({"columns": columns(start="a", caller="b", dialled="b")}, "columns", "two meanings"),
        ({"columns": columns(start="a", caller="b", dialled="02079460101")}, "columns", "no place"),
        ({"columns": columns(start="a", caller="b", dialled="c", segments="d")}, "columns", "Unknown meaning"),
        ({"columns": columns(start="a", caller="b", dialled="c", cost="d")}, "currency", "currency"),
        ({"header": False}, "width", "how many"),
        ({"header": False, "width": 2}, "columns", "no place"),
        ({"layout": "fixed"}, "columns", "no place"),
        ({"layout": "fixed", "columns": columns(start="5-1", caller="1-2", dialled="3-4")}, "columns", "no place"),
        ({"statuses": {"02079460101": "busy"}}, "statuses", "none of them a number"),
        ({"statuses": {"x": "well"}}, "statuses", "is one of"),
        ({"directions": {"edwin@example.com": "inbound"}}, "directions", "address"),
        ({"currency": "euro"}, "currency", "capital"),
        ({"encoding": "rot13"}, "encoding", "One of"),
        ({"delimiter": '"'}, "delimiter", "One of"),
        ({"skip_lines": -1}, "skip_lines", "number"),
        ({"skip_lines": True}, "skip_lines", "number"),
        ({"nulls": ["x\x00"]}, "nulls", "words"),
        ({"password": "x"}, "columns", "Unknown settings"),
        ({"time_style": "epoch", "columns": columns(start="a", date="d", caller="b", dialled="c")}, "time_style", "hold their date"),
    ],
)  # fmt: skip
def test_a_mapping_by_which_no_file_can_be_read_says_why(change, setting, words):
    with pytest.raises(BadMapping) as caught:
        read_mapping({**MAPPING, **change})
    assert words in caught.value.faults[setting]


def test_a_mapping_is_kept_as_json_and_read_again():
    assert read_mapping(read_mapping(MAPPING).as_json()) == read_mapping(MAPPING)


SAMPLE_MAPPINGS = {
    "carrier_partial_csv": by_number(
        "caller", "dialled", "-", "start", "answer", "-", "talk", "-", "cost", "-", "-",
        time_style="dmy", currency="EUR", numbers="international",
    ),
    "cgrates_semicolon": by_number(
        "id", "-", "-", "caller", "dialled", "start", "talk", "-", "-", "-", delimiter=";", comments=["#"]
    ),
}  # fmt: skip


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real files are not on this machine")
@pytest.mark.parametrize(
    ("start", "zone", "expected"),
    [
        ("carrier_partial_csv", "Europe/Berlin", [
            ("+4986517174963", "+4986517174964", "2016-07-04 16:58:55", 65, "answered", "0.01456"),
            ("+4986517174964", "+4986517174963", "2016-07-04 18:58:55", 74, "answered", "0.00336"),
        ]),
        ("cgrates_semicolon", "UTC", [
            ("1001", "+4986517174963", "2013-02-03 19:54:00", 62, "answered", None),
            ("1001", "+4986517174963", "2013-02-03 19:54:00", 123, "answered", None),
            ("1001", "+4986517174963", "2013-02-03 19:54:00", 26, "answered", None),
        ]),
    ],
)  # fmt: skip
def test_real_files_of_no_known_format_go_in_by_a_mapping(start, zone, expected):
    (path,) = SAMPLES.glob(f"{start}*")
    rows = read(path.read_bytes(), "mapped", zone=ZoneInfo(zone), country="DE", mapping=SAMPLE_MAPPINGS[start])
    told = [
        (row.caller.value, row.dialled.value, f"{row.started_at:%Y-%m-%d %H:%M:%S}", row.talk_s, row.status,
         None if row.cost is None else str(row.cost.normalize()))
        for row in rows
    ]  # fmt: skip
    assert told == expected
    assert len({row.source_key for row in rows}) == len(expected)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
some_settings = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.sampled_from(list(choices)) for name, choices in settings_of.CHOSEN.items()},
        "header": st.booleans(), "width": st.integers(0, 5), "skip_lines": st.integers(0, 3),
        "comments": st.lists(st.text(min_size=1, max_size=2), max_size=2), "nulls": st.lists(st.text(min_size=1, max_size=2), max_size=2),
        "currency": st.sampled_from(["", "EUR"]), "statuses": st.just({"a": "failed"}),
        "columns": st.permutations(["start", "caller", "dialled", "talk", "cost", "id", "zone", "status"]).map(
            lambda means: [{"at": str(place), "means": each} for place, each in enumerate(means[:5], start=1)]
        ),
    },
)  # fmt: skip


@a_few
@given(
    base=st.sampled_from([{}, MAPPING, by_number("start", "caller", "dialled")]),
    change=st.dictionaries(st.sampled_from(sorted(settings_of.NAMES)), anything, max_size=2),
)
def test_a_hostile_mapping_is_refused_or_read_and_never_crashes(base, change):
    assert_read_or_refused(MAPPED.encode(), {**base, **change})


@a_few
@given(
    told=some_settings,
    data=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
)
def test_any_bytes_by_any_mapping_are_read_or_refused_and_never_crash(told, data):
    assert_read_or_refused(data, {**by_number("start", "caller", "dialled", "-", "-"), **told})


def assert_read_or_refused(data: bytes, told: dict) -> None:
    try:
        rows = read(data, "mapped", mapping=told)
    except UnableToRead as error:
        assert str(error)
        return
    assert all(isinstance(row, ParsedCall | ParsedMessage | Reject) for row in rows)


FRAGMENTS = [
    "\n",
    "\r",
    ";",
    ",",
    '"',
    "\t",
    "2026-07-01 10:00:00",
    "02079460101",
    "Début",
    "caller",
    "Start;From;To",
    "\x00",
    "\ufeff",
    " ",
]
some_bytes = st.binary(max_size=200) | st.lists(st.sampled_from(FRAGMENTS), max_size=30).map(
    lambda parts: "".join(parts).encode()
)


@a_few
@given(data=some_bytes, told=some_settings)
def test_any_bytes_can_be_guessed_at_and_shown(data, told):
    guess = with_words(data, guess_mapping(data))
    assert draft_mapping(guess.as_json()) == guess
    try:
        other = draft_mapping({**by_number("start", "caller", "dialled", "status", "direction"), **told})
    except BadMapping:
        other = guess
    for mapping in (guess, other):
        sample = sample_of(data, mapping)
        assert all(len(cell) <= 60 for _, row in sample.shown for cell in row)
        preview = preview_of(data, mapping, zone=None, country="GB")
        assert preview.fault or preview.taken <= len(preview.lines) <= 20
        assert not any(
            PERSONAL.search(word)
            for means in ("status", "direction")
            for word, _ in words_of(sample, mapping, means)[1]
        )
