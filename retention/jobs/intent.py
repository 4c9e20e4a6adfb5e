"""The point of no return: what goes is chosen under the locks, counted, and written down before anything is destroyed."""

import datetime as dt
import logging
import uuid

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts import evidence
from accounts.evidence import rfc3339
from accounts.models import Workspace
from retention import deletion, entrusting, erasures, keeping, remainders, runs, tombstones
from retention.due import due_remainders, due_workspaces
from retention.fed import WHY, may_act_until
from retention.jobs.moves import State, move
from retention.models import DeletionJob, Hold
from retention.rules import armed_rules
from retention.upstream import notices as upstream

log = logging.getLogger(__name__)

WAIT = dt.timedelta(seconds=5)  # before a job looks again whether the one it waits for is over


def begin(job_id: uuid.UUID, *, now: dt.datetime) -> bool:
    """Lock, ask the run, look at the holds, choose what goes and write INTENT, here and outside; return whether the job may destroy.

    Raises outside.UnableToWrite: what cannot be written outside the database is not destroyed.
    """
    may_destroy = _begin(job_id, now=now)
    if may_destroy:
        erasures.write_down(job_id)
    return may_destroy


def _begin(job_id: uuid.UUID, *, now: dt.datetime) -> bool:
    with transaction.atomic():
        keeping.against_new_keepers()
        run_state = runs.state_for(job_id)
        job = DeletionJob.objects.select_for_update().get(pk=job_id)
        if job.state != State.PENDING:
            return job.state == State.RUNNING
        if not runs.lets_begin(run_state, job):
            job.attempts, job.lease_until = 0, None
            job.save(update_fields=["attempts", "lease_until"])
            return False
        if job.rule_id not in armed_rules():
            move(
                job,
                State.CANCELLED,
                lease_until=None,
                stopped_because="The rule was stopped before the deletion began.",
            )
            evidence.append_entry("CANCELLED", subject=str(job.pk), body={"rule": job.rule_id})
            return False
        at = max(now, job.cutoff)
        needs_no_feed = Q(goes_at__lte=at) | Q(state=Workspace.State.REMAINDER)
        decided = bool(job.workspace_id) and Workspace.objects.filter(needs_no_feed, pk=job.workspace_id).exists()  # type: ignore[misc]
        until = at if decided else may_act_until(job.rule_id, at)
        if until is None:
            _wait(job, WHY)
            return False
        if job.workspace_id:
            workspace = Workspace.objects.select_for_update().get(pk=job.workspace_id)
            is_remainder = workspace.state == Workspace.State.REMAINDER
            due = (
                due_remainders(max(now, job.cutoff))
                if is_remainder
                else due_workspaces(job.cutoff).filter(ends_at=job.due_at)
            )
            if not due.filter(pk=workspace.pk).exists():
                move(
                    job,
                    State.CANCELLED,
                    lease_until=None,
                    stopped_because="It was renewed, or its dates were changed, before the deletion began.",
                )
                evidence.append_entry("CANCELLED", subject=str(job.pk), body={"workspace": str(workspace.pk)})
                return False
            if kinds := set(keeping.wholly_held().filter(workspace=workspace).values_list("kind", flat=True)):
                keeper = "A legal hold" if Hold.Kind.OFFICER in kinds else "An open request of its customer"
                move(job, State.HELD, lease_until=None, attempts=0, stopped_because=f"{keeper} keeps this workspace.")
                evidence.append_entry("REFUSED_BY_HOLD", subject=str(job.pk), body={"workspace": str(workspace.pk)})
                return False
            if deletion.waits_for_another(workspace.pk):
                _wait(job, "Waits for the deletion of another workspace of the same person or number.")
                return False
            if not is_remainder:
                workspace.expired_at = job.due_at
                tombstones.remember_numbers(job, workspace, erased_at=now)
            workspace.state = Workspace.State.EMPTYING
            workspace.save(update_fields=["state", "expired_at"])
            scope, kept, planned = deletion.plan(workspace.pk, rule=job.rule_id, cutoff=job.cutoff, now=now)
        else:
            kept, leaving = {}, deletion.choose_past(job.rule_id, job.cutoff, among=job.scope)
            if not leaving:
                move(job, State.CANCELLED, lease_until=None, stopped_because="Nothing was past its time any more.")
                evidence.append_entry("CANCELLED", subject=str(job.pk), body={"rule": job.rule_id})
                return False
            tombstones.remember_chosen(job, leaving, erased_at=now)
            scope = deletion.Scope(workspace=None, leaving=leaving, rule=job.rule_id, cutoff=job.cutoff)
            planned = deletion.count_planned(scope)
        if job.workspace_id and is_remainder and kept["rows"] and not planned and entrusting.is_settled(scope):
            return _stays_a_remainder(job, workspace, scope, now)
        tombstones.remember_people(job, scope.leaving.get("accounts.Person", []), erased_at=now)
        job.scope = {label: [str(pk) for pk in ids] for label, ids in scope.leaving.items()}
        job.planned = planned
        job.kept = {**kept, "at": rfc3339(now)} if kept.get("by") else {}
        upstream.prepare_notices(job, scope, planned, now=now)
        entry = evidence.append_entry(
            "INTENT",
            subject=str(job.pk),
            body={
                "rule": job.rule_id,
                "workspace": str(job.workspace_id or ""),
                "due": rfc3339(job.due_at),
                "cutoff": rfc3339(job.cutoff),
                "planned": planned,
                **({"kept": kept["by"]} if job.kept else {}),
                "manifest": manifest_of(job),
                "software": settings.SOFTWARE,
            },
        )
        move(
            job,
            State.RUNNING,
            scope=job.scope,
            planned=job.planned,
            kept=job.kept,
            destroyed={},
            stopped_because="",
            intent_at=entry.at,
            intent_sequence=entry.sequence,
        )
    log.info("deletion %s: intent, %s rows", job.pk, sum(planned.values()))
    return True


def _wait(job: DeletionJob, why: str) -> None:
    job.attempts, job.lease_until, job.stopped_because = 0, Now() + WAIT, why
    job.save(update_fields=["attempts", "lease_until", "stopped_because"])


def manifest_of(job: DeletionJob) -> str:
    """Return the digest of what was chosen, written at INTENT and again at DONE: nothing was changed in between."""
    return evidence.digest(
        {
            "job": str(job.pk),
            "rule": job.rule_id,
            "workspace": str(job.workspace_id or ""),
            "cutoff": rfc3339(job.cutoff),
            "scope": job.scope,
            "planned": job.planned,
            "kept": job.kept,
        }
    )


def _stays_a_remainder(job: DeletionJob, workspace: Workspace, scope: deletion.Scope, now: dt.datetime) -> bool:
    """Close the job of a remainder of which everything is kept still, and say when to look again."""
    Workspace.objects.filter(pk=workspace.pk).update(state=Workspace.State.REMAINDER)
    remainders.note(workspace, scope, now=now)
    move(job, State.CANCELLED, lease_until=None, stopped_because="Everything that is left is still kept.")
    evidence.append_entry("CANCELLED", subject=str(job.pk), body={"workspace": str(workspace.pk)})
    return False


def scope_of(job: DeletionJob) -> deletion.Scope:
    """Return what the job is about, as it was written down at INTENT."""
    scope = deletion.Scope(workspace=job.workspace_id, leaving=job.scope, rule=job.rule_id, cutoff=job.cutoff)
    if not job.kept.get("rows"):
        return scope
    frozen = dt.datetime.fromisoformat(job.kept["at"])
    return deletion.with_kept(scope, job.kept, keeping.keepers_of(job.kept["by"], now=frozen))
