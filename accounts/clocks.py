"""When a customer's record has had its own time, apart from the workspace's (policy § 5.2). ``now`` is aware."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import ChildFinding, Membership, PersonErasure, Workspace
from accounts.verdicts import Age


def access_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """A look or an export of the access log that happened a whole period ago."""
    return Q(at__lte=now - period)


def access_goes_at(entry, period: dt.timedelta) -> dt.datetime:
    """Return when one entry of the access log goes."""
    return entry.at + period


def kyc_image_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """An identity document that was decided a whole period ago and still has its image."""
    return Q(decided_at__lte=now - period) & ~Q(file_key="")


def consent_was_withdrawn(now: dt.datetime, period: dt.timedelta) -> Q:
    """A consent that was withdrawn a whole period ago."""
    return Q(withdrawn_at__lte=now - period)


def kyc_image_goes_at(document, period: dt.timedelta) -> dt.datetime | None:
    """Return when the image of one document goes; None: it was not decided, or has no image."""
    return document.decided_at + period if document.decided_at and document.file_key else None


def consent_goes_at(consent, period: dt.timedelta) -> dt.datetime | None:
    """Return when one consent goes; None: it was not withdrawn."""
    return consent.withdrawn_at + period if consent.withdrawn_at else None


def delivery_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """A message of a feed that came a whole period ago. By whole days (UTC), so that they go in one deletion a day."""
    return Q(received_at__lt=start_of_day(now - period))


def delivery_goes_at(delivery, period: dt.timedelta) -> dt.datetime:
    """Return when one message of a feed goes."""
    return start_of_day(delivery.received_at) + dt.timedelta(days=1) + period


def start_of_day(instant: dt.datetime) -> dt.datetime:
    return instant.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def children(now: dt.datetime) -> QuerySet:
    """Return the ids of the people whom two officers have confirmed to be children."""
    return ChildFinding.objects.filter(confirmed_at__lte=now, person__isnull=False).values("person")


def to_be_erased(model: str, now: dt.datetime) -> QuerySet:
    """Return the ids of the people whose rows of a model (its label) two officers have agreed to erase at their request."""
    granted = PersonErasure.objects.filter(decided_at__lte=now, ended_at__isnull=True, person__isnull=False)
    return granted.filter(categories__contains=[model]).values("person")


def by_decision(
    model: str, of: Callable[[Any], Q], person: str = "", *, dated_by: str = "", **emptied: Any
) -> tuple[Age, Age]:
    """Return the clocks of rows that go because of what two officers decided about their person (``person`` leads to them).

    ``of`` finds the rows of people by their ids, whoever else is in the workspace. At once: neither has a period to wait.
    """
    link = f"{person}__" if person else ""
    return (
        Age(
            "childs_data",
            lambda now, _: of(children(now)),
            dated_by or f"{link}child_findings__confirmed_at",
            **emptied,
        ),
        Age(
            "erasure_request",
            lambda now, _: of(to_be_erased(model, now)),
            dated_by or f"{link}erasures__decided_at",
            **emptied,
        ),
    )


def of_person(lookup: str) -> Callable[[Any], Q]:
    """Return how rows of people are found by a lookup."""
    return lambda people: Q(**{f"{lookup}__in": people})


def sole_workspaces(people: Any) -> QuerySet[Workspace]:
    """Return the living workspaces that nobody but these people are in."""
    others = Membership.objects.exclude(person__in=people)
    return (
        Workspace.objects.filter(memberships__person__in=people, state__in=Workspace.INTACT)
        .exclude(pk__in=others.values("workspace"))
        .distinct()
    )


def approval_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """What was asked of a second officer and decided, or left, a whole period ago, and still says it in words."""
    over = Q(decided_at__lte=now - period) | Q(decided_at__isnull=True, expires_at__lte=now - period)
    return over & ~Q(summary="")


def approval_goes_at(approval, period: dt.timedelta) -> dt.datetime | None:
    """Return when the words of one request to a second officer go; None: there are none any more."""
    return (approval.decided_at or approval.expires_at) + period if approval.summary else None


def session_ended(now: dt.datetime, period: dt.timedelta) -> Q:
    """A session of staff that ended a whole period ago. By whole days (UTC), so that they go in one deletion a day."""
    return Q(expire_date__lt=start_of_day(now - period))


def attempt_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """A sign-in of staff, or an attempt, of a whole period ago. By whole days (UTC)."""
    return Q(attempt_time__lt=start_of_day(now - period))


def log_entry_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """What a member of staff changed in the admin a whole period ago. By whole days (UTC)."""
    return Q(action_time__lt=start_of_day(now - period))
