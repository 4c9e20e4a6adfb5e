"""Which workspaces and rows are past their time."""

import datetime as dt

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from accounts.models import Subscription, Workspace
from accounts.verdicts import data_map
from retention.rules import PROMISES


def due_workspaces(now: dt.datetime) -> QuerySet[Workspace]:
    """Return the active workspaces whose last subscription expired at or before ``now``, with ``due_at``, oldest first.

    A workspace without a subscription, or with one that does not say when it expires, is not due: a missing value
    means *keep* (mission P1; policy § 5.2).
    """
    own = Subscription.objects.filter(workspace=OuterRef("pk"))
    return (
        Workspace.objects.filter(
            Exists(own.filter(expires_at__lte=now)),
            ~Exists(own.filter(Q(expires_at__gt=now) | Q(expires_at__isnull=True))),
            state=Workspace.State.ACTIVE,
        )
        .annotate(due_at=Max("subscriptions__expires_at"))
        .order_by("due_at", "pk")
    )


def expiry_of(workspace: Workspace) -> dt.datetime | None:
    """Return the instant at which everything of the workspace goes, or None when nothing dates it."""
    expiries = workspace.subscriptions.values_list("expires_at", flat=True)
    dated = [expiry for expiry in expiries if expiry is not None]
    return max(dated) if dated and len(dated) == len(expiries) else None


def due_rows(rule_key: str, now: dt.datetime) -> QuerySet:
    """Return the rows of an aged rule that are past their time at ``now``."""
    entry = next(entry for entry in data_map().values() if entry.clock == rule_key)
    aged = PROMISES[rule_key].aged
    assert aged is not None, f"{rule_key} is not a rule about ages"
    return entry.model_class._default_manager.filter(aged(now))
