"""The file store and the rows of its files, compared both ways: reported, and destroyed by two officers only."""

import datetime as dt
import io
import os
import uuid

import pytest
from django.core.management import CommandError, call_command

from accounts import approvals, files, keys, stores
from accounts.models import Approval, EvidenceEntry, StoredFile
from accounts.roles import AUDITOR, PRIVACY_OFFICER, SECURITY_ADMINISTRATOR, SUPPORT_AGENT
from retention import deletion, reconcile
from retention.models import FileCheck, FileFinding
from retention.tasks import compare_files
from tests import factories
from tests.accounts.test_s3 import bucket  # noqa: F401  a fixture
from tests.factories import DAY

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 24, 3, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def officers():
    return [factories.make_user(PRIVACY_OFFICER, email=f"{name}@example.test") for name in ("mina", "otto")]


def store(words: bytes = b"words") -> StoredFile:
    key = files.put_encrypted(io.BytesIO(words), owner="person", owner_id=uuid.uuid4())
    return StoredFile.objects.get(pk=key)


def stray(name: str | None = None, *, stored_at=NOW - 2 * DAY, ending: str = "") -> str:
    """Put a file without a row into the folder."""
    key = name or keys.random_name()
    folder = files.store()
    folder.put(key, lambda file: file.write(b"x"))
    path = folder._path(key)
    if ending:
        path = path.rename(path.with_suffix(ending))
    os.utime(path, (stored_at.timestamp(), stored_at.timestamp()))
    return key


def found(kind: str) -> set[str]:
    return set(FileFinding.objects.filter(kind=kind, ended_at__isnull=True).values_list("key", flat=True))


def test_what_is_in_order_is_not_reported():
    for _ in range(5):
        store()
    check = reconcile.check_files(NOW)
    assert (check.files, check.rows, check.stray, check.missing, check.failed) == (5, 5, 0, 0, "")
    assert not FileFinding.objects.exists()


def test_both_directions_are_found_between_files_in_order():
    rows = sorted((store() for _ in range(9)), key=lambda row: row.key)
    strays = {stray() for _ in range(6)}
    gone = {rows[0].key, rows[4].key, rows[8].key}
    files.store().delete(*gone)
    check = reconcile.check_files(NOW)
    assert (check.files, check.rows, check.stray, check.missing) == (12, 9, 6, 3)
    assert (found("stray"), found("missing")) == (strays, gone)
    assert set(files.store().list()) == strays | {row.key for row in rows} - gone, "looking destroys nothing"


@pytest.mark.parametrize(("age", "reported"), [(DAY - SECOND, False), (DAY, True)])
@pytest.mark.parametrize("ending", ["", ".part"])
def test_a_file_younger_than_a_day_may_be_waiting_for_its_row(age, reported, ending):
    key = stray(stored_at=NOW - age, ending=ending)
    reconcile.check_files(NOW)
    assert found("stray") == ({key} if reported else set())


def test_a_name_that_is_not_ours_is_reported_and_never_destroyed(officers, settings):
    foreign = settings.FILES_ROOT / "passport of somebody.pdf"
    settings.FILES_ROOT.mkdir()
    foreign.write_bytes(b"x")
    os.utime(foreign, ((NOW - 2 * DAY).timestamp(),) * 2)
    reconcile.check_files(NOW)
    assert found("stray") == {"passport of somebody.pdf"}
    with pytest.raises(approvals.UnableToApprove, match="no file without a row"):
        reconcile.ask_to_destroy(user=officers[0], now=NOW)
    FileFinding.objects.update(agreed_at=NOW)
    with pytest.raises(ValueError):
        reconcile.destroy_agreed(NOW)
    assert foreign.exists()
    foreign.unlink()
    reconcile.check_files(NOW + DAY)
    assert FileFinding.objects.get().key == "", "such a name may say something, and is forgotten"


def test_two_officers_destroy_the_files_without_a_row_and_nothing_else(officers):
    row, part, young = store(), stray(ending=".part"), stray(stored_at=NOW)
    doomed = {stray(), stray(), part}
    reconcile.check_files(NOW)
    asked = reconcile.ask_to_destroy(user=officers[0], now=NOW)
    assert reconcile.destroy_agreed(NOW) == 0
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(asked.pk, user=officers[0], agree=True, now=NOW)
    approvals.decide(asked.pk, user=officers[1], agree=True, now=NOW)
    assert doomed <= set(files.store().list())
    assert reconcile.destroy_agreed(NOW) == 3
    assert set(files.store().list()) == {row.key, young}
    assert files.read_encrypted(row.key) == b"words"
    assert set(FileFinding.objects.values_list("key", "end")) == {(key, "destroyed") for key in doomed}
    entry = EvidenceEntry.objects.get(type="STRAY_FILES_DESTROYED")
    assert entry.body == {"files": 3}
    assert reconcile.destroy_agreed(NOW) == 0


def test_an_agreement_is_about_the_very_files_that_were_asked_for(officers):
    stray()
    reconcile.check_files(NOW)
    asked = reconcile.ask_to_destroy(user=officers[0], now=NOW)
    late = stray()
    reconcile.check_files(NOW)
    with pytest.raises(approvals.UnableToApprove, match="has changed"):
        approvals.decide(asked.pk, user=officers[1], agree=True, now=NOW)
    assert late in set(files.store().list())


def test_a_file_that_got_its_row_after_all_stays(officers):
    key = stray()
    reconcile.check_files(NOW)
    approvals.decide(reconcile.ask_to_destroy(user=officers[0], now=NOW).pk, user=officers[1], agree=True, now=NOW)
    StoredFile.objects.create(key=key, owner="person", owner_id=uuid.uuid4(), size=1, sha256="x")
    reconcile.destroy_agreed(NOW)
    assert files.store().exists(key)
    assert FileFinding.objects.get().end == "gone"


def test_findings_end_when_things_are_in_order_again():
    row, key = store(), stray()
    whole = files.store()._path(row.key).read_bytes()
    files.store().delete(row.key)
    reconcile.check_files(NOW)
    reconcile.check_files(NOW + DAY)
    assert FileFinding.objects.count() == 2, "seen twice is one finding"
    files.store().put(row.key, lambda file: file.write(whole))
    files.store().delete(key)
    reconcile.check_files(NOW + 2 * DAY)
    assert set(FileFinding.objects.values_list("end", flat=True)) == {"gone"}
    assert files.read_encrypted(row.key) == b"words"


def test_a_store_that_does_not_answer_proves_nothing(monkeypatch):
    row = store()
    files.store().delete(row.key)
    reconcile.check_files(NOW)

    def silent(self):
        raise files.UnableToAsk("The file store does not answer: ReadTimeoutError.")
        yield

    monkeypatch.setattr(stores.LocalFolder, "walk", silent)
    check = reconcile.check_files(NOW + DAY)
    assert check.failed.startswith("The file store does not answer")
    assert found("missing") == {row.key}, "a finding is not ended by a check that saw nothing"
    with pytest.raises(CommandError, match="does not answer"):
        call_command("reconcile_files")


def test_a_row_that_went_with_its_file_while_we_looked_is_no_alarm(monkeypatch):
    row = store()
    real = reconcile._really_missing

    def gone_meanwhile(missing):
        with deletion.transaction.atomic(), deletion.open_door():
            deletion._destroy_files([row.key])
        return real(missing)

    files.store().delete(row.key)
    monkeypatch.setattr(reconcile, "_really_missing", gone_meanwhile)
    check = reconcile.check_files(NOW)
    assert (check.missing, found("missing")) == (0, set())


def test_a_store_that_keeps_a_stray_file_is_not_believed(officers, monkeypatch):
    key = stray()
    reconcile.check_files(NOW)
    approvals.decide(reconcile.ask_to_destroy(user=officers[0], now=NOW).pk, user=officers[1], agree=True, now=NOW)
    with monkeypatch.context() as patch:
        patch.setattr(stores.LocalFolder, "delete", lambda self, *keys: None)
        with pytest.raises(deletion.UnableToDelete):
            reconcile.destroy_agreed(NOW)
    assert not EvidenceEntry.objects.filter(type="STRAY_FILES_DESTROYED").exists()
    assert found("stray") == {key}
    assert reconcile.destroy_agreed(NOW) == 1


def test_many_are_found_in_batches_and_written_down_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(reconcile, "BATCH", 2)
    monkeypatch.setattr(reconcile, "MOST_FINDINGS", 5)
    strays = {stray() for _ in range(7)}
    rows = [store() for _ in range(3)]
    check = reconcile.check_files(NOW)
    assert (check.files, check.rows, check.stray, check.missing) == (10, 3, 7, 0)
    assert len(found("stray")) == 5 and found("stray") < strays
    assert len(rows) == 3


def test_the_command_and_the_task_say_and_do_the_same():
    row = store()
    call_command("reconcile_files")
    files.store().delete(row.key)
    with pytest.raises(CommandError, match="1 rows have no file"):
        call_command("reconcile_files")
    before = FileCheck.objects.count()
    compare_files()
    compare_files()
    assert FileCheck.objects.count() == before + 1, "once a day"
    compare_files(asked=True)
    assert FileCheck.objects.count() == before + 2


def test_a_bucket_is_compared_too(bucket, officers):  # noqa: F811
    rows = [store() for _ in range(3)]
    bucket.put("strayfile", lambda file: file.write(b"x"))
    bucket.client.create_multipart_upload(Bucket=bucket.name, Key="portal/files/neverfinished")
    bucket.client.delete_object(Bucket=bucket.name, Key=f"portal/files/{rows[0].key}")  # hidden by a marker
    bucket.delete(rows[1].key)
    later = dt.datetime.now(dt.UTC) + 2 * DAY
    check = reconcile.check_files(later)
    assert (check.rows, check.failed) == (3, "")
    assert found("stray") == {"strayfile", "neverfinished"}
    assert found("missing") == {rows[0].key, rows[1].key}
    asked = reconcile.ask_to_destroy(user=officers[0], now=later)
    approvals.decide(asked.pk, user=officers[1], agree=True, now=later)
    assert reconcile.destroy_agreed(later) == 2
    assert set(bucket.list()) == {rows[0].key, rows[2].key}


@pytest.mark.parametrize(
    ("role", "may"),
    [(PRIVACY_OFFICER, True), (AUDITOR, False), (SUPPORT_AGENT, False), (SECURITY_ADMINISTRATOR, False)],
)
def test_who_asks_for_the_destruction(client, role, may):
    stray()
    reconcile.check_files(NOW)
    factories.make_user(PRIVACY_OFFICER, email="second@example.test")
    client.force_login(factories.make_user(role, email="first@example.test"))
    client.post("/admin/retention/filefinding/destroy/", {"_form_submitted": "True"})
    assert Approval.objects.filter(action=reconcile.DESTROY).exists() is may


def test_an_officer_sees_the_alarm_on_every_page(client, officers):
    row = store()
    files.store().delete(row.key)
    client.force_login(officers[0])
    assert "gone that should be there" not in client.get("/admin/").content.decode()
    reconcile.check_files(NOW)
    assert "1 stored file is gone that should be there" in client.get("/admin/").content.decode()
    finding = FileFinding.objects.get()
    page = client.get(f"/admin/retention/filefinding/{finding.pk}/change/").content.decode()
    assert row.key in page and "Find out why the file is gone" in page
