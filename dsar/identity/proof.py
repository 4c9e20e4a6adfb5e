"""What a request leans on, what of it is proved, and what follows when all of it is."""

import datetime as dt
import re

from django.db import transaction
from django.db.models import QuerySet

from accounts import evidence
from accounts.models import User
from dsar.dating import local_day, record_on_locked
from dsar.identity.waiting import wait_for_identity
from dsar.models import Agent, ClockEvent, Identifier, SubjectRequest
from dsar.steps import drop_steps, plan_step
from dsar.trail import tell
from dsar.workflow import State, move_locked, register_guard
from retention.keeping import against_deletions

Kind, Proof = Identifier.Kind, Identifier.Proof
SEND_CODE = "send_code"
BY_CODE = (Kind.EMAIL, Kind.PHONE)
EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# What anybody may ask for: it discloses nothing and takes nothing away (CCPA wants no verification of the opt-outs).
# Of a child the authority of the parent is checked instead (dsar/rights/childs_data.py).
NEEDS_NO_PROOF = ("unsubscribe", "opt_out", "limit", "withdraw_consent", "complaint", "appeal", "child")


class UnableToCheck(ValueError):
    """The check cannot be done; the message says why, for the officer."""


def candidates(request: SubjectRequest) -> list[tuple[str, str, str]]:
    """Return what the request could lean on: kind, value, and where it is known from."""
    found: list[tuple[str, str, str]] = []
    if person := request.person:
        found += [(Kind.EMAIL, person.email.lower(), "on record")] if person.email else []
        found += [(Kind.PHONE, person.phone, "on record")] if E164.fullmatch(person.phone) else []
    contact = request.requester_contact.strip()
    written = (Kind.EMAIL, contact.lower()) if EMAIL.fullmatch(contact) else None
    written = (Kind.PHONE, contact) if E164.fullmatch(contact) else written
    if written and written not in [(kind, value) for kind, value, _ in found]:
        found.append((*written, "given with the request"))
    return found


def unsettled(request: SubjectRequest) -> str:
    """Return what is missing before the request may be acted on, "" when nothing is."""
    if request.type in NEEDS_NO_PROOF:
        return ""
    asked = identifiers_of(request)
    if not asked:
        return "Nobody has made sure yet who asks: check their identity first."
    if waiting := [each.get_kind_display().lower() for each in asked if not each.proved_at]:
        return f"Not proved yet: {', '.join(waiting)}."
    if request.person and not any(is_on_record(each, request) for each in asked):
        return "What was proved is not on the customer’s record: somebody else could have it."
    if agent := agent_of(request):
        if not agent.seen_at:
            return "Nobody has seen the authority of the agent yet."
        if not agent.confirmed_at:
            return "The person has not confirmed yet that the agent may ask for them."
    return ""


def identifiers_of(request: SubjectRequest) -> list[Identifier]:
    """Return what the request leans on, in the order in which it was asked; read once when it was prefetched."""
    return sorted(request.identifiers.all(), key=lambda each: (each.asked_at, each.pk))  # type: ignore[attr-defined]


def agent_of(request: SubjectRequest) -> Agent | None:
    """Return who asks for the person; None when they ask themselves."""
    return getattr(request, "agent", None)


def is_on_record(identifier: Identifier, request: SubjectRequest) -> bool:
    """Return whether an identifier is one that the customer's record had before the request came."""
    if person := request.person:
        known = {Kind.EMAIL: person.email.lower(), Kind.PHONE: person.phone, Kind.ACCOUNT: person.outside_id}
        return bool(identifier.value) and known[Kind(identifier.kind)] == identifier.value
    return False


def proved(request: SubjectRequest, kind: str) -> set[str]:
    """Return the values of one kind that are proved. A proved e-mail says nothing about a telephone number."""
    return set(
        Identifier.objects.filter(request=request, kind=kind, proved_at__isnull=False).values_list("value", flat=True)
    )


def ask_for_identity(
    request_id, wanted: list[tuple[str, str]], *, user: User | None, now: dt.datetime
) -> list[Identifier]:
    """Begin or widen the check: send a code to each e-mail and number, stop the clock where the law lets us, and wait.

    Raises UnableToCheck, UnableToMove.
    """
    if not wanted:
        raise UnableToCheck("Choose at least one address, number or account to be proved.")
    with transaction.atomic():
        request = _lock(request_id)
        if request.type in NEEDS_NO_PROOF:
            raise UnableToCheck(f"“{request.get_type_display()}” needs no proof of identity.")
        identifiers = [_lean_on(request, kind, value, user, now) for kind, value in wanted]
        waiting = [each for each in identifiers if not each.proved_at]
        if not waiting:
            raise UnableToCheck("All of this is proved already.")
        if request.state != State.IDENTITY:
            move_locked(request, State.IDENTITY, user=user, now=now)
            wait_for_identity(request, now=now)
        if not _is_asked(request):
            record_on_locked(request, ClockEvent.Kind.PAUSE_IDENTITY, on=local_day(request, now), user=user, now=now)
        for each in waiting:
            if each.kind in BY_CODE:
                plan_step(request, SEND_CODE, about=str(each.pk), now=now)
        kinds = sorted({str(each.kind) for each in waiting})
        evidence.append_entry("IDENTITY_ASKED", subject=str(request.pk), body={"of": kinds})
    return identifiers


def prove(request_id, kind: str, value: str, proof: str, *, user: User | None, now: dt.datetime) -> Identifier:
    """Record that one identifier is proved, and go on when all are. Doing it again changes nothing.

    `user` is who checked, None for the person's own code or sign-in.
    """
    with transaction.atomic():
        request = _lock(request_id)
        identifier = _lean_on(request, kind, value, user, now)
        return prove_on_locked(request, identifier, proof, user=user, now=now)


def prove_on_locked(
    request: SubjectRequest, identifier: Identifier, proof: str, *, user: User | None, now: dt.datetime
) -> Identifier:
    """As `prove`, for a request that the caller has locked."""
    if identifier.proved_at:
        return identifier
    identifier.proved_at, identifier.proof, identifier.proved_by = now, proof, user
    identifier.save(update_fields=["proved_at", "proof", "proved_by"])
    drop_steps(request, SEND_CODE, about=str(identifier.pk), now=now)
    words = f"{identifier.get_kind_display()} proved {Proof(proof).label}."
    tell(request, "identity", words, user=user, now=now)
    evidence.append_entry("IDENTITY_PROVED", subject=str(request.pk), body={"of": identifier.kind, "by": str(proof)})
    if proof in (Proof.CODE, Proof.LOGIN) and is_on_record(identifier, request):
        _confirm_agent(request, now)
    go_on(request, user=user, now=now)
    return identifier


def go_on(request: SubjectRequest, *, user: User | None, now: dt.datetime) -> None:
    """Let a locked request that waits for identity go on when nothing is missing any more."""
    if request.state != State.IDENTITY or unsettled(request):
        return
    if _is_asked(request):
        day = local_day(request, now)
        record_on_locked(request, ClockEvent.Kind.RESUME_IDENTITY, on=day, user=user, now=now)
    move_locked(request, State.COLLECTING, user=user, now=now, because="Identity is proved.")


def name_agent(
    request_id, *, name: str, contact: str, authority: str, is_seen: bool, user: User, now: dt.datetime
) -> Agent:
    """Record who asks in the person's name, and whether their paper was seen. The person confirms by a code of their own."""
    with transaction.atomic():
        request = _lock(request_id)
        agent = Agent.objects.filter(request=request).first() or Agent(request=request, named_at=now, named_by=user)
        if (agent.name, agent.authority) != (name, authority):  # somebody else: what was confirmed is not confirmed
            agent.seen_at = agent.seen_by = agent.confirmed_at = None
        agent.name, agent.contact, agent.authority = name, contact, authority
        if is_seen and not agent.seen_at:
            agent.seen_at, agent.seen_by = now, user
        agent.save()
        words = "seen" if agent.seen_at else "not seen yet"
        tell(
            request,
            "identity",
            f"Asked by an agent ({agent.get_authority_display().lower()}, {words}).",
            user=user,
            now=now,
        )
        evidence.append_entry(
            "AGENT_NAMED", subject=str(request.pk), body={"authority": authority, "seen": agent.seen_at is not None}
        )
        go_on(request, user=user, now=now)
    return agent


def lock_in_order(request_id) -> SubjectRequest:
    """Lock a request in the order that deletions keep; inside the caller's transaction."""
    return _lock(request_id)


def _lock(request_id) -> SubjectRequest:
    against_deletions()
    return SubjectRequest.objects.select_for_update(of=("self",)).select_related("person").get(pk=request_id)


def _lean_on(request: SubjectRequest, kind: str, value: str, user: User | None, now: dt.datetime) -> Identifier:
    value = value.strip().lower() if kind == Kind.EMAIL else value.strip()
    form = {Kind.EMAIL: EMAIL, Kind.PHONE: E164}.get(Kind(kind))
    if not value or (form and not form.fullmatch(value)):
        raise UnableToCheck(f"This is no {Kind(kind).label.lower()}.")
    return Identifier.objects.get_or_create(
        request=request, kind=kind, value=value, defaults={"asked_at": now, "asked_by": user}
    )[0]


def _is_asked(request: SubjectRequest) -> bool:
    """Return whether proof of identity is asked for and not received, as the clock sees it."""
    events: QuerySet[ClockEvent] = ClockEvent.objects.filter(request=request, withdrawn_at__isnull=True)
    asked = events.filter(kind=ClockEvent.Kind.PAUSE_IDENTITY).count()
    return asked > events.filter(kind=ClockEvent.Kind.RESUME_IDENTITY).count()


def _confirm_agent(request: SubjectRequest, now: dt.datetime) -> None:
    if Agent.objects.filter(request=request, confirmed_at__isnull=True).update(confirmed_at=now):
        tell(request, "identity", "The person has confirmed the agent.", user=None, now=now)
        evidence.append_entry("AGENT_CONFIRMED", subject=str(request.pk))


register_guard(unsettled, State.COLLECTING, State.REVIEW, State.APPROVED, State.DELIVERED)
