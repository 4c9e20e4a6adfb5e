"""What the page of a run shows, and what its dialogs say in numbers before somebody decides."""

from typing import Any

from django.db.models import Count

from accounts.models import Approval
from retention import months, runs
from retention.models import DeletionJob, DeletionRun
from retention.rules import aged_maps, promise_of

SHOWN = 10
TONES = {"stopped": "danger", "canary": "info", "going": "info", "called_off": "warning", "over": "success"}
State = DeletionJob.State


def run_context(run: DeletionRun) -> dict[str, Any]:
    """Return what was frozen, how far it is, and who has asked for what."""
    jobs = DeletionJob.objects.filter(run=run)
    counts = dict(jobs.order_by().values_list("state").annotate(Count("pk")))
    over = sum(counts.get(state, 0) for state in (State.DONE, State.CANCELLED))
    asked = (
        Approval.objects.filter(target=str(run.pk), state=Approval.State.WAITING).select_related("requested_by").first()
    )
    words: dict[str, str] = (
        {State.PENDING: "Waiting for the decision"} if run.state == DeletionRun.State.STOPPED else {}
    )
    return {
        "run": run,
        "promise": promise_of(run.rule),
        "tone": TONES[run.state],
        "unit": unit_of(run),
        "states": [
            (words.get(state, str(State(state).label)), counts[state]) for state in State.values if state in counts
        ],
        "over": over,
        "deletions": sum(counts.values()),
        "sample": jobs.filter(workspace__isnull=False).select_related("workspace").order_by("due_at", "pk")[:SHOWN],
        "asked": asked,
        "reprieves": runs.reprieves_of(run.pk).count(),
        "stands": run.state == DeletionRun.State.STOPPED,
    }


def unit_of(run: DeletionRun) -> str:
    """Return what the amount of a run counts."""
    if aged_maps(run.rule_id):
        return "row" if run.amount == 1 else "rows"
    return "workspace" if run.amount == 1 else "workspaces"


def numbers(run: DeletionRun) -> dict[str, Any]:
    """Return what a dialog says: how much has not begun, of how much that was frozen."""
    jobs = DeletionJob.objects.filter(run=run)
    waiting = runs.not_begun(jobs)
    held = waiting.filter(state=State.HELD).count()
    return {
        "run": run,
        "unit": unit_of(run),
        "by_age": bool(aged_maps(run.rule_id)),
        "waiting": sum(months.count_rows(scope) for scope in waiting.values_list("scope", flat=True))
        if aged_maps(run.rule_id)
        else waiting.count() - held,
        "held": held,
        "begun": jobs.count() - waiting.count(),
        "reprieves": runs.reprieves_of(run.pk).count(),
    }
