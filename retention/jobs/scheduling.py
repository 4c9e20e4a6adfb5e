"""Jobs for what is due: one for each workspace and one for each rule by age, made once however many schedulers there are."""

import datetime as dt

from retention.due import anything_past, due_workspaces
from retention.jobs.moves import State
from retention.models import DeletionJob, Hold, Rule
from retention.rules import aged_rules, armed_rules


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
