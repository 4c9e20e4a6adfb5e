"""What a person wrote on the website becomes a ticket and, when it is one of the rights, a request: both or neither, once.

A message is refused only when its sender can mend it. What the person wrote is never refused for what it says: card
numbers are hidden, HTML stays text, and a customer who is not known here is a remark on the ticket.
"""

import dataclasses
import datetime as dt
import logging

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import keys
from accounts.models import Person, Workspace
from dsar.deadlines import REGIMES, REQUEST_TYPES, UnableToComputeDeadline
from dsar.intake.reading import QUESTION, Message, UnableToRead, read
from dsar.mail.senders import check_sender
from dsar.mail.taking import without_card_numbers
from dsar.models import IntakeDelivery, IntakeSource, SubjectRequest, Ticket, TicketMessage
from dsar.models.tickets import Channel
from dsar.services import open_ticket, request_from_ticket
from retention.visibility import visible

log = logging.getLogger(__name__)

PER_MINUTE = 120
DEFAULT_REGIME = "policy_default"
BY_COUNTRY = ("eu_gdpr", "uk_gdpr", "hk_pdpo")
State = IntakeDelivery.State


class UnableToTake(ValueError):
    """The message cannot be taken now; ``code`` and the message say why, ``again_in`` when to try again (seconds)."""

    def __init__(self, code: str, message: str, *, again_in: int | None = None):
        super().__init__(message)
        self.code, self.again_in = code, again_in


@dataclasses.dataclass(frozen=True)
class Taken:
    """What became of a message; ``is_new`` is False when it had come before."""

    ticket: str
    request: str
    is_new: bool


def open_delivery(source: IntakeSource, *, nonce: str, now: dt.datetime) -> IntakeDelivery:
    """Write down that a message came, before it is read. Raises UnableToTake when it came before, or too many came."""
    lately = IntakeDelivery.objects.filter(source=source, received_at__gt=now - dt.timedelta(minutes=1)).count()
    if lately >= PER_MINUTE:
        raise UnableToTake("too_many", f"At most {PER_MINUTE} messages a minute.", again_in=60)
    try:
        with transaction.atomic():
            return IntakeDelivery.objects.create(source=source, nonce=nonce, received_at=now)
    except IntegrityError as error:
        raise UnableToTake("replay", "A message with this nonce has come already.") from error


def take(delivery: IntakeDelivery, body: bytes, *, now: dt.datetime) -> Taken:
    """Read a message and store it, or say what it became the first time. Raises UnableToRead, UnableToTake; then nothing is stored."""
    try:
        with transaction.atomic():
            source = IntakeSource.objects.select_for_update().get(pk=delivery.source_id)
            message = read(body, now=now)
            taken = _again(source, message, delivery) or _store(source, message, delivery, now=now)
    except UnableToRead as error:
        _refuse(delivery, " ".join(["fields", *(fault.field for fault in error.faults if fault.field.isidentifier())]))
        raise
    except UnableToTake as error:
        _refuse(delivery, error.code)
        raise
    except Exception as error:
        log.error("intake %s failed: %s", delivery.pk, type(error).__name__)  # its text could hold content
        _refuse(delivery, "failed")
        raise UnableToTake("failed", "The portal could not take this message. Send it again.", again_in=60) from None
    log.info("intake %s: taken", delivery.pk)
    return taken


def regime_for(country: str, request_type: str) -> tuple[str, str]:
    """Return the regime and the region whose dates hold for somebody who lives in a country; the promise where none does.

    A country does not tell whether somebody lives in California: officers choose that law themselves.
    """
    for key in BY_COUNTRY:
        regime = REGIMES[key]
        if country in regime.regions and request_type in regime.request_types:
            return key, country if len(regime.regions) > 1 else ""
    return DEFAULT_REGIME, ""


def _again(source: IntakeSource, message: Message, delivery: IntakeDelivery) -> Taken | None:
    """Return what the same message became before. Raises UnableToTake when its key was another message's."""
    delivery.key, delivery.digest = message.key, _digest(message)
    before = IntakeDelivery.objects.filter(source=source, key=message.key, state=State.TAKEN).first()
    if before is None:
        return None
    if bytes(before.digest or b"") != delivery.digest:
        raise UnableToTake("key", "This key was another message’s. Give each form that was sent a key of its own.")
    delivery.state = State.AGAIN
    delivery.ticket_reference, delivery.request_reference = before.ticket_reference, before.request_reference
    delivery.save()
    return Taken(before.ticket_reference, before.request_reference, is_new=False)


def _store(source: IntakeSource, message: Message, delivery: IntakeDelivery, *, now: dt.datetime) -> Taken:
    remarks: list[str] = []
    at = message.received_at or now
    ticket = open_ticket(_ticket(message, remarks), now=at)
    text, had_card = without_card_numbers(message.message)
    if had_card:
        remarks.append("A card number in it is hidden: card numbers are never stored here.")
    request = _request(source, ticket, message, remarks, now=now) if message.type != QUESTION else None
    sender = f"{message.name} <{message.email}>" if message.name and message.email else message.email or message.name
    TicketMessage.objects.create(
        ticket=ticket,
        body=text,
        at=at,
        sender=sender[:320],
        warning=check_sender(message.name, message.email, [], official=settings.MAIL_OFFICIAL, server=""),
        remark=" ".join(remarks)[:300],
    )
    delivery.state, delivery.ticket_reference = State.TAKEN, ticket.reference
    delivery.request_reference = request.reference if request else ""
    delivery.save()
    return Taken(ticket.reference, delivery.request_reference, is_new=True)


def _ticket(message: Message, remarks: list[str]) -> Ticket:
    person = _known(Person, message.customer, remarks, "customer")
    workspace = _known(Workspace, message.workspace, remarks, "account")
    if workspace and workspace.state not in Workspace.INTACT:
        remarks.append("Its account is being emptied.")
        workspace = None
    title = message.subject or REQUEST_TYPES.get(message.type, "Question")
    return Ticket(
        subject=without_card_numbers(title)[0][:200],
        channel=Channel.WEBSITE,
        person=person,
        workspace=workspace,
        contact_name=without_card_numbers(message.name)[0][:200],
        contact=message.email or message.phone,
    )


def _known(model, outside_id: str, remarks: list[str], word: str):
    if not outside_id:
        return None
    row = visible(model.objects.filter(outside_id=outside_id)).first()
    if row is None:
        remarks.append(f"The website says {word} {outside_id}, which is not known here.")
    return row


def _request(
    source: IntakeSource, ticket: Ticket, message: Message, remarks: list[str], *, now: dt.datetime
) -> SubjectRequest | None:
    """Make the request under the law of the country, under the promise where that cannot be; the ticket stands in any case."""
    for regime, region in dict.fromkeys([regime_for(message.country, message.type), (DEFAULT_REGIME, "")]):
        try:
            with transaction.atomic():
                return request_from_ticket(
                    ticket, type=message.type, regime=regime, region=region, user=source.account, now=now
                )
        except UnableToComputeDeadline:
            continue
    remarks.append("No date could be computed for it: make the request by hand.")
    return None


def _refuse(delivery: IntakeDelivery, problem: str) -> None:
    IntakeDelivery.objects.filter(pk=delivery.pk).update(state=State.REFUSED, problem=problem[:60])


def _digest(message: Message) -> bytes:
    told = "\x1f".join(f"{name}={value}" for name, value in sorted(message.values.items()))
    return keys.keyed_hash(told, purpose="messages of website forms")
