"""How a request or a ticket begins, and how its details are corrected."""

import datetime as dt

from django.db import transaction

from accounts import evidence
from accounts.models import User
from dsar.california import register
from dsar.dating import Cause, date_anew, deadline_for, keep_answer, other_deadlines, put_dates
from dsar.duplicates import key_of
from dsar.models import SubjectRequest, Ticket
from dsar.references import next_reference
from dsar.rights import opt_outs
from dsar.trail import tell
from dsar.workflow import hold_or_release
from retention.keeping import against_deletions
from retention.request_holds import is_leaving


class UnableToRegister(ValueError):
    """The request cannot be registered; the message says why, for whoever does it."""


def register_request(request: SubjectRequest, *, user: User, now: dt.datetime) -> SubjectRequest:
    """Give a new request its reference and its dates, and store it with the first entry of its trail.

    Raises UnableToComputeDeadline. The reference counts within the year of registration.
    """
    request.registered_by, request.registered_at, request.state_since = user, now, now
    request.contact_key = key_of(request.requester_contact)
    deadline, others = deadline_for(request), other_deadlines(request)
    put_dates(request, deadline, others, now=now)
    with transaction.atomic():
        against_deletions()  # before any row: a batch that cuts the link of a request waits the other way round
        request.reference = next_reference(SubjectRequest, "DSR", now.year)
        _unlink_who_is_leaving(request)
        request.save(force_insert=True)
        keep_answer(request, deadline, others, Cause.REGISTERED, now=now)
        words = f"Registered; due {request.due_on:%-d %b %Y} ({deadline.rule_version})."
        tell(request, "registered", words, user=user, now=now, state=request.state)
        hold_or_release(request, user=user, now=now)
        register.enter(request, now=now)
        evidence.append_entry(
            "REQUEST_REGISTERED",
            subject=str(request.pk),
            body={"type": request.type, "regime": request.regime, "by": user.pk},
        )
        opt_outs.heed(request, user=user, now=now)
    return request


def redate_request(request: SubjectRequest, *, user: User, now: dt.datetime) -> None:
    """Store a corrected request with its new dates; the old ones stay beside them. Raises UnableToComputeDeadline."""
    with transaction.atomic():
        against_deletions()
        stored = SubjectRequest.objects.select_for_update().get(pk=request.pk)
        _unlink_who_is_leaving(request)
        request.contact_key = key_of(request.requester_contact)
        request.save(update_fields=[*CORRECTABLE, "contact_key"])
        facts = [(each.type, each.received_at, each.regime, each.region, each.also_under) for each in (stored, request)]
        if facts[0] == facts[1] or not date_anew(request, Cause.CORRECTED, now=now, user=user):
            tell(request, "changed", "Details corrected; the date is the same.", user=user, now=now)
        hold_or_release(request, user=user, now=now)
        register.enter(request, now=now)


# What an officer may write on a request; the rest changes by moves and events.
CORRECTABLE = [
    "type", "received_at", "channel", "regime", "region", "also_under", "person", "workspace", "requester_name", "requester_contact",
    "note", "owner",
]  # fmt: skip


def open_ticket(ticket: Ticket, *, now: dt.datetime) -> Ticket:
    """Give a new ticket its reference and store it."""
    with transaction.atomic():
        ticket.opened_at = now
        ticket.reference = next_reference(Ticket, "TCK", now.year)
        ticket.save(force_insert=True)
    return ticket


def request_from_ticket(
    ticket: Ticket, *, type: str, regime: str, region: str, user: User, now: dt.datetime
) -> SubjectRequest:
    """Make a request of a ticket: received when the ticket was, for its customer, or else for who wrote. Raises as register_request."""
    if not (ticket.person or ticket.workspace or ticket.contact_name or ticket.contact):
        raise UnableToRegister("Choose the ticket's customer first, or write down the name of the person.")
    if made := SubjectRequest.objects.filter(ticket_reference=ticket.reference, type=type).first():
        raise UnableToRegister(f"This ticket has been made a request of this type already: {made.reference}.")
    request = SubjectRequest(
        type=type,
        regime=regime,
        region=region,
        received_at=ticket.opened_at,
        channel=ticket.channel,
        person=ticket.person,
        workspace=ticket.workspace,
        requester_name="" if ticket.person else ticket.contact_name,
        requester_contact=ticket.contact[:200],
        ticket_reference=ticket.reference,
    )
    return register_request(request, user=user, now=now)


def _unlink_who_is_leaving(request: SubjectRequest) -> None:
    """Let a request about somebody whose deletion has begun stand by itself, with the name and address to answer to.

    A new link would be a row that the deletion did not count. The request has a clock of its own.
    """
    person = request.person
    if person and is_leaving(person):
        request.person = None
        request.requester_name = request.requester_name or person.name
        request.requester_contact = request.requester_contact or person.email
