"""One mail becomes a message of a ticket: of the one it answers, or of a new one. All of it is stored, or nothing is.

What is kept: the text, each attachment, and the mail as it came, encrypted. A mail is known again by a keyed hash, whoever
delivers it twice: a second mailbox, a server that has renumbered its mails, a run that was killed.
"""

import dataclasses
import datetime as dt
import hashlib
import io
import re
from typing import BinaryIO

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts import keys
from accounts.models import Person, Workspace
from accounts.validators import CARD_LIKE, passes_luhn, refuse_card_numbers
from dsar import attachments, outbox
from dsar.mail import senders
from dsar.mail.reading import Mail, one_line, read_mail
from dsar.models import Attachment, TakenMail, Ticket, TicketMessage
from dsar.models.tickets import Channel
from dsar.services import open_ticket
from retention.visibility import on_pages, visible
from telecom_records.services import end_troubleshooting

REFERENCE = re.compile(r"\bTCK-20\d\d-\d{4,7}\b")
HEAD_BYTES = 256 * 1024  # where the header of a mail must end, for its hash
BEGINNING_BYTES = 1024 * 1024  # of a mail that is too large to be taken apart: where its text is
Kind = TicketMessage.Kind


@dataclasses.dataclass(frozen=True)
class Raw:
    """A mail as the server has it: its bytes (of the beginning, when ``is_whole`` is False), and what is known of it."""

    file: BinaryIO
    size: int  # on the server
    is_whole: bool
    where: str = ""  # in words, for a mail of which not all was fetched


def digest_of(raw: Raw) -> bytes:
    """Return the keyed hash by which a mail is known again: over who, when, what, and its body.

    The lines above that differ from mailbox to mailbox (Received, Delivered-To) are left out.
    """
    raw.file.seek(0)
    head = raw.file.read(HEAD_BYTES)
    end = re.search(rb"\r?\n\r?\n", head)
    header, body = (head[: end.start()], head[end.end() :]) if end else (head, b"")
    told = hashlib.sha256()
    for name in (b"message-id", b"from", b"date", b"subject"):
        found = re.search(rb"^" + name + rb":(.*(?:\r?\n[ \t].*)*)", header, re.I | re.M)
        told.update(name + b":" + (b" ".join(found[1].split()) if found else b"") + b"\n")
    told.update(body)
    while piece := raw.file.read(1024 * 1024):
        told.update(piece)
    raw.file.seek(0)
    return keys.keyed_hash(told.hexdigest(), purpose="mail that was taken")


def is_known(digest: bytes) -> bool:
    """Return whether this mail has been taken before."""
    return TakenMail.objects.filter(pk=digest).exists()


def take(raw: Raw, *, received_at: dt.datetime, now: dt.datetime, unread: bool = False) -> TicketMessage | None:
    """Store one mail, in the caller's transaction; return its message, or None when it was taken before.

    ``unread``: it cannot be read, so the original alone goes into a ticket of its own. ``received_at`` is when the mail server had it: a deadline counts from there. Raises files.UnableToStore; the database
    refuses a mail that another process takes at this instant.
    """
    digest = digest_of(raw)
    if is_known(digest):
        return None
    TakenMail.objects.create(digest=digest, taken_at=now)
    if unread:
        mail = Mail(
            subject="A mail that could not be read", remarks=["It could not be read: the original has all of it."]
        )
    else:
        whole = raw.is_whole and raw.size <= settings.MAIL_PARSE_BYTES
        mail = read_mail(raw.file.read(raw.size if whole else BEGINNING_BYTES), whole=whole)
    raw.file.seek(0)
    if raw.where:
        mail.remarks.append(raw.where)
    bounced = outbox.note_bounce(mail.bounce.mail_id, status=mail.bounce.status, now=now) if mail.bounce else None
    if bounced and bounced.ticket:
        message = _note_bounce(bounced.ticket, mail, at=received_at)
    else:
        message = _store_message(mail, received_at=received_at)
    _store_files(message, mail, raw)
    return message


def find_ticket(mail: Mail) -> tuple[Ticket | None, str]:
    """Return the ticket that a mail belongs to, and a remark when it only seems to.

    By the Message-ID that it answers: who knows it has had our mail, or wrote the mail before. By the reference in its
    subject only from an address that the ticket knows, for a reference can be guessed.
    """
    if mail.answers:
        known = TicketMessage.objects.filter(mail_id__in=mail.answers, ticket__workspace__isnull=True) | (
            TicketMessage.objects.filter(mail_id__in=mail.answers, ticket__workspace__state__in=Workspace.INTACT)
        )
        found = {message.mail_id: message.ticket for message in on_pages(known).select_related("ticket").order_by("pk")}
        for one in mail.answers:
            if one in found:
                return found[one], ""
    named = REFERENCE.search(mail.subject)
    if named:
        ticket = on_pages(Ticket.objects.filter(reference=named[0])).select_related("workspace", "person").first()
        if ticket and (ticket.workspace is None or ticket.workspace.state in Workspace.INTACT):
            if knows(ticket, mail.sender):
                return ticket, ""
            return (
                None,
                f"Its subject names {ticket.reference}, whose person writes from another address: not added to it.",
            )
    return None, ""


def knows(ticket: Ticket, address: str) -> bool:
    """Return whether a ticket's person is known to write from this address."""
    known = {ticket.contact.lower(), (ticket.person.email if ticket.person else "").lower()} - {""}
    return bool(address) and address.lower() in known


def find_person(address: str) -> tuple[Person | None, Workspace | None]:
    """Return the customer with this e-mail address, if there is exactly one, and their workspace, if they have one.

    It is a guess for the agent, and no proof of who wrote.
    """
    people = list(visible(Person.objects.filter(email__iexact=address)).order_by("pk")[:2]) if address else []
    if len(people) != 1:
        return None, None
    workspaces = list(Workspace.objects.filter(memberships__person=people[0], state=Workspace.State.ACTIVE)[:2])
    return people[0], workspaces[0] if len(workspaces) == 1 else None


def without_card_numbers(text: str) -> tuple[str, bool]:
    """Return text in which payment card numbers are hidden but for four digits, and whether there were any (mission R2)."""
    found = False

    def hide(match: re.Match[str]) -> str:
        nonlocal found
        digits = re.sub(r"\D", "", match[0])
        if not passes_luhn(digits):
            return match[0]
        found = True
        return f"•••• {digits[-4:]}"

    hidden = CARD_LIKE.sub(hide, text)
    try:
        refuse_card_numbers(hidden)
    except ValidationError:
        hidden, found = "(hidden: it holds card numbers)", True
    return hidden, found


def _store_message(mail: Mail, *, received_at: dt.datetime) -> TicketMessage:
    ticket, remark = find_ticket(mail)
    warning = senders.check_sender(
        mail.sender_name, mail.sender, mail.results, official=settings.MAIL_OFFICIAL, server=settings.MAIL_AUTH_SERVER
    )
    if ticket is None:
        ticket = _new_ticket(mail, warning, received_at=received_at)
    else:
        if not warning and not knows(ticket, mail.sender):
            warning = TicketMessage.Warning.OTHER
        if not mail.is_automatic:
            _reopen(ticket)
    if mail.is_automatic:
        mail.remarks.append("An automatic answer.")
    if remark:
        mail.remarks.insert(0, remark)
    return _make(ticket, Kind.RECEIVED, mail, at=received_at, warning=warning)


def _new_ticket(mail: Mail, warning: str, *, received_at: dt.datetime) -> Ticket:
    person, workspace = find_person(mail.sender) if not warning else (None, None)
    subject, _ = without_card_numbers(mail.subject)
    ticket = Ticket(
        subject=subject[:200] or "(no subject)",
        channel=Channel.EMAIL,
        person=person,
        workspace=workspace,
        contact_name=without_card_numbers(mail.sender_name)[0][:200],
        contact=mail.sender[:254],
    )
    return open_ticket(ticket, now=received_at)


def _reopen(ticket: Ticket) -> None:
    if ticket.state != Ticket.State.OPEN:
        ticket.state, ticket.closed_at = Ticket.State.OPEN, None
        ticket.save(update_fields=["state", "closed_at"])
        end_troubleshooting(ticket.reference, at=None)


def _note_bounce(ticket: Ticket, mail: Mail, *, at: dt.datetime) -> TicketMessage:
    assert mail.bounce
    status = f" ({mail.bounce.status})" if mail.bounce.status else ""
    mail.text = f"A mail of this ticket came back{status}. It is under Outgoing mail.\n\n{mail.text}"
    return _make(ticket, Kind.NOTE, mail, at=at)


def _make(ticket: Ticket, kind: str, mail: Mail, *, at: dt.datetime, warning: str = "") -> TicketMessage:
    text, had_card = without_card_numbers(mail.text)
    if had_card:
        mail.remarks.append("A card number in it is hidden, and the mail as it came was not kept: card numbers are never stored here.")  # fmt: skip
    return TicketMessage.objects.create(
        ticket=ticket,
        kind=kind,
        body=text or "(no text)",
        at=at,
        sender=one_line(f"{mail.sender_name} <{mail.sender}>" if mail.sender_name else mail.sender, 320),
        mail_id=mail.mail_id[:255],
        warning=warning,
        remark=" ".join(mail.remarks)[:300],
    )


def _store_files(message: TicketMessage, mail: Mail, raw: Raw) -> None:
    for part in mail.parts:
        attachments.attach(
            message, io.BytesIO(part.data), name=part.name, said_type=part.said_type, size=len(part.data)
        )
    if "card number" not in message.remark:
        attachments.attach(
            message, raw.file, name="mail.eml", said_type="message/rfc822", size=raw.size, kind=Attachment.Kind.ORIGINAL
        )
