"""Questions whose answers the customer's record knows. The officer types what was said and never sees what is right."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.db.models import Max

from accounts import evidence
from accounts.models import BillingRecord, PaymentReference, Person, Subscription, User
from dsar.identity.proof import Kind, Proof, UnableToCheck, lock_in_order, prove
from dsar.models import ChallengeAnswer, Identifier, SubjectRequest
from dsar.trail import tell
from telecom_records.models import NumberAssignment

MATCHES = 2
MATCHES_FOR_CALIFORNIAN_PIECES = 3  # a reasonably high degree of certainty for specific pieces (11 CCR 7060, 7062)
ROUNDS = 3


@dataclass(frozen=True)
class Question:
    """`known` returns the right answers of a person's record, in the form that `read` gives to what was said."""

    code: str
    text: str
    hint: str
    read: Callable[[str], str]
    known: Callable[[Person], set[str]]


def questions_for(request: SubjectRequest) -> list[Question]:
    """Return the questions that the record of the request's customer can answer."""
    return [question for question in QUESTIONS if request.person and question.known(request.person)]


def matches_needed(request: SubjectRequest) -> int:
    pieces = request.regime == "us_ca_ccpa" and request.type in ("access", "portability")
    return MATCHES_FOR_CALIFORNIAN_PIECES if pieces else MATCHES


def ask_the_record(request_id, said: dict[str, str], *, user: User, now: dt.datetime) -> Identifier | None:
    """Hold answers, by the code of their question, against the record; return the proved account, None when too few match.

    Raises UnableToCheck when there is nothing to compare, or it was tried too often.
    """
    with transaction.atomic():
        request = lock_in_order(request_id)
        asked = {question.code: question for question in questions_for(request) if said.get(question.code, "").strip()}
        needed = matches_needed(request)
        if request.person is None:
            raise UnableToCheck("The request has no customer whose record could be asked.")
        if len(asked) < needed:
            raise UnableToCheck(f"Give at least {needed} answers.")
        last = ChallengeAnswer.objects.filter(request=request).aggregate(last=Max("round"))["last"] or 0
        if last >= ROUNDS:
            raise UnableToCheck(f"The record was asked {ROUNDS} times in vain. Use another proof.")
        right = 0
        for code, question in asked.items():
            matched = question.read(said[code]) in question.known(request.person)
            right += matched
            ChallengeAnswer.objects.create(
                request=request, round=last + 1, question=code, matched=matched, at=now, by=user
            )
        if right < len(asked) or right < needed:  # one wrong answer is one too many: guesses are not spread
            tell(
                request, "identity", f"The record was asked: {right} of {len(asked)} answers match.", user=user, now=now
            )
            evidence.append_entry("IDENTITY_CHALLENGE_FAILED", subject=str(request.pk), body={"round": last + 1})
            return None
        return prove(request.pk, Kind.ACCOUNT, request.person.outside_id, Proof.CHALLENGE, user=user, now=now)


def _workspaces(person: Person):
    return person.memberships.values("workspace")


def _months(person: Person) -> set[str]:
    starts = Subscription.objects.filter(workspace__in=_workspaces(person)).values_list("starts_at", flat=True)
    return {f"{at:%Y-%m}" for at in starts}


def _amounts(person: Person) -> set[str]:
    bills = BillingRecord.objects.filter(workspace__in=_workspaces(person), kind=BillingRecord.Kind.INVOICE)
    last = bills.order_by("-issued_at", "-pk").first()
    return {_read_amount(str(last.amount))} if last else set()


def _read_amount(text: str) -> str:
    digits = "".join(character for character in text.replace(",", ".") if character.isdigit() or character == ".")
    try:
        return str(Decimal(digits).quantize(Decimal("0.01")))
    except InvalidOperation:
        return ""


def _plans(person: Person) -> set[str]:
    plans = Subscription.objects.filter(workspace__in=_workspaces(person)).values_list("plan", flat=True)
    return {plan.strip().casefold() for plan in plans if plan.strip()}


def _cards(person: Person) -> set[str]:
    return set(PaymentReference.objects.filter(workspace__in=_workspaces(person)).values_list("last_four", flat=True))


def _numbers(person: Person) -> set[str]:
    held = NumberAssignment.objects.filter(workspace__in=_workspaces(person))
    return set(held.values_list("number__e164", flat=True))


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isascii() and character.isdigit())


QUESTIONS = (
    Question("started", "In which month did a subscription begin?", "As 2026-03.", str.strip, _months),
    Question("plan", "Which plan is or was it?", "Its name.", lambda text: text.strip().casefold(), _plans),
    Question("card", "Which last four digits has the card?", "Four digits.", _digits, _cards),
    Question("invoice", "What did the last invoice come to?", "The amount, as 12.50.", _read_amount, _amounts),
    Question("number", "Which number do or did they hold?", "With + and country.", lambda text: "+" + _digits(text), _numbers),
)  # fmt: skip
