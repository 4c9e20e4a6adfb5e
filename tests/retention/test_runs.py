"""Runs: what was frozen is what goes, the first ones go first, and a stopped run starts by no path until it is decided."""

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts import approvals
from accounts.models import Approval, EvidenceEntry, Subscription, Workspace
from retention import jobs, runs, tasks
from retention.approved_actions import ask_to_end_reprieves, ask_to_let_go_on
from retention.models import BreakerLimit, DeletionJob, DeletionRun, Reprieve, Rule
from retention.purge import carry_out
from telecom_records.models import FreeToolSession
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost
from tests.retention.test_breaker import HOUR, low_limits, make_due, make_sessions  # noqa: F401
from tests.retention.test_holds import hold, in_threads

pytestmark = pytest.mark.django_db
State = DeletionRun.State
Job = DeletionJob.State


@pytest.fixture(autouse=True)
def armed():
    factories.arm()


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def second():
    return factories.make_user()


@pytest.fixture
def stopped(low_limits) -> DeletionRun:  # noqa: F811
    """A run of eleven surprises, one more than go without a decision; one of the workspaces has rows of every kind."""
    factories.make_customer(expires_at=NOW - HOUR)
    make_due(10)
    jobs.schedule_due(NOW)
    run = DeletionRun.objects.get()
    assert run.state == State.STOPPED
    return run


def states() -> set[str]:
    return set(Workspace.objects.values_list("state", flat=True))


def test_a_run_is_frozen_with_its_count_and_digest_and_the_evidence_says_so():
    make_due(3, known=True)
    jobs.schedule_due(NOW)
    run = DeletionRun.objects.get()
    assert run.digest == runs.digest_of(run.jobs.all())
    body = EvidenceEntry.objects.get(type="RUN_FROZEN", subject=str(run.pk)).body
    assert (body["deletions"], body["amount"], body["digest"]) == (3, 3, run.digest)
    job = run.jobs.first()
    job.due_at += HOUR
    assert runs.digest_of([job, *run.jobs.exclude(pk=job.pk)]) != run.digest


def start_by_the_worker(run):
    for job in run.jobs.all():
        tasks.run_deletion(str(job.pk))


def start_by_the_beginner(run):
    for job in run.jobs.all():
        jobs.begin_jobs([job.pk], now=timezone.now())


def start_by_the_command(run):
    call_command("purge_expired", "--commit")


def start_by_retry(run):
    user = factories.make_user()
    DeletionJob.objects.filter(run=run).update(state=Job.QUARANTINED)
    for job in run.jobs.all():
        jobs.retry(job, user=user)
        jobs.run_job(job.pk, now=NOW)


def start_by_pause_and_resume(run):
    user = factories.make_user()
    for job in run.jobs.all():
        jobs.pause(job, user=user)
        jobs.resume(job, user=user)
        jobs.run_job(job.pk, now=NOW)


def start_by_a_second_scheduler(run):
    for later in (NOW, NOW + HOUR, NOW + DAY):
        jobs.release_held(later)
        carry_out(later, now=later)


def start_by_lifting_a_hold(run):
    user = factories.make_user()
    from retention.holds import lift_hold

    held = [hold(job.workspace, user) for job in run.jobs.select_related("workspace")]
    carry_out(NOW, now=NOW)
    for placed in held:
        lift_hold(placed.pk, user=user, now=NOW)
    carry_out(NOW, now=NOW)


@pytest.mark.parametrize(
    "start",
    [
        start_by_the_worker,
        start_by_the_beginner,
        start_by_the_command,
        start_by_retry,
        start_by_pause_and_resume,
        start_by_a_second_scheduler,
        start_by_lifting_a_hold,
    ],
)
def test_no_path_starts_a_deletion_of_a_stopped_run(stopped, start):
    before = everything()
    start(stopped)
    assert lost(before, everything()) == {}
    assert not EvidenceEntry.objects.filter(type="INTENT").exists()
    assert states() == {Workspace.State.HIDDEN}


def test_a_job_without_a_run_does_not_begin():
    workspace = factories.make_customer()
    job = DeletionJob.objects.create(
        rule=Rule.objects.get(pk="workspace_expiry"),
        workspace=workspace,
        due_at=workspace.ends_at or NOW - DAY,
        cutoff=NOW,
    )
    assert not jobs.begin([job.pk], now=NOW)
    carry_out(NOW, now=NOW)  # freezes it first
    job.refresh_from_db()
    assert (job.state, job.run.state) == (Job.DONE, State.OVER)


def test_two_officers_let_exactly_what_was_frozen_go_on(stopped, officer, second):
    renewed, held = stopped.jobs.order_by("pk")[:2]
    Subscription.objects.filter(workspace=renewed.workspace_id).update(expires_at=NOW + 100 * DAY)
    hold(held.workspace, officer)
    asked = ask_to_let_go_on(stopped, user=officer, now=NOW)
    assert "delete 11 workspaces" in asked.summary
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(asked.pk, user=officer, agree=True, now=NOW)
    assert states() == {Workspace.State.HIDDEN}
    added = make_due(2)
    jobs.schedule_due(NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    for job_id in jobs.runnable():
        jobs.run_job(job_id, now=NOW)
    by_state = {
        state: set(Workspace.objects.filter(state=state).values_list("pk", flat=True)) for state in Workspace.State
    }
    chosen = set(stopped.jobs.values_list("workspace", flat=True))
    assert by_state[Workspace.State.EMPTIED] == chosen - {renewed.workspace_id, held.workspace_id}
    assert {workspace.pk for workspace in added} <= by_state[Workspace.State.HIDDEN]
    renewed.refresh_from_db()
    held.refresh_from_db()
    assert (renewed.state, held.state) == (Job.CANCELLED, Job.HELD)
    jobs.schedule_due(NOW)
    assert by_state and Workspace.objects.get(pk=renewed.workspace_id).state == Workspace.State.ACTIVE
    fresh = DeletionRun.objects.exclude(pk=stopped.pk).get()
    assert set(fresh.jobs.values_list("workspace", flat=True)) == {workspace.pk for workspace in added}
    assert fresh.state == State.GOING  # what two officers let go on is no surprise any more


def test_the_approval_is_void_when_its_deletions_are_not_those_that_were_frozen(stopped, officer, second):
    asked = ask_to_let_go_on(stopped, user=officer, now=NOW)
    stranger = make_due(1)[0]
    DeletionJob.objects.create(
        rule=stopped.rule, workspace=stranger, due_at=NOW - HOUR, cutoff=NOW, run=stopped, surprise=True
    )
    with pytest.raises(approvals.UnableToApprove, match="asked for again"):
        approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    asked = ask_to_let_go_on(stopped, user=officer, now=NOW)
    with pytest.raises(approvals.UnableToApprove, match="not those that were frozen"):
        approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    stopped.refresh_from_db()
    assert stopped.state == State.STOPPED
    assert Approval.objects.get(pk=asked.pk).state == Approval.State.WAITING


def test_one_officer_calls_it_off_and_everything_is_shown_again_and_stays(stopped, officer):
    before = everything()
    assert runs.call_off(stopped.pk, reason="A wrong feed", user=officer, now=NOW) == 11
    assert states() == {Workspace.State.ACTIVE}
    for later in (NOW, NOW + DAY, NOW + 9 * DAY):
        assert carry_out(later, now=later) == []
    assert states() == {Workspace.State.ACTIVE}
    assert lost(before, everything()) == {}
    assert set(stopped.jobs.values_list("state", flat=True)) == {Job.CANCELLED}
    with pytest.raises(runs.UnableToDecide):
        runs.call_off(stopped.pk, reason="Again", user=officer, now=NOW)


def test_after_it_was_called_off_new_dates_count_again(stopped, officer):
    runs.call_off(stopped.pk, reason="A wrong feed", user=officer, now=NOW)
    corrected = stopped.jobs.first().workspace
    Subscription.objects.filter(workspace=corrected).update(expires_at=NOW + DAY)
    carry_out(NOW, now=NOW)
    assert Reprieve.objects.get(workspace=corrected).ending == Reprieve.Ending.CORRECTED
    carry_out(NOW + 2 * DAY, now=NOW + 2 * DAY)
    corrected.refresh_from_db()
    assert corrected.state == Workspace.State.EMPTIED
    assert Workspace.objects.filter(state=Workspace.State.ACTIVE).count() == 10


def test_two_officers_say_that_the_dates_were_right_after_all(stopped, officer, second):
    runs.call_off(stopped.pk, reason="A wrong feed", user=officer, now=NOW)
    asked = ask_to_end_reprieves(stopped, user=officer, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    assert set(Reprieve.objects.values_list("ending", flat=True)) == {Reprieve.Ending.OFFICERS}
    jobs.schedule_due(NOW)
    assert states() == {Workspace.State.HIDDEN}


def test_calling_a_run_by_age_off_lets_its_rule_observe(low_limits, officer):  # noqa: F811
    make_sessions(501)
    jobs.schedule_due(NOW)
    run = DeletionRun.objects.get()
    assert run.state == State.STOPPED
    runs.call_off(run.pk, reason="A wrong clock", user=officer, now=NOW)
    assert Rule.objects.get(pk="free_tool_session").state == Rule.State.OBSERVING
    assert carry_out(NOW, now=NOW) == []
    assert FreeToolSession.objects.count() == 501


def test_a_row_that_comes_due_behind_the_freeze_is_not_taken_by_its_job(low_limits, officer, second):  # noqa: F811
    make_sessions(501)
    jobs.schedule_due(NOW)
    run = DeletionRun.objects.get()
    frozen = set(FreeToolSession.objects.values_list("pk", flat=True))
    make_sessions(3)  # written afterwards, as old as the others
    FreeToolSession.objects.filter(pk=min(frozen)).update(started_at=NOW)  # and one that was corrected
    asked = ask_to_let_go_on(run, user=officer, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    for job_id in jobs.runnable():
        jobs.run_job(job_id, now=NOW)
    left = set(FreeToolSession.objects.values_list("pk", flat=True))
    assert left & frozen == {min(frozen)} and len(left - frozen) == 3


def test_the_first_ten_go_first_and_the_rest_follows_when_they_are_done():
    make_due(25, known=True)
    jobs.schedule_due(NOW)
    run = DeletionRun.objects.get()
    first = set(run.jobs.filter(canary=True).values_list("pk", flat=True))
    assert (run.state, len(first)) == (State.CANARY, runs.CANARIES)
    assert set(jobs.runnable()) == first
    for rest in run.jobs.filter(canary=False):
        assert not jobs.begin([rest.pk], now=NOW)
    assert states() == {Workspace.State.HIDDEN}  # all of them, the first and the rest
    for job_id in first:
        assert run.jobs.filter(state=Job.PENDING).count() >= 15
        jobs.run_job(job_id, now=NOW)
    run.refresh_from_db()
    assert run.state == State.GOING
    carry_out(NOW, now=NOW)
    run.refresh_from_db()
    assert run.state == State.OVER and states() == {Workspace.State.EMPTIED}


def test_twenty_need_no_first_ones():
    make_due(20, known=True)
    jobs.schedule_due(NOW)
    assert DeletionRun.objects.get().state == State.GOING
    assert not DeletionJob.objects.filter(canary=True).exists()


def test_a_first_one_that_fails_stops_the_rest_for_a_decision(monkeypatch, officer, second):
    from retention import deletion

    make_due(25, known=True)
    jobs.schedule_due(NOW)
    run = DeletionRun.objects.get()
    with monkeypatch.context() as patch:
        patch.setattr(deletion, "remains", lambda scope: {"accounts.Person": 1})
        carry_out(NOW, now=NOW)
    run.refresh_from_db()
    assert (run.state, run.cause) == (State.STOPPED, DeletionRun.Cause.CANARY)
    assert run.jobs.filter(state=Job.PENDING).count() == 24
    assert carry_out(NOW, now=NOW) == []
    asked = ask_to_let_go_on(run, user=officer, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    carry_out(NOW, now=NOW)
    assert run.jobs.filter(state=Job.DONE).count() == 24
    assert run.jobs.filter(state=Job.QUARANTINED).count() == 1


def test_a_held_first_one_does_not_keep_the_rest_waiting(officer):
    made = make_due(25, known=True)
    hold(made[0], officer)
    carry_out(NOW, now=NOW)
    counts = {state: Workspace.objects.filter(state=state).count() for state in ("hidden", "emptied")}
    assert counts == {"hidden": 1, "emptied": 24}


def test_a_paused_deletion_stands_still_and_goes_on_where_it_was(officer, settings):
    settings.RETENTION_BATCH_ROWS = 2
    workspace = factories.make_customer(calls=9)
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    jobs.run_job(job.pk, now=NOW, seconds=0)
    jobs.pause(job, user=officer)
    before = everything()
    assert jobs.run_job(job.pk, now=NOW) is None and carry_out(NOW, now=NOW) == []
    assert lost(before, everything()) == {}
    jobs.resume(job, user=officer)
    jobs.run_job(job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.destroyed) == (Job.DONE, job.planned)
    for kind in ("INTENT", "DONE", "PAUSED", "RESUMED"):
        assert EvidenceEntry.objects.filter(type=kind, subject=str(job.pk)).count() == 1
    workspace.refresh_from_db()
    assert workspace.state == Workspace.State.EMPTIED


def test_a_pause_in_the_middle_of_a_turn_ends_it_at_the_batch(officer, monkeypatch, settings):
    settings.RETENTION_BATCH_ROWS = 2
    factories.make_customer(calls=9)
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    run_batch, paused = jobs.run_batch, []

    def batch_then_pause(job_id, entry, scope):
        rows = run_batch(job_id, entry, scope)
        if rows and not paused:
            paused.append(jobs.pause(job, user=officer))
        return rows

    monkeypatch.setattr(jobs, "run_batch", batch_then_pause)
    job = jobs.run_job(job.pk, now=NOW)
    assert job.state == Job.PAUSED and 0 < job.rows_destroyed < job.rows_planned


def test_one_deletion_is_called_off_before_it_begins_and_not_after(officer):
    workspace = factories.make_customer()
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    jobs.pause(job, user=officer)
    runs.call_off_one(job.pk, reason="A wrong date", user=officer)
    assert carry_out(NOW, now=NOW) == []
    workspace.refresh_from_db()
    assert workspace.state == Workspace.State.ACTIVE
    other = factories.make_customer()
    carry_out(NOW, now=NOW)
    with pytest.raises(runs.UnableToDecide, match="Too late"):
        runs.call_off_one(DeletionJob.objects.get(workspace=other).pk, reason="x", user=officer)


@pytest.mark.parametrize(
    ("state", "moves"),
    [
        (Job.DONE, set()),
        (Job.CANCELLED, set()),
        (Job.PAUSED, {Job.PENDING, Job.RUNNING, Job.CANCELLED}),
        (Job.RUNNING, {Job.DONE, Job.PAUSED, Job.QUARANTINED}),
    ],
)
def test_the_states_are_a_table_of_moves(state, moves):
    assert jobs.MOVES[state] == moves
    assert set(jobs.MOVES) == set(Job) and set(runs.MOVES) == set(State)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(4))
def test_calling_off_and_beginning_at_the_same_instant_agree_on_who_was_first(_):
    BreakerLimit.objects.filter(pk="surprises").update(value=10)
    officer, workspaces = factories.make_user(), [factories.make_customer(calls=1) for _ in range(2)]
    jobs.schedule_due(NOW)
    run = DeletionRun.objects.get()
    DeletionRun.objects.filter(pk=run.pk).update(state=State.STOPPED, cause="surprises")
    second = factories.make_user()
    asked = ask_to_let_go_on(DeletionRun.objects.get(), user=officer, now=NOW)
    results = in_threads(
        lambda: approvals.decide(asked.pk, user=second, agree=True, now=NOW),
        lambda: runs.call_off(run.pk, reason="Wrong", user=officer, now=NOW),
        *[lambda job_id=job.pk: jobs.run_job(job_id, now=NOW) for job in run.jobs.all()],
    )
    errors = [result for result in results if isinstance(result, Exception)]
    assert len(errors) == 1 and isinstance(errors[0], runs.UnableToDecide | approvals.UnableToApprove)
    run.refresh_from_db()
    intents = EvidenceEntry.objects.filter(type="INTENT").count()
    if run.state == State.CALLED_OFF:
        assert intents == 0
        assert {workspace.call_records.count() for workspace in workspaces} == {2}
    else:
        carry_out(NOW, now=NOW)
        assert states() == {Workspace.State.EMPTIED}


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_freeze_one_run():
    make_due(30)
    made = in_threads(*[lambda: jobs.schedule_due(NOW)] * 3)
    assert sorted(made) == [0, 0, 30]
    run = DeletionRun.objects.get()
    assert (run.amount, run.jobs.count()) == (30, 30)
