"""The access log: who of the staff saw what, and why (mission A5).

Apart from the evidence: a reason is words, which may name somebody, so an entry goes when its own time is over
(the rule “access_log”), while the evidence stays.
"""

import datetime as dt

from accounts.models import AccessLogEntry, User


def log_access(
    user: User,
    action: str,
    *,
    of: str,
    now: dt.datetime,
    subject: str = "",
    rows: int | None = None,
    reason: str = "",
    ticket: str = "",
) -> AccessLogEntry:
    """Write down that ``user`` saw or took something: the label of a model (or “evidence”), and the opaque id of the row."""
    return AccessLogEntry.objects.create(
        user=user, action=action, of=of, at=now, subject=subject, rows=rows, reason=reason, ticket=ticket
    )
