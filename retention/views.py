"""Pages about what is due and about one deletion, beside the admin's own."""

import datetime as dt
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.feeds.freshness import feeds_of
from accounts.models.feeds import Kind
from accounts.verdicts import data_map
from retention import console as overview
from retention.conformance import conformance
from retention.due import due_workspaces
from retention.fed import may_act_until
from retention.figures import figures
from retention.models import DeletionJob, DeletionRun, Rule
from retention.models.jobs import OPEN
from retention.purge import hold_on, what_goes
from retention.rules import armed_rules, promise_of, words_of
from retention.stops import active_stop
from retention.upstream.notices import everywhere
from retention.visibility import is_visible

DUE_SHOWN = 25


@require_GET
@permission_required("retention.view_deletionjob", raise_exception=True)
def console(request: HttpRequest) -> HttpResponse:
    """Show all deletions at once: what goes, what runs, what stands still and why, what is held, what went."""
    now = timezone.now()
    lines = overview.forecasts(now)
    context = {
        **admin.site.each_context(request),
        "title": "Retention",
        "now": now,
        "figures": figures(now),
        "busy": [line for line in lines if line.week],
        "quiet": [line for line in lines if line.has_period and not line.week],
        "endless": [line for line in lines if not line.has_period],
        "days": overview.days_ahead(now),
        "stopped": overview.standing_still(),
        "held": overview.holds(now),
        "receipts": overview.receipts(),
        "charts": overview.charts(now),
        **_running(),
    }
    return render(request, "retention/console.html", context)


@require_GET
@permission_required("retention.view_deletionjob", raise_exception=True)
def running(request: HttpRequest) -> HttpResponse:
    """Return the part of the console that changes while deletions run."""
    return render(request, "retention/_running.html", _running())


def _running() -> dict[str, Any]:
    return {"running": overview.running(), "stop": active_stop()}


@require_GET
@permission_required("retention.view_deletionjob", raise_exception=True)
def due(request: HttpRequest) -> HttpResponse:
    """Show what is past its time now, what would go with it, and why it goes or stays."""
    now = timezone.now()
    armed = "workspace_expiry" in armed_rules()
    told = may_act_until("workspace_expiry", now)
    rows = []
    for workspace in due_workspaces(now)[:DUE_SHOWN]:
        hold = hold_on(workspace)
        counts, kept = what_goes(workspace, now)
        job = DeletionJob.objects.filter(workspace=workspace, state__in=OPEN).select_related("run").first()
        rows.append(
            {
                "workspace": workspace,
                "hold": hold,
                "job": job,
                "run_waits": bool(job and job.run and job.run.state == DeletionRun.State.STOPPED),
                "stands": bool(job and job.state in (DeletionJob.State.PAUSED, DeletionJob.State.QUARANTINED)),
                "counts": worded(counts),
                "armed": armed,
                "waits": told is None or workspace.due_at > told,  # type: ignore[attr-defined]
                "kept": [] if hold else [line["words"] for line in kept],
            }
        )
    return render(
        request,
        "retention/due.html",
        {
            **admin.site.each_context(request),
            "title": "Due",
            "rows": rows,
            "more": max(0, due_workspaces(now).count() - DUE_SHOWN),
            "armed": armed,
            "by_file_only": not feeds_of(Kind.SUBSCRIPTIONS),
            "now": now,
            "soon": due_workspaces(now + dt.timedelta(days=7)).count() - due_workspaces(now).count(),
            "rules": [(rule, promise_of(rule), words_of(rule.key, now)) for rule in Rule.objects.order_by("key")],
        },
    )


@require_GET
@permission_required("retention.view_deletionjob", raise_exception=True)
def conformance_page(request: HttpRequest) -> HttpResponse:
    """Show, rule by rule, what is past its time right now."""
    now = timezone.now()
    lines = conformance(now)
    shown = [{**vars(line), "shown": line.shown, "worst": _duration(line.worst_lag)} for line in lines]
    context = {
        **admin.site.each_context(request),
        "title": "Conformance",
        "lines": shown,
        "late": any(not line.is_kept for line in lines),
        "now": now,
    }
    return render(request, "retention/conformance.html", context)


@require_GET
@permission_required("retention.view_deletionjob", raise_exception=True)
def progress(request: HttpRequest, job_id) -> HttpResponse:
    """Return the part of a deletion's page that changes while it runs."""
    job = get_object_or_404(DeletionJob.objects.select_related("rule", "workspace"), pk=job_id)
    return render(request, "retention/_job_progress.html", job_context(job))


def job_context(job: DeletionJob) -> dict[str, Any]:
    """Return what a deletion's page shows: counts in words, and the steps with their instants."""
    done = job.state == DeletionJob.State.DONE
    state = DeletionJob.State
    stopped = job.state in (state.HELD, state.PAUSED, state.QUARANTINED, state.CANCELLED)
    steps = [
        {
            "title": "Due",
            "date": _instant(job.due_at),
            "note": f"{promise_of(job.rule).title}, policy {promise_of(job.rule).policy}",
        }
    ]
    if stopped:
        steps.append({"title": job.get_state_display(), "note": job.stopped_because, "tone": "warning", "state": "now"})
    if job.intent_at:
        steps.append(
            {
                "title": "Intent written down, keys destroyed",
                "date": _instant(job.intent_at),
                "note": f"Evidence entry {job.intent_sequence}: {job.rows_planned:,} rows and files to go. "
                "From here on, nothing can be brought back.",
            }
        )
    if not stopped:
        steps.append(
            {
                "title": "Rows and files deleted",
                "note": f"{job.rows_destroyed:,} so far" if not done else "",
                "state": "done" if done else "now" if job.intent_at else "next",
            }
        )
        steps.append(
            {
                "title": "Looked for remains by another path, end written down",
                "date": _instant(job.done_at),
                "note": f"Evidence entry {job.done_sequence}: nothing is left." if done else "",
                "state": "done" if done else "next",
            }
        )
    counts = [
        {"what": name, "planned": job.planned[label], "destroyed": job.destroyed.get(label, 0)}
        for label, name in _names(job.planned)
    ]
    hold = hold_on(job.workspace) if job.workspace else None
    run = job.run
    return {"run": run, "run_waits": run is not None and run.state == DeletionRun.State.STOPPED,
            "has_page": bool(job.workspace) and is_visible(job.workspace),
            "job": job, "steps": steps, "counts": counts, "is_done": done, "is_stopped": stopped, "hold": hold,
            "everywhere": everywhere(job), "promise": promise_of(job.rule), "is_moving": job.state in (DeletionJob.State.PENDING, DeletionJob.State.RUNNING)}  # fmt: skip


def worded(counts: dict[str, int]) -> str:
    """Return counts by model in words: “1,204 call records, 3 recordings”."""
    return ", ".join(f"{counts[label]:,} {name}" for label, name in _names(counts)) or "nothing"


def _names(counts: dict[str, int]) -> list[tuple[str, str]]:
    maps = data_map()
    return [
        (label, maps[label].plural if label in maps else label)
        for label in sorted(counts, key=lambda label: counts[label], reverse=True)
    ]


def _instant(instant) -> str:
    return f"{timezone.localtime(instant):%-d %b %Y, %H:%M:%S}" if instant else ""


def _duration(lag: dt.timedelta | None) -> str:
    """Return a delay in words; nothing was done: an empty text."""
    if lag is None:
        return ""
    seconds = max(0, round(lag.total_seconds()))
    if seconds < 120:
        return f"{seconds} seconds"
    return f"{seconds // 60} minutes" if seconds < 7200 else f"{seconds // 3600} hours"
