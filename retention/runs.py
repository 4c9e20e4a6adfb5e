"""Runs: what came due together is frozen, judged before any of it is destroyed, and goes on, first, or not at all.

A deletion belongs to the run that froze it and begins only as that run allows (``lets_begin``), whoever asks: a worker, a
second scheduler, the command, a message. A run that trips the breaker waits for a decision; what comes due meanwhile is
hidden and waits for the next run. Why it is so: docs/decisions/0005-the-breaker.md.
"""

import hashlib
import logging
import uuid
from collections.abc import Collection, Iterable

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from accounts import evidence
from accounts.evidence import rfc3339
from accounts.models import Subscription, User, Workspace
from retention import breaker, months, visibility
from retention.models import DeletionJob, DeletionRun, Reprieve, Rule
from retention.models.jobs import OPEN

log = logging.getLogger(__name__)

CANARY_ABOVE = 20  # deletions in a run; security.md e2
CANARIES = 10
Kind = DeletionRun.Kind
State = DeletionRun.State

MOVES: dict[str, set[str]] = {
    State.GOING: {State.OVER},
    State.CANARY: {State.GOING, State.STOPPED, State.OVER},
    State.STOPPED: {State.GOING, State.CANARY, State.CALLED_OFF},
    State.CALLED_OFF: set(),
    State.OVER: set(),
}


class UnableToDecide(ValueError):
    """The run cannot be let on or called off; the message says why, for the officer."""


def move(run: DeletionRun, state: str, **fields) -> None:
    """Bring a locked run into another state and save what goes with it. Raises UnableToDecide."""
    if state not in MOVES[run.state]:
        raise UnableToDecide(f"A run cannot go from “{run.get_state_display()}” to “{State(state).label}”.")
    run.state = state
    for name, value in fields.items():
        setattr(run, name, value)
    run.save(update_fields=["state", *fields])


def freeze_waiting() -> list[DeletionRun]:
    """Freeze the deletions that belong to no run yet, one run for each rule and kind, and judge each; return the runs.

    Must run inside the scheduler's transaction.
    """
    waiting = DeletionJob.objects.filter(run__isnull=True, state=DeletionJob.State.PENDING)
    kinds = waiting.order_by("rule", "surprise").values_list("rule", "surprise").distinct()
    return [_freeze(rule, waiting.filter(rule=rule, surprise=surprise)) for rule, surprise in list(kinds)]


def _freeze(rule: str, waiting: QuerySet[DeletionJob]) -> DeletionRun:
    jobs = list(waiting.order_by("due_at", "pk").select_for_update())
    of_workspaces = [job for job in jobs if job.workspace_id]
    run = DeletionRun(
        rule_id=rule,
        kind=Kind.SURPRISE if jobs[0].surprise else Kind.KNOWN,
        cutoff=max(job.cutoff for job in jobs),
        frozen_at=_database_time(),
        amount=len(of_workspaces) + sum(months.count_rows(job.scope) for job in jobs if not job.workspace_id),
        digest=digest_of(jobs),
        oldest_due_at=jobs[0].due_at,
        newest_due_at=jobs[-1].due_at,
    )
    many = len(jobs) > CANARY_ABOVE
    run.state = State.CANARY if many else State.GOING
    run.save(force_insert=True)
    ids = [job.pk for job in jobs]
    DeletionJob.objects.filter(pk__in=ids).update(run=run)
    if many:
        DeletionJob.objects.filter(pk__in=ids[:CANARIES]).update(canary=True)
    trip = breaker.judge(run)
    if trip:
        run.state, run.cause, run.stopped_because = State.STOPPED, trip.cause, trip.words
        run.save(update_fields=["state", "cause", "stopped_because"])
        log.error("run %s: stopped for a decision, %s: %s", run.pk, trip.cause, trip.words)
    evidence.append_entry(
        "RUN_FROZEN",
        subject=str(run.pk),
        body={
            "rule": rule,
            "kind": run.kind,
            "deletions": len(jobs),
            "amount": run.amount,
            "digest": run.digest,
            "oldest": rfc3339(run.oldest_due_at),
            "newest": rfc3339(run.newest_due_at),
        },
    )
    if trip:
        evidence.append_entry("RUN_STOPPED", subject=str(run.pk), body={"cause": trip.cause})
    return run


def digest_of(jobs: Iterable[DeletionJob]) -> str:
    """Return the SHA-256 of exactly these deletions: id, workspace, instant, and of rows by age the ids chosen."""
    digest = hashlib.sha256()
    for job in sorted(jobs, key=lambda job: str(job.pk)):
        rows = "" if job.workspace_id else hashlib.sha256(evidence.canonical(job.scope)).hexdigest()
        digest.update(
            f"{job.pk} {job.workspace_id or '-'} {rfc3339(job.due_at)} {rfc3339(job.cutoff)} {rows}\n".encode()
        )
    return digest.hexdigest()


def stopped_runs() -> QuerySet[DeletionRun]:
    """Return the runs that wait for a decision, the oldest first."""
    return DeletionRun.objects.filter(state=State.STOPPED).order_by("frozen_at", "pk")


def kinds_waiting(rule: str) -> set[str]:
    """Return the kinds of which a stopped run of this rule waits for a decision: nothing new of them is frozen till then."""
    return set(DeletionRun.objects.filter(rule=rule, state=State.STOPPED).values_list("kind", flat=True))


def states_for(job_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the states of deletions' runs, and keep them from changing until the transaction ends; none without a run.

    Called before the deletions themselves are locked: whoever decides about a run locks the run first.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, state FROM retention_deletionrun"
            " WHERE id IN (SELECT run_id FROM retention_deletionjob WHERE id = ANY(%s)) ORDER BY id FOR SHARE",
            [list(job_ids)],
        )
        states = dict(cursor.fetchall())
    runs = DeletionJob.objects.filter(pk__in=job_ids, run__in=list(states)).values_list("pk", "run")
    return {job_id: states[run_id] for job_id, run_id in runs}


def lets_begin(state: str, job: DeletionJob) -> bool:
    """Return whether a run in this state lets this deletion begin."""
    return state == State.GOING or (state == State.CANARY and job.canary)


def may_begin() -> Q:
    """Return the condition that ``lets_begin`` is, over deletions."""
    return Q(run__state=State.GOING) | Q(run__state=State.CANARY, canary=True)


def may_all_begin(run_id: uuid.UUID) -> bool:
    """Return whether the rest of a run need not wait for its first ones any more."""
    return DeletionRun.objects.filter(pk=run_id, state=State.GOING).exists()


def advance(run_id: uuid.UUID) -> str:
    """Look how far a run is: let the rest follow its first ones, stop it when one of them failed, close it when all is over.

    Returns the state in which it then is.
    """
    with transaction.atomic():
        run = DeletionRun.objects.select_for_update().get(pk=run_id)
        jobs = DeletionJob.objects.filter(run=run)
        if run.state == State.CANARY:
            first = jobs.filter(canary=True)
            if first.filter(state=DeletionJob.State.QUARANTINED).exists():
                _stop_for_canary(run)
            elif not first.filter(state__in=OPEN).exclude(state=DeletionJob.State.HELD).exists():
                move(run, State.GOING)
        if run.state == State.GOING and not jobs.filter(state__in=OPEN).exists():
            move(run, State.OVER)
    return run.state


def _stop_for_canary(run: DeletionRun) -> None:
    move(
        run,
        State.STOPPED,
        cause=DeletionRun.Cause.CANARY,
        stopped_because=f"One of the first {CANARIES} deletions stopped for a decision; none of the others has begun.",
    )
    evidence.append_entry("RUN_STOPPED", subject=str(run.pk), body={"cause": run.cause})
    log.error("run %s: stopped for a decision, %s", run.pk, run.cause)


def advance_all() -> None:
    """Look at every run whose first ones go first, or of which nothing is left to do."""
    left = DeletionJob.objects.filter(run=OuterRef("pk"), state__in=OPEN)
    runs = DeletionRun.objects.filter(Q(state=State.CANARY) | Q(state=State.GOING) & ~Exists(left))
    for run_id in list(runs.order_by("frozen_at", "pk").values_list("pk", flat=True)):
        advance(run_id)


def facts(run_id: str) -> dict[str, object]:
    """Return what an approval to let a run go on is bound to: exactly its deletions, as they are now."""
    run = DeletionRun.objects.get(pk=run_id)
    jobs = list(DeletionJob.objects.filter(run=run))
    return {"run": run_id, "state": run.state, "frozen": run.digest, "digest": digest_of(jobs), "deletions": len(jobs)}


def go_on(run_id: str, asked_by: User, approved_by: User, now) -> None:
    """Let a stopped run go on, by two officers: exactly what was frozen. What was renewed or is held drops out by itself.

    Raises UnableToDecide when its deletions are not those that were frozen.
    """
    run = DeletionRun.objects.select_for_update().get(pk=run_id)
    jobs = list(DeletionJob.objects.filter(run=run))
    if digest_of(jobs) != run.digest:
        raise UnableToDecide(
            "Its deletions are not those that were frozen. Call it off; the next run freezes them anew."
        )
    first_again = len(jobs) > CANARY_ABOVE and run.cause != DeletionRun.Cause.CANARY
    move(run, State.CANARY if first_again else State.GOING, decided_by=approved_by, decided_at=now)
    evidence.append_entry(
        "RUN_WENT_ON", subject=str(run.pk), body={"digest": run.digest, "by": [asked_by.pk, approved_by.pk]}
    )


def call_off(run_id: uuid.UUID, *, reason: str, user: User, now) -> int:
    """Call a stopped run off, by one officer: what has not begun is kept and shown again. Returns how many deletions.

    Its workspaces are not due until their dates are changed or two officers say so; a rule by age observes from now on.
    Raises UnableToDecide.
    """
    with transaction.atomic():
        run = DeletionRun.objects.select_for_update().get(pk=run_id)
        move(run, State.CALLED_OFF, decided_by=user, decided_at=now)
        jobs = list(not_begun(DeletionJob.objects.filter(run=run)).select_for_update())
        _keep(jobs, reason=reason, user=user)
        if any(job.workspace_id is None for job in jobs):
            Rule.objects.filter(pk=run.rule_id).update(state=Rule.State.OBSERVING, armed_at=None)
            evidence.append_entry("RULE_OBSERVES", subject=run.rule_id, body={"by": user.pk})
        evidence.append_entry("RUN_CALLED_OFF", subject=str(run.pk), body={"deletions": len(jobs), "by": user.pk})
    return len(jobs)


def call_off_one(job_id: uuid.UUID, *, reason: str, user: User) -> None:
    """Call one deletion of a workspace off before it has begun, as ``call_off`` does a run. Raises UnableToDecide."""
    with transaction.atomic():
        job = not_begun(DeletionJob.objects.filter(pk=job_id, workspace__isnull=False)).select_for_update().first()
        if job is None:
            raise UnableToDecide("Too late: this deletion has begun, or it is over.")
        _keep([job], reason=reason, user=user)


def not_begun(jobs: QuerySet[DeletionJob]) -> QuerySet[DeletionJob]:
    """Return those of the deletions of which nothing has been destroyed and that are not over, in the order of locking."""
    return jobs.filter(state__in=OPEN, intent_sequence__isnull=True).order_by("pk")


def _keep(jobs: list[DeletionJob], *, reason: str, user: User) -> None:
    ids = [job.pk for job in jobs]
    DeletionJob.objects.filter(pk__in=ids).update(
        state=DeletionJob.State.CANCELLED, lease_until=None, stopped_because=f"Called off by {user}."
    )
    Reprieve.objects.bulk_create(
        [
            Reprieve(workspace_id=job.workspace_id, job=job, reason=reason, granted_by=user, granted_at=Now())
            for job in jobs
            if job.workspace_id
        ],
        ignore_conflicts=True,
    )
    theirs = Workspace.objects.filter(deletion_jobs__in=ids, state=Workspace.State.HIDDEN)
    visibility.bring(theirs, to=Workspace.State.ACTIVE)
    for job in jobs:
        evidence.append_entry(
            "CANCELLED", subject=str(job.pk), body={"workspace": str(job.workspace_id or ""), "by": user.pk}
        )


def end_corrected_reprieves(now) -> int:
    """End the reprieves of workspaces whose dates were changed since: the new dates count. Returns how many."""
    changed = Subscription.objects.filter(workspace=OuterRef("workspace"), end_changed_at__gt=OuterRef("granted_at"))
    open_ones = Reprieve.objects.filter(Exists(changed), ended_at__isnull=True)
    return open_ones.update(ending=Reprieve.Ending.CORRECTED, ended_at=now)


def reprieves_of(run_id: uuid.UUID) -> QuerySet[Reprieve]:
    """Return the open reprieves that calling off a run gave."""
    return Reprieve.objects.filter(job__run_id=run_id, ended_at__isnull=True)


def reprieve_facts(run_id: str) -> dict[str, object]:
    """Return what an approval to end the reprieves of a run is bound to."""
    ids = reprieves_of(uuid.UUID(run_id)).order_by("pk").values_list("pk", flat=True)
    return {"run": run_id, "reprieves": [str(pk) for pk in ids]}


def end_reprieves(run_id: str, asked_by: User, approved_by: User, now) -> None:
    """Let the workspaces of a run that was called off be due again, by two officers: their dates were right."""
    count = reprieves_of(uuid.UUID(run_id)).update(ending=Reprieve.Ending.OFFICERS, ended_at=now)
    evidence.append_entry(
        "REPRIEVES_ENDED", subject=run_id, body={"reprieves": count, "by": [asked_by.pk, approved_by.pk]}
    )


def _database_time():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
