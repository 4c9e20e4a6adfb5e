"""The figures about deletions that stand on top of the first page and of the console."""

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils import timezone

from retention.conformance import GRACE
from retention.due import due_workspaces
from retention.keeping import wholly_held
from retention.models import DeletionJob, Hold, Recipient, Reprieve
from retention.runs import stopped_runs
from retention.schedule import is_silent, silence
from retention.stops import TICK
from retention.upstream.notices import needs_somebody


def figures(now: dt.datetime) -> list[dict[str, Any]]:
    """Return what ``portal/_kpi.html`` shows of the deletions: what is late, what stands still, what is held."""
    stopped = DeletionJob.objects.filter(state=DeletionJob.State.QUARANTINED).count()
    held = Hold.objects.filter(lifted_at__isnull=True)
    to_review = held.filter(review_on__lte=timezone.localdate(now)).count()
    overdue = due_workspaces(now - GRACE).exclude(pk__in=wholly_held()).count()
    jobs = reverse("admin:retention_deletionjob_changelist")
    runs = stopped_runs().count()
    kept = Reprieve.objects.filter(ended_at__isnull=True).count()
    silent, since = is_silent(TICK), silence(TICK)
    return [
        {
            "label": "Past their time", "value": overdue, "icon": "hourglass_bottom", "href": reverse("retention:due"),
            "note": "should be gone" if overdue else "nothing is overdue", "tone": "danger" if overdue else "success",
        },
        {
            "label": "Stopped deletions", "value": stopped, "icon": "report", "href": f"{jobs}?state__exact=quarantined",
            "note": "need a decision" if stopped else "none", "tone": "danger" if stopped else "success",
        },
        {
            "label": "Holds", "value": held.count(), "icon": "lock", "href": reverse("admin:retention_hold_changelist"),
            "note": f"{to_review} to review now" if to_review else "keep data past its time", "tone": "danger" if to_review else "",
        },
        {
            "label": "Runs to decide", "value": runs, "icon": "stacks", "href": f"{reverse('admin:retention_deletionrun_changelist')}?state__exact=stopped",
            "note": "the breaker stopped them: decide today" if runs else f"{kept} called off, still kept" if kept else "the breaker stopped nothing",
            "tone": "danger" if runs else "warning" if kept else "success",
        },
        {
            "label": "Looked for what is due", "value": "never" if since is None else ago(since), "icon": "schedule", "href": "",
            "note": "should look every few seconds" if silent else "the schedule is alive" if since is not None else "the schedule has not begun",
            "tone": "danger" if silent else "",
        },
        *_recipients(now),
    ]  # fmt: skip


def _recipients(now: dt.datetime) -> list[dict[str, Any]]:
    """Return the recipients outside that somebody must see to; nothing while nobody is told and nothing waits."""
    waiting = needs_somebody(now).count()
    if not waiting and not Recipient.objects.filter(active_from__isnull=False, active_until__isnull=True).exists():
        return []
    page = reverse("admin:retention_notice_changelist")
    return [
        {
            "label": "Recipients to chase", "value": waiting, "icon": "outgoing_mail", "href": f"{page}?needs=somebody",
            "note": "late or refused" if waiting else "none is late", "tone": "danger" if waiting else "success",
        }
    ]  # fmt: skip


def ago(since: dt.timedelta) -> str:
    """Return how long ago something was, as people say it."""
    seconds = int(since.total_seconds())
    if seconds < 60:
        return "just now"
    return f"{seconds // 60} min ago" if seconds < 7200 else f"{seconds // 3600} h ago"
