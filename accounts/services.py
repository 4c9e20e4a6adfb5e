"""What changes a customer."""

import datetime as dt

from django.core.exceptions import ValidationError

from accounts import evidence
from accounts.models import Membership, Subscription, User, Workspace

DATES_THAT_END = ("expires_at", "cancelled_at", "agreed_end_at", "next_billing_at")


def refuse_past_end(subscription: Subscription, *, now: dt.datetime) -> None:
    """Raise ValidationError, at the field that says so, when a subscription's end is not in the future.

    Its workspace would be deleted at once. Called when one of DATES_THAT_END changes.
    """
    end = subscription.end
    if end and end <= now:
        field = next(
            name for name in ("expires_at", "agreed_end_at", "next_billing_at") if getattr(subscription, name) == end
        )
        what = "An expiry" if field == "expires_at" else "The end of a cancelled subscription"
        raise ValidationError(
            {
                field: f"{end:%-d %b %Y %H:%M %Z} is in the past: the workspace would be deleted at once. "
                f"{what} must lie in the future."
            }
        )


def record_end(subscription: Subscription, *, user: User | None) -> None:
    """Write down when a subscription ends now, and by whom: the deletion of its workspace rests on it."""
    evidence.append_entry(
        "EXPIRY_SET",
        subject=str(subscription.workspace_id),
        body={
            "subscription": str(subscription.pk),
            "ends": evidence.rfc3339(subscription.end) if subscription.end else "never",
            **({"by": user.pk} if user else {}),
        },
    )


def refuse_revival(outside_id: str) -> None:
    """Raise ValidationError when a feed names a workspace that was emptied: what was deleted stays deleted."""
    gone = Workspace.objects.filter(outside_id=outside_id).exclude(state__in=Workspace.INTACT).first()
    if gone:
        when = f" on {gone.emptied_at:%-d %b %Y}" if gone.emptied_at else ""
        raise ValidationError(
            f"Workspace {outside_id} was emptied{when} and cannot be filled again. A customer who returns gets a new one."
        )


def refuse_revival_of_person(outside_id: str) -> None:
    """Raise ValidationError when a feed names somebody of whom only what a hold or a law keeps is left.

    What is kept stays as it is, and what was deleted stays deleted.
    """
    places = Membership.objects.filter(person__outside_id=outside_id)
    if places.exists() and not places.filter(workspace__state__in=Workspace.INTACT).exists():
        raise ValidationError(
            f"Customer {outside_id} was deleted, but for what must be kept, and cannot be filled again. "
            "Somebody who returns gets a new number."
        )
