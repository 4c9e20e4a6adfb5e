"""The retention schedule: every rule with what is in force, as pages show it and auditors take it away (mission A1, A6)."""

import csv
import dataclasses
import datetime as dt
import io
from typing import Any

from django.contrib.admin.utils import quote
from django.urls import reverse

from accounts.verdicts import data_map
from retention.models import Rule
from retention.promises import PROMISES, Action
from retention.rules import (
    aged_maps,
    coming_versions,
    has_seed_only,
    headline,
    knows_country,
    period_words,
    periods_of,
    words_of,
)


@dataclasses.dataclass(frozen=True)
class Line:
    """One rule as it is in force at an instant, in words for people who are not programmers."""

    key: str
    title: str
    headline: str
    words: str
    categories: list[str]  # what it acts on: “recordings”
    action: str
    clock: str
    period: dt.timedelta | None
    variants: dict[str, dt.timedelta]  # by country
    shortest: dt.timedelta | None
    longest: dt.timedelta | None
    policy: str
    basis: str
    armed: bool
    standing: str  # where the period comes from: set by officers, seed confirmed or not, nobody's
    tone: str  # of the standing: success, warning or none
    coming: list[str]  # decided, not in force yet
    contradiction: str
    without: str  # what happens while no period is set, if that is no fault
    has_period: bool
    has_countries: bool

    @property
    def page(self) -> str:
        """The address of the rule's page, its key quoted as the admin quotes it."""
        return reverse("admin:retention_rule_change", args=[quote(self.key)])

    @property
    def period_words(self) -> str:
        if not self.has_period:
            return "–"
        return "no maximum" if self.without and self.period is None else period_words(self.period)

    @property
    def limits(self) -> str:
        return f"{period_words(self.shortest)} to {period_words(self.longest)}" if self.has_period else "–"

    @property
    def variant_words(self) -> list[str]:
        return [f"{country}: {period_words(period)}" for country, period in self.variants.items()]

    def as_dict(self) -> dict[str, Any]:
        """Return the line for a program: periods in seconds, and the words beside them."""
        return {
            "rule": self.key,
            "title": self.title,
            "headline": self.headline,
            "words": self.words,
            "categories": self.categories,
            "action": self.action,
            "clock": self.clock,
            "period_seconds": _seconds(self.period),
            "period": self.period_words,
            "countries": {country: _seconds(period) for country, period in self.variants.items()},
            "shortest_seconds": _seconds(self.shortest),
            "longest_seconds": _seconds(self.longest),
            "policy": self.policy,
            "lawful_basis": self.basis,
            "state": "armed" if self.armed else "observing",
            "standing": self.standing,
            "coming": self.coming,
            "contradiction": self.contradiction,
        }


def schedule_of(now: dt.datetime) -> list[Line]:
    """Return every rule as it is in force at ``now``, in the order of PROMISES."""
    return [line_of(rule, now) for rule in _rows()]


def _rows() -> list[Rule]:
    rows = Rule.objects.in_bulk(list(PROMISES))
    return [rows[key] for key in PROMISES if key in rows]


def line_of(rule: Rule, now: dt.datetime) -> Line:
    """Return one rule as it is in force at ``now``."""
    promise = PROMISES[rule.key]
    maps = aged_maps(rule.key)
    periods = periods_of(rule.key, now)
    standing, tone = _standing(rule, periods.general)
    return Line(
        key=rule.key,
        title=promise.title,
        headline=headline(promise, periods.general),
        words=words_of(rule.key, now),
        categories=_categories(rule.key),
        action=str(promise.action),
        clock=promise.clock,
        period=periods.general,
        variants=dict(sorted(periods.by_country.items())),
        shortest=promise.shortest if maps and not promise.is_fixed else None,
        longest=promise.longest if maps and not promise.is_fixed else None,
        policy=promise.policy,
        basis=promise.basis,
        armed=rule.state == Rule.State.ARMED,
        standing=standing,
        tone=tone,
        coming=[
            f"{version.country + ': ' if version.country else ''}"
            f"{period_words(version.period) if version.period else 'as everywhere'} from {version.effective_at:%-d %b %Y}"
            for version in coming_versions(rule.key, now)
        ],
        contradiction=promise.contradiction,
        without=promise.without,
        has_period=bool(maps) and not promise.is_fixed,
        has_countries=knows_country(rule.key),
    )


def _categories(key: str) -> list[str]:
    if aged := aged_maps(key):
        return [entry.plural for entry, _ in aged]
    return [entry.plural for entry in data_map().values() if entry.clock == key]


def _standing(rule: Rule, period: dt.timedelta | None) -> tuple[str, str]:
    promise = PROMISES[rule.key]
    if promise.action is Action.EVERYTHING or promise.is_fixed:
        return "Follows the subscription", ""
    if period is None:
        return (
            (f"No period: {promise.without}", "") if promise.without else ("Nobody has set a period: kept", "warning")
        )
    if not has_seed_only(rule.key):
        return "Set by officers", "success"
    return ("Seed, confirmed", "success") if rule.seed_confirmed_at else ("Seed, not confirmed yet", "warning")


def as_csv(lines: list[Line]) -> str:
    """Return the schedule as CSV, one rule a line."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            "rule", "title", "what happens", "categories", "period", "counted", "countries", "least and most", "policy",
            "lawful basis", "state", "standing", "coming", "note",
        ]
    )  # fmt: skip
    for line in lines:
        writer.writerow(
            [
                line.key, line.title, line.headline, ", ".join(line.categories), line.period_words, line.clock,
                "; ".join(line.variant_words), line.limits, line.policy, line.basis,
                "armed" if line.armed else "observing", line.standing, "; ".join(line.coming), line.contradiction,
            ]
        )  # fmt: skip
    return out.getvalue()


def _seconds(period: dt.timedelta | None) -> int | None:
    return None if period is None else int(period.total_seconds())
