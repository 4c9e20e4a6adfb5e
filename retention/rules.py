"""The rules as they are in force: periods, their variants by country, the words for them, and whether they delete yet."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping

from django.db import router

from accounts.verdicts import Age, ModelMap, data_map
from retention.models import DeletionJob, Rule, RuleVersion
from retention.promises import DAY, HOUR, PROMISES, Action, Promise

NOT_SET = "a period not set yet"


@dataclasses.dataclass(frozen=True)
class Periods:
    """The periods of one rule at one instant: everywhere, and where a country has one of its own. None keeps."""

    general: dt.timedelta | None
    by_country: Mapping[str, dt.timedelta] = dataclasses.field(default_factory=dict)

    def of(self, country: str) -> dt.timedelta | None:
        """Return the period for a row of this country: the narrower rule wins over the general one."""
        return self.by_country.get(country, self.general)

    def replaced(self, country: str, period: dt.timedelta | None) -> "Periods":
        """Return these periods with another one, everywhere (country empty) or in a country (None: no variant any more)."""
        if not country:
            return dataclasses.replace(self, general=period)
        others = {code: value for code, value in self.by_country.items() if code != country}
        return dataclasses.replace(self, by_country={**others, country: period} if period else others)

    @property
    def known(self) -> list[dt.timedelta]:
        return sorted(period for period in (self.general, *self.by_country.values()) if period is not None)


def promise_of(rule: Rule) -> Promise:
    """Return the words of a rule."""
    return PROMISES[rule.key]


def what_of(job: DeletionJob) -> str:
    """Return in words what a deletion is about: a workspace by its account number, or rows by their rule."""
    return f"Workspace {job.workspace}" if job.workspace else PROMISES[job.rule_id].title


def aged_maps(rule_key: str) -> list[tuple[ModelMap, Age]]:
    """Return the models on which a rule acts by the age of their rows, with their clocks; none for the workspace's rule."""
    return [(entry, age) for entry in data_map().values() if (age := entry.age(rule_key))]


def aged_rules() -> list[str]:
    """Return the keys of the rules that act by age, in the order of PROMISES."""
    return [key for key in PROMISES if aged_maps(key)]


def knows_country(rule_key: str) -> bool:
    """Return whether the rows under a rule lead to a country, so that it can have variants."""
    maps = aged_maps(rule_key)
    return not PROMISES[rule_key].is_fixed and bool(maps) and all(entry.workspace or entry.person for entry, _ in maps)


def periods_of(rule_key: str, now: dt.datetime) -> Periods:
    """Return the periods in force at ``now``: the last ones that officers set; else, for the general one, the seed."""
    return periods_of_many([rule_key], now)[rule_key]


def periods_of_many(rule_keys: Iterable[str], now: dt.datetime) -> dict[str, Periods]:
    """Return by rule what ``periods_of`` would, with one question."""
    found: dict[str, dict[str, dt.timedelta | None]] = {key: {"": PROMISES[key].seed} for key in rule_keys}
    versions = (
        RuleVersion.objects.filter(rule__in=found, effective_at__lte=now, cancelled_at__isnull=True)
        .order_by("rule", "country", "-effective_at", "-number")
        .distinct("rule", "country")
        .values_list("rule", "country", "period")
    )
    for key, country, period in versions:
        found[key][country] = period
    return {
        key: Periods(periods.pop(""), {country: period for country, period in periods.items() if period})
        for key, periods in found.items()
    }


def period_of(rule_key: str, now: dt.datetime, country: str = "") -> dt.timedelta | None:
    """Return the period in force at ``now``, in a country or in general; None: keep."""
    return periods_of(rule_key, now).of(country)


def coming_versions(rule_key: str, now: dt.datetime) -> list[RuleVersion]:
    """Return what was decided and is not in force yet, the next one first."""
    waiting = RuleVersion.objects.filter(rule=rule_key, effective_at__gt=now, cancelled_at__isnull=True)
    return list(waiting.select_related("asked_by", "approved_by").order_by("effective_at", "number"))


def has_seed_only(rule_key: str) -> bool:
    """Return whether the general period is the seed: officers have not set one."""
    return PROMISES[rule_key].seed is not None and not RuleVersion.objects.filter(rule=rule_key, country="").exists()


def unconfirmed_seeds() -> list[str]:
    """Return the keys of the rules by age whose period is the policy's seed, and no officer has confirmed it."""
    unconfirmed = set(Rule.objects.filter(seed_confirmed_at__isnull=True).values_list("key", flat=True))
    return [key for key in aged_rules() if key in unconfirmed and not PROMISES[key].is_fixed and has_seed_only(key)]


def period_words(period: dt.timedelta | None) -> str:
    """Return a period as people say it: “30 days”, “1 hour”, “at once”; “a period not set yet” for none."""
    if period is None:
        return NOT_SET
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (HOUR / 60, "minute")):
        if period % unit == dt.timedelta(0):
            count = period // unit
            return f"{count:,} {name}{'' if count == 1 else 's'}"
    return str(period)


def words_of(rule_key: str, now: dt.datetime) -> str:
    """Return what a rule does, with the period in force."""
    promise, period = PROMISES[rule_key], period_of(rule_key, now)
    if period is None and promise.words_without:
        return promise.words_without
    return promise.words.format(period=period_words(period))


def headline(promise: Promise, period: dt.timedelta | None) -> str:
    """Return a rule in one line: “Subscriber recordings: deleted 30 days after the call …, § 5.2”."""
    if promise.action is Action.EVERYTHING or promise.is_fixed:
        what = f"{promise.action} {promise.clock}"
    elif period is None:
        what = f"{promise.action} {promise.without}" if promise.without else "kept: nobody has set the period"
    else:
        what = f"{promise.action} {period_words(period)} {promise.clock}"
    return f"{promise.title}: {what}, {promise.policy}"


def without_period(now: dt.datetime) -> list[str]:
    """Return the keys of the rules by age that keep everything because nobody has set their period."""
    periods = periods_of_many([key for key in aged_rules() if not PROMISES[key].without], now)
    return [key for key, found in periods.items() if found.general is None]


def armed_rules() -> set[str]:
    """Return the keys of the rules that delete."""
    return set(Rule.objects.filter(state=Rule.State.ARMED).values_list("key", flat=True))


def observing_rules() -> list[str]:
    """Return the keys of the rules that only show what they would delete."""
    return list(Rule.objects.filter(state=Rule.State.OBSERVING).order_by("key").values_list("key", flat=True))


def make_rules(*, using: str = "default", **_) -> None:
    """Bring the rows in line with PROMISES after a migration; a new rule observes."""
    if not router.allow_migrate_model(using, Rule):
        return
    for key in PROMISES:
        Rule.objects.using(using).get_or_create(key=key)
