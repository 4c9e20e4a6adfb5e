"""Changing how long a rule keeps, everywhere or in one country.

What keeps less, or is new, is asked for by one officer and approved by another, and is in force from the next day on;
what keeps more needs one officer and is in force at once, within the rule's limits: keeping for longer can be taken back,
deleting cannot. A change that is not in force yet can be cancelled by any officer.
"""

import dataclasses
import datetime as dt
import enum

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import approvals, evidence
from accounts.models import Approval, PolicyVersion, User
from accounts.validators import validate_country
from accounts.verdicts import data_map
from retention import breaker
from retention.impact import LOOKED_AT, Impact, impact_of
from retention.models import Rule, RuleVersion
from retention.promises import PROMISES
from retention.rules import Periods, aged_maps, knows_country, period_words, periods_of, unconfirmed_seeds

CHANGE_PERIOD = "change_period"


class UnableToChange(ValueError):
    """The period cannot be set; the message says why, for the officer."""


class Kind(enum.StrEnum):
    """What a change is, and so who must agree."""

    LENGTHEN = "keeps for longer"
    SHORTEN = "keeps for a shorter time"
    NEW = "is new"
    REMOVE = "is removed"
    BEYOND = "goes beyond what the policy promised so far"


@dataclasses.dataclass(frozen=True)
class Change:
    """A period that an officer wants for a rule; ``country`` empty: everywhere that has none of its own."""

    rule: str
    period: dt.timedelta | None  # None: the country has no period of its own any more
    country: str = ""
    policy_version: int | None = None  # the version that allows more than the policy did so far

    @property
    def where(self) -> str:
        return f" in {self.country}" if self.country else ""

    @property
    def target(self) -> str:
        seconds = int(self.period.total_seconds()) if self.period else ""
        return f"{self.rule}:{self.country}:{seconds}:{self.policy_version or ''}"

    @classmethod
    def of(cls, target: str) -> "Change":
        """Return the change that an approval's target names."""
        rule, country, seconds, version = target.split(":")
        period = dt.timedelta(seconds=int(seconds)) if seconds else None
        return cls(rule, period, country, int(version) if version else None)

    def applied_to(self, periods: Periods) -> Periods:
        return periods.replaced(self.country, self.period)


def kind_of(change: Change, now: dt.datetime) -> Kind:
    """Return what a change is, at ``now``. Raises UnableToChange when it cannot be made."""
    promise = PROMISES[change.rule]
    if not aged_maps(change.rule):
        raise UnableToChange("This rule follows the end of a subscription and has no period.")
    if promise.is_fixed:
        raise UnableToChange(f"The policy leaves no choice here ({promise.policy}).")
    _refuse_country(change)
    periods = periods_of(change.rule, now)
    in_force = periods.by_country.get(change.country) if change.country else periods.general
    if change.period is None:
        if not change.country:
            raise UnableToChange("The period everywhere cannot be taken away: write another one.")
        if in_force is None:
            raise UnableToChange(f"{change.country} has no period of its own.")
        return Kind.REMOVE
    if change.period <= dt.timedelta(0):
        raise UnableToChange("A period of zero would delete at once. Write at least one.")
    if not promise.shortest <= change.period <= promise.longest:
        raise UnableToChange(
            f"The period must be between {period_words(promise.shortest)} and {period_words(promise.longest)} ({promise.policy})."
        )
    if change.period == in_force:
        raise UnableToChange(f"The period{change.where} is {period_words(in_force)} already.")
    if promise.policy_longest and change.period > promise.policy_longest:
        _policy_that_allows(change, now)
        return Kind.BEYOND
    if in_force is None:
        return Kind.NEW
    return Kind.LENGTHEN if change.period > in_force else Kind.SHORTEN


def _policy_that_allows(change: Change, now: dt.datetime) -> PolicyVersion:
    """Return the policy version that the change rests on. Raises UnableToChange when it does not allow it, or not yet."""
    version = PolicyVersion.objects.filter(pk=change.policy_version).first() if change.policy_version else None
    longest = period_words(PROMISES[change.rule].policy_longest)
    if version is None:
        raise UnableToChange(f"More than {longest} needs a published version of the policy that says so. Choose it.")
    if not version.published_at or version.published_at > now:
        raise UnableToChange(f"Version {version} of the policy is not published yet.")
    if version.effective_on > timezone.localtime(now).date():
        raise UnableToChange(f"Version {version} of the policy takes effect on {version.effective_on:%-d %b %Y} only.")
    if change.period and change.period > dt.timedelta(days=version.recording_days or 0):
        allowed = f"{version.recording_days} days" if version.recording_days else f"no more than {longest}"
        raise UnableToChange(f"Version {version} of the policy allows {allowed}.")
    return version


def _refuse_country(change: Change) -> None:
    if not change.country:
        return
    try:
        validate_country(change.country)
    except ValidationError as error:
        raise UnableToChange(" ".join(error.messages)) from error
    if not knows_country(change.rule):
        raise UnableToChange("The rows under this rule lead to no workspace and no person, so to no country.")


def needs_second_officer(kind: Kind) -> bool:
    return kind is not Kind.LENGTHEN


def impact_of_change(change: Change, now: dt.datetime) -> Impact:
    """Return what the change would delete at once."""
    return impact_of(change.rule, change.applied_to(periods_of(change.rule, now)), now)


def ask_for_period(change: Change, *, user: User, now: dt.datetime) -> Approval:
    """Ask a second officer for a change. Raises UnableToChange, approvals.UnableToApprove.

    What the change would do is said in the request: the second officer decides on that.
    """
    kind_of(change, now)
    periods = periods_of(change.rule, now)
    was = period_words(periods.of(change.country))
    said = period_words(change.period) if change.period else "the general period"
    summary = (
        f"{PROMISES[change.rule].title}{change.where}: {said} instead of {was}, from the next day on. "
        f"{impact_words(impact_of_change(change, now))}"
    )
    return approvals.ask(CHANGE_PERIOD, target=change.target, summary=summary[:300], user=user, now=now)


def impact_words(impact: Impact) -> str:
    """Return in a sentence what a change would delete at once."""
    if not impact.total:
        return "It would delete nothing at once."
    maps = data_map()
    found = [
        f"{'more than ' if impact.capped and count == LOOKED_AT else ''}{count:,} {maps[label].plural}"
        for label, count in impact.rows.items()
    ]
    more = [f"of {impact.workspaces:,} workspaces"] if impact.workspaces else []
    more += [f"{impact.kept:,} more are held"] if impact.kept else []
    more += [f"{impact.open_requests:,} open requests are concerned"] if impact.open_requests else []
    return f"It would delete {' and '.join(found)} at once{' (' + '; '.join(more) + ')' if more else ''}."


def facts(target: str) -> dict[str, object]:
    """Return what an approval of a period is bound to: the rule, the country, the period, and what was set before."""
    change = Change.of(target)
    policy = PolicyVersion.objects.filter(pk=change.policy_version or 0).first()
    versions = RuleVersion.objects.filter(rule=change.rule)
    return {
        "rule": change.rule,
        "country": change.country,
        "seconds": int(change.period.total_seconds()) if change.period else 0,
        "versions": versions.count(),
        "cancelled": versions.filter(cancelled_at__isnull=False).count(),
        "policy": [policy.version, str(policy.effective_on), str(policy.published_at), policy.recording_days or 0]
        if policy
        else [],
    }


def set_period(target: str, asked_by: User, approved_by: User, now: dt.datetime) -> None:
    """Write the approved period down; it is in force from the start of the next day in the portal's time zone.

    Raises approvals.UnableToApprove when the change cannot be made any more.
    """
    try:
        kind_of(Change.of(target), now)
    except UnableToChange as error:
        raise approvals.UnableToApprove(str(error)) from error
    tomorrow = timezone.localtime(now).date() + dt.timedelta(days=1)
    version = _write(
        Change.of(target),
        effective_at=timezone.make_aware(dt.datetime.combine(tomorrow, dt.time())),
        asked_by=asked_by,
        approved_by=approved_by,
        approved_at=now,
    )
    breaker.expect(version.rule_id, now=version.effective_at)


def lengthen(change: Change, *, user: User, now: dt.datetime) -> RuleVersion:
    """Keep for longer, from now on, by one officer. Raises UnableToChange when the change does not keep longer.

    A shorter period that was approved for later still begins when it was to begin; cancel it if that is not meant.
    """
    with transaction.atomic():
        Rule.objects.select_for_update().get(pk=change.rule)
        if needs_second_officer(kind_of(change, now)):
            raise UnableToChange("This keeps for a shorter time than now, so it needs a second officer.")
        return _write(change, effective_at=now, asked_by=user, approved_at=now)


def _write(change: Change, *, effective_at: dt.datetime, **fields) -> RuleVersion:
    Rule.objects.select_for_update().get(pk=change.rule)
    version = RuleVersion.objects.create(
        rule_id=change.rule,
        number=RuleVersion.objects.filter(rule=change.rule).count() + 1,
        country=change.country,
        period=change.period,
        policy_version_id=change.policy_version,
        effective_at=effective_at,
        **fields,
    )
    evidence.append_entry(
        "PERIOD_SET",
        subject=change.rule,
        body={
            "version": version.number,
            "country": change.country,
            "seconds": int(change.period.total_seconds()) if change.period else 0,
            "from": evidence.rfc3339(version.effective_at),
            "policy_version": change.policy_version or 0,
            "by": [user.pk for user in (version.asked_by, version.approved_by) if user],
        },
    )
    return version


def cancel_version(version_id: int, *, user: User, now: dt.datetime) -> None:
    """Cancel, by one officer, a period that is not in force yet. Raises UnableToChange when it is, or was cancelled."""
    with transaction.atomic():
        waiting = RuleVersion.objects.select_for_update().filter(
            pk=version_id, effective_at__gt=now, cancelled_at__isnull=True
        )
        version = waiting.first()
        if version is None:
            raise UnableToChange("This period is in force already, or was cancelled. Set another one instead.")
        version.cancelled_by, version.cancelled_at = user, now
        version.save(update_fields=["cancelled_by", "cancelled_at"])
        evidence.append_entry(
            "PERIOD_CANCELLED", subject=version.rule_id, body={"version": version.number, "by": user.pk}
        )


def confirm_seed(rule: Rule, *, user: User, now: dt.datetime) -> None:
    """Record that an officer has compared the period that ships with the rule with the policy. Raises UnableToChange."""
    with transaction.atomic():
        row = Rule.objects.select_for_update().get(pk=rule.pk)
        if row.key not in unconfirmed_seeds():
            raise UnableToChange("There is nothing to confirm.")
        row.seed_confirmed_by, row.seed_confirmed_at = user, now
        row.save(update_fields=["seed_confirmed_by", "seed_confirmed_at"])
        seconds = int(PROMISES[row.key].seed.total_seconds())  # type: ignore[union-attr]
        evidence.append_entry("SEED_CONFIRMED", subject=row.key, body={"seconds": seconds, "by": user.pk})
