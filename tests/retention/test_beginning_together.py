"""Deletions that begin together, in one transaction, begin as each of them would have begun alone."""

import pytest
from django.test import TestCase

from accounts import evidence, keys
from accounts.models import EvidenceEntry, KeyPair, Membership, Subscription, Workspace
from retention import jobs, planning, purge, tasks
from retention.holds import place_hold
from retention.models import DeletionJob, ErasedPerson, Tombstone
from retention.upstream import notices
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.recipients import make_recipient
from tests.retention.state import everything, lost, models_that_go

pytestmark = pytest.mark.django_db
State = DeletionJob.State


@pytest.fixture(autouse=True)
def armed(settings):
    factories.arm()
    settings.RETENTION_BATCH_ROWS = 5


def begin_all() -> list[DeletionJob]:
    jobs.schedule_due(NOW)
    ids = list(DeletionJob.objects.values_list("pk", flat=True))
    with TestCase.captureOnCommitCallbacks(execute=True):
        jobs.begin_jobs(ids, now=NOW)
    return list(DeletionJob.objects.order_by("workspace__outside_id"))


def hold(officer, **covers):
    words = {"reason": "Dispute", "authority": "Order 1", "review_on": (NOW + 30 * DAY).date()}
    return place_hold(owner=officer, user=officer, now=NOW, **words, **covers)


def can_read(workspace) -> bool:
    try:
        return bool(keys.identity_of(KeyPair.Owner.WORKSPACE, workspace.pk))
    except keys.KeyDestroyed:
        return False


def test_each_is_planned_counted_and_remembered_as_if_it_were_alone():
    customers = [factories.make_customer(calls=calls) for calls in (1, 2, 3)]
    factories.make_kyc(customers[0].memberships.get().person)  # of no workspace: it leaves with its person
    factories.correct(customers[0])
    alone = {pk: planning.count_planned(planning.whole(pk, rule="workspace_expiry", cutoff=NOW))
             for pk in (customer.pk for customer in customers)}  # fmt: skip

    begun = begin_all()

    assert [job.state for job in begun] == [State.RUNNING] * 3
    assert {job.workspace_id: job.planned for job in begun} == alone
    assert len({job.planned["telecom_records.CallDetailRecord"] for job in begun}) == 3, "or it proves nothing"
    assert not any(can_read(customer) for customer in customers)
    assert [job.lease_until for job in begun] == [None] * 3 and all(job.outside_at for job in begun)
    for model in (Tombstone, ErasedPerson):
        assert set(model.objects.values_list("job", flat=True)) == {job.pk for job in begun}
    entries = EvidenceEntry.objects.filter(type="INTENT")
    assert {entry.subject: entry.body["planned"] for entry in entries} == {str(job.pk): job.planned for job in begun}
    assert {job.intent_sequence for job in begun} == set(entries.values_list("sequence", flat=True))
    assert evidence.broken_entry() is None

    before = everything()
    done = purge.carry_out(NOW, now=NOW)
    assert [(job.state, job.destroyed) for job in done] == [(State.DONE, job.planned) for job in done]
    assert set(lost(before, everything())) == models_that_go() | {"files"}


def test_one_that_is_held_renewed_or_kept_in_part_changes_nothing_for_the_others():
    officer = factories.make_user()
    goes, held, renewed, in_part = (factories.make_customer() for _ in range(4))
    hold(officer, workspace=held)
    hold(officer, workspace=in_part, categories=["accounts.KycDocument"])
    jobs.schedule_due(NOW)
    Subscription.objects.filter(workspace=renewed).update(expires_at=NOW + 30 * DAY)

    begun = begin_all()

    states = {job.workspace_id: job.state for job in begun}
    assert (states[goes.pk], states[in_part.pk]) == (State.RUNNING, State.RUNNING)
    assert (states[held.pk], states[renewed.pk]) == (State.HELD, State.CANCELLED)
    assert [can_read(customer) for customer in (goes, held, renewed, in_part)] == [False, True, True, False]
    kept = {job.workspace_id: job.kept.get("rows") for job in begun}
    assert kept[in_part.pk]["accounts.KycDocument"] == 1 and not kept[goes.pk]
    (still_readable,) = in_part.kyc_documents.all()
    assert still_readable.file_key and KeyPair.objects.filter(owner=KeyPair.Owner.KEEPER, destroyed_at=None).exists()


def test_of_those_who_share_somebody_the_first_begins_and_she_leaves_with_the_last():
    first, second, third = (factories.make_customer() for _ in range(3))
    shared = first.memberships.get().person
    Membership.objects.create(workspace=second, person=shared, since=NOW - DAY)

    begun = begin_all()

    states = {job.workspace_id: job.state for job in begun}
    assert sorted((states[first.pk], states[second.pk])) == [State.PENDING, State.RUNNING]
    assert states[third.pk] == State.RUNNING
    waiting = DeletionJob.objects.get(state=State.PENDING)
    assert "another workspace" in waiting.stopped_because
    assert all(str(shared.pk) not in job.scope.get("accounts.Person", []) for job in begun)
    DeletionJob.objects.update(lease_until=None)
    purge.carry_out(NOW, now=NOW)
    DeletionJob.objects.update(lease_until=None)
    purge.carry_out(NOW, now=NOW)
    assert not type(shared).objects.exists()
    assert Workspace.objects.filter(state="emptied").count() == 3


def test_one_that_cannot_be_begun_keeps_no_other_one_back(monkeypatch):
    good, bad = factories.make_customer(), factories.make_customer()
    plan = planning.plan

    def breaks(workspace_ids, **fields):
        if bad.pk in workspace_ids:
            raise OSError("power cut")
        return plan(workspace_ids, **fields)

    monkeypatch.setattr(planning, "plan", breaks)

    begin_all()

    assert DeletionJob.objects.get(workspace=good).state == State.RUNNING and not can_read(good)
    failed = DeletionJob.objects.get(workspace=bad)
    assert (failed.state, failed.attempts, failed.lease_until) == (State.PENDING, 1, None) and can_read(bad)


def test_what_another_worker_has_in_hand_is_left_to_it():
    mine, theirs = factories.make_customer(), factories.make_customer()
    jobs.schedule_due(NOW)
    assert jobs.claim(DeletionJob.objects.get(workspace=theirs).pk)

    begin_all()

    assert DeletionJob.objects.get(workspace=mine).state == State.RUNNING
    assert DeletionJob.objects.get(workspace=theirs).state == State.PENDING and can_read(theirs)


def test_the_questions_do_not_grow_with_the_workspaces(django_assert_max_num_queries):
    """Six begin with two more statements each than two: their state, and whether keepers have ended."""
    counts = []
    for many in (2, 6):
        for _ in range(many):
            factories.make_customer()
        jobs.schedule_due(NOW)
        ids = list(DeletionJob.objects.filter(state=State.PENDING).values_list("pk", flat=True))
        with django_assert_max_num_queries(1_000) as asked:
            assert jobs.begin_jobs(ids, now=NOW) == many
        counts.append(len(asked))
    assert counts[1] - counts[0] <= 2 * 4


def test_each_has_notices_of_its_own():
    recipient = make_recipient()
    customers = [factories.make_customer() for _ in range(3)]
    begun = begin_all()
    found = notices.Notice.objects.filter(recipient=recipient)
    assert {notice.job_id for notice in found} == {job.pk for job in begun}
    assert len(customers) == found.count() == notices.NoticeContent.objects.count()


def test_what_waits_to_begin_never_stands_behind_what_has_begun(monkeypatch):
    """The turns to begin are over before any deletion is asked to be carried on."""
    for _ in range(3):
        factories.make_customer()
    jobs.schedule_due(NOW)
    sent: list[str] = []
    monkeypatch.setattr(tasks.begin_deletions, "delay", lambda: sent.append("begin"))
    monkeypatch.setattr(tasks.run_deletion, "delay", lambda job_id: sent.append("carry on"))
    monkeypatch.setattr(tasks.stops, "clock_is_right", lambda now: True)
    monkeypatch.setattr(tasks, "BEGUN_TOGETHER", 1)

    tasks.wake()
    assert sent == ["begin"] * tasks.BEGINNERS

    sent.clear()
    monkeypatch.setattr(tasks, "TURN_SECONDS", 0)
    tasks.begin_deletions()  # the turn is over after the first
    assert (sent, DeletionJob.objects.filter(state=State.RUNNING).count()) == (["begin"], 1)

    sent.clear()
    monkeypatch.setattr(tasks, "TURN_SECONDS", 30)
    tasks.begin_deletions()
    assert (sent, DeletionJob.objects.filter(state=State.RUNNING).count()) == (["carry on"] * 3, 3)
