"""Looking at what is due, and deleting it by hand: the same code that the workers run."""

import dataclasses
import datetime as dt
import uuid

from accounts.models import Workspace
from retention import deletion, jobs, runs
from retention.due import count_past, due_workspaces
from retention.fed import may_act_until
from retention.models import DeletionJob, Hold
from retention.promises import PROMISES
from retention.rules import aged_rules, armed_rules


@dataclasses.dataclass(frozen=True)
class Preview:
    """What of one workspace or rule is past its time, and why it goes or stays."""

    what: str
    why: str
    counts: dict[str, int]
    held: bool
    observing: bool

    def as_dict(self) -> dict:
        return dataclasses.asdict(self)


def preview(at: dt.datetime) -> list[Preview]:
    """Return what is past its time at ``at``: chosen and counted by the code that deletes, and nothing touched."""
    armed = armed_rules()
    told = may_act_until("workspace_expiry", at)
    found = []
    for workspace in due_workspaces(at):
        hold = Hold.objects.filter(workspace=workspace, lifted_at__isnull=True).order_by("placed_at").first()
        observing = "workspace_expiry" not in armed
        due_at: dt.datetime = workspace.due_at  # type: ignore[attr-defined]
        why = f"expired {due_at.astimezone(workspace.zone):%-d %b %Y %H:%M} {workspace.time_zone}"
        if hold:
            why += f"; kept by a hold ({hold.authority}), to be reviewed on {hold.review_on:%-d %b %Y}"
        elif observing:
            why += "; the rule is observing, so it stays"
        elif told is None or due_at > told:
            why += "; it waits for the feed of subscriptions, so it stays"
        found.append(
            Preview(f"workspace {workspace}", why, counts_of(workspace, at), held=bool(hold), observing=observing)
        )
    for key in aged_rules():
        if counts := count_past(key, at):
            observing = key not in armed
            why = "past their time" + ("; the rule is observing, so they stay" if observing else "")
            found.append(Preview(PROMISES[key].title.lower(), why, counts, held=False, observing=observing))
    return found


def counts_of(workspace: Workspace, at: dt.datetime) -> dict[str, int]:
    """Return the rows by model that would go with this workspace now."""
    leaving = deletion.choose_leaving(workspace.pk)
    return deletion.count_planned(deletion.Scope(workspace.pk, leaving, "workspace_expiry", at))


def carry_out(at: dt.datetime, *, now: dt.datetime) -> list[DeletionJob]:
    """Delete what is due at ``at`` under armed rules, to the end; return the jobs as they then are."""
    jobs.release_held(now)
    jobs.schedule_due(at)
    done: list[DeletionJob] = []
    tried: set[uuid.UUID] = set()
    while waiting := [job_id for job_id in jobs.runnable() if job_id not in tried]:
        for job_id in waiting:
            tried.add(job_id)
            while job := jobs.run_job(job_id, now=now):
                if job.state not in (DeletionJob.State.RUNNING, DeletionJob.State.PENDING):
                    done.append(job)
                    break
                if job.state == DeletionJob.State.PENDING and not job.attempts:
                    break  # it has to wait: for its run, or for another deletion
        runs.advance_all()
    return done
