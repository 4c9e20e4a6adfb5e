"""Two workspaces that share somebody are emptied one after the other, and she leaves with the last."""

import pytest

from accounts.models import EvidenceEntry, Membership, Person
from retention import jobs
from retention.models import DeletionJob
from tests import factories
from tests.factories import NOW
from tests.retention.state import everything, lost, models_that_go

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_jobs(settings):
    """Alice's and Carol's workspaces are due; Alice is in both, with a document in each."""
    settings.RETENTION_BATCH_ROWS = 2
    factories.arm()
    first, second = factories.make_customer(), factories.make_customer()
    shared = first.memberships.get().person
    Membership.objects.create(workspace=second, person=shared, since=NOW - factories.DAY)
    factories.make_kyc(shared, second)
    factories.correct(first)
    jobs.schedule_due(NOW)
    return [DeletionJob.objects.get(workspace=workspace) for workspace in (first, second)]


def finish(job: DeletionJob) -> DeletionJob:
    DeletionJob.objects.filter(pk=job.pk).update(lease_until=None)
    while (turn := jobs.run_job(job.pk, now=NOW)) and turn.state == DeletionJob.State.RUNNING:
        pass
    return DeletionJob.objects.get(pk=job.pk)


@pytest.mark.parametrize("batches", [0, 3, 8])
def test_the_second_waits_until_the_first_is_over(two_jobs, batches):
    first, second = two_jobs
    assert jobs.begin([first.pk], now=NOW)
    for _ in range(batches):
        jobs.run_job(first.pk, now=NOW, seconds=0)
    waiting = jobs.run_job(second.pk, now=NOW)
    assert (waiting.state, waiting.attempts, waiting.intent_sequence) == (DeletionJob.State.PENDING, 0, None)
    assert "another workspace" in waiting.stopped_because
    assert jobs.run_job(second.pk, now=NOW) is None  # it looks again a little later, not at once


@pytest.mark.parametrize("batches", [0, 3, 8, 12, 15, 99])
def test_whenever_the_second_comes_everything_is_counted_once_and_goes(two_jobs, batches):
    first, second = two_jobs
    before = everything()
    assert jobs.begin([first.pk], now=NOW)
    for _ in range(batches):
        jobs.run_job(first.pk, now=NOW, seconds=0)
    jobs.run_job(second.pk, now=NOW)
    for job in (finish(first), finish(second)):
        assert (job.state, job.destroyed, job.stopped_because) == (DeletionJob.State.DONE, job.planned, "")
    assert set(lost(before, everything())) == models_that_go() | {"files"}
    assert not Person.objects.exists()
    assert EvidenceEntry.objects.filter(type="INTENT").count() == 2


def test_those_who_share_nobody_do_not_wait(two_jobs):
    alone = factories.make_customer()
    jobs.schedule_due(NOW)
    assert jobs.begin([two_jobs[0].pk], now=NOW)
    assert jobs.begin([DeletionJob.objects.get(workspace=alone).pk], now=NOW)
