"""Values that no switch writes: each is a rejected row or a refused file, never a run without an end."""

import gzip
import json

import pytest

from telecom_records import imports
from telecom_records.models import ImportRun
from tests import factories
from tests.factories import NOW
from tests.telecom_records.format_files import SIP_EVENTS

pytestmark = pytest.mark.django_db
HEADER = "call_id,started_at,from,to\n"
CALL = {
    "sid": "CA1",
    "status": "completed",
    "start_time": "Mon, 01 Jun 2026 10:00:00 +0000",
    "from": "+442079460101",
    "to": "x",
}


def master(start: str) -> str:
    return f'"","100","200","ctx","c","SIP/1","SIP/2","Dial","x","{start}","{start}","{start}","10","5","ANSWERED","3","1.1",""\n'


@pytest.mark.parametrize(
    ("text", "source", "code"),
    [
        (HEADER + '"a","Mon, 01 Jan 2020 00:00:00 +99999999999999","+442079460101","+442079460102"\n', {}, "bad_time"),
        (HEADER + "a,0001-01-01T00:00:00+14:00,+442079460101,+442079460102\n", {}, "bad_time"),
        (HEADER + "a,0001-01-01T00:00:00,+442079460101,+442079460102\n", {"time_zone": "Asia/Hong_Kong"}, "bad_time"),
        (HEADER + "a,9999-12-31T23:59:59,+442079460101,+442079460102\n", {"time_zone": "America/New_York"}, "bad_time"),
        (master("9999-12-31 23:59:59"), {"time_zone": "America/New_York", "format": "asterisk"}, "bad_time"),
        (json.dumps([{**CALL, "sid": "CA\x00b"}]), {}, "bad_text"),
        (json.dumps([{**CALL, "sid": "CA\ud800"}]), {}, "bad_text"),
    ],
)
def test_a_hostile_value_rejects_its_row(tmp_path, text, source, code):
    path = tmp_path / "calls"
    path.write_text(text)
    run = imports.import_file(path, source=factories.make_source("hostile", **source), now=NOW)
    assert (run.state, run.read, run.rejected) == (ImportRun.State.REFUSED, 1, 1)
    assert run.rejects.get().code == code


def test_a_number_that_is_too_long_refuses_the_file(tmp_path):
    path = tmp_path / "calls.json"
    path.write_text('[{"sid": "CA1", "price": ' + "9" * 5000 + "}]")
    run = imports.import_file(path, source=factories.make_source("hostile"), now=NOW)
    assert run.state == ImportRun.State.REFUSED and "too long" in run.message


def test_a_value_that_no_format_foresaw_ends_the_run_instead_of_being_tried_for_ever(tmp_path, monkeypatch):
    path = tmp_path / "calls.csv"
    path.write_text(HEADER + "a,2026-06-01T10:00:00Z,+442079460101,+442079460102\n")
    monkeypatch.setattr(imports, "store", lambda *_, **__: (_ for _ in ()).throw(OverflowError("x")))
    run = imports.import_file(path, source=factories.make_source("hostile"), now=NOW)
    assert (run.state, run.inserted, run.undone_at) == (ImportRun.State.REFUSED, 0, None)
    assert "Stopped after 1 rows" in run.message


def test_a_gzip_is_taken_as_what_it_holds_and_one_that_is_cut_off_leaves_nothing(tmp_path):
    rows = HEADER + "".join(f"{n},2026-06-01T10:00:00Z,+442079460101,+442079460102\n" for n in range(5000))
    packed = gzip.compress(rows.encode())
    (tmp_path / "whole.csv.gz").write_bytes(packed)
    (tmp_path / "cut.csv.gz").write_bytes(packed[:-20])
    run = imports.import_file(tmp_path / "cut.csv.gz", source=factories.make_source("packed"), now=NOW)
    assert (run.format, run.state, run.read) == ("csv", ImportRun.State.REFUSED, 0)
    assert "cut off or damaged" in run.message
    run = imports.import_file(tmp_path / "whole.csv.gz", source=factories.make_source("packed"), now=NOW)
    assert (run.state, run.read, run.unattributed) == (ImportRun.State.DONE, 5000, 5000)


def test_a_call_in_two_files_of_events_is_revised_by_the_one_that_holds_both_its_ends(tmp_path):
    begin, end = SIP_EVENTS.strip().split("\n")
    source = factories.make_source("proxy", country="GB")
    factories.make_assignment(factories.make_workspace(), factories.make_number("+442079460101"))
    found = []
    for text in (begin, end, SIP_EVENTS):
        (tmp_path / "acc").write_text(text)
        run = imports.import_file(tmp_path / "acc", source=source, now=NOW)
        found.append((run.read, run.inserted, run.revised, run.rejected))
    assert found == [(1, 1, 0, 0), (1, 0, 0, 1), (1, 0, 1, 0)]
