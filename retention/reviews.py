"""Whether what is kept of live accounts still has a reason: looked at by an officer, at the latest once a year (mission P13)."""

import dataclasses
import datetime as dt
from collections.abc import Callable

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from accounts import evidence
from accounts.models import Person, User, Workspace
from accounts.verdicts import data_map
from retention.models import Review, Rule
from retention.promises import PROMISES
from retention.rules import aged_maps

LONGEST = dt.timedelta(days=365)  # between two reviews, and from the arming of a rule to its first
COUNT_UP_TO = 10_000

# Conditions on people who have a running reason although they are in no workspace: an open request, an open ticket.
_reasons: list[Callable[[], Q]] = []


class UnableToReview(ValueError):
    """The review cannot be recorded; the message says why, for the officer."""


def register_reason(condition: Callable[[], Q]) -> None:
    """Make known what else is a running reason to keep a person; called once at start by the apps above."""
    _reasons.append(condition)


@dataclasses.dataclass(frozen=True)
class Standing:
    """Where the review of one rule stands: the last one, and when the next is due (None: the rule only observes)."""

    rule: Rule
    title: str
    last: Review | None
    next_on: dt.date | None

    def is_overdue(self, today: dt.date) -> bool:
        return self.next_on is not None and self.next_on <= today


@dataclasses.dataclass(frozen=True)
class Kept:
    """How much of one category is kept now, counted up to COUNT_UP_TO, and since when the oldest."""

    plural: str
    count: int
    oldest: dt.datetime | None

    @property
    def shown(self) -> str:
        return f"{COUNT_UP_TO:,} or more" if self.count >= COUNT_UP_TO else f"{self.count:,}"


def standings() -> list[Standing]:
    """Return every rule's standing, in the order of PROMISES."""
    last = {
        review.rule_id: review
        for review in Review.objects.order_by("rule", "-reviewed_at", "-pk")
        .distinct("rule")
        .select_related("reviewed_by")
    }
    rules = Rule.objects.in_bulk(list(PROMISES))
    return [
        Standing(rules[key], PROMISES[key].title, last.get(key), _next_on(rules[key], last.get(key)))
        for key in PROMISES
        if key in rules
    ]


def _next_on(rule: Rule, last: Review | None) -> dt.date | None:
    if last:
        return last.next_on
    return timezone.localtime(rule.armed_at + LONGEST).date() if rule.armed_at else None


def overdue(now: dt.datetime) -> list[Standing]:
    """Return the rules whose review is due at ``now``, by the day in the portal's zone."""
    today = timezone.localtime(now).date()
    return [standing for standing in standings() if standing.is_overdue(today)]


def kept_under(rule_key: str) -> list[Kept]:
    """Return what is kept of each category that a rule acts on by age."""
    found = []
    for entry, age in aged_maps(rule_key):
        rows = entry.model_class._default_manager.all()
        oldest = rows.aggregate(at=Min(age.dated_by))["at"]
        found.append(Kept(entry.plural, rows.values("pk")[:COUNT_UP_TO].count(), oldest))
    return found


def people_without_reason() -> QuerySet[Person]:
    """Return the people whom nothing running keeps: in no workspace, no consent in force, no open request or ticket."""
    people = Person.objects.filter(memberships__isnull=True).exclude(
        pk__in=data_map()["accounts.Consent"]
        .model_class._default_manager.filter(withdrawn_at__isnull=True)
        .values("person")
    )
    for condition in _reasons:
        people = people.exclude(condition())
    return people.order_by("created_at", "pk")


def workspaces_without_end() -> QuerySet[Workspace]:
    """Return the live workspaces that nothing dates: no rule will ever empty them."""
    return Workspace.objects.filter(state=Workspace.State.ACTIVE, ends_at__isnull=True).order_by("created_at", "pk")


def record_review(rule: Rule, *, outcome: str, reason: str, next_on: dt.date, user: User, now: dt.datetime) -> Review:
    """Record what an officer found. Raises UnableToReview when the next review is not within a year."""
    today = timezone.localtime(now).date()
    if not today < next_on <= today + LONGEST:
        raise UnableToReview(f"The next review must be after today and no later than {today + LONGEST:%-d %b %Y}.")
    with transaction.atomic():
        review = Review.objects.create(
            rule=rule, outcome=outcome, reason=reason, next_on=next_on, reviewed_by=user, reviewed_at=now
        )
        evidence.append_entry(
            "REVIEWED", subject=rule.pk, body={"outcome": str(outcome), "next": next_on.isoformat(), "by": user.pk}
        )
    return review
