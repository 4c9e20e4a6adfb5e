"""The first page: what needs somebody today, each figure only for those who may see what is behind it."""

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts.charts import bar_chart, count_per_day, last_days
from accounts.models import Approval, EvidenceEntry, User, Workspace
from dsar import queue
from dsar.models import SubjectRequest, Ticket
from retention.due import due_workspaces
from retention.figures import figures as retention_figures
from retention.models import DeletionJob
from retention.visibility import on_pages
from telecom_records.models import ImportRun

CHART_DAYS = 14
URGENT_SHOWN = 8


def dashboard(request, context: dict[str, Any]) -> dict[str, Any]:
    """Fill the first page (called by the admin's index)."""
    now = timezone.now()
    user = request.user
    figures: list[dict[str, Any]] = []
    if user.has_perm("dsar.view_subjectrequest"):
        figures += _request_figures(now)
        context["urgent"] = _urgent(now)
        context["requests_chart"] = _requests_chart(now)
    if user.has_perm("dsar.view_ticket"):
        figures += _ticket_figures(user)
        mine = on_pages(Ticket.objects.filter(assignee=user, closed_at__isnull=True)).order_by("opened_at")[
            :URGENT_SHOWN
        ]
        if mine or not user.has_perm("retention.view_deletionjob"):  # an officer's page has enough on it
            context["my_tickets"] = mine
    if user.has_perm("retention.view_deletionjob"):
        figures += retention_figures(now)
        context["deletions_chart"] = _deletions_chart(now)
        context["going_today"] = _going_today(now)
    if user.has_perm("accounts.view_approval"):
        figures += _approval_figures(user, now)
    if user.has_perm("accounts.view_evidenceentry") and not user.has_perm("retention.arm_rule"):
        figures += _evidence_figures()
    if user.has_perm("telecom_records.view_importrun"):
        context["imports"] = ImportRun.objects.select_related("source").order_by("-created_at")[:4]
    if user.has_perm("accounts.view_user"):
        figures += _staff_figures()
    context.update(figures=figures, now=now, title="Today")
    return context


def _figure(label: str, value: Any, icon: str, note: str = "", tone: str = "", href: str = "") -> dict[str, Any]:
    return {"label": label, "value": value, "icon": icon, "note": note, "tone": tone, "href": href}


def _request_figures(now: dt.datetime) -> list[dict[str, Any]]:
    counts = queue.counts(now)
    page = reverse("admin:dsar_subjectrequest_changelist")
    return [
        _figure("Open requests", counts["open"], "gavel", f"{counts['unowned']} without an owner", href=page),
        _figure(
            "Overdue", counts["overdue"], "alarm", "past their date" if counts["overdue"] else "none is late",
            "danger" if counts["overdue"] else "success", f"{page}?open=late",
        ),
        _figure(
            "Due within 7 days", counts["near"], "event_upcoming", "plan these first" if counts["near"] else "",
            "warning" if counts["near"] else "", f"{page}?open=week",
        ),
    ]  # fmt: skip


def _ticket_figures(user) -> list[dict[str, Any]]:
    open_tickets = on_pages(Ticket.objects.filter(closed_at__isnull=True))
    mine = open_tickets.filter(assignee=user).count()
    return [
        _figure(
            "Open tickets",
            open_tickets.count(),
            "support_agent",
            f"{mine} of them mine",
            href=reverse("admin:dsar_ticket_changelist"),
        )
    ]


def _approval_figures(user, now: dt.datetime) -> list[dict[str, Any]]:
    waiting = (
        Approval.objects.filter(state=Approval.State.WAITING, expires_at__gt=now).exclude(requested_by=user).count()
    )
    page = reverse("admin:accounts_approval_changelist")
    return [
        _figure("Approvals for me", waiting, "how_to_reg", "wait for a second officer" if waiting else "none waits",
                "warning" if waiting else "", f"{page}?state__exact=waiting")
    ]  # fmt: skip


def _evidence_figures() -> list[dict[str, Any]]:
    last = EvidenceEntry.objects.order_by("-sequence").first()
    note = f"last {timezone.localtime(last.at):%-d %b, %H:%M}" if last else "nothing has happened yet"
    return [
        _figure(
            "Evidence entries",
            last.sequence if last else 0,
            "receipt_long",
            note,
            href=reverse("admin:accounts_evidenceentry_changelist"),
        )
    ]


def _staff_figures() -> list[dict[str, Any]]:
    staff = User.objects.filter(is_active=True)
    return [
        _figure(
            "Staff", staff.count(), "manage_accounts", "may sign in", href=reverse("admin:accounts_user_changelist")
        ),
        _figure(
            "Without a role", staff.filter(groups__isnull=True, is_superuser=False).count(), "person_off", "see nothing"
        ),
    ]


def _urgent(now: dt.datetime) -> list[dict[str, Any]]:
    rows = []
    for request in queue.open_requests().select_related("person", "owner")[:URGENT_SHOWN]:
        left = queue.days_left(request, now=now)
        rows.append({"request": request, "left": queue.days_left_words(left), "tone": queue.tone_of(left)})
    return rows


def _going_today(now: dt.datetime) -> dict[str, int]:
    end = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
    emptied = Workspace.objects.filter(emptied_at__gte=end - dt.timedelta(days=1)).count()
    return {
        "expiring": due_workspaces(end).count(),
        "emptied": emptied,
        "week": due_workspaces(now + dt.timedelta(days=7)).count(),
    }


def _requests_chart(now: dt.datetime) -> dict[str, str]:
    days, requests = last_days(now, CHART_DAYS), SubjectRequest.objects.all()
    return bar_chart(
        days,
        [
            ("Received", "#2563eb", count_per_day(requests, "received_at", days)),
            ("Closed", "#9ca3af", count_per_day(requests, "closed_at", days)),
        ],
    )


def _deletions_chart(now: dt.datetime) -> dict[str, str]:
    days = last_days(now, CHART_DAYS)
    done = DeletionJob.objects.filter(state=DeletionJob.State.DONE, workspace__isnull=False)
    return bar_chart(days, [("Workspaces emptied", "#0d9488", count_per_day(done, "done_at", days))])
