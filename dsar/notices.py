"""Short messages about a request, to the person or to staff: each a mail of the outbox, so that none is lost or sent twice."""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction

from dsar import outbox
from dsar.models import OutgoingMail, SubjectRequest


def notify(request: SubjectRequest, to: Iterable[str], *, subject: str, text: str, now: dt.datetime) -> None:
    """Queue one e-mail to each address, to everybody by themselves, all or none. Raises outbox.UnableToSend."""
    with transaction.atomic():
        for address in to:
            outbox.send(
                to=address, subject=subject, text=text, purpose=OutgoingMail.Purpose.NOTICE, about=request.reference, now=now
            )  # fmt: skip
