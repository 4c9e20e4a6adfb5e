"""Changing how long a rule keeps: asked for by one officer, approved by another, in force from the next day on."""

import datetime as dt

from django.utils import timezone

from accounts import approvals, evidence
from accounts.models import Approval, User
from retention.due import past_rows
from retention.models import Rule, RuleVersion
from retention.rules import PROMISES, aged_maps, period_of, period_words

CHANGE_PERIOD = "change_period"
COUNT_UP_TO = 10_000


class UnableToChange(ValueError):
    """The period cannot be set; the message says why, for the officer."""


def ask_for_period(rule: Rule, period: dt.timedelta, *, user: User, now: dt.datetime) -> Approval:
    """Ask a second officer to set a rule's period. Raises UnableToChange, approvals.UnableToApprove.

    What the change would do is said in the request: the second officer decides on that.
    """
    promise = PROMISES[rule.key]
    if not aged_maps(rule.key):
        raise UnableToChange("This rule follows the end of a subscription and has no period.")
    if promise.is_fixed:
        raise UnableToChange(f"The policy leaves no choice here ({promise.policy}).")
    if period <= dt.timedelta(0):
        raise UnableToChange("A period of zero would delete at once. Write at least one.")
    if not promise.shortest <= period <= promise.longest:
        raise UnableToChange(
            f"The period must be between {period_words(promise.shortest)} and {period_words(promise.longest)} ({promise.policy})."
        )
    in_force = period_of(rule.key, now)
    if period == in_force:
        raise UnableToChange(f"The period is {period_words(period)} already.")
    return approvals.ask(
        CHANGE_PERIOD,
        target=f"{rule.key}:{int(period.total_seconds())}",
        summary=f"{promise.title}: {period_words(period)} instead of {period_words(in_force)}, from the next day on. "
        f"{impact_words(rule.key, period, now)}",
        user=user,
        now=now,
    )


def impact_words(rule_key: str, period: dt.timedelta, now: dt.datetime) -> str:
    """Return in a sentence how many rows would be past their time at once under another period, beyond those that are now."""
    found = []
    for entry, age in aged_maps(rule_key):
        then = past_rows(entry, age, now=now, period=period).values("pk")[: COUNT_UP_TO + 1].count()
        today = past_rows(entry, age, now=now).values("pk")[: COUNT_UP_TO + 1].count()
        if then > today:
            shown = f"more than {COUNT_UP_TO:,}" if then > COUNT_UP_TO else f"{then - today:,}"
            found.append(f"{shown} {entry.plural}")
    return f"It would delete {' and '.join(found)} at once." if found else "It would delete nothing at once."


def facts(target: str) -> dict[str, object]:
    """Return what an approval of a new period is bound to: the rule, the period, and how many were set before."""
    key, seconds = target.split(":")
    return {"rule": key, "seconds": int(seconds), "versions": RuleVersion.objects.filter(rule=key).count()}


def set_period(target: str, asked_by: User, approved_by: User, now: dt.datetime) -> None:
    """Write the approved period down; it is in force from the start of the next day in the portal's time zone."""
    key, seconds = target.split(":")
    tomorrow = timezone.localtime(now).date() + dt.timedelta(days=1)
    version = RuleVersion.objects.create(
        rule_id=key,
        number=RuleVersion.objects.filter(rule=key).count() + 1,
        period=dt.timedelta(seconds=int(seconds)),
        effective_at=timezone.make_aware(dt.datetime.combine(tomorrow, dt.time())),
        asked_by=asked_by,
        approved_by=approved_by,
        approved_at=now,
    )
    evidence.append_entry(
        "PERIOD_SET",
        subject=key,
        body={
            "version": version.number,
            "seconds": int(seconds),
            "from": evidence.rfc3339(version.effective_at),
            "by": [asked_by.pk, approved_by.pk],
        },
    )
