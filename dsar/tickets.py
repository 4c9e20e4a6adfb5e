"""What agents do with a ticket: answer, note, take, hand on, close. Each is one act, whole or not at all."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import BinaryIO, cast

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import User
from accounts.validators import refuse_card_numbers
from dsar import attachments, outbox
from dsar.models import OutgoingMail, ReplyTemplate, Ticket, TicketMessage
from dsar.models.tickets import Channel
from telecom_records.services import end_troubleshooting

Kind, State = TicketMessage.Kind, Ticket.State
BY_MAIL = (Channel.EMAIL, Channel.WEBSITE)
FOOTER = """\
{text}

-- 
{agent}, Callmama support
Ticket {reference}. Please leave this number in the subject when you answer.
"""  # noqa: W291 (the line of a signature is “-- ”, RFC 3676 section 4.3)


class UnableToAnswer(ValueError):
    """This cannot be written into the ticket; the message says why, for the agent."""


def is_answered_by_mail(ticket: Ticket) -> bool:
    """Return whether an answer goes out as an e-mail; of the other channels it is only written down."""
    return ticket.channel in BY_MAIL and is_address(ticket.contact)


def is_address(text: str) -> bool:
    """Return whether a text is an e-mail address."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def add_message(
    ticket_id: int,
    *,
    kind: str,
    text: str,
    user: User,
    now: dt.datetime,
    files: Sequence[UploadedFile] = (),
    close: bool = False,
) -> TicketMessage:
    """Add what was said or noted, and mail it when it is an answer by mail. Raises UnableToAnswer, files.UnableToStore.

    Whoever answers a ticket that is nobody's has it from then on. An answer leaves it waiting for the customer.
    """
    text = text.strip()
    if not text:
        raise UnableToAnswer("Write something first.")
    try:
        refuse_card_numbers(text)
    except ValidationError as error:
        raise UnableToAnswer(error.messages[0]) from error
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update(of=("self",)).select_related("person", "workspace").get(pk=ticket_id)
        message = TicketMessage(ticket=ticket, kind=kind, body=text, at=now, author=user)
        if kind == Kind.SENT and ticket.channel in BY_MAIL:
            message.mail_id = outbox.message_id(_mail(ticket, text, user=user, now=now))
        message.save(force_insert=True)
        for file in files:
            attachments.attach(
                message,
                cast(BinaryIO, file),
                name=str(file.name),
                said_type=file.content_type or "",
                size=file.size or 0,
            )
        if kind == Kind.SENT and ticket.assignee is None:
            ticket.assignee = user
        if close:
            _bring(ticket, State.CLOSED, now=now)
        elif kind == Kind.SENT:
            _bring(ticket, State.WAITING, now=now)
        elif kind == Kind.RECEIVED:
            _bring(ticket, State.OPEN, now=now)
        ticket.save(update_fields=["assignee", "state", "closed_at"])
    return message


def take_ticket(ticket_id: int, *, user: User) -> Ticket:
    """Make a ticket this agent's own."""
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update().get(pk=ticket_id)
        ticket.assignee = user
        ticket.save(update_fields=["assignee"])
    return ticket


def move_ticket(ticket_id: int, state: str, *, now: dt.datetime) -> Ticket:
    """Close a ticket, or open it again."""
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update().get(pk=ticket_id)
        _bring(ticket, state, now=now)
        ticket.save(update_fields=["state", "closed_at"])
    return ticket


def correct_ticket(ticket: Ticket, *, now: dt.datetime) -> None:
    """Store what an agent corrected of a ticket; with another customer, its files go to that one's key.

    Raises files.UnableToStore, files.FileChanged, keys.KeyDestroyed; then nothing is changed.
    """
    with transaction.atomic():
        _bring(ticket, ticket.state, now=now)
        ticket.save()
        attachments.hand_over(ticket)


def fill_in(template: ReplyTemplate, ticket: Ticket, *, user: User) -> str:
    """Return a template's words for one ticket."""
    name = ticket.contact_name or (ticket.person.name if ticket.person else "")
    names = {"{name}": name or "customer", "{ticket}": ticket.reference, "{agent}": user.get_full_name()}
    text = template.text
    for place, words in names.items():
        text = text.replace(place, words)
    return text


def outgoing_of(messages: Sequence[TicketMessage]) -> dict[int, OutgoingMail]:
    """Return what became of the mails that messages went out by, by the message's id."""
    ids = {
        message.mail_id.partition("@")[0]: message.pk
        for message in messages
        if message.kind == Kind.SENT and message.mail_id
    }
    return {ids[str(mail.pk)]: mail for mail in OutgoingMail.objects.filter(pk__in=ids)}


def _mail(ticket: Ticket, text: str, *, user: User, now: dt.datetime) -> OutgoingMail:
    if not is_address(ticket.contact):
        raise UnableToAnswer("Write under “answers go to” to which e-mail address this goes, and send again.")
    received = ticket.messages.filter(kind=Kind.RECEIVED).exclude(mail_id="").order_by("-at", "-pk")
    subject = ticket.subject.removeprefix("Re: ").removeprefix("RE: ")
    try:
        return outbox.send(
            to=ticket.contact,
            subject=f"Re: {subject} [{ticket.reference}]",
            text=FOOTER.format(text=text, agent=user.get_short_name(), reference=ticket.reference),
            purpose=OutgoingMail.Purpose.REPLY,
            ticket=ticket,
            answers=list(received.values_list("mail_id", flat=True)[:20]),
            user=user,
            now=now,
        )
    except outbox.UnableToSend as error:
        raise UnableToAnswer(str(error)) from error


def workspace_of_open(reference: str) -> uuid.UUID | None:
    """Return the workspace of a ticket that is not closed; None when there is none, or it is about no workspace."""
    found = Ticket.objects.filter(reference=reference, closed_at__isnull=True).values_list("workspace", flat=True)
    return found.first()


def _bring(ticket: Ticket, state: str, *, now: dt.datetime) -> None:
    """Set the state and what follows from it: since when it is closed, and the end of a troubleshooting."""
    ticket.state = state
    ticket.closed_at = (ticket.closed_at or now) if state == State.CLOSED else None
    end_troubleshooting(ticket.reference, at=ticket.closed_at)
