"""Whatever breaks in the middle, nothing is half done, and the next run ends in the same state."""

import pytest
from django.db import transaction

from accounts import evidence, files
from accounts.models import EvidenceEntry, StoredFile, Workspace
from retention import deletion, jobs
from retention.holds import place_hold
from retention.models import DeletionJob
from retention.purge import carry_out
from telecom_records.models import Recording
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost
from tests.retention.test_expiry import ids_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def armed(settings):
    factories.arm()
    settings.RETENTION_BATCH_ROWS = 2


def broken(times: int, real):
    """Return ``real`` as it fails from its ``times``-th call on, once."""
    calls = {"count": 0}

    def act(*args, **kwargs):
        calls["count"] += 1
        if calls["count"] == times:
            raise OSError("power cut")
        return real(*args, **kwargs)

    return act


@pytest.mark.parametrize("step", ["shred_keys", "destroy_batch", "_destroy_files", "remains", "blank_workspace"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_step_that_breaks_is_done_again_and_ends_the_same(monkeypatch, step, times):
    alice, bob = factories.make_customer(calls=7), factories.make_customer(expires_at=None)
    expected, before = ids_of(alice), everything()
    monkeypatch.setattr(deletion, step, broken(times, getattr(deletion, step)))
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    jobs.run_job(job.pk, now=NOW)
    (job,) = carry_out(NOW, now=NOW) or [DeletionJob.objects.get()]
    assert (job.state, job.destroyed) == (DeletionJob.State.DONE, job.planned)
    assert lost(before, everything()) == expected
    assert EvidenceEntry.objects.filter(type="INTENT").count() == EvidenceEntry.objects.filter(type="DONE").count() == 1
    bob.refresh_from_db()
    assert bob.state == Workspace.State.ACTIVE


def test_a_batch_of_nothing_counts_nothing():
    """Near miss: Django returns None, not 0, for a deletion of which it knows beforehand that it is empty."""
    emptied = factories.make_workspace()
    scope = deletion.Scope(workspace=emptied.pk, leaving={}, rule="workspace_expiry", cutoff=NOW)
    aged = deletion.Scope(workspace=None, leaving={}, rule="usage_record", cutoff=NOW)
    with transaction.atomic():
        for entry in deletion.maps_in_order("workspace_expiry"):
            if entry.model != "accounts.Workspace":
                assert deletion.destroy_batch(entry, scope) == (0, 0), entry.model
        for entry in deletion.maps_in_order("usage_record"):
            assert deletion.destroy_batch(entry, aged) == (0, 0), entry.model


def test_when_intent_cannot_be_written_nothing_is_destroyed(monkeypatch):
    alice = factories.make_customer()
    before = everything()
    jobs.schedule_due(NOW)
    monkeypatch.setattr(evidence, "append_entries", broken(1, evidence.append_entries))
    jobs.run_job(DeletionJob.objects.get().pk, now=NOW)
    alice.refresh_from_db()
    assert alice.state == Workspace.State.HIDDEN
    assert lost(before, everything()) == {}


def test_a_store_that_lies_stops_the_job_and_gives_no_receipt(monkeypatch):
    factories.make_customer()
    monkeypatch.setattr(files.LocalFolder, "delete", lambda self, *keys: None)
    jobs.schedule_due(NOW)
    job_id = DeletionJob.objects.get().pk
    for _ in range(jobs.MAX_ATTEMPTS + 1):  # the first one got somewhere
        jobs.run_job(job_id, now=NOW)
    job = DeletionJob.objects.get()
    assert job.state == DeletionJob.State.QUARANTINED
    assert "file store still has" in job.stopped_because
    assert not EvidenceEntry.objects.filter(type="DONE").exists()


def test_a_stopped_job_goes_on_when_an_officer_says_so(monkeypatch):
    factories.make_customer()
    with monkeypatch.context() as patch:
        patch.setattr(files.LocalFolder, "delete", lambda self, *keys: None)
        jobs.schedule_due(NOW)
        job_id = DeletionJob.objects.get().pk
        for _ in range(jobs.MAX_ATTEMPTS + 1):  # the first one got somewhere
            jobs.run_job(job_id, now=NOW)
    jobs.retry(DeletionJob.objects.get(), user=factories.make_user())
    assert jobs.run_job(job_id, now=NOW).state == DeletionJob.State.DONE


def test_a_short_turn_carries_on_where_it_stopped():
    factories.make_customer(calls=9)
    jobs.schedule_due(NOW)
    job_id = DeletionJob.objects.get().pk
    turns = 0
    while (job := jobs.run_job(job_id, now=NOW, seconds=0)) and job.state == DeletionJob.State.RUNNING:
        turns += 1
        assert turns < 200
    assert turns > 5
    assert job.state == DeletionJob.State.DONE


def test_what_is_left_behind_is_seen_by_the_other_path(monkeypatch):
    """The checker itself is checked: a deletion that skips a table must not get a receipt."""
    factories.make_customer()
    monkeypatch.setattr(jobs.deletion, "destroy_batch", skip_messages(deletion.destroy_batch))
    jobs.schedule_due(NOW)
    job = jobs.run_job(DeletionJob.objects.get().pk, now=NOW)
    while job.state == DeletionJob.State.RUNNING:
        job = jobs.run_job(job.pk, now=NOW)
    assert job.state == DeletionJob.State.QUARANTINED
    assert "1 messages" in job.stopped_because


def skip_messages(real):
    def act(entry, *rest, **options):
        return (0, 0) if entry.model == "telecom_records.SmsRecord" else real(entry, *rest, **options)

    return act


def test_the_receipt_is_bound_to_what_was_chosen():
    factories.make_customer()
    jobs.schedule_due(NOW)
    job = jobs.run_job(DeletionJob.objects.get().pk, now=NOW)
    intent, done = EvidenceEntry.objects.get(type="INTENT"), EvidenceEntry.objects.get(type="DONE")
    assert intent.body["manifest"] == done.body["manifest"] == jobs.intent.manifest_of(job)
    assert (done.body["intent"], done.body["destroyed"]) == (intent.sequence, intent.body["planned"])


def test_a_job_that_was_changed_after_its_intent_gets_no_receipt():
    factories.make_customer()
    jobs.schedule_due(NOW)
    job_id = DeletionJob.objects.get().pk
    jobs.run_job(job_id, now=NOW, seconds=0)
    job = DeletionJob.objects.get()
    assert job.scope["accounts.Person"]
    DeletionJob.objects.update(scope={**job.scope, "accounts.Person": []})
    while job.state == DeletionJob.State.RUNNING:
        job = jobs.run_job(job_id, now=NOW)
    assert job.state == DeletionJob.State.QUARANTINED
    assert not EvidenceEntry.objects.filter(type="DONE").exists()


def recordings_past_their_time(workspace, count: int) -> list[Recording]:
    made = [factories.make_recording(workspace, sound=b"RIFF" + bytes([place])) for place in range(count)]
    Recording.objects.filter(pk__in=[one.pk for one in made]).update(started_at=NOW - 40 * DAY)
    return made


class Killed(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


def killed_after(real):
    def act(*args, **kwargs):
        real(*args, **kwargs)
        raise Killed

    return act


@pytest.mark.parametrize("step", ["_destroy_files", "destroy_batch", "destroy_left"])
def test_what_is_held_after_a_batch_by_age_was_cut_short_has_its_files(monkeypatch, settings, step):
    """A transaction that rolls back brings rows back, and never a file: so the rows go first, for good."""
    settings.RETENTION_BATCH_ROWS = 2
    alice, officer = factories.make_workspace(), factories.make_user()
    made = recordings_past_their_time(alice, 5)
    jobs.schedule_due(NOW)
    job_id = DeletionJob.objects.get().pk
    with monkeypatch.context() as cut:
        cut.setattr(deletion, step, killed_after(getattr(deletion, step)))
        with pytest.raises(Killed):
            jobs.run_job(job_id, now=NOW)
    hold = {"reason": "Dispute", "authority": "Order 1", "owner": officer, "review_on": NOW.date() + 30 * DAY}
    place_hold(workspace=alice, user=officer, now=NOW, **hold)
    held = list(alice.recordings.order_by("pk"))
    assert len(held) >= 3
    DeletionJob.objects.update(lease_until=None)
    job = jobs.run_job(job_id, now=NOW)
    assert job.state == DeletionJob.State.DONE
    assert list(alice.recordings.order_by("pk")) == held
    for recording in held:
        assert files.read_encrypted(recording.file_key).startswith(b"RIFF")
    gone = {one.file_key for one in made} - {one.file_key for one in held}
    assert set(files.store().list()) == {one.file_key for one in held}
    assert set(StoredFile.objects.values_list("key", flat=True)) == {one.file_key for one in held}
    recordings = {"telecom_records.Recording": len(gone), "files": len(gone)} if gone else {}
    assert job.destroyed == recordings


def test_a_file_by_age_that_stays_stops_the_job_until_it_is_gone(monkeypatch):
    alice = factories.make_workspace()
    (recording,) = recordings_past_their_time(alice, 1)
    jobs.schedule_due(NOW)
    job_id = DeletionJob.objects.get().pk
    with monkeypatch.context() as lies:
        lies.setattr(files.LocalFolder, "delete", lambda self, *keys: None)
        for _ in range(jobs.MAX_ATTEMPTS + 1):
            jobs.run_job(job_id, now=NOW)
        job = DeletionJob.objects.get()
        assert job.state == DeletionJob.State.QUARANTINED
        assert "file store still has 1 of 1" in job.stopped_because
        assert not EvidenceEntry.objects.filter(type="DONE").exists()
    jobs.retry(job, user=factories.make_user())
    job = jobs.run_job(job_id, now=NOW)
    assert (job.state, job.destroyed, job.left) == ("done", {"telecom_records.Recording": 1, "files": 1}, {})
    assert not files.store().exists(recording.file_key)
