"""The states of a request and the moves between them: the only way in which a request changes its state."""

import datetime as dt
from collections.abc import Callable

from django.db import transaction

from accounts import evidence
from accounts.models import User
from dsar.california import register
from dsar.models import SubjectRequest
from dsar.packages import states as packages
from dsar.reminders import next_reminder_at
from dsar.trail import tell
from retention import restrictions
from retention.keeping import against_deletions
from retention.request_holds import hold_for_request, release_request_hold

State = SubjectRequest.State
ENDS_EARLY = {State.REFUSED, State.WITHDRAWN, State.ROUTED, State.MERGED}

MOVES: dict[str, set[str]] = {
    State.RECEIVED: {State.IDENTITY, State.COLLECTING, *ENDS_EARLY},
    State.IDENTITY: {State.COLLECTING, State.EXPIRED, *ENDS_EARLY},
    State.COLLECTING: {State.IDENTITY, State.REVIEW, *ENDS_EARLY},
    State.REVIEW: {State.COLLECTING, State.APPROVED, *ENDS_EARLY},
    State.APPROVED: {State.COLLECTING, State.DELIVERED, *ENDS_EARLY},
    State.DELIVERED: {State.CLOSED, State.COLLECTING},
    State.CLOSED: {State.IDENTITY, State.COLLECTING},
    State.REFUSED: {State.IDENTITY, State.COLLECTING},
    State.WITHDRAWN: {State.IDENTITY, State.COLLECTING},
    State.ROUTED: {State.IDENTITY, State.COLLECTING},
    State.EXPIRED: {State.IDENTITY, State.COLLECTING},
    State.MERGED: {State.IDENTITY, State.COLLECTING},
}

# In which states a request keeps the data of its customer: until the answer is approved, which is when its package is
# sealed. A restriction asked for instead of erasure stays when it is answered (mission D7), until it is lifted.
KEEPS_IN = (State.RECEIVED, State.IDENTITY, State.COLLECTING, State.REVIEW)
HOLDS_IN: dict[str, tuple[str, ...]] = {
    "access": KEEPS_IN,
    "portability": KEEPS_IN,
    "restriction": (*KEEPS_IN, State.APPROVED, State.DELIVERED, State.CLOSED),
}

# What else must be so before a request may enter a state: each returns why it may not, or "".
GUARDS: dict[str, list[Callable[[SubjectRequest], str]]] = {}


class UnableToMove(ValueError):
    """The request cannot make this move now; the message says why, for the officer."""


def register_guard(guard: Callable[[SubjectRequest], str], *states: str) -> None:
    for state in states:
        GUARDS.setdefault(state, []).append(guard)


def why_not(request: SubjectRequest, state: str) -> str:
    """Return why a request cannot move to a state, "" when it can."""
    if state not in MOVES[request.state]:
        before = [State(each).label for each, ways in MOVES.items() if state in ways]
        first = f" It must be “{before[0]}” first." if len(before) == 1 else ""
        return f"A request that is “{request.get_state_display()}” cannot become “{State(state).label}”.{first}"
    return next((reason for guard in GUARDS.get(state, []) if (reason := guard(request))), "")


def move_request(request_id, state: str, *, user: User | None, now: dt.datetime, because: str = "") -> SubjectRequest:
    """Bring a request into another state. `user` is None for the portal itself. Raises UnableToMove."""
    with transaction.atomic():
        against_deletions()
        request = SubjectRequest.objects.select_for_update().get(pk=request_id)
        return move_locked(request, state, user=user, now=now, because=because)


def move_locked(
    request: SubjectRequest, state: str, *, user: User | None, now: dt.datetime, because: str = ""
) -> SubjectRequest:
    """As `move_request`, for a request locked by the caller, who called ``against_deletions`` before. Raises UnableToMove."""
    if reason := why_not(request, state):
        raise UnableToMove(reason)
    was_open = request.is_open
    request.state, request.state_since = state, now
    if state in SubjectRequest.OPEN_STATES:
        request.closed_at = None
    elif was_open:  # what was delivered stays answered on that day when it is closed
        request.closed_at = now
    request.remind_at = next_reminder_at(request, after=now) if request.is_open else None
    request.save(update_fields=["state", "state_since", "closed_at", "remind_at"])
    hold_or_release(request, user=user, now=now)
    register.enter(request, now=now)
    words = f"{State(state).label}. {because}" if because else f"{State(state).label}."
    tell(request, "moved", words, user=user, now=now, state=state)
    by = user.pk if user else "portal"
    evidence.append_entry("REQUEST_MOVED", subject=str(request.pk), body={"state": str(state), "by": by})
    return request


def hold_or_release(request: SubjectRequest, *, user: User | None, now: dt.datetime) -> None:
    """Keep what a request is about while it must be, and let it go when it need not be (``HOLDS_IN``).

    A sealed package holds what was asked for, so that the data itself need not be kept any longer.
    """
    owner = request.owner or user or request.registered_by
    holds = request.state in HOLDS_IN.get(request.type, ()) and not packages.holds_what_was_asked(request)
    if holds and (request.state in KEEPS_IN or restrictions.keeps(request.pk)):
        hold_for_request(
            request.pk,
            person=request.person,
            workspace=request.workspace,
            is_restriction=request.type == "restriction",
            owner=owner,
            review_on=request.due_on,
            user=user or owner,
            now=now,
        )
    else:
        release_request_hold(request.pk, now=now)
