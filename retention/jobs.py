"""Deletions as rows: found when due, claimed by a lease, carried out in small transactions, finished with a receipt.

The order is always: lock the workspace, look at the holds, write INTENT, destroy the keys, delete in batches, look for
remains, write DONE. INTENT is committed before anything is destroyed; a worker that dies anywhere leaves a row that the
next worker carries on from. Leases use the database's clock; what is due uses the ``now`` that is passed in.
"""

import datetime as dt
import logging
import time
import uuid

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts import evidence
from accounts.evidence import rfc3339
from accounts.models import Workspace
from accounts.verdicts import ModelMap, data_map
from retention import deletion, stops, tombstones
from retention.due import anything_past, due_workspaces
from retention.models import DeletionJob, Hold, Rule
from retention.rules import aged_rules, armed_rules

log = logging.getLogger(__name__)

LEASE = dt.timedelta(seconds=30)  # longer than any batch; a killed worker's job is free again after it
WAIT = dt.timedelta(seconds=5)  # before a job looks again whether the one it waits for is over
MAX_ATTEMPTS = 5
State = DeletionJob.State

MOVES: dict[str, set[str]] = {
    State.PENDING: {State.RUNNING, State.HELD, State.CANCELLED, State.QUARANTINED},
    State.HELD: {State.PENDING},
    State.RUNNING: {State.DONE, State.QUARANTINED},
    State.QUARANTINED: {State.PENDING, State.RUNNING},
    State.DONE: set(),
    State.CANCELLED: set(),
}


class UnableToMove(ValueError):
    """The job is not in a state from which this move is allowed."""


def move(job: DeletionJob, state: str, **fields) -> None:
    """Bring a locked job into another state and save what goes with it. Raises UnableToMove."""
    if state not in MOVES[job.state]:
        raise UnableToMove(f"A deletion cannot go from “{job.get_state_display()}” to “{State(state).label}”.")
    job.state = state
    for name, value in fields.items():
        setattr(job, name, value)
    job.save(update_fields=["state", *fields])


def schedule_due(now: dt.datetime) -> int:
    """Make a job for everything that is due under an armed rule and has none yet; return how many were made."""
    armed = armed_rules()
    made = 0
    if "workspace_expiry" in armed:
        rule = Rule.objects.get(pk="workspace_expiry")
        open_jobs = DeletionJob.objects.filter(rule=rule).exclude(state__in=[State.DONE, State.CANCELLED])
        for workspace in due_workspaces(now).exclude(pk__in=open_jobs.values("workspace")):
            made += _make_job(rule=rule, workspace=workspace, due_at=workspace.due_at, cutoff=now)  # type: ignore[attr-defined]
    for key in aged_rules():
        if key in armed and anything_past(key, now):
            made += _make_job(rule=Rule.objects.get(pk=key), workspace=None, due_at=now, cutoff=now)
    return made


def _make_job(**fields) -> int:
    """Make one job unless another scheduler was quicker; the unique constraints decide."""
    return len(DeletionJob.objects.bulk_create([DeletionJob(**fields)], ignore_conflicts=True))


def release_held(now: dt.datetime) -> int:
    """Let jobs go on whose workspace is held no more; return how many."""
    held = Hold.objects.filter(lifted_at__isnull=True).values("workspace")
    return (
        DeletionJob.objects.filter(state=State.HELD)
        .exclude(workspace__in=held)
        .update(state=State.PENDING, stopped_because="")
    )


def runnable() -> list[uuid.UUID]:
    """Return the ids of jobs that no worker has in hand, oldest first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    jobs = DeletionJob.objects.filter(free, state__in=[State.PENDING, State.RUNNING]).order_by("created_at", "pk")
    return list(jobs.values_list("pk", flat=True)[:500])


def claim(job_id: uuid.UUID) -> DeletionJob | None:
    """Take a job for the length of a lease, or return None when somebody else has it or it is over."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    taken = DeletionJob.objects.filter(free, pk=job_id, state__in=[State.PENDING, State.RUNNING]).update(
        lease_until=Now() + LEASE, attempts=F("attempts") + 1
    )
    return DeletionJob.objects.get(pk=job_id) if taken else None


def run_job(job_id: uuid.UUID, *, now: dt.datetime, seconds: float = 30) -> DeletionJob | None:
    """Carry a job on for at most about ``seconds``; return it, or None when it was not free or everything is stopped.

    A job that is not over yet keeps its state and is taken up again by the next call. An error is counted; after
    five attempts that got nowhere the job stops for a decision.
    """
    job = None if stops.active_stop() else claim(job_id)
    if job is None:
        return None
    stop_at = time.monotonic() + seconds
    try:
        may_destroy = begin(job.pk, now=now)
        job.refresh_from_db()
        if not may_destroy:
            return job
        scope = scope_of(job)
        with transaction.atomic():
            deletion.shred_keys(scope)
        for entry in deletion.maps_in_order(job.rule_id):
            while run_batch(job.pk, entry, scope):
                if time.monotonic() > stop_at or stops.active_stop():
                    release(job.pk)
                    job.refresh_from_db()
                    return job
        finish(job.pk, now=now)
    except Exception as error:  # whatever it was: counted, and after five attempts somebody must look
        log.warning("deletion %s: attempt %s failed: %s", job.pk, job.attempts, type(error).__name__)
        record_failure(job.pk, error)
    job.refresh_from_db()
    return job


def scope_of(job: DeletionJob) -> deletion.Scope:
    """Return what the job is about, as it was written down at INTENT."""
    return deletion.Scope(workspace=job.workspace_id, leaving=job.scope, rule=job.rule_id, cutoff=job.cutoff)


def begin(job_id: uuid.UUID, *, now: dt.datetime) -> bool:
    """Lock, look at the holds, choose what goes and write INTENT; return whether the job may destroy."""
    with transaction.atomic():
        job = DeletionJob.objects.select_for_update().get(pk=job_id)
        if job.state != State.PENDING:
            return job.state == State.RUNNING
        if job.rule_id not in armed_rules():
            move(
                job,
                State.CANCELLED,
                lease_until=None,
                stopped_because="The rule was stopped before the deletion began.",
            )
            evidence.append_entry("CANCELLED", subject=str(job.pk), body={"rule": job.rule_id})
            return False
        if job.workspace_id:
            workspace = Workspace.objects.select_for_update().get(pk=job.workspace_id)
            if not due_workspaces(max(now, job.cutoff)).filter(pk=workspace.pk).exists():
                move(
                    job, State.CANCELLED, lease_until=None, stopped_because="It was renewed before the deletion began."
                )
                evidence.append_entry("CANCELLED", subject=str(job.pk), body={"workspace": str(workspace.pk)})
                return False
            if Hold.objects.filter(workspace=workspace, lifted_at__isnull=True).exists():
                move(
                    job, State.HELD, lease_until=None, attempts=0, stopped_because="A legal hold keeps this workspace."
                )
                evidence.append_entry("REFUSED_BY_HOLD", subject=str(job.pk), body={"workspace": str(workspace.pk)})
                return False
            if deletion.waits_for_another(workspace.pk):
                job.attempts, job.lease_until = 0, Now() + WAIT
                job.stopped_because = "Waits for the deletion of another workspace of the same person or number."
                job.save(update_fields=["attempts", "lease_until", "stopped_because"])
                return False
            leaving = deletion.choose_leaving(workspace.pk)
            workspace.state, workspace.expired_at = Workspace.State.EMPTYING, job.due_at
            workspace.save(update_fields=["state", "expired_at"])
            tombstones.remember_numbers(job, workspace, erased_at=now)
        else:
            leaving = deletion.choose_past(job.rule_id, job.cutoff)
            if not leaving:
                move(job, State.CANCELLED, lease_until=None, stopped_because="Nothing was past its time any more.")
                evidence.append_entry("CANCELLED", subject=str(job.pk), body={"rule": job.rule_id})
                return False
        scope = deletion.Scope(workspace=job.workspace_id, leaving=leaving, rule=job.rule_id, cutoff=job.cutoff)
        planned = deletion.count_planned(scope)
        entry = evidence.append_entry(
            "INTENT",
            subject=str(job.pk),
            body={
                "rule": job.rule_id,
                "workspace": str(job.workspace_id or ""),
                "due": rfc3339(job.due_at),
                "cutoff": rfc3339(job.cutoff),
                "planned": planned,
            },
        )
        move(
            job,
            State.RUNNING,
            scope={label: [str(pk) for pk in ids] for label, ids in leaving.items()},
            planned=planned,
            destroyed={},
            stopped_because="",
            intent_at=entry.at,
            intent_sequence=entry.sequence,
        )
    log.info("deletion %s: intent, %s rows", job.pk, sum(planned.values()))
    return True


def run_batch(job_id: uuid.UUID, entry: ModelMap, scope: deletion.Scope) -> int:
    """Delete one batch and write its counts down in the same transaction; return how many rows went."""
    with transaction.atomic():
        job = DeletionJob.objects.select_for_update().get(pk=job_id)
        if job.state != State.RUNNING:
            return 0
        rows, file_count = deletion.destroy_batch(entry, scope)
        if rows:
            job.destroyed[entry.model] = job.destroyed.get(entry.model, 0) + rows
            if file_count:
                job.destroyed["files"] = job.destroyed.get("files", 0) + file_count
            job.lease_until, job.attempts = Now() + LEASE, 0
            job.save(update_fields=["destroyed", "lease_until", "attempts"])
    return rows


def finish(job_id: uuid.UUID, *, now: dt.datetime) -> None:
    """Look for remains by another path and write the receipt, or stop the job for a decision."""
    with transaction.atomic():
        job = DeletionJob.objects.select_for_update().get(pk=job_id)
        if job.state != State.RUNNING:
            return
        workspace = Workspace.objects.select_for_update().get(pk=job.workspace_id) if job.workspace_id else None
        remains = deletion.remains(scope_of(job))
        kept = kept_since(job)
        if remains or (job.workspace_id and job.destroyed != job.planned) or min(kept.values(), default=0) < 0:
            why = (
                f"{sum(remains.values())} rows are still there: {_names(remains)}."
                if remains
                else f"{job.rows_planned} were to go and {job.rows_destroyed} went."
            )
            _quarantine(job, why, {"remains": remains, "destroyed": job.destroyed})
            return
        if workspace:
            with deletion.open_door():
                deletion.blank_workspace(workspace, now)
        entry = evidence.append_entry(
            "DONE",
            subject=str(job.pk),
            body={
                "intent": job.intent_sequence,
                "destroyed": job.destroyed,
                "remains": 0,
                **({"keys": "destroyed"} if job.workspace_id else {"not_by_this_job": kept}),
            },
        )
        move(job, State.DONE, done_at=entry.at, done_sequence=entry.sequence, lease_until=None, stopped_because="")
    log.info("deletion %s: done, %s rows", job.pk, job.rows_destroyed)


def kept_since(job: DeletionJob) -> dict[str, int]:
    """Return how many rows of a job by age it did not destroy itself, by model: kept by a hold, or gone with their workspace."""
    if job.workspace_id:
        return {}
    left = {label: count - job.destroyed.get(label, 0) for label, count in job.planned.items() if label != "files"}
    return {label: count for label, count in left.items() if count}


def record_failure(job_id: uuid.UUID, error: Exception) -> None:
    """Free the job for another attempt, or stop it after too many."""
    with transaction.atomic():
        job = DeletionJob.objects.select_for_update().get(pk=job_id)
        if job.state not in (State.PENDING, State.RUNNING):
            return
        if job.attempts >= MAX_ATTEMPTS:
            reason = (
                str(error) if isinstance(error, deletion.UnableToDelete) else f"It failed five times: {_cause(error)}"
            )
            _quarantine(job, reason[:300], {"error": type(error).__name__, "destroyed": job.destroyed})
        else:
            job.lease_until = None
            job.save(update_fields=["lease_until"])


def retry(job: DeletionJob, *, user) -> None:
    """Let a stopped job go on, by an officer's decision. Raises UnableToMove."""
    with transaction.atomic():
        job = DeletionJob.objects.select_for_update().get(pk=job.pk)
        again = State.RUNNING if job.intent_sequence else State.PENDING
        move(job, again, attempts=0, lease_until=None, stopped_because="")
        evidence.append_entry("RETRIED", subject=str(job.pk), body={"by": user.pk})


def release(job_id: uuid.UUID) -> None:
    """Give the lease back, so that the next worker need not wait for it to end."""
    DeletionJob.objects.filter(pk=job_id, state=State.RUNNING).update(lease_until=None, attempts=0)


def _quarantine(job: DeletionJob, why: str, body: dict) -> None:
    move(job, State.QUARANTINED, stopped_because=why, lease_until=None)
    evidence.append_entry("QUARANTINED", subject=str(job.pk), body=body)
    log.error("deletion %s: stopped for a decision", job.pk)


def _cause(error: Exception) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    return diagnosis.message_primary if diagnosis and diagnosis.message_primary else type(error).__name__


def _names(counts: dict[str, int]) -> str:
    maps = data_map()
    return ", ".join(f"{count} {maps[label].plural if label in maps else label}" for label, count in counts.items())
