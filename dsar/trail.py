"""The trail of a request: what happened, in words that name nobody outside the staff."""

import datetime as dt

from accounts.models import User
from dsar.models import RequestEvent, SubjectRequest


def tell(
    request: SubjectRequest, kind: str, text: str, *, user: User | None, now: dt.datetime, state: str = ""
) -> RequestEvent:
    """Write one entry; `user` is None for what the portal did by itself, `state` where a move has led to."""
    return RequestEvent.objects.create(request=request, at=now, kind=kind, text=text[:300], state=state, by=user)
