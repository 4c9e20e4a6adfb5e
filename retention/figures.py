"""The figures about deletions that stand on top of the first page and of the console."""

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils import timezone

from retention.conformance import GRACE
from retention.due import due_workspaces
from retention.models import DeletionJob, Hold


def figures(now: dt.datetime) -> list[dict[str, Any]]:
    """Return what ``portal/_kpi.html`` shows of the deletions: what is late, what stands still, what is held."""
    stopped = DeletionJob.objects.filter(state=DeletionJob.State.QUARANTINED).count()
    held = Hold.objects.filter(lifted_at__isnull=True)
    to_review = held.filter(review_on__lte=timezone.localdate(now)).count()
    overdue = due_workspaces(now - GRACE).exclude(pk__in=held.values("workspace")).count()
    jobs = reverse("admin:retention_deletionjob_changelist")
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
    ]  # fmt: skip
