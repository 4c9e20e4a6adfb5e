"""From a file to records: in two steps, whole or not at all, and back again."""

import datetime as dt
import io

import pytest
from django.db import connection
from django.utils import timezone

from accounts import approvals
from accounts.models import Approval
from accounts.roles import AUDITOR
from retention.holds import place_hold
from retention.months import MonthInUse
from retention.purge import carry_out
from retention.visibility import on_pages
from telecom_records import imports, staging
from telecom_records.formats import FORMATS, ParsedMessage
from telecom_records.formats.family import Format
from telecom_records.imports import import_file, open_run, source_for
from telecom_records.late import take_up
from telecom_records.models import CallDetailRecord, ImportRun, SmsRecord, WaitingCall
from telecom_records.phone_numbers import classify
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
HEADER = "call_id,started_at,from,to,duration_seconds,status,cost,currency\n"
OURS, OTHERS, THEIRS = "+442079460101", "+442079460102", "+13125550117"
State = ImportRun.State
PLACED = {"reason": "claim", "authority": "Court", "review_on": (NOW + 90 * DAY).date()}


def line(call_id: str, source: str = OURS, target: str = THEIRS, *, at: dt.datetime = NOW - DAY, cost="0.10") -> str:
    return f"{call_id},{at.isoformat()},{source},{target},60,answered,{cost},USD\n"


@pytest.fixture
def alice():
    workspace = factories.make_workspace()
    factories.make_subscription(workspace, expires_at=NOW + 30 * DAY)
    factories.make_assignment(workspace, factories.make_number(OURS), since=NOW - 365 * DAY)
    return workspace


@pytest.fixture
def load(tmp_path):
    def load(*rows: str, header: str = HEADER, **settings) -> ImportRun:
        path = tmp_path / "calls.csv"
        path.write_text(header + "".join(rows))
        return import_file(path, source=source_for("switch", **settings), now=NOW)

    return load


def balanced(run: ImportRun) -> bool:
    counts = run.accounting
    return counts.pop("read") == sum(counts.values())


def stages() -> list:
    return staging.strays([])


def test_a_file_with_too_many_faults_is_refused_whole_and_says_which(alice, load):
    run = load(*(line(f"c{n}") for n in range(100)), *("x,never,y,z,1,answered,,\n" for _ in range(11)))
    assert (run.state, run.read, run.inserted, run.rejected) == (State.REFUSED, 111, 0, 11)
    assert (
        "11 of 111 rows have faults: the source allows 5 %. Nothing was stored. Most often: The time in" in run.message
    )
    assert not CallDetailRecord.objects.exists() and not WaitingCall.objects.exists() and not stages()


def test_a_few_faults_are_listed_and_the_rest_is_taken(alice, load):
    run = load(*(line(f"c{n}") for n in range(20)), *("x,never,y,z,1,answered,,\n" for _ in range(10)))
    assert (run.state, run.inserted, run.rejected, run.rejects.count()) == (State.DONE, 20, 10, 10)
    assert balanced(run) and not stages()


def test_how_many_faults_a_source_allows_is_its_own_setting(alice, load):
    source = source_for("switch")
    source.reject_percent = 60
    source.save()
    run = load(*(line(f"c{n}") for n in range(10)), *("x,never,y,z,1,answered,,\n" for _ in range(12)))
    assert (run.state, run.inserted, run.rejected) == (State.DONE, 10, 12)


def test_only_so_many_faults_are_listed_and_all_are_counted(alice, load, monkeypatch):
    monkeypatch.setattr(imports, "REJECTS_LISTED", 3)
    run = load(*("x,never,y,z,1,answered,,\n" for _ in range(12)))
    assert (run.rejected, run.rejects.count()) == (12, 3)


def test_equals_without_an_id_are_counted_over_the_whole_file_and_known_again(alice, tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "READ_ROWS", 2)
    monkeypatch.setattr(imports, "CHUNK_ROWS", 2)
    path = tmp_path / "cdr.csv"
    path.write_text(
        "calldate,src,dst,duration,billsec,disposition\n" + "2026-01-05 10:00,02079460101,101,1,1,ANSWERED\n" * 5
    )
    source = source_for("pbx", format="freepbx", time_zone="Europe/London", country="GB")
    first, again = (import_file(path, source=source, now=NOW) for _ in range(2))
    assert (first.inserted, first.duplicates) == (5, 0)
    assert (again.inserted, again.duplicates, again.revised) == (0, 5, 0)
    keys = sorted(CallDetailRecord.objects.values_list("source_key", flat=True))
    assert [key.rsplit("/", 1)[1] for key in keys] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("chunk", [1, 2, 3, 50])
def test_one_key_many_times_is_one_call_with_the_last_values_however_the_file_is_cut(alice, load, monkeypatch, chunk):
    monkeypatch.setattr(imports, "CHUNK_ROWS", chunk)
    run = load(*(line("a", cost=cost) for cost in ("1", "2", "2", "1")), line("b"))
    assert (run.inserted, run.revised, run.duplicates) == (2, 2, 1) and balanced(run)
    call = CallDetailRecord.objects.get(source_key="a")
    assert (int(call.cost), call.revision, call.run_id) == (1, 2, run.pk)


def test_somebody_who_calls_their_own_number_has_one_record(alice, load):
    run = load(line("a", OURS, OURS))
    assert (run.inserted, CallDetailRecord.objects.get().direction) == (1, "outbound")


def test_a_call_that_is_new_to_one_side_and_known_to_the_other_is_inserted(alice, load):
    load(line("a", OURS, OTHERS))
    factories.make_assignment(factories.make_workspace(), factories.make_number(OTHERS))
    run = load(line("a", OURS, OTHERS))
    assert (run.inserted, run.duplicates, run.revised, CallDetailRecord.objects.count()) == (1, 0, 0, 2)


def test_what_is_no_call_is_passed_over_and_is_no_fault(alice, load, tmp_path):
    path = tmp_path / "calls.json"
    path.write_text('[{"sid": "CA1", "status": "ringing", "from": "+442079460101", "to": "+13125550117"}]')
    run = import_file(path, source=source_for("provider"), now=NOW)
    assert (run.state, run.read, run.skipped, run.rejected, run.unattributed) == (State.DONE, 1, 1, 0, 0)
    assert run.rejects.get().code == "not_finished"


def test_a_run_that_is_cancelled_while_it_reads_has_stored_nothing(alice, monkeypatch):
    monkeypatch.setattr(imports, "READ_ROWS", 2)
    file = io.BytesIO((HEADER + "".join(line(f"c{n}") for n in range(6))).encode())
    run = open_run(source_for("switch"), file, file_name="x.csv")
    assert imports.ask_to_cancel(run, now=NOW)
    run = imports.carry_on(imports.claim(run.pk), file, now=NOW)
    assert (run.state, run.undone_at, CallDetailRecord.objects.count()) == (State.CANCELLED, None, 0)
    assert not stages() and not imports.ask_to_cancel(run, now=NOW)


def test_a_run_that_is_cancelled_while_it_stores_takes_back_what_it_has_stored_and_nothing_else(
    alice, load, monkeypatch
):
    factories.arm()
    load(line("before"), line("known"))
    monkeypatch.setattr(imports, "CHUNK_ROWS", 2)
    file = io.BytesIO((HEADER + "".join(line(key) for key in ("known", "c1", "c2", "c3", "c4"))).encode())
    run = open_run(source_for("switch"), file, file_name="x.csv")
    real = imports._take_chunk
    monkeypatch.setattr(imports, "_take_chunk", lambda *args: (real(*args), imports.ask_to_cancel(run, now=NOW))[0])
    run = imports.carry_on(imports.claim(run.pk), file, now=NOW)
    assert (run.state, run.undone_at, run.inserted) == (State.CANCELLED, NOW, 3 if run.inserted == 3 else 1)
    assert on_pages(CallDetailRecord.objects.all()).count() == 2
    carry_out(NOW, now=NOW)
    assert set(CallDetailRecord.objects.values_list("source_key", flat=True)) == {"before", "known"}
    assert imports.end_undone(NOW) == 1 and imports.end_undone(NOW) == 0


def test_when_the_database_breaks_down_the_file_is_read_again(alice, monkeypatch):
    monkeypatch.setattr(imports, "CHUNK_ROWS", 2)
    file = io.BytesIO((HEADER + "".join(line(f"c{n}") for n in range(5)) + "x,never,y,z,1,answered,,\n").encode())
    run = open_run(source_for("switch"), file, file_name="x.csv")
    ImportRun.objects.update(file_key="kept")
    run = imports.carry_on(imports.claim(run.pk), file, now=NOW, seconds=1e-9)
    run = imports.carry_on(imports.claim(run.pk), file, now=NOW, seconds=1e-9)
    assert run.inserted == 2
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {staging.table_of(run.pk)}")
    run = imports.carry_on(imports.claim(run.pk), None, now=NOW)
    assert (run.state, run.read, run.is_reading) == (State.RUNNING, 0, True)
    run = imports.carry_on(imports.claim(run.pk), file, now=NOW)
    assert (run.state, run.inserted, run.duplicates, run.rejected) == (State.DONE, 3, 2, 1) and balanced(run)
    assert CallDetailRecord.objects.count() == 5


def test_a_month_that_cannot_be_made_now_is_tried_again_and_nothing_is_lost(alice, monkeypatch):
    def in_use(table, month):
        raise MonthInUse("The month is in use.")

    real = imports.ensure_month
    monkeypatch.setattr(imports, "ensure_month", in_use)
    file = io.BytesIO((HEADER + line("a")).encode())
    run = open_run(source_for("switch"), file, file_name="x.csv")
    run = imports.carry_on(imports.claim(run.pk), file, now=NOW, seconds=30)
    assert (run.state, run.is_reading, run.read) == (State.RUNNING, True, 1)
    monkeypatch.setattr(imports, "ensure_month", real)
    run = imports.carry_on(imports.claim(run.pk), file, now=NOW, seconds=30)
    assert (run.state, run.read, run.inserted) == (State.DONE, 1, 1)


def test_a_staging_table_that_nobody_needs_is_dropped(alice):
    file = io.BytesIO((HEADER + line("a")).encode())
    run = open_run(source_for("switch"), file, file_name="x.csv")
    imports.carry_on(imports.claim(run.pk), file, now=NOW, seconds=1e-9)
    imports.end_abandoned(NOW)
    assert stages() == [run.pk]
    ImportRun.objects.update(state=State.REFUSED)
    imports.end_abandoned(NOW)
    assert not stages()


def test_a_run_that_never_ends_is_given_up_and_leaves_nothing(alice, monkeypatch):
    monkeypatch.setattr(imports, "CHUNK_ROWS", 1)
    file = io.BytesIO((HEADER + line("a") + line("b")).encode())
    run = open_run(source_for("switch"), file, file_name="x.csv")
    ImportRun.objects.update(created_at=NOW)
    for _ in range(2):
        run = imports.carry_on(imports.claim(run.pk), file, now=NOW, seconds=1e-9)
    assert (imports.end_abandoned(NOW + 2 * DAY), run.inserted, stages()) == (0, 1, [run.pk])
    assert imports.end_abandoned(NOW + 3 * DAY) == 1
    run.refresh_from_db()
    assert (run.state, run.undone_at, stages()) == (State.REFUSED, NOW + 3 * DAY, [])


def test_a_reading_that_has_found_only_faults_so_far_goes_on_where_it_was(alice, monkeypatch):
    monkeypatch.setattr(imports, "READ_ROWS", 2)
    file = io.BytesIO((HEADER + "x,never,y,z,1,answered,,\n" * 4 + line("a")).encode())
    run = open_run(source_for("switch"), file, file_name="x.csv")
    for read in (2, 4, 5):
        run = imports.carry_on(imports.claim(run.pk), file, now=NOW, seconds=1e-9)
        assert run.read == read
    run = imports.carry_on(imports.claim(run.pk), file, now=NOW)
    assert (run.state, run.rejected, run.inserted, balanced(run)) == (State.DONE, 4, 1, True)


def test_what_waits_of_an_undone_import_is_not_taken_up(load):
    run = load(line("a"))
    ImportRun.objects.filter(pk=run.pk).update(state=State.UNDONE, undone_at=NOW)
    assert take_up(factories.make_assignment(factories.make_workspace(), factories.make_number(OURS))) == 0
    assert not CallDetailRecord.objects.exists()


def test_the_same_bytes_read_in_the_same_way_are_known(alice, load):
    load(line("a"))
    file = io.BytesIO((HEADER + line("a")).encode())
    with pytest.raises(imports.KnownFile, match="The same file was imported on .*: 1 records"):
        open_run(source_for("switch"), file, file_name="copy.csv", again=False)
    assert open_run(source_for("switch", country="GB"), file, file_name="copy.csv", again=False)
    with pytest.raises(imports.KnownFile, match="is being imported already"):
        open_run(source_for("switch"), file, file_name="copy.csv", again=False)
    ImportRun.objects.update(state=State.UNDONE)
    assert open_run(source_for("switch"), file, file_name="copy.csv", again=False)


def test_an_import_is_undone_by_two_officers_and_can_be_done_again(alice, load, client):
    factories.arm()
    load(line("other"))
    run = load(line("a"), line("b"), line("n", THEIRS, "+442079460999"))
    first, second = factories.make_user(), factories.make_user()
    client.force_login(first)
    page = f"/admin/telecom_records/importrun/{run.pk}/"
    assert "Ask to undo" in client.get(f"{page}change/").content.decode()
    client.post(f"{page}undo/", {"_form_submitted": "True"})
    approval = Approval.objects.get()
    assert approval.summary.startswith("Undo the import") and "2 calls" in approval.summary
    with pytest.raises(approvals.UnableToApprove):
        approvals.decide(approval.pk, user=first, agree=True, now=timezone.now())
    approvals.decide(approval.pk, user=second, agree=True, now=timezone.now())
    run.refresh_from_db()
    assert run.state == State.UNDONE
    assert [call.source_key for call in on_pages(CallDetailRecord.objects.all())] == ["other"]
    assert "are hidden and are being deleted" in client.get(f"{page}change/").content.decode()
    now = timezone.now()
    carry_out(now, now=now)
    imports.end_undone(now)
    assert [call.source_key for call in CallDetailRecord.objects.all()] == ["other"]
    assert not WaitingCall.objects.exists()
    assert "are gone since" in client.get(f"{page}change/").content.decode()
    assert load(line("a"), line("b")).inserted == 2


def test_what_a_hold_keeps_stays_though_its_import_is_undone(alice, load):
    factories.arm()
    run = load(line("a"))
    officer = factories.make_user()
    place_hold(owner=officer, user=officer, now=NOW, workspace=alice, **PLACED)
    ImportRun.objects.update(state=State.UNDONE, undone_at=NOW)
    carry_out(NOW, now=NOW)
    assert CallDetailRecord.objects.count() == 1 and imports.end_undone(NOW) == 0
    run.refresh_from_db()
    assert run.undone_whole_at is None


def test_a_running_import_is_cancelled_on_its_page(alice, client):
    file = io.BytesIO((HEADER + line("a")).encode())
    run = open_run(source_for("switch"), file, file_name="x.csv")
    page = f"/admin/telecom_records/importrun/{run.pk}/"
    client.force_login(factories.make_user(role=AUDITOR))
    assert client.post(f"{page}cancel/", {"_form_submitted": "True"}).status_code == 403
    client.force_login(factories.make_user())
    assert "Cancel" in client.get(f"{page}change/").content.decode()
    client.post(f"{page}cancel/", {"_form_submitted": "True"})
    run.refresh_from_db()
    assert run.cancel_asked_at
    assert "ends at the next chunk" in client.get(f"{page}change/").content.decode()


def message(key: str, sender: str, recipient: str, *, at=NOW - DAY, status="delivered") -> ParsedMessage:
    return ParsedMessage(
        line=1, source_key=key, status=status, cost=None, currency="", time_source="explicit_offset",
        sender=classify(sender, "GB"), recipient=classify(recipient, "GB"), sent_at=at, segments=2,
    )  # fmt: skip


def test_messages_come_in_as_calls_do(alice, monkeypatch):
    rows = [message("m1", OURS, "PIZZA"), message("m1", OURS, "PIZZA", status="failed"), message("m2", THEIRS, OTHERS)]
    monkeypatch.setitem(FORMATS, "texts", Format(lambda file, settings: iter(rows), name="Texts", gives="messages"))
    source = source_for("texts", format="texts")
    file = io.BytesIO(b"x")
    run = open_run(source, file, file_name="x")
    run = imports.carry_on(imports.claim(run.pk), file, now=NOW)
    assert (run.kind, run.inserted, run.revised, run.skipped, run.unattributed) == ("messages", 1, 1, 1, 1)
    sent = SmsRecord.objects.get()
    assert (sent.workspace, sent.other_party, sent.other_party_kind, sent.status, sent.segments, sent.revision) == (
        alice, "PIZZA", "alphanumeric", "failed", 2, 1,
    )  # fmt: skip
    later = factories.make_workspace()
    assert take_up(factories.make_assignment(later, factories.make_number(OTHERS))) == 1
    assert SmsRecord.objects.get(workspace=later).direction == "inbound"
