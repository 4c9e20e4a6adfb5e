"""Recipients told of what a person had a right to besides erasure (Article 19 GDPR; PDPO section 23(1)(c)): at once.

The notice is an ordinary one: sealed content, sent under a lease, reminded, confirmed. It goes to whoever has the category
now, and to those whose time ended within the last twelve months: they were given the data before it was changed.
"""

import datetime as dt
import uuid
from collections.abc import Mapping

from django.db.models import Q

from accounts import evidence
from accounts.models import Person, Workspace
from retention.models import Notice, NoticeContent, Recipient
from retention.upstream.identifiers import ids_of
from retention.upstream.notices import seal_content
from retention.upstream.recipients import address_of

STILL_TOLD = dt.timedelta(days=365)  # PDPO section 23(1)(c): disclosed to in the twelve months before
ASK_US = "Ask us for it by a way that is not open to others."


def recipients_of(model: str, *, now: dt.datetime) -> list[Recipient]:
    """Return those who receive this category now or received it lately, by name."""
    told = Recipient.objects.filter(
        Q(active_until__isnull=True) | Q(active_until__gt=now - STILL_TOLD), active_from__isnull=False
    )
    return [recipient for recipient in told.order_by("name") if model in recipient.categories]


def tell_of_change(
    kind: str,
    model: str,
    *,
    request_id: uuid.UUID,
    person: Person | None = None,
    workspace: Workspace | None = None,
    asks: str = "",
    changes: Mapping[str, str] | None = None,
    now: dt.datetime,
) -> list[Notice]:
    """Tell every recipient of a category what changed for one customer; must run in the transaction that changes it.

    ``asks`` says in words what they should do; ``changes`` are the new values by field, which leave only by a signed
    webhook or encrypted: a clear e-mail names the fields.
    """
    made = []
    for recipient in recipients_of(model, now=now):
        ids = ids_of(recipient.known_by, person=person, workspace=workspace)
        if not ids:
            continue
        is_open = recipient.channel == Recipient.Channel.EMAIL and not address_of(recipient).key
        told = dict.fromkeys(changes, ASK_US) if changes and is_open else dict(changes or {})
        notice = Notice.objects.create(
            kind=kind, recipient=recipient, request_id=request_id, categories=[model], state=Notice.State.WAITING,
            prepared_at=now, erased_at=now, due_at=now + dt.timedelta(days=recipient.deadline_days), next_try_at=now,
        )  # fmt: skip
        content = {**ids, **({"asks": asks} if asks else {}), **({"changes": told} if told else {})}
        NoticeContent.objects.create(notice=notice, sealed=seal_content(notice, content))
        made.append(notice)
    if made:
        body = {"notices": [str(notice.pk) for notice in made], "kind": str(kind)}
        evidence.append_entry("RECIPIENTS_TOLD", subject=str(request_id), body=body)
    return made
