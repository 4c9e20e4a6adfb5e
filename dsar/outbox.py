"""E-mail to people, as rows: written in the transaction that it belongs to, sent under a lease, tried again until it is there.

Its Message-ID is its id and never changes. SMTP cannot promise more than this: a worker that is killed after the server took
the mail and before that is written down sends it once more under the same Message-ID, by which mail programs know it again.
Whom a mail is to and what it says is sealed; the row says only what became of it.
"""

import dataclasses
import datetime as dt
import json
import logging
import re
import uuid
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet

from accounts import delivery, keys
from accounts.delivery import DAY, HOUR, MINUTE, Outcome, Result
from accounts.mail import hand_over
from accounts.models import User
from dsar.models import OutgoingMail, Ticket

log = logging.getLogger(__name__)

PURPOSE = "outgoing mail"
INTERVALS = (MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR)
GIVE_UP_AFTER = (
    3 * DAY
)  # RFC 5321 section 4.5.4.1 wants at least 4 to 5 days of a mail server; ours must be heard of sooner
LATE_AFTER = HOUR  # a mail that waits longer is shown on every page
State = OutgoingMail.State
MOVES: dict[str, set[str]] = {
    State.QUEUED: {State.SENT, State.FAILED, State.UNDELIVERABLE, State.CLOSED},
    State.SENT: {State.UNDELIVERABLE},
    State.FAILED: {State.QUEUED, State.CLOSED},
    State.UNDELIVERABLE: {State.QUEUED, State.CLOSED},
    State.CLOSED: set(),
}


class UnableToSend(ValueError):
    """This cannot be sent; the message says why, for whoever writes it."""


@dataclasses.dataclass(frozen=True)
class Content:
    """What a mail is. ``answers`` are Message-IDs without angle brackets, the one it answers first."""

    to: str
    subject: str
    text: str
    answers: Sequence[str] = ()


def send(
    *,
    to: str,
    subject: str,
    text: str,
    purpose: str,
    now: dt.datetime,
    ticket: Ticket | None = None,
    about: str = "",
    answers: Sequence[str] = (),
    user: User | None = None,
    give_up_after: dt.timedelta = GIVE_UP_AFTER,
) -> OutgoingMail:
    """Queue one plain-text e-mail to one address, in the caller's transaction: it goes if that commits, and only then.

    ``purpose`` is one of OutgoingMail.Purpose; ``about`` the reference of a request. Raises UnableToSend for an address or
    a subject that is none. A one-time code should be given up when it ends, so ``give_up_after`` can be shorter.
    """
    subject = re.sub(r"\s+", " ", subject).strip()
    try:
        validate_email(to)
    except ValidationError as error:
        raise UnableToSend("This is not an e-mail address. Correct it, and send again.") from error
    if not to.isascii():
        raise UnableToSend("An e-mail address with other letters than a to z cannot be reached from here.")
    if not subject or not text.strip():
        raise UnableToSend("A mail needs a subject and a text.")
    mail = OutgoingMail(
        purpose=purpose, ticket=ticket, about=about, created_by=user, created_at=now, next_try_at=now,
        give_up_at=now + give_up_after,
    )  # fmt: skip
    content = Content(to=to, subject=subject[:250], text=text, answers=list(answers)[:20])
    mail.sealed = keys.seal(json.dumps(dataclasses.asdict(content)).encode(), purpose=PURPOSE, bound_to=str(mail.pk))
    mail.save(force_insert=True)
    return mail


def message_id(mail: OutgoingMail) -> str:
    """Return a mail's Message-ID, without angle brackets."""
    return f"{mail.pk}@{settings.UPSTREAM_MAIL_DOMAIN}"


def content_of(mail: OutgoingMail) -> Content:
    """Return whom a mail is to and what it says."""
    return Content(**json.loads(keys.unseal(bytes(mail.sealed), purpose=PURPOSE, bound_to=str(mail.pk))))


def to_send(now: dt.datetime) -> QuerySet[OutgoingMail]:
    """Return the mails whose next attempt is due and that no worker has in hand, oldest first."""
    return delivery.due(OutgoingMail.objects.all(), now=now)


def deliver(mail_id: uuid.UUID, *, now: dt.datetime) -> OutgoingMail | None:
    """Make one attempt; return the mail as it then is, or None when it was not due or another worker has it.

    A code that has ended meanwhile, because no worker was there, is not sent: it opens nothing, and would only confuse.
    """
    if not delivery.claim(OutgoingMail.objects.all(), mail_id, now=now):
        return None
    mail = OutgoingMail.objects.get(pk=mail_id)
    if mail.purpose == OutgoingMail.Purpose.CODE and mail.give_up_at <= now:
        return _record(mail_id, Outcome(Result.FAILED, "too late"), now=now)
    try:
        outcome = hand_over(as_message(mail))
    except Exception as error:  # a fault of ours: counted like any other failure, and seen by its answer
        log.error("mail %s: the attempt broke: %s", mail.pk, type(error).__name__)  # its text could hold content
        outcome = Outcome(Result.FAILED, f"a fault of the portal ({type(error).__name__})"[:80])
    return _record(mail_id, outcome, now=now)


def as_message(mail: OutgoingMail) -> EmailMessage:
    """Return the e-mail itself: the same at every attempt."""
    content = content_of(mail)
    headers = {"Message-ID": f"<{message_id(mail)}>", "Date": _rfc5322(mail.created_at)}
    if content.answers:
        headers["In-Reply-To"] = f"<{content.answers[0]}>"
        headers["References"] = " ".join(f"<{one}>" for one in reversed(content.answers))
    if mail.purpose != OutgoingMail.Purpose.REPLY:
        headers["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's vacation program answers it
    return EmailMessage(subject=content.subject, body=content.text, to=[content.to], headers=headers)


def note_bounce(mail_id: str, *, status: str, now: dt.datetime) -> OutgoingMail | None:
    """Write down that a mail of ours came back, by its Message-ID; return it, or None when it is none of ours."""
    name, _, domain = mail_id.partition("@")
    try:
        known = uuid.UUID(name)
    except ValueError:
        return None
    with transaction.atomic():
        mail = OutgoingMail.objects.select_for_update().filter(pk=known).first()
        if mail is None or domain.lower() != settings.UPSTREAM_MAIL_DOMAIN.lower():
            return None
        if State.UNDELIVERABLE in MOVES[mail.state]:
            _move(mail, State.UNDELIVERABLE, now=now, answer=f"came back ({status or 'no code'})")
    return mail


def send_again(mail_id: uuid.UUID, *, now: dt.datetime) -> None:
    """Put a mail that was given up or came back out again, under the same Message-ID. Raises UnableToSend."""
    with transaction.atomic():
        mail = OutgoingMail.objects.select_for_update().get(pk=mail_id)
        if mail.purpose == OutgoingMail.Purpose.CODE:
            raise UnableToSend("A code is not sent twice: it has ended. Ask for a new one.")
        _move(mail, State.QUEUED, now=now, tries=0, answer="", give_up_at=now + GIVE_UP_AFTER)


def close(mail_id: uuid.UUID, *, now: dt.datetime) -> None:
    """Take a mail off the list of what went wrong: somebody has dealt with it. Raises UnableToSend."""
    with transaction.atomic():
        _move(OutgoingMail.objects.select_for_update().get(pk=mail_id), State.CLOSED, now=now)


def withdraw(mail_ids: Iterable[uuid.UUID | None], *, now: dt.datetime) -> None:
    """Do not send these mails any more, where that is still to be done: what they say is no longer so."""
    queued = OutgoingMail.objects.select_for_update().filter(
        pk__in=[each for each in mail_ids if each], state=State.QUEUED
    )
    for mail in queued.order_by("pk"):
        _move(mail, State.CLOSED, now=now, answer="no longer needed")


def needs_somebody(now: dt.datetime) -> QuerySet[OutgoingMail]:
    """Return the mails that somebody must look at: given up, undeliverable, or waiting for over an hour; oldest first."""
    late = Q(state=State.QUEUED, created_at__lte=now - LATE_AFTER)
    return OutgoingMail.objects.filter(late | Q(state__in=[State.FAILED, State.UNDELIVERABLE])).order_by(
        "created_at", "pk"
    )


def undelivered(reference: str | OuterRef) -> QuerySet[OutgoingMail]:
    """Return the mails about a request, by its reference, that never got there; oldest first."""
    wrong = [State.FAILED, State.UNDELIVERABLE]
    return OutgoingMail.objects.filter(about=reference, state__in=wrong).order_by("created_at", "pk")


def _record(mail_id: uuid.UUID, outcome: Outcome, *, now: dt.datetime) -> OutgoingMail:
    with transaction.atomic():
        mail = OutgoingMail.objects.select_for_update().get(pk=mail_id)
        if mail.state != State.QUEUED:  # closed by hand meanwhile
            return mail
        if outcome.result is Result.TAKEN:
            _move(mail, State.SENT, now=now, answer=outcome.answer, sent_at=now)
        elif outcome.result is Result.REFUSED:
            _move(mail, State.UNDELIVERABLE, now=now, answer=outcome.answer)
        elif (again := delivery.next_try(mail.tries, now=now, intervals=INTERVALS)) > mail.give_up_at:
            _move(mail, State.FAILED, now=now, answer=outcome.answer)
        else:
            mail.answer, mail.next_try_at, mail.lease_until = outcome.answer, again, None
            mail.save(update_fields=["answer", "next_try_at", "lease_until"])
    log.info("mail %s: %s", mail.pk, outcome.answer)
    return mail


def _move(mail: OutgoingMail, state: str, *, now: dt.datetime, **fields) -> None:
    if state not in MOVES[mail.state]:
        raise UnableToSend(f"A mail that is “{mail.get_state_display()}” cannot become “{State(state).label}”.")
    queued = state == State.QUEUED
    fields |= {"state": state, "lease_until": None, "next_try_at": now if queued else None, "settled_at": None if queued else now}  # fmt: skip
    for name, value in fields.items():
        setattr(mail, name, value)
    mail.save(update_fields=list(fields))


def _rfc5322(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
