"""The queue: what is overdue, what is near, in which order."""

import datetime as dt
from typing import Any

from django.db.models import Count, Q, QuerySet

from dsar.models import SubjectRequest, Ticket

NEAR_DAYS = 7


def open_requests() -> QuerySet[SubjectRequest]:
    """Return open requests, the most urgent first: by the earlier of statutory date and service target."""
    return SubjectRequest.objects.filter(closed_at__isnull=True).order_by("due_at", "reference")


def days_left(request: SubjectRequest, *, now: dt.datetime) -> int:
    """Return whole days until the end of the due day; 0 on the due day itself, negative when overdue.

    Overdue means overdue, whatever the state (an instant in the request's own zone: ``due_at`` is the end of the day).
    """
    seconds = (request.due_at - now).total_seconds()
    return int(seconds // 86_400)


def days_left_words(left: int) -> str:
    """Return days left in words for a badge: “3 days”, “today”, “2 days late”."""
    if left < 0:
        return f"{-left} day{'s' if left != -1 else ''} late"
    return "today" if left == 0 else f"{left} day{'s' if left != 1 else ''}"


def tone_of(left: int) -> str:
    """Return the colour of a badge: red when overdue, orange within a week, else green."""
    return "danger" if left < 0 else "warning" if left < NEAR_DAYS else "success"


def counts(now: dt.datetime) -> dict[str, int]:
    """Return the figures of the home page: open, overdue, due within seven days, nobody's."""
    near = now + dt.timedelta(days=NEAR_DAYS)
    return (
        open_requests()
        .order_by()
        .aggregate(
            open=Count("pk"),
            overdue=Count("pk", filter=Q(due_at__lte=now)),
            near=Count("pk", filter=Q(due_at__gt=now, due_at__lte=near)),
            unowned=Count("pk", filter=Q(owner__isnull=True)),
        )
    )


def count_open_of(workspaces: set[Any], people: set[Any]) -> int:
    """Return how many open requests are of these workspaces or people (sets of ids)."""
    concerned = Q(workspace__in=workspaces) | Q(person__in=people)
    return open_requests().filter(concerned).count()


def has_something_open() -> Q:
    """Return the condition on a person with an open request or an open ticket."""
    tickets = Ticket.objects.filter(closed_at__isnull=True, person__isnull=False)
    requests = SubjectRequest.objects.filter(closed_at__isnull=True, person__isnull=False)
    return Q(pk__in=requests.values("person")) | Q(pk__in=tickets.values("person"))
