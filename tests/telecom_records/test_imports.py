"""Call records in: every row accounted for, whose it is decided by number and time, the same file twice adds nothing."""

import datetime as dt
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import KeyPair
from retention.purge import carry_out
from telecom_records import imports, tasks
from telecom_records.imports import UnableToImport, import_file, open_run, source_for
from telecom_records.late import take_up
from telecom_records.models import CallDetailRecord, ImportRun, ImportSource, WaitingCall
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
HEADER = "call_id,started_at,from,to,duration_seconds,status,cost,currency\n"
OURS, OTHERS, THEIRS = "+442079460101", "+442079460102", "+13125550117"
SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "cdr" / "samples"


def line(call_id: str, source: str, target: str, *, at: dt.datetime = NOW - DAY, cost: str = "0.10") -> str:
    return f"{call_id},{at.isoformat()},{source},{target},60,answered,{cost},USD\n"


@pytest.fixture
def alice():
    workspace = factories.make_workspace()
    factories.make_subscription(workspace, expires_at=NOW + 30 * DAY)
    factories.make_assignment(workspace, factories.make_number(OURS))
    return workspace


@pytest.fixture
def load(tmp_path):
    """Import rows as a plain CSV and return the run."""

    def load(*rows: str, name: str = "calls.csv", source: str = "switch") -> ImportRun:
        path = tmp_path / name
        path.write_text(HEADER + "".join(rows))
        return import_file(path, source=source_for(source), now=NOW)

    return load


def balanced(run: ImportRun) -> bool:
    counts = run.accounting
    return counts.pop("read") == sum(counts.values())


def test_each_row_goes_somewhere_and_the_counts_say_where(alice, load):
    run = load(
        line("a", OURS, THEIRS),
        line("b", THEIRS, OURS),
        line("c", "+442079460999", THEIRS),
        "d,never,x,y,1,answered,,\n",
    )
    assert run.accounting == {"read": 4, "inserted": 2, "duplicates": 0, "revised": 0, "rejected": 1, "skipped": 1}
    assert run.state == ImportRun.State.DONE
    assert list(run.rejects.values_list("line", "code")) == [(5, "bad_time")]


def test_a_call_is_seen_from_the_customers_side(alice, load):
    load(line("a", OURS, THEIRS), line("b", THEIRS, OURS))
    seen = CallDetailRecord.objects.order_by("source_key").values_list(
        "own_number", "other_party", "direction", "workspace"
    )
    assert list(seen) == [(OURS, THEIRS, "outbound", alice.pk), (OURS, THEIRS, "inbound", alice.pk)]


def test_the_same_file_twice_adds_nothing(alice, load):
    rows = [line(f"c{count}", OURS, THEIRS) for count in range(5)] + [line("n", THEIRS, "+442079460999")]
    load(*rows)
    before = set(CallDetailRecord.objects.values_list("pk", "revision")), WaitingCall.objects.count()
    again = load(*rows)
    assert again.accounting == {
        "read": 6,
        "inserted": 0,
        "duplicates": 5,
        "revised": 0,
        "rejected": 0,
        "skipped": 1,
    }
    assert (set(CallDetailRecord.objects.values_list("pk", "revision")), WaitingCall.objects.count()) == before


def test_a_later_price_revises_the_call_and_says_so(alice, load):
    load(line("a", OURS, THEIRS, cost="0.10"))
    run = load(line("a", OURS, THEIRS, cost="0.25"))
    assert (run.revised, run.inserted, run.duplicates) == (1, 0, 0)
    call = CallDetailRecord.objects.get()
    assert (str(call.cost), call.revision) == ("0.25000000", 1)


def test_the_same_call_twice_in_one_file_is_one_call(alice, load):
    run = load(line("a", OURS, THEIRS), line("a", OURS, THEIRS))
    assert balanced(run)
    assert CallDetailRecord.objects.count() == 1


def test_a_call_between_two_customers_is_a_row_for_each_and_one_row_read(alice, load):
    bob = factories.make_workspace()
    factories.make_assignment(bob, factories.make_number(OTHERS))
    run = load(line("a", OURS, OTHERS))
    assert (run.read, run.inserted) == (1, 1)
    assert set(CallDetailRecord.objects.values_list("workspace", "own_number", "direction")) == {
        (alice.pk, OURS, "outbound"),
        (bob.pk, OTHERS, "inbound"),
    }


def test_a_recycled_number_mixes_nobody(load):
    number = factories.make_number(OURS)
    first, second = factories.make_workspace(), factories.make_workspace()
    factories.make_assignment(first, number, since=NOW - 20 * DAY, until=NOW - 10 * DAY)
    factories.make_assignment(second, number, since=NOW - 5 * DAY)
    at = [NOW - 15 * DAY, NOW - 10 * DAY, NOW - 7 * DAY, NOW - 5 * DAY, NOW - DAY]
    run = load(*(line(f"c{place}", OURS, THEIRS, at=instant) for place, instant in enumerate(at)))
    owners = dict(CallDetailRecord.objects.values_list("source_key", "workspace"))
    assert owners == {"c0": first.pk, "c3": second.pk, "c4": second.pk}
    assert run.unattributed == 2


def test_a_call_of_nobody_waits_sealed_and_is_taken_up_when_its_assignment_arrives(load):
    load(line("a", OURS, THEIRS), line("b", OURS, THEIRS, at=NOW - 200 * DAY))
    assert WaitingCall.objects.count() == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(w::text, '') FROM telecom_records_waitingcall w")
        assert OURS[1:] not in cursor.fetchone()[0]
    alice = factories.make_workspace()
    assignment = factories.make_assignment(alice, factories.make_number(OURS), since=NOW - 10 * DAY)
    assert take_up(assignment) == 1
    call = CallDetailRecord.objects.get()
    assert (call.workspace, call.source_key, call.other_party) == (alice, "a", THEIRS)
    assert list(WaitingCall.objects.values_list("source_key", flat=True)) == ["b"]


def test_an_erased_customers_calls_do_not_come_back_and_the_next_holders_do(alice, load):
    factories.arm()
    old = line("old", OURS, THEIRS, at=NOW - 3 * DAY)
    load(old)
    alice.subscriptions.update(expires_at=NOW)
    carry_out(NOW, now=NOW)
    assert not CallDetailRecord.objects.exists()
    next_holder = factories.make_workspace()
    factories.make_assignment(next_holder, alice_number(), since=NOW)
    run = imports_later(load, old, line("new", OURS, THEIRS, at=NOW + dt.timedelta(hours=1)))
    assert (run.inserted, run.rejected, run.unattributed) == (1, 1, 0)
    assert run.rejects.get().code == "erased_customer"
    assert CallDetailRecord.objects.get().workspace == next_holder
    assert not WaitingCall.objects.exists()


def alice_number():
    from telecom_records.models import Number

    return Number.objects.get(e164=OURS)


def imports_later(load, *rows: str) -> ImportRun:
    return load(*rows, name="again.csv")


def test_a_withheld_caller_is_never_shown_to_the_called(alice, load):
    load(f"a,{(NOW - DAY).isoformat()},anonymous,{OURS},60,answered,,\n")
    call = CallDetailRecord.objects.get()
    assert (call.other_party, call.other_party_kind) == ("", "anonymous")


@pytest.mark.parametrize("at", [dt.datetime(1999, 12, 31, tzinfo=dt.UTC), NOW + 3 * DAY])
def test_a_time_nobody_believes_is_rejected(alice, load, at):
    run = load(line("a", OURS, THEIRS, at=at))
    assert run.rejects.get().code == "unlikely_time"


def test_a_month_that_has_no_partition_is_made(alice, load):
    factories.make_assignment(
        factories.make_workspace(), factories.make_number(OTHERS), since=dt.datetime(2011, 1, 1, tzinfo=dt.UTC)
    )
    run = load(line("a", OTHERS, THEIRS, at=dt.datetime(2011, 2, 28, 23, 59, tzinfo=dt.UTC)))
    assert run.inserted == 1


def test_an_interrupted_run_goes_on_behind_its_last_chunk(alice, monkeypatch):
    monkeypatch.setattr(imports, "READ_ROWS", 4)
    monkeypatch.setattr(imports, "CHUNK_ROWS", 3)
    text = (HEADER + "".join(line(f"c{count}", OURS, THEIRS) for count in range(10))).encode()
    file = io.BytesIO(text)
    run = open_run(source_for("switch"), file, file_name="x.csv")
    run = imports.carry_on(imports.claim(run.pk), file, now=NOW, seconds=1e-9)
    assert (run.state, run.read, run.is_reading) == (ImportRun.State.RUNNING, 4, True)
    for place, name in enumerate(["_read_chunk", "_take_chunk"]):
        real = getattr(imports, name)
        monkeypatch.setattr(imports, name, lambda *args, real=real: (real(*args), 1 / 0))
        with pytest.raises(ZeroDivisionError):
            imports.carry_on(imports.claim(run.pk), file, now=NOW)
        monkeypatch.setattr(imports, name, real)
        ImportRun.objects.update(lease_until=None)
        run.refresh_from_db()
        assert (run.read, run.inserted) == [(8, 0), (10, 3)][place]
    run = imports.carry_on(imports.claim(run.pk), None, now=NOW)
    assert run.accounting == {
        "read": 10,
        "inserted": 10,
        "duplicates": 0,
        "revised": 0,
        "rejected": 0,
        "skipped": 0,
    }
    assert CallDetailRecord.objects.count() == 10


def test_two_workers_cannot_have_one_run(alice):
    run = open_run(source_for("switch"), io.BytesIO(HEADER.encode()), file_name="x.csv")
    assert imports.claim(run.pk)
    assert imports.claim(run.pk) is None


def test_a_file_broken_in_the_middle_is_refused_whole(alice, tmp_path):
    path = tmp_path / "broken.csv"
    path.write_bytes((HEADER + line("a", OURS, THEIRS)).encode() + b"x" * 400_000)
    run = import_file(path, source=source_for("switch"), now=NOW)
    assert (run.state, run.inserted) == (ImportRun.State.REFUSED, 0)
    assert "64 KiB" in run.message
    assert not CallDetailRecord.objects.exists()


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "empty"), (b"\x1f\x8bxx", "cut off or damaged"), (b"hello\n", "not known")]
)
def test_what_cannot_be_read_is_refused_before_there_is_a_run(tmp_path, content, says):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(UnableToImport, match=says):
        import_file(path, source=source_for("switch"), now=NOW)
    assert not ImportRun.objects.exists()


def test_the_command_prints_the_accounting_as_its_last_line(alice, tmp_path, capsys):
    path = tmp_path / "calls.csv"
    path.write_text(HEADER + line("a", OURS, THEIRS) + "b,never,x,y,1,answered,,\n")
    call_command("import_cdrs", str(path), source="switch")
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert json.loads(last) == {
        "read": 2,
        "inserted": 1,
        "duplicates": 0,
        "revised": 0,
        "rejected": 1,
        "skipped": 0,
    }


def test_the_command_refuses_an_unknown_zone_and_a_missing_file(tmp_path):
    with pytest.raises(CommandError, match="not a time zone"):
        call_command("import_cdrs", "x.csv", source="switch", timezone="Mars/Base")
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_cdrs", str(tmp_path / "none.csv"), source="switch")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real files are not on this machine")
def test_every_real_file_of_these_formats_is_accounted_for_and_twice_adds_nothing(capsys):
    alice = factories.make_workspace()
    factories.make_assignment(
        alice, factories.make_number("+10123456789"), since=dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    )
    for start, format, zone, rows in [
        ("asterisk_cdr_custom", "", "Etc/GMT-3", 14), ("asterisk_min", "freepbx-dmy", "Europe/Lisbon", 100),
        ("freepbx", "", "Europe/Lisbon", 100), ("twilio", "", "", 5),
    ]:  # fmt: skip
        paths = [str(path) for path in sorted(SAMPLES.glob(f"{start}*"))]
        counts = []
        for _ in range(2):
            call_command(
                "import_cdrs", *paths, source=start.replace("_", "-"), format=format, timezone=zone, country="PT"
            )
            counts.append(json.loads(capsys.readouterr().out.strip().splitlines()[-1]))
            before = CallDetailRecord.objects.count(), WaitingCall.objects.count()
        assert counts[0]["read"] == rows == sum(counts[0].values()) - rows
        assert counts[1]["inserted"] == counts[1]["revised"] == 0
        assert (CallDetailRecord.objects.count(), WaitingCall.objects.count()) == before


def test_an_uploaded_file_is_stored_encrypted_and_destroyed_when_the_import_ends(alice, client, settings, monkeypatch):
    monkeypatch.setattr(tasks.run_import, "delay", lambda run_id: None)
    client.force_login(factories.make_user())
    content = HEADER + line("a", OURS, THEIRS, at=dt.datetime.now(dt.UTC) - DAY)
    upload = io.BytesIO(content.encode())
    upload.name = "calls.csv"
    response = client.post("/admin/calls/import/", {"file": upload, "source": "switch"})
    run = ImportRun.objects.get()
    assert response.status_code == 302
    stored = [path for path in settings.FILES_ROOT.rglob("*") if path.is_file()]
    assert len(stored) == 1
    assert OURS.encode() not in stored[0].read_bytes()
    tasks.run_import(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.inserted, run.file_key) == (ImportRun.State.DONE, 1, "")
    assert not [path for path in settings.FILES_ROOT.rglob("*") if path.is_file()]
    assert not KeyPair.objects.filter(owner="import", destroyed_at__isnull=True).exists()


def test_an_upload_that_cannot_be_read_says_so_at_the_file(client):
    client.force_login(factories.make_user())
    upload = io.BytesIO()
    with zipfile.ZipFile(upload, "w") as workbook:
        workbook.writestr("[Content_Types].xml", "<Types/>")
    upload.seek(0)
    upload.name = "calls.xlsx"
    response = client.post("/admin/calls/import/", {"file": upload, "source": "switch"})
    assert response.status_code == 400
    assert "The file is a spreadsheet. Save it as CSV." in response.content.decode()
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [("format", "fax", "fax.* is no"), ("country", "ZZ", "no country with a numbering plan")],
)
def test_a_source_of_an_unknown_format_or_country_is_refused(client, field, value, says):
    with pytest.raises(ValidationError, match=says):
        source_for("pbx", **{field: value})
    client.force_login(factories.make_user())
    html = client.post("/admin/telecom_records/importsource/add/", {"name": "pbx", field: value}).content.decode()
    assert re.search(says, html)
    assert not ImportSource.objects.exists()
