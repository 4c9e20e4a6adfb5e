"""The page of a person: where they are a customer, until when, and what they have asked for. Spans all apps."""

import datetime as dt
from typing import Any

from accounts.models import Person, Workspace
from callmama_privacy.workspace_page import fate_of
from dsar.marketing import opted_out_since
from dsar.models import Statement, SubjectRequest, Ticket
from dsar.queue import days_left, days_left_words, tone_of
from dsar.rights.correction import label_of
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
        "statements": _statements(person) if user.has_perm("dsar.view_statement") else [],
        "no_marketing_since": _opted_out(person, now) if user.has_perm("dsar.view_optout") else None,
    }


def _statements(person: Person) -> list[dict[str, Any]]:
    """Return what the person says of data that was not corrected: whoever uses the data must see it (PDPO section 25)."""
    return [
        {"row": each, "of": ", ".join(label_of(key) for key in each.fields)}
        for each in Statement.objects.filter(person=person).select_related("request").order_by("made_at", "pk")
    ]


def _opted_out(person: Person, now: dt.datetime) -> dt.datetime | None:
    since = [opted_out_since(address, now=now) for address in (person.email, person.phone) if address]
    return max((each for each in since if each), default=None)


def _request(request: SubjectRequest, now: dt.datetime) -> dict[str, Any]:
    left = days_left(request, now=now)
    return {"row": request, "left": days_left_words(left), "tone": tone_of(left)}
