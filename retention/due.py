"""Which workspaces and rows are past their time."""

import datetime as dt

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import Membership, Workspace
from accounts.verdicts import Age, ModelMap
from retention.models import Hold
from retention.rules import aged_maps, period_of


def due_workspaces(now: dt.datetime) -> QuerySet[Workspace]:
    """Return the active workspaces whose last subscription ended at or before ``now``, with ``due_at``, oldest first.

    An end is the expiry, or after a cancellation the next billing or the agreed end if that is earlier
    (``Subscription.ends_at``). A workspace without a subscription, or with one that has no end, is not due: a missing
    value means *keep* (mission P1, P3; policy § 5.2). The database keeps ``Workspace.ends_at`` true with every write of
    a subscription, so that this reads an index and costs the same however many are not due.
    """
    return (
        Workspace.objects.filter(ends_at__lte=now, state__in=Workspace.INTACT)
        .annotate(due_at=F("ends_at"))
        .order_by("ends_at", "pk")
    )


def expiry_of(workspace: Workspace) -> dt.datetime | None:
    """Return the instant at which everything of the workspace goes, or None when nothing dates it."""
    ends = workspace.subscriptions.values_list("ends_at", flat=True)
    dated = [end for end in ends if end is not None]
    return max(dated) if dated and len(dated) == len(ends) else None


def workspaces_that_keep() -> QuerySet[Workspace]:
    """Return the workspaces whose rows no clock but their own may touch: held ones, and those being emptied."""
    held = Hold.objects.filter(workspace=OuterRef("pk"), lifted_at__isnull=True)
    return Workspace.objects.filter(Exists(held) | ~Q(state__in=Workspace.INTACT))


def past_rows(entry: ModelMap, age: Age, *, now: dt.datetime, period: dt.timedelta | None = None) -> QuerySet:
    """Return the rows of one model whose own time is over at ``now`` and that nothing keeps.

    Rows of a held workspace stay, and so do those of a person who is in one; rows of a workspace that is being emptied
    are its own deletion's. ``period`` is the one in force unless given; where there is none, nothing is past its time.
    """
    manager = entry.model_class._default_manager
    period = period or period_of(age.rule, now)
    if period is None:
        return manager.none()
    rows = manager.filter(age.past(now, period))
    keeping = workspaces_that_keep()
    if entry.workspace:
        rows = rows.exclude(**{f"{entry.workspace}__in": keeping})
    if entry.person:
        kept = Membership.objects.filter(workspace__in=keeping, person=OuterRef(f"{entry.person}_id"))
        rows = rows.filter(~Exists(kept))
    return rows


def anything_past(rule_key: str, now: dt.datetime) -> bool:
    """Return whether any row is past its time under a rule by age."""
    return any(past_rows(entry, age, now=now).exists() for entry, age in aged_maps(rule_key))


def count_past(rule_key: str, now: dt.datetime, *, up_to: int | None = None) -> dict[str, int]:
    """Return how many rows of each model are past their time under a rule by age, counted up to a cap."""
    counts = {}
    for entry, age in aged_maps(rule_key):
        rows = past_rows(entry, age, now=now).values("pk")
        if count := (rows[:up_to] if up_to else rows).count():
            counts[entry.model] = count
    return counts
