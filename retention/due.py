"""Which workspaces and rows are past their time."""

import datetime as dt
import functools
import operator

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import Membership, Workspace
from accounts.verdicts import Age, ModelMap
from retention import keeping
from retention.models import Reprieve
from retention.rules import Periods, aged_maps, periods_of


def due_workspaces(now: dt.datetime) -> QuerySet[Workspace]:
    """Return the active workspaces whose last subscription ended at or before ``now``, with ``due_at``, oldest first.

    An end is the expiry, or after a cancellation the next billing or the agreed end if that is earlier
    (``Subscription.ends_at``). A workspace without a subscription, or with one that has no end, is not due: a missing
    value means *keep* (mission P1, P3; policy § 5.2). An end that two officers decided is before all of them. The database keeps ``Workspace.ends_at`` true with every write of
    a subscription, so that this reads an index and costs the same however many are not due.
    """
    return (
        Workspace.objects.filter(
            ~Exists(Reprieve.objects.filter(workspace=OuterRef("pk"), ended_at__isnull=True)),
            ends_at__lte=now,
            state__in=Workspace.INTACT,
        )
        .annotate(due_at=F("ends_at"))
        .order_by("ends_at", "pk")
    )


def expiry_of(workspace: Workspace) -> dt.datetime | None:
    """Return the instant at which everything of the workspace goes, or None when nothing dates it."""
    ends = workspace.subscriptions.values_list("ends_at", flat=True)
    dated = [end for end in ends if end is not None]
    last = max(dated) if dated and len(dated) == len(ends) else None
    return min((end for end in (last, workspace.goes_at) if end), default=None)


def due_remainders(now: dt.datetime) -> QuerySet[Workspace]:
    """Return the emptied workspaces of which something may be kept no more, with ``due_at``, oldest first."""
    return (
        Workspace.objects.filter(state=Workspace.State.REMAINDER, remainder__look_again_at__lte=now)
        .annotate(due_at=F("remainder__look_again_at"))
        .order_by("due_at", "pk")
    )


def past_rows(entry: ModelMap, age: Age, *, now: dt.datetime) -> QuerySet:
    """Return the rows of one model whose own time is over at ``now`` and that nothing keeps.

    Where no period is in force, nothing is past its time.
    """
    manager = entry.model_class._default_manager
    past = past_condition(entry, age, now=now, periods=periods_of(age.rule, now))
    return manager.none() if past is None else without_kept(entry, manager.filter(past), now=now)


def past_parts(entry: ModelMap, age: Age, *, now: dt.datetime) -> list[QuerySet]:
    """Return the rows of ``past_rows`` in parts that share no row, one for each period in force.

    To count or to choose: each part is found by the indexes of its own instant and country, where the whole would be
    one condition with OR, which reads every row between the shortest and the longest period.
    """
    manager = entry.model_class._default_manager
    conditions = conditions_by_period(entry, age, now=now, periods=periods_of(age.rule, now))
    return [without_kept(entry, manager.filter(condition), now=now) for condition in conditions]


def past_condition(entry: ModelMap, age: Age, *, now: dt.datetime, periods: Periods) -> Q | None:
    """Return the condition on which a row's time is over, whatever keeps it; None: no period is in force."""
    conditions = conditions_by_period(entry, age, now=now, periods=periods)
    return functools.reduce(operator.or_, conditions) if conditions else None


def conditions_by_period(entry: ModelMap, age: Age, *, now: dt.datetime, periods: Periods) -> list[Q]:
    """Return one condition for each period: of the countries that have their own, then of everywhere else."""
    conditions = [
        in_countries(entry, [country]) & age.past(now, period) for country, period in sorted(periods.by_country.items())
    ]
    if periods.general is not None:
        elsewhere = ~in_countries(entry, sorted(periods.by_country)) if periods.by_country else Q()
        conditions.append(elsewhere & age.past(now, periods.general))
    return conditions


def in_countries(entry: ModelMap, countries: list[str]) -> Q:
    """Return the condition that a row is of one of these countries: its workspace's, or without one its person's."""
    by_workspace = Q(**{f"{entry.workspace}__in": Workspace.objects.filter(country__in=countries)})
    by_person = Q(**{f"{entry.person}__country__in": countries})
    if not entry.workspace:
        return by_person
    return by_workspace | (Q(**{f"{entry.workspace}__isnull": True}) & by_person) if entry.person else by_workspace


def without_kept(entry: ModelMap, rows: QuerySet, *, now: dt.datetime) -> QuerySet:
    """Return the rows that nothing keeps at ``now``.

    What a hold or a law covers stays, and what such a row points to; rows of a workspace that is being emptied (or of
    somebody in it), or of which a remainder is kept, are its own deletion's.
    """
    emptying = Workspace.objects.filter(state=Workspace.State.EMPTYING)
    if entry.last_of:
        rows = rows.exclude(**{f"{entry.last_of}__workspace__in": emptying})
    if entry.workspace:
        begun = [Workspace.State.EMPTYING, Workspace.State.REMAINDER]
        rows = rows.exclude(**{f"{entry.workspace}__in": Workspace.objects.filter(state__in=begun)})
    if entry.person:
        theirs = Membership.objects.filter(workspace__in=emptying, person=OuterRef(f"{entry.person}_id"))
        rows = rows.filter(~Exists(theirs))
    kept = keeping.kept(entry, keeping.keepers_in_force(now))
    return rows if kept is None else rows.exclude(pk__in=entry.model_class._default_manager.filter(kept).values("pk"))


def anything_past(rule_key: str, now: dt.datetime) -> bool:
    """Return whether any row is past its time under a rule by age."""
    return any(part.exists() for entry, age in aged_maps(rule_key) for part in past_parts(entry, age, now=now))


def count_past(rule_key: str, now: dt.datetime, *, up_to: int | None = None) -> dict[str, int]:
    """Return how many rows of each model are past their time under a rule by age, counted up to a cap."""
    counts: dict[str, int] = {}
    for entry, age in aged_maps(rule_key):
        for part in past_parts(entry, age, now=now):
            rows = part.values("pk")
            left = up_to - counts.get(entry.model, 0) if up_to else None
            if count := (rows[:left] if left is not None else rows).count():
                counts[entry.model] = counts.get(entry.model, 0) + count
    return counts
