"""What changes the state of a request or a ticket."""

import datetime as dt

from django.db import transaction

from accounts import evidence
from accounts.models import User
from dsar.deadlines import Deadline, compute_deadline
from dsar.models import RequestEvent, SubjectRequest, Ticket
from dsar.references import next_reference
from retention.keeping import against_deletions
from retention.request_holds import hold_for_request, is_leaving, release_request_hold

State = SubjectRequest.State

MOVES: dict[str, set[str]] = {
    State.RECEIVED: {State.WORKING, State.ANSWERED, State.REFUSED, State.WITHDRAWN},
    State.WORKING: {State.ANSWERED, State.REFUSED, State.WITHDRAWN},
    State.ANSWERED: {State.WORKING},
    State.REFUSED: {State.WORKING},
    State.WITHDRAWN: {State.WORKING},
}

# In which states a request keeps the data of its customer. A restriction asked for instead of erasure stays when it is
# answered (mission D7): officers lift it.
HOLDS_IN: dict[str, tuple[str, ...]] = {
    "access": SubjectRequest.OPEN_STATES,
    "portability": SubjectRequest.OPEN_STATES,
    "restriction": (*SubjectRequest.OPEN_STATES, State.ANSWERED),
}


class UnableToRegister(ValueError):
    """The request cannot be registered; the message says why, for whoever does it."""


class UnableToMove(ValueError):
    """The request is not in a state from which this move is allowed."""


def deadline_for(request: SubjectRequest) -> Deadline:
    """Return the deadline by the request's own facts. Raises UnableToComputeDeadline with the field at fault."""
    return compute_deadline(
        regime=request.regime, request_type=request.type, received_at=request.received_at, region=request.region
    )


def date_request(request: SubjectRequest) -> Deadline:
    """Write the dates and their explanation on the request, without saving it."""
    deadline = deadline_for(request)
    request.statutory_due_on, request.statutory_due_at = deadline.statutory_due, deadline.statutory_due_at
    request.service_target_on, request.service_target_at = deadline.service_target, deadline.service_target_at
    instants = [(deadline.service_target_at, deadline.service_target)]
    if deadline.statutory_due_at and deadline.statutory_due:
        instants.append((deadline.statutory_due_at, deadline.statutory_due))
    request.due_at, request.due_on = min(instants)
    request.explanation = deadline.as_dict()
    return deadline


def register_request(request: SubjectRequest, *, user: User, now: dt.datetime) -> SubjectRequest:
    """Give a new request its reference and its dates, and store it with the first entry of its trail.

    Raises UnableToComputeDeadline. The reference counts within the year of registration.
    """
    request.registered_by, request.registered_at = user, now
    deadline = date_request(request)
    with transaction.atomic():
        against_deletions()  # before any row: a batch that cuts the link of a request waits the other way round
        request.reference = next_reference(SubjectRequest, "DSR", now.year)
        _unlink_who_is_leaving(request)
        request.save(force_insert=True)
        _tell(
            request, "registered", f"Registered; due {request.due_on:%-d %b %Y} ({deadline.rule_version}).", user, now
        )
        _hold_or_release(request, user=user, now=now)
        evidence.append_entry(
            "REQUEST_REGISTERED",
            subject=str(request.pk),
            body={"type": request.type, "regime": request.regime, "by": user.pk},
        )
    return request


def redate_request(request: SubjectRequest, *, user: User, now: dt.datetime) -> None:
    """Store a corrected request with its new dates; the old date stays in the trail. Raises UnableToComputeDeadline."""
    before = SubjectRequest.objects.get(pk=request.pk).due_on
    date_request(request)
    with transaction.atomic():
        against_deletions()
        _unlink_who_is_leaving(request)
        request.save()
        _hold_or_release(request, user=user, now=now)
        if request.due_on != before:
            _tell(request, "redated", f"Due {before:%-d %b %Y} before, {request.due_on:%-d %b %Y} now.", user, now)
        else:
            _tell(request, "changed", "Details corrected; the date is the same.", user, now)


def move_request(request_id, state: str, *, user: User, now: dt.datetime) -> SubjectRequest:
    """Bring a request into another state. Raises UnableToMove."""
    with transaction.atomic():
        against_deletions()
        request = SubjectRequest.objects.select_for_update().get(pk=request_id)
        if state not in MOVES[request.state]:
            raise UnableToMove(
                f"A request that is “{request.get_state_display()}” cannot become “{State(state).label}”."
            )
        request.state = state
        request.closed_at = None if state in SubjectRequest.OPEN_STATES else now
        request.save(update_fields=["state", "closed_at"])
        _hold_or_release(request, user=user, now=now)
        _tell(request, "moved", f"{State(state).label}.", user, now)
        evidence.append_entry("REQUEST_MOVED", subject=str(request.pk), body={"state": str(state), "by": user.pk})
    return request


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
    """Make a request of a ticket: received when the ticket was, for the ticket's customer. Raises as register_request."""
    if not ticket.person and not ticket.workspace:
        raise UnableToRegister(
            "Choose the ticket's customer first, or register the request with the name of the person."
        )
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


def _hold_or_release(request: SubjectRequest, *, user: User, now: dt.datetime) -> None:
    """Keep what a request is about while it must be, and let it go when it need not be (``HOLDS_IN``)."""
    if request.state in HOLDS_IN.get(request.type, ()):
        hold_for_request(
            request.pk,
            person=request.person,
            workspace=request.workspace,
            is_restriction=request.type == "restriction",
            owner=request.owner or user,
            review_on=request.due_on,
            user=user,
            now=now,
        )
    else:
        release_request_hold(request.pk, now=now)


def _tell(request: SubjectRequest, kind: str, text: str, user: User | None, now: dt.datetime) -> None:
    RequestEvent.objects.create(request=request, at=now, kind=kind, text=text, by=user)
