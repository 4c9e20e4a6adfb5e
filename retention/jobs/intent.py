"""The point of no return: what goes is chosen under the locks, counted, and written down before anything is destroyed."""

import datetime as dt
import functools
import logging
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from accounts import evidence
from accounts.evidence import rfc3339
from accounts.models import Workspace
from retention import deletion, entrusting, erasures, keeping, planning, remainders, runs, tombstones
from retention.due import due_remainders, due_workspaces
from retention.fed import WHY, may_act_until
from retention.jobs.moves import State, move
from retention.models import DeletionJob, Hold
from retention.planning import Plan
from retention.rules import armed_rules
from retention.upstream import notices as upstream

log = logging.getLogger(__name__)

WAIT = dt.timedelta(seconds=5)  # before a job looks again whether the one it waits for is over


def begin(job_ids: Collection[uuid.UUID], *, now: dt.datetime) -> set[uuid.UUID]:
    """Lock, ask the runs, look at the holds, choose what goes and write INTENT, here and outside; return which jobs may destroy.

    Of thousands that end together each must have begun within a minute: so many begin in one transaction, by questions
    that are asked once for all of them. Raises outside.UnableToWrite: what cannot be written outside the database is
    not destroyed.
    """
    with transaction.atomic():
        may_destroy = _begin(job_ids, now=now)
    erasures.write_down(may_destroy)
    return may_destroy


def _begin(job_ids: Collection[uuid.UUID], *, now: dt.datetime) -> set[uuid.UUID]:
    keeping.against_new_keepers()
    run_states = runs.states_for(job_ids)
    jobs = list(DeletionJob.objects.select_for_update().filter(pk__in=job_ids).order_by("pk"))
    begun = {job.pk for job in jobs if job.state == State.RUNNING}
    armed, may_begin = armed_rules(), []
    for job in jobs:
        if job.state != State.PENDING:
            continue
        if not runs.lets_begin(run_states.get(job.pk, ""), job):
            job.attempts, job.lease_until = 0, None
            job.save(update_fields=["attempts", "lease_until"])
        elif job.rule_id not in armed:
            _cancel(job, "The rule was stopped before the deletion began.")
        else:
            may_begin.append(job)
    chosen = _choose_workspaces({job.workspace_id: job for job in may_begin if job.workspace_id}, now=now)
    chosen += _choose_rows([job for job in may_begin if not job.workspace_id], now=now)
    _write_intents(chosen, now=now)
    return begun | {job.pk for job, _ in chosen}


def _choose_workspaces(jobs: dict[uuid.UUID, DeletionJob], *, now: dt.datetime) -> list[tuple[DeletionJob, Plan]]:
    """Lock the workspaces, take out what must not begin or has to wait, and plan the others, which are emptied from here on."""
    locked = Workspace.objects.select_for_update().filter(pk__in=jobs).order_by("pk")
    workspaces = {workspace.pk: workspace for workspace in locked}
    left_over = {pk for pk, workspace in workspaces.items() if workspace.state == Workspace.State.REMAINDER}
    ready = _ready(jobs, workspaces, now=now)
    for pk in planning.wait_for_others(ready):
        _wait(jobs[pk], "Waits for the deletion of another workspace of the same person or number.")
        ready.remove(pk)
    fresh = [pk for pk in ready if pk not in left_over]
    tombstones.remember_numbers([jobs[pk] for pk in fresh], erased_at=now)
    for pk in fresh:
        workspaces[pk].expired_at = jobs[pk].due_at
    for pk in ready:
        workspaces[pk].state = Workspace.State.EMPTYING
    Workspace.objects.bulk_update([workspaces[pk] for pk in ready], ["state", "expired_at"])
    chosen: list[tuple[DeletionJob, Plan]] = []
    for rule, cutoff in sorted({(jobs[pk].rule_id, jobs[pk].cutoff) for pk in ready}):
        ids = [pk for pk in ready if (jobs[pk].rule_id, jobs[pk].cutoff) == (rule, cutoff)]
        plans = planning.plan(ids, rule=rule, cutoff=cutoff, now=now)
        for pk, plan in zip(ids, plans, strict=True):
            if not (pk in left_over and _stays_a_remainder(jobs[pk], workspaces[pk], plan, now)):
                chosen.append((jobs[pk], plan))
    return chosen


def _ready(
    jobs: dict[uuid.UUID, DeletionJob], workspaces: Mapping[uuid.UUID, Workspace], *, now: dt.datetime
) -> list[uuid.UUID]:
    """Return the workspaces that are due as they were, are told of by a feed, and that nothing keeps whole; settle the others."""
    due = _still_due(jobs, workspaces, now=now)
    told = functools.cache(may_act_until)
    held: dict[uuid.UUID, set[str]] = defaultdict(set)
    for pk, kind in keeping.wholly_held().filter(workspace__in=jobs).values_list("workspace", "kind"):
        held[pk].add(kind)
    ready = []
    for pk, job in jobs.items():
        workspace, at = workspaces[pk], max(now, job.cutoff)
        decided = workspace.goes_at is not None and workspace.goes_at <= at
        if not decided and workspace.state != Workspace.State.REMAINDER and told(job.rule_id, at) is None:
            _wait(job, WHY)
        elif pk not in due:
            _cancel(job, "It was renewed, or its dates were changed, before the deletion began.")
        elif kinds := held[pk]:
            keeper = "A legal hold" if Hold.Kind.OFFICER in kinds else "An open request of its customer"
            move(job, State.HELD, lease_until=None, attempts=0, stopped_because=f"{keeper} keeps this workspace.")
            evidence.append_entry("REFUSED_BY_HOLD", subject=str(job.pk), body={"workspace": str(pk)})
        else:
            ready.append(pk)
    return ready


def _still_due(
    jobs: dict[uuid.UUID, DeletionJob], workspaces: Mapping[uuid.UUID, Workspace], *, now: dt.datetime
) -> set[uuid.UUID]:
    """Return which workspaces are due as they were when their jobs were made."""
    found = set()
    by_cutoff: dict[dt.datetime, list[uuid.UUID]] = defaultdict(list)
    for pk, job in jobs.items():
        if workspaces[pk].state != Workspace.State.REMAINDER:
            by_cutoff[job.cutoff].append(pk)
        elif due_remainders(max(now, job.cutoff)).filter(pk=pk).exists():
            found.add(pk)
    for cutoff, ids in by_cutoff.items():
        ends = due_workspaces(cutoff).filter(pk__in=ids).values_list("pk", "ends_at")
        found |= {pk for pk, ends_at in ends if ends_at == jobs[pk].due_at}
    return found


def _choose_rows(jobs: list[DeletionJob], *, now: dt.datetime) -> list[tuple[DeletionJob, Plan]]:
    """Plan the jobs of rules by age: what was frozen, as far as it is past its time still."""
    chosen = []
    for job in jobs:
        if may_act_until(job.rule_id, max(now, job.cutoff)) is None:
            _wait(job, WHY)
        elif not (leaving := planning.choose_past(job.rule_id, job.cutoff, among=job.scope)):
            _cancel(job, "Nothing was past its time any more.")
        else:
            tombstones.remember_chosen(job, leaving, erased_at=now)
            scope = deletion.Scope(workspace=None, leaving=leaving, rule=job.rule_id, cutoff=job.cutoff)
            chosen.append((job, Plan(scope, {}, planning.count_planned(scope))))
    return chosen


def _write_intents(chosen: list[tuple[DeletionJob, Plan]], *, now: dt.datetime) -> None:
    leaving = {job: plan.scope.leaving.get(keeping.PERSON, []) for job, plan in chosen}
    tombstones.remember_people(leaving, erased_at=now)
    for job, plan in chosen:
        job.scope = {label: [str(pk) for pk in ids] for label, ids in plan.scope.leaving.items()}
        job.planned = plan.planned
        job.kept = {**plan.kept, "at": rfc3339(now)} if plan.kept.get("by") else {}
    upstream.prepare_notices([(job, plan.scope, plan.planned) for job, plan in chosen], now=now)
    entries = evidence.append_entries([("INTENT", str(job.pk), _intent_of(job)) for job, _ in chosen])
    for (job, _), entry in zip(chosen, entries, strict=True):
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
        log.info("deletion %s: intent, %s rows", job.pk, sum(job.planned.values()))


def _intent_of(job: DeletionJob) -> dict[str, Any]:
    return {
        "rule": job.rule_id,
        "workspace": str(job.workspace_id or ""),
        "due": rfc3339(job.due_at),
        "cutoff": rfc3339(job.cutoff),
        "planned": job.planned,
        **({"kept": job.kept["by"]} if job.kept else {}),
        "manifest": manifest_of(job),
        "software": settings.SOFTWARE,
    }


def _cancel(job: DeletionJob, why: str) -> None:
    move(job, State.CANCELLED, lease_until=None, stopped_because=why)
    body = {"workspace": str(job.workspace_id)} if job.workspace_id else {"rule": job.rule_id}
    evidence.append_entry("CANCELLED", subject=str(job.pk), body=body)


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


def _stays_a_remainder(job: DeletionJob, workspace: Workspace, plan: Plan, now: dt.datetime) -> bool:
    """Close the job of a remainder of which everything is kept still, and say when to look again; return whether it is so."""
    if not plan.kept["rows"] or plan.planned or not entrusting.is_settled(plan.scope):
        return False
    Workspace.objects.filter(pk=workspace.pk).update(state=Workspace.State.REMAINDER)
    remainders.note(workspace, plan.scope, now=now)
    _cancel(job, "Everything that is left is still kept.")
    return True


def scope_of(job: DeletionJob) -> deletion.Scope:
    """Return what the job is about, as it was written down at INTENT."""
    scope = deletion.Scope(workspace=job.workspace_id, leaving=job.scope, rule=job.rule_id, cutoff=job.cutoff)
    if not job.kept.get("rows"):
        return scope
    frozen = dt.datetime.fromisoformat(job.kept["at"])
    return deletion.with_kept(scope, job.kept, keeping.keepers_of(job.kept["by"], now=frozen))
