"""Holds against batches that are under way: real connections, an event in the middle of a batch, no sleep."""

import contextlib
import datetime as dt
import threading

import pytest
from django.db import connection

from accounts.models import EvidenceEntry, Workspace
from retention import deletion, jobs, keeping
from retention.holds import UnableToHold, place_hold
from retention.models import DeletionJob, Hold
from telecom_records.models import CallDetailRecord, Recording
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.test_holds import in_threads

pytestmark = pytest.mark.django_db(transaction=True)
PLACED = {"reason": "Dispute", "authority": "Order 1", "review_on": NOW.date() + dt.timedelta(days=30)}
NUMBER = "+442079460777"


def hold(officer, **covers) -> Hold:
    return place_hold(owner=officer, user=officer, now=NOW, **PLACED, **covers)


def somebody_waits_for_the_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", [keeping.LOCK]
        )
        return bool(cursor.fetchone()[0])


def hold_in_the_middle_of_a_batch(monkeypatch, officer) -> Hold | UnableToHold:
    """Let a batch by age choose its row, then place a hold on that row from another connection; return what came of it."""
    inside, go_on = threading.Event(), threading.Event()
    cut_links = deletion._cut_links

    def wait_then_destroy(*chosen):
        inside.set()
        assert go_on.wait(30)
        cut_links(*chosen)

    monkeypatch.setattr(deletion, "_cut_links", wait_then_destroy)
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get(rule="subscriber_recording")
    outcome: list = []

    def work():
        with contextlib.closing(connection):
            jobs.run_job(job.pk, now=NOW)

    def place():
        with contextlib.closing(connection):
            assert inside.wait(30)
            try:
                outcome.append(hold(officer, number=NUMBER))
            except UnableToHold as error:
                outcome.append(error)

    threads = [threading.Thread(target=work), threading.Thread(target=place)]
    for thread in threads:
        thread.start()
    assert inside.wait(30)
    while not outcome and threads[1].is_alive() and not somebody_waits_for_the_lock():
        pass
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert len(outcome) == 1
    return outcome[0]


@pytest.fixture
def old_recording():
    factories.arm("subscriber_recording")
    customer = factories.make_customer(expires_at=NOW + 400 * DAY)
    recording = customer.recordings.get()
    Recording.objects.filter(pk=recording.pk).update(started_at=NOW - 50 * DAY, other_party=NUMBER)
    return recording


def test_a_hold_in_the_middle_of_a_batch_waits_and_is_told_that_the_row_is_gone(monkeypatch, old_recording):
    outcome = hold_in_the_middle_of_a_batch(monkeypatch, factories.make_user())
    assert isinstance(outcome, UnableToHold)
    assert not Recording.objects.filter(pk=old_recording.pk).exists()
    assert EvidenceEntry.objects.filter(type="HOLD_REFUSED").count() == 1


def test_without_the_lock_a_hold_would_be_accepted_whose_row_disappears(monkeypatch, old_recording):
    """The broken variant, kept: this is what the lock is for, and the race above would see it."""
    monkeypatch.setattr(keeping, "against_deletions", lambda: None)
    monkeypatch.setattr(keeping, "against_new_keepers", lambda: None)
    outcome = hold_in_the_middle_of_a_batch(monkeypatch, factories.make_user())
    assert isinstance(outcome, Hold)
    assert not Recording.objects.filter(pk=old_recording.pk).exists()


def test_a_hold_between_two_batches_keeps_every_row_that_is_not_gone(settings):
    settings.RETENTION_BATCH_ROWS = 1
    factories.arm("subscriber_recording")
    customer, officer = factories.make_customer(expires_at=NOW + 400 * DAY), factories.make_user()
    for _ in range(3):
        factories.make_recording(customer)
    Recording.objects.update(started_at=NOW - 50 * DAY, other_party=NUMBER)
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    jobs.run_job(job.pk, now=NOW, seconds=0)
    assert Recording.objects.count() == 3
    hold(officer, number=NUMBER)
    while jobs.run_job(job.pk, now=NOW):
        pass
    job.refresh_from_db()
    assert (job.state, Recording.objects.count()) == (DeletionJob.State.DONE, 3)
    done = EvidenceEntry.objects.get(subject=str(job.pk), type="DONE")
    assert done.body["not_by_this_job"] == {"telecom_records.Recording": 3}


@pytest.mark.parametrize("_", range(4))
def test_a_narrow_hold_and_an_expiry_that_start_together_agree_on_who_was_first(_):
    factories.arm("workspace_expiry")
    workspace, officer = factories.make_customer(), factories.make_user()
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    placed, _ran = in_threads(
        lambda: hold(officer, categories=["telecom_records.CallDetailRecord"]), lambda: jobs.run_job(job.pk, now=NOW)
    )
    while jobs.run_job(job.pk, now=NOW):
        pass
    workspace.refresh_from_db()
    job.refresh_from_db()
    assert job.state == DeletionJob.State.DONE
    calls = CallDetailRecord.objects.filter(workspace=workspace).count()
    if isinstance(placed, Hold):
        assert (workspace.state, calls) == (Workspace.State.REMAINDER, 4)
    else:
        assert isinstance(placed, UnableToHold)
        assert (workspace.state, calls) == (Workspace.State.EMPTIED, 0)


def test_many_holds_and_many_deletions_never_wait_for_each_other_in_a_ring():
    factories.arm()
    customers, officer = [factories.make_customer() for _ in range(3)], factories.make_user()
    jobs.schedule_due(NOW)
    ids = list(DeletionJob.objects.values_list("pk", flat=True))
    acts = [lambda job_id=job_id: jobs.run_job(job_id, now=NOW) for job_id in ids]
    acts += [lambda one=one: hold(officer, workspace=one) for one in customers]
    for result in in_threads(*acts):
        assert not isinstance(result, Exception) or isinstance(result, UnableToHold)
