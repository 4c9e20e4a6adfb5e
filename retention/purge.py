"""Looking at what is due, and deleting it by hand: the same code that the workers run."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from accounts.models import Workspace
from accounts.verdicts import data_map
from retention import deletion, jobs, planning, runs
from retention.due import count_past, due_remainders, due_workspaces
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
    kept: list[dict[str, Any]] = dataclasses.field(default_factory=list)  # what stays, because of what, until when

    def as_dict(self) -> dict:
        return dataclasses.asdict(self)


def preview(at: dt.datetime) -> list[Preview]:
    """Return what is past its time at ``at``: chosen and counted by the code that deletes, and nothing touched."""
    armed = armed_rules()
    told = may_act_until("workspace_expiry", at)
    found = []
    for workspace in [*due_workspaces(at), *due_remainders(at)]:
        hold = hold_on(workspace)
        observing = "workspace_expiry" not in armed
        due_at: dt.datetime = workspace.due_at  # type: ignore[attr-defined]
        gone = "kept no more since" if workspace.state == Workspace.State.REMAINDER else "expired"
        why = f"{gone} {due_at.astimezone(workspace.zone):%-d %b %Y %H:%M} {workspace.time_zone}"
        if hold:
            why += f"; kept by a hold ({hold.authority}), to be reviewed on {hold.review_on:%-d %b %Y}"
        elif observing:
            why += "; the rule is observing, so it stays"
        elif told is None or due_at > told:
            why += "; it waits for the feed of subscriptions, so it stays"
        counts, kept = what_goes(workspace, at)
        found.append(
            Preview(
                f"workspace {workspace}", why, counts, held=bool(hold), observing=observing, kept=[] if hold else kept
            )
        )
    for key in aged_rules():
        if counts := count_past(key, at):
            observing = key not in armed
            why = "past their time" + ("; the rule is observing, so they stay" if observing else "")
            found.append(Preview(PROMISES[key].title.lower(), why, counts, held=False, observing=observing))
    return found


def hold_on(workspace: Workspace) -> Hold | None:
    """Return the hold that keeps everything of a workspace, the oldest of several."""
    return (
        Hold.objects.filter(workspace=workspace, lifted_at__isnull=True, narrowed_by=["workspace"])
        .order_by("placed_at", "pk")
        .first()
    )


def what_goes(workspace: Workspace, at: dt.datetime) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Return the rows by model that would go with this workspace now, and lines of what is kept, why and until when."""
    (plan,) = planning.plan([workspace.pk], rule="workspace_expiry", cutoff=at, now=at)
    return plan.planned, kept_lines(plan.scope, plan.kept["by"])


def kept_lines(scope: deletion.Scope, kept_by: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """Return for each keeper what it keeps: {because, until (an instant or ""), counts by model, words}."""
    lines = []
    for keeper in scope.keepers:
        counts = dict(kept_by.get(str(keeper.id), {}))
        spans = [
            span for entry in data_map().values() if entry.model in counts
            and (span := keeper.ends(entry, deletion.rows_of(entry, scope)))
        ]  # fmt: skip
        until = max((last for _, last in spans), default=None)
        words = f"{counts_in_words(counts)} kept because {keeper.words}"
        if until:
            words += f", until {timezone.localtime(until):%-d %b %Y}"
        lines.append(
            {"because": keeper.words, "until": until.isoformat() if until else "", "counts": counts, "words": words}
        )
    return lines


def counts_in_words(counts: Mapping[str, int]) -> str:
    """Return counts by model as people say them, the largest first: “1,204 call records, 3 recordings”."""
    maps = data_map()
    ordered = sorted(counts, key=lambda label: counts[label], reverse=True)
    return ", ".join(f"{counts[label]:,} {maps[label].plural if label in maps else label}" for label in ordered)


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
