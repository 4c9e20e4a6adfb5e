"""What changes a customer."""

import datetime as dt

from django.core.exceptions import ValidationError

from accounts.models import Workspace


def refuse_past_expiry(expires_at: dt.datetime | None, *, now: dt.datetime) -> None:
    """Raise ValidationError when an expiry is not in the future: its workspace would be deleted at once."""
    if expires_at and expires_at <= now:
        raise ValidationError(
            {
                "expires_at": f"{expires_at:%-d %b %Y %H:%M %Z} is in the past: the workspace would be deleted at once. "
                "An expiry must lie in the future."
            }
        )


def refuse_revival(outside_id: str) -> None:
    """Raise ValidationError when a feed names a workspace that was emptied: what was deleted stays deleted."""
    gone = Workspace.objects.filter(outside_id=outside_id).exclude(state=Workspace.State.ACTIVE).first()
    if gone:
        when = f" on {gone.emptied_at:%-d %b %Y}" if gone.emptied_at else ""
        raise ValidationError(
            f"Workspace {outside_id} was emptied{when} and cannot be filled again. A customer who returns gets a new one."
        )
