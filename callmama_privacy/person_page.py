"""The page of a person: where they are a customer, until when, and what they have asked for. Spans all apps."""

import datetime as dt
from typing import Any

from accounts.models import Person, Workspace
from callmama_privacy.workspace_page import fate_of
from dsar.models import SubjectRequest, Ticket
from dsar.queue import days_left, days_left_words, tone_of
from retention.visibility import on_pages

SHOWN = 5


def summary(person: Person, user, *, now: dt.datetime) -> dict[str, Any]:
    """Return what the page shows above its tabs: only of what this member of staff may see."""
    workspaces = on_pages(Workspace.objects.filter(memberships__person=person)).distinct().order_by("outside_id")
    requests = SubjectRequest.objects.filter(person=person, closed_at__isnull=True).order_by("due_at", "pk")
    tickets = on_pages(Ticket.objects.filter(person=person, closed_at__isnull=True)).order_by("opened_at", "pk")
    return {
        "person": person,
        "workspaces": [
            {"row": workspace, "fate": fate_of(workspace, now=now, may_know=user.has_perm("retention.view_hold"))}
            for workspace in workspaces[:SHOWN]
        ],
        "more_workspaces": max(0, workspaces.count() - SHOWN),
        "requests": [_request(request, now) for request in requests[:SHOWN]]
        if user.has_perm("dsar.view_subjectrequest")
        else [],
        "tickets": tickets[:SHOWN] if user.has_perm("dsar.view_ticket") else [],
    }


def _request(request: SubjectRequest, now: dt.datetime) -> dict[str, Any]:
    left = days_left(request, now=now)
    return {"row": request, "left": days_left_words(left), "tone": tone_of(left)}
