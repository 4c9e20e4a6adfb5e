"""What changes a record."""

import datetime as dt

from telecom_records.models import Recording


def end_troubleshooting(ticket_reference: str, *, at: dt.datetime | None) -> int:
    """Say when the troubleshooting of a ticket ended: its recordings go then. None: it goes on. Return how many there are."""
    return Recording.objects.filter(kind=Recording.Kind.DIAGNOSTIC, ticket_reference=ticket_reference).update(
        troubleshooting_ended_at=at
    )
