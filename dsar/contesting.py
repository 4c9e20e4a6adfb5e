"""Complaints and appeals about an answer of ours: a request of their own, with a clock of their own, decided by another officer.

Source: Data Protection Act 2018 section 164A (acknowledged within 30 days), the appeals of US state laws (Va. Code
59.1-577(C), C.R.S. 6-1-1306(3)); elsewhere the month of the privacy policy.
"""

import datetime as dt
import uuid

from django.db import transaction

from accounts import evidence
from accounts.models import User
from dsar.deadlines import REGIMES, UnableToComputeDeadline
from dsar.identity.proof import lock_in_order, unsettled
from dsar.letters.compose import DECISIONS
from dsar.models import Letter, SubjectRequest
from dsar.services import register_request
from dsar.trail import tell
from dsar.workflow import State, move_locked

TYPES = ("complaint", "appeal")
CONTESTABLE = (State.REFUSED, State.DELIVERED, State.CLOSED, State.EXPIRED)
DECIDES = (Letter.Kind.REFUSAL, Letter.Kind.ANSWER, Letter.Kind.PARTIAL, Letter.Kind.NOTHING)
CLOCK_OF_COMPLAINTS = {"uk_gdpr": "uk_complaint"}
WITHOUT_CLOCK = "policy_default"


class UnableToContest(ValueError):
    """There is nothing to contest, or not now; the message says why, for the officer."""


def regime_of(contested: SubjectRequest, type: str) -> str:
    """Return under which rule a complaint or an appeal about a request runs: the policy's month where its law has no clock."""
    regime = CLOCK_OF_COMPLAINTS.get(contested.regime, contested.regime) if type == "complaint" else contested.regime
    return regime if type in REGIMES[regime].request_types else WITHOUT_CLOCK


def contest(
    request_id: uuid.UUID, *, type: str, received_at: dt.datetime, channel: str, note: str, user: User, now: dt.datetime
) -> SubjectRequest:
    """Register a complaint or an appeal about what was answered to a request. Raises UnableToContest."""
    with transaction.atomic():
        contested = lock_in_order(request_id)
        if contested.state not in CONTESTABLE:
            raise UnableToContest("It has not been answered yet: there is nothing to contest.")
        if SubjectRequest.objects.filter(contests=contested.pk, type=type, closed_at__isnull=True).exists():
            raise UnableToContest("There is one of it already, and it is open.")
        made = SubjectRequest(
            type=type, regime=regime_of(contested, type), received_at=received_at, channel=channel, note=note, contests=contested.pk,
            person=contested.person, workspace=contested.workspace, requester_name=contested.requester_name,
            requester_contact=contested.requester_contact,
        )  # fmt: skip
        made.region = contested.region if contested.region in REGIMES[made.regime].regions else ""
        try:
            register_request(made, user=user, now=now)
        except UnableToComputeDeadline as error:
            raise UnableToContest(str(error)) from error
        tell(contested, "contested", f"{made.get_type_display()} received: {made.reference}.", user=user, now=now)
    return made


def decided_by(contested: SubjectRequest) -> int | None:
    """Return who decided what is contested: who sent the letter about it, None when there is none."""
    letters = Letter.objects.filter(request=contested, kind__in=DECIDES)
    return letters.order_by("-sent_at", "pk").values_list("sent_by", flat=True).first()


def why_not_decide(request: SubjectRequest, kind: str, user: User) -> str:
    """Return why this officer may not send this letter, as far as complaints and appeals go; "" when they may."""
    decides = kind in DECISIONS
    if request.type not in TYPES:
        return "Only a complaint or an appeal is upheld or rejected." if decides else ""
    if kind in DECIDES:
        return "Say whether they are right or the decision stays: a complaint or an appeal has no other answer."
    if decides and request.contested and decided_by(request.contested) == user.pk:
        return "Another officer must decide this: you sent the letter that is contested."
    return ""


def reopen_contested(request: SubjectRequest, *, user: User, now: dt.datetime) -> None:
    """Take up again what was contested with success; a locked request, in the transaction that sends the letter."""
    if request.contests is None:
        return
    contested = lock_in_order(request.contests)
    if not contested.is_open:
        state = State.IDENTITY if unsettled(contested) else State.COLLECTING
        move_locked(contested, state, user=user, now=now, because=f"{request.get_type_display()} {request.reference}.")
    body = {"by": request.type, "officer": user.pk}
    evidence.append_entry("DECISION_CHANGED", subject=str(contested.pk), body=body)
