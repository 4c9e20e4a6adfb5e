"""Placing and lifting legal holds. A hold and a deletion take the same lock, so one of them is first and both know."""

import datetime as dt

from django.db import transaction

from accounts import evidence
from accounts.models import User, Workspace
from retention.models import Hold


class UnableToHold(ValueError):
    """The hold cannot be placed; the message says why, for the officer."""


def place_hold(
    *, workspace: Workspace, reason: str, authority: str, owner: User, review_on: dt.date, user: User, now: dt.datetime
) -> Hold:
    """Stop every deletion of a workspace, at once. Raises UnableToHold when its deletion has begun already."""
    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=workspace.pk)
        if workspace.state not in Workspace.INTACT:
            evidence.append_entry("HOLD_REFUSED", subject=str(workspace.pk), body={"by": user.pk})
            refused = True
        else:
            hold = Hold.objects.create(
                workspace=workspace,
                reason=reason,
                authority=authority,
                owner=owner,
                review_on=review_on,
                placed_by=user,
                placed_at=now,
            )
            evidence.append_entry(
                "HOLD_PLACED", subject=str(hold.pk), body={"workspace": str(workspace.pk), "by": user.pk}
            )
            refused = False
    if refused:
        raise UnableToHold("Too late: the deletion of this workspace has begun, and its keys are destroyed.")
    return hold


def lift_hold(hold_id, *, user: User, now: dt.datetime) -> None:
    """End a hold. Only an approved request leads here (``retention/approved_actions.py``)."""
    with transaction.atomic():
        hold = Hold.objects.select_for_update().get(pk=hold_id, lifted_at__isnull=True)
        hold.lifted_by, hold.lifted_at = user, now
        hold.save(update_fields=["lifted_by", "lifted_at"])
        evidence.append_entry(
            "HOLD_LIFTED", subject=str(hold.pk), body={"workspace": str(hold.workspace_id), "by": user.pk}
        )
