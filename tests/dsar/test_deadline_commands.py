"""`explain_deadline` and `check_vectors`, neither of which may touch the database."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from dsar.deadlines import Deadline

HEADER = (
    "id,regime,request_type,received_at,events,holiday_region,expected_due_date,expected_ack_due,source_or_reason\n"
)
RIGHT = "T1,eu_gdpr,access,2027-01-14T12:00:00+01:00,extend@2027-02-15,DE,2027-04-14,,in time\n"
WRONG = "T2,eu_gdpr,access,2027-01-14T12:00:00+01:00,,DE,2027-02-14,,a Sunday\n"
PAUSED = "T3,eu_gdpr,access,2027-01-14T12:00:00+01:00,pause-identity@2027-01-15,DE,PAUSED,,open\n"
PROMISE = "T4,policy_default,erasure,2027-01-31T12:00:00+08:00,,,2027-02-28,,kept on a Sunday\n"
UNKNOWN = "T5,atlantis,access,2027-01-14T12:00:00+01:00,,,2027-02-15,,no such law\n"
UNREADABLE = "T6,eu_gdpr,access,yesterday,,DE,2027-02-15,,no instant\n"
ACKNOWLEDGED = "T7,policy_default,access,2027-01-31T12:00:00+08:00,,,2027-02-28,2027-02-10,no such duty\n"
TYPED = "T8,eu_gdpr,access,2027-01-14T12:00:00+01:00,,XX,2027-02-15,,no such country\n"


def explain(*arguments: str) -> str:
    out = StringIO()
    call_command("explain_deadline", *arguments, stdout=out)
    return out.getvalue()


def check(file, *arguments: str) -> tuple[int, list[str]]:
    """Exit status and lines."""
    out = StringIO()
    try:
        call_command("check_vectors", str(file), *arguments, stdout=out)
    except SystemExit as left:
        return left.code, out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


@pytest.fixture
def vectors(tmp_path):
    def write(*rows: str):
        file = tmp_path / "vectors.csv"
        file.write_text(HEADER + "".join(rows), encoding="utf-8")
        return file

    return write


REQUEST = ("--regime", "eu_gdpr", "--type", "access", "--received", "2026-01-30T23:30:00Z", "--region", "DE")


def test_a_deadline_is_explained_to_people():
    lines = explain(*REQUEST).splitlines()
    assert "Statutory due:     Monday 2 Mar 2026 (over at 2026-03-02 23:00 UTC)" in lines
    assert "Service target:    Saturday 28 Feb 2026 (over at 2026-02-28 23:00 UTC)" in lines
    assert "  3. 28 Feb 2026 is a Saturday, 1 Mar 2026 is a Sunday: moved to Monday 2 Mar 2026" in lines
    assert "     [Regulation (EEC, Euratom) 1182/71 Art 3(4)]" in lines
    assert not [line for line in lines if line.startswith("If pause rejected")]


def test_a_paused_deadline_shows_the_date_if_the_pause_is_rejected():
    lines = explain(*REQUEST, "--event", "pause-identity@2026-02-03").splitlines()
    assert "Statutory due:     paused" in lines
    assert "If pause rejected: Monday 2 Mar 2026" in lines


def test_the_promise_has_no_statutory_date():
    lines = explain(
        "--regime", "policy_default", "--type", "erasure", "--received", "2027-01-31T12:00+08:00"
    ).splitlines()
    assert "Statutory due:     none" in lines
    assert "Service target:    Sunday 28 Feb 2027 (over at 2027-02-28 16:00 UTC)" in lines


def test_events_are_taken_together_and_json_holds_the_whole_deadline():
    events = ("--event", "pause-identity@2026-02-03", "--event", "resume@2026-02-05", "--event", "extend@2026-02-10")
    deadline = Deadline.from_dict(json.loads(explain(*REQUEST, *events, "--json")))
    assert (deadline.nominal_on.isoformat(), deadline.statutory_due.isoformat()) == ("2026-05-02", "2026-05-04")
    assert deadline.steps


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--regime", "gdpr", "--regime: unknown regime 'gdpr'"),
        ("--type", "know", "--type: eu_gdpr has no request type 'know'"),
        ("--received", "yesterday", "--received: 'yesterday' is no instant"),
        ("--received", "2026-01-31T10:00:00", "--received: 2026-01-31T10:00:00 has no time zone"),
        ("--region", "XX", "--region: eu_gdpr has no region 'XX'"),
        ("--event", "snow@2026-02-01", "--event: event 'snow@2026-02-01'"),
        ("--event", "resume@2026-02-03", "--event: resume@2026-02-03: nothing was asked"),
    ],
)
def test_bad_input_to_explain_is_one_clear_line(option, value, said):
    with pytest.raises(CommandError) as refused:
        explain(*REQUEST, option, value)
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_right_vectors_end_with_their_count(vectors):
    assert check(vectors(RIGHT, PAUSED, PROMISE)) == (0, ["3 passed, 0 failed"])


def test_a_wrong_vector_is_shown_and_fails_the_command(vectors):
    status, lines = check(vectors(RIGHT, WRONG, UNREADABLE, ACKNOWLEDGED, TYPED))
    assert status == 1
    assert lines[:3] == [
        "T2: expected due 2027-02-14, got due 2027-02-15",
        "T6: expected due 2027-02-15, got 'yesterday' is no instant",
        "T7: expected due 2027-02-28, acknowledge by 2027-02-10, got due 2027-02-28",
    ]
    assert lines[3].startswith("T8: expected due 2027-02-15, got eu_gdpr has no region 'XX'")
    assert lines[4:] == ["1 passed, 4 failed"]


def test_an_answer_is_not_taken_for_paused_nor_paused_for_an_answer(vectors):
    open_dated = PAUSED.replace("PAUSED", "2027-02-15")
    dated_open = RIGHT.replace("2027-04-14", "PAUSED")
    assert check(vectors(open_dated, dated_open))[1][-1] == "0 passed, 2 failed"


def test_regimes_that_do_not_exist_are_named_and_counted(vectors):
    assert check(vectors(RIGHT, UNKNOWN, UNKNOWN)) == (
        0,
        ["2 rows not run, their regimes do not exist here: atlantis (2)", "1 passed, 0 failed"],
    )


def test_a_file_of_which_nothing_ran_does_not_pass(vectors):
    status, lines = check(vectors(UNKNOWN))
    assert (status, lines[-1]) == (1, "0 passed, 0 failed")


def test_the_report_is_json_when_asked_for(vectors):
    status, lines = check(vectors(RIGHT, WRONG, UNKNOWN), "--json")
    assert status == 1
    assert json.loads("\n".join(lines)) == {
        "passed": 1,
        "failed": 1,
        "not_run": {"atlantis": 1},
        "failures": [{"id": "T2", "expected": "due 2027-02-14", "got": "due 2027-02-15"}],
    }


def test_a_byte_order_mark_does_not_hide_the_first_column(vectors):
    file = vectors(RIGHT)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert check(file) == (0, ["1 passed, 0 failed"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the first line lacks the columns id, regime"),
        (b"id,regime\nT1,eu_gdpr\n", "the first line lacks the columns request_type"),
        (HEADER.encode(), "there are no rows"),
        ((HEADER + "T1,eu_gdpr\n").encode(), "line 2 has more or fewer cells"),
        ((HEADER + RIGHT + RIGHT.strip() + ",more\n").encode(), "line 3 has more or fewer cells"),
        ((HEADER + 'T1,"eu_gdpr\n').encode(), "after line 1: unexpected end of data"),
        ((HEADER + "T\u00e9,eu_gdpr\n").encode("latin-1"), "not a text in UTF-8"),
    ],
)
def test_a_broken_file_is_one_clear_line(tmp_path, content, said):
    file = tmp_path / "broken.csv"
    file.write_bytes(content)
    with pytest.raises(CommandError) as refused:
        check(file)
    assert str(refused.value).startswith(f"{file}: {said}")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_missing_or_a_folder_is_one_clear_line(tmp_path):
    for file in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(CommandError, match="No such file|Is a directory"):
            check(file)
