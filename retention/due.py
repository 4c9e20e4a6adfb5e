"""Which workspaces and rows are past their time."""

import datetime as dt

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from accounts.models import Subscription, Workspace
from accounts.verdicts import data_map
from retention.rules import PROMISES


def due_workspaces(now: dt.datetime) -> QuerySet[Workspace]:
    """Return the active workspaces whose last subscription ended at or before ``now``, with ``due_at``, oldest first.

    An end is the expiry, or after a cancellation the next billing or the agreed end if that is earlier
    (``Subscription.ends_at``). A workspace without a subscription, or with one that has no end, is not due: a missing
    value means *keep* (mission P1, P3; policy § 5.2).
    """
    own = Subscription.objects.filter(workspace=OuterRef("pk"))
    return (
        Workspace.objects.filter(
            Exists(own.filter(ends_at__lte=now)),
            ~Exists(own.filter(Q(ends_at__gt=now) | Q(ends_at__isnull=True))),
            state=Workspace.State.ACTIVE,
        )
        .annotate(due_at=Max("subscriptions__ends_at"))
        .order_by("due_at", "pk")
    )


def expiry_of(workspace: Workspace) -> dt.datetime | None:
    """Return the instant at which everything of the workspace goes, or None when nothing dates it."""
    ends = workspace.subscriptions.values_list("ends_at", flat=True)
    dated = [end for end in ends if end is not None]
    return max(dated) if dated and len(dated) == len(ends) else None


def due_rows(rule_key: str, now: dt.datetime) -> QuerySet:
    """Return the rows of an aged rule that are past their time at ``now``."""
    entry = next(entry for entry in data_map().values() if entry.clock == rule_key)
    aged = PROMISES[rule_key].aged
    assert aged is not None, f"{rule_key} is not a rule about ages"
    return entry.model_class._default_manager.filter(aged(now))
