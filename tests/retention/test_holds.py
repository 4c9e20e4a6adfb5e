"""Holds: placed at once, lifted by two, and never overtaken by a deletion (real connections, a barrier, no sleep)."""

import datetime as dt
import threading

import pytest
from django.db import connection, transaction

from accounts import approvals
from accounts.models import Approval, EvidenceEntry, Workspace
from retention import jobs
from retention.approved_actions import LIFT_HOLD
from retention.holds import UnableToHold, place_hold
from retention.models import DeletionJob, Hold
from retention.purge import carry_out
from tests import factories
from tests.factories import NOW

PLACED = {"reason": "Dispute", "authority": "Order 1", "review_on": NOW.date() + dt.timedelta(days=30)}


def hold(workspace, officer) -> Hold:
    return place_hold(workspace=workspace, owner=officer, user=officer, now=NOW, **PLACED)


@pytest.mark.django_db
def test_a_hold_is_told_when_it_comes_too_late():
    factories.arm()
    workspace = factories.make_customer()
    carry_out(NOW, now=NOW)
    with pytest.raises(UnableToHold, match="Too late"):
        hold(workspace, factories.make_user())
    assert not Hold.objects.exists()
    assert EvidenceEntry.objects.filter(type="HOLD_REFUSED", subject=str(workspace.pk)).exists()


@pytest.mark.django_db
def test_lifting_a_hold_takes_a_second_officer():
    officer, second = factories.make_user(), factories.make_user()
    held = hold(factories.make_workspace(), officer)
    approval = approvals.ask(LIFT_HOLD, target=str(held.pk), summary="Lift", user=officer, now=NOW)
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(approval.pk, user=officer, agree=True, now=NOW)
    held.refresh_from_db()
    assert held.is_active
    approvals.decide(approval.pk, user=second, agree=True, now=NOW)
    held.refresh_from_db()
    assert (held.lifted_by, held.lifted_at) == (second, NOW)


@pytest.mark.django_db
def test_without_a_second_officer_the_portal_refuses():
    officer = factories.make_user()
    held = hold(factories.make_workspace(), officer)
    with pytest.raises(approvals.UnableToApprove, match="there is none"):
        approvals.ask(LIFT_HOLD, target=str(held.pk), summary="Lift", user=officer, now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["changed", "old"])
def test_an_approval_is_void_when_the_facts_have_changed_or_it_is_too_old(change):
    officer, second = factories.make_user(), factories.make_user()
    held = hold(factories.make_workspace(), officer)
    approval = approvals.ask(LIFT_HOLD, target=str(held.pk), summary="Lift", user=officer, now=NOW)
    now = NOW
    if change == "changed":
        Hold.objects.filter(pk=held.pk).update(review_on=dt.date(2030, 1, 1))
    else:
        now = NOW + approvals.APPROVAL_LIFE
    with pytest.raises(approvals.UnableToApprove, match="asked for again"):
        approvals.decide(approval.pk, user=second, agree=True, now=now)
    approval.refresh_from_db()
    held.refresh_from_db()
    assert (approval.state, held.is_active) == (Approval.State.VOID, True)


@pytest.mark.django_db
def test_the_database_refuses_an_approval_by_the_one_who_asked():
    officer = factories.make_user()
    factories.make_user()
    held = hold(factories.make_workspace(), officer)
    approval = approvals.ask(LIFT_HOLD, target=str(held.pk), summary="Lift", user=officer, now=NOW)
    with pytest.raises(Exception, match="approval_by_another_person"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(state="done", decided_by=officer, decided_at=NOW)


def in_threads(*acts) -> list:
    """Run each act in a thread with its own connection, all starting together; return their results or errors."""
    barrier, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place, act):
        try:
            barrier.wait(timeout=20)
            results[place] = act()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(6))
def test_a_hold_and_a_deletion_that_start_together_agree_on_who_was_first(_):
    factories.arm()
    workspace, officer = factories.make_customer(), factories.make_user()
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    placed, _ran = in_threads(lambda: hold(workspace, officer), lambda: jobs.run_job(job.pk, now=NOW))
    workspace.refresh_from_db()
    job.refresh_from_db()
    if isinstance(placed, Hold):
        assert (workspace.state, job.state) == (Workspace.State.HIDDEN, DeletionJob.State.HELD)
        assert workspace.call_records.count() == 4
    else:
        assert isinstance(placed, UnableToHold)
        assert (workspace.state, job.state) == (Workspace.State.EMPTIED, DeletionJob.State.DONE)


@pytest.mark.django_db(transaction=True)
def test_two_workers_on_one_job_write_one_intent_and_one_receipt():
    factories.arm()
    factories.make_customer(calls=40)
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    results = in_threads(*[lambda: jobs.run_job(job.pk, now=NOW)] * 3)
    assert not [result for result in results if isinstance(result, Exception)]
    while jobs.run_job(job.pk, now=NOW):
        pass
    job.refresh_from_db()
    assert (job.state, job.destroyed) == (DeletionJob.State.DONE, job.planned)
    for kind in ("INTENT", "DONE"):
        assert EvidenceEntry.objects.filter(type=kind, subject=str(job.pk)).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_make_one_job():
    factories.arm()
    factories.make_customer()
    made = in_threads(*[lambda: jobs.schedule_due(NOW)] * 3)
    assert not [result for result in made if isinstance(result, Exception)]
    assert DeletionJob.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_beats_have_one_tick():
    from retention.schedule import take_slot

    taken = in_threads(*[lambda: take_slot("x", now=NOW, every=dt.timedelta(seconds=15))] * 4)
    assert sorted(taken) == [False, False, False, True]


@pytest.mark.django_db(transaction=True)
def test_evidence_from_many_writers_has_no_gap():
    from accounts import evidence

    def write():
        for _ in range(10):
            with transaction.atomic():
                evidence.append_entry("RULE_ARMED", subject="x")

    results = in_threads(*[write] * 4)
    assert results == [None] * 4
    assert list(EvidenceEntry.objects.order_by("sequence").values_list("sequence", flat=True)) == list(range(1, 41))
    assert evidence.broken_entry() is None
