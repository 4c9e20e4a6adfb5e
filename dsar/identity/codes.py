"""One-time codes: sent to the identifier they prove, hashed with a key, few tries, few a day, one alive."""

import datetime as dt
import hmac
import secrets
import uuid

from django.db import transaction

from accounts import evidence
from accounts.models import User
from accounts.sealing import keyed_hash
from dsar import outbox
from dsar.identity.links import link_to
from dsar.identity.proof import SEND_CODE, Kind, Proof, lock_in_order, prove_on_locked
from dsar.models import Agent, Identifier, IdentityCode, OutgoingMail, RequestStep
from dsar.outbox import UnableToSend
from dsar.sms import send_text
from dsar.steps import Kind as StepKind
from dsar.steps import plan_step, register_kind
from dsar.trail import tell
from dsar.workflow import State

DIGITS = 6
ATTEMPTS = 5  # of one code
A_DAY = 5  # codes to one identifier
AT_LEAST_APART = dt.timedelta(minutes=1)
LIFE = {Kind.EMAIL: dt.timedelta(hours=24), Kind.PHONE: dt.timedelta(minutes=30)}
PURPOSE = "identity codes"
End = IdentityCode.End

MAIL = """\
{opening}

Reference: {reference}
Code: {code}

Enter it within {life} at
{link}
or read it to us when you call. Nobody from Callmama will ever ask for it by themselves.

If this was not you, do nothing: without the code nothing is done.
Callmama Limited, privacy office
"""
OWN = "We have had a privacy request in your name. Please show that it is yours with the code below."
BY_AGENT = "{agent} asks us about your data on your behalf. If you agree, show it with the code below. If you do not, do nothing."
TEXT = "{code} is your code for privacy request {reference} at Callmama, for {life}. {agent}Not you? Do nothing."


class CodeRefused(ValueError):
    """The code does not prove anything; the message is for whoever has entered it."""


class UnableToSendCode(ValueError):
    """No code may be sent now; the message says when."""


def why_no_code(identifier: Identifier, *, now: dt.datetime) -> str:
    """Return why no new code may be sent to an identifier, "" when one may."""
    if identifier.proved_at:
        return "This is proved already."
    if identifier.request.state != State.IDENTITY or identifier.kind not in LIFE:
        return "This request waits for no code."
    made = IdentityCode.objects.filter(identifier=identifier).exclude(end=End.UNSENT)
    if made.filter(made_at__gt=now - AT_LEAST_APART).exists():
        return "A code was sent just now. Wait a minute before you ask for another."
    if made.filter(made_at__gt=now - dt.timedelta(days=1)).count() >= A_DAY:
        return f"{A_DAY} codes were sent within a day. Ask for another one tomorrow."
    return ""


def ask_for_code(identifier_id: uuid.UUID, *, now: dt.datetime) -> None:
    """Plan a new code, for the person or an officer who asks for one. Raises UnableToSendCode."""
    with transaction.atomic():
        identifier = Identifier.objects.select_for_update(of=("self",)).select_related("request").get(pk=identifier_id)
        if reason := why_no_code(identifier, now=now):
            raise UnableToSendCode(reason)
        waiting = RequestStep.objects.filter(
            kind=SEND_CODE, about=str(identifier.pk), state__in=[RequestStep.State.WAITING, RequestStep.State.RUNNING]
        )
        if not waiting.exists():
            plan_step(identifier.request, SEND_CODE, about=str(identifier.pk), now=now)


def send_code(identifier_id: uuid.UUID, *, now: dt.datetime) -> None:
    """Make a code, which ends the one before, and send it. Raises UnableToSend; a code that was not sent is no code.

    A mail is queued with it, and tried for as long as the code is good; a text message leaves at once or not at all.
    """
    with transaction.atomic():
        identifier = Identifier.objects.select_for_update(of=("self",)).select_related("request").get(pk=identifier_id)
        if reason := why_no_code(identifier, now=now):
            tell(identifier.request, "identity", f"No code was sent: {reason}", user=None, now=now)
            return
        _end(IdentityCode.objects.filter(identifier=identifier), End.REPLACED, now)
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        made = IdentityCode(identifier=identifier, made_at=now, expires_at=now + LIFE[Kind(identifier.kind)])
        made.digest = _digest(made, code)
        if identifier.kind == Kind.EMAIL:
            made.mail = _mail(identifier, code, now).pk
        made.save(force_insert=True)
        tell(identifier.request, "identity", f"Code sent: {identifier.get_kind_display().lower()}.", user=None, now=now)
    if identifier.kind == Kind.PHONE:
        try:
            _text(identifier, code)
        except UnableToSend:
            _end(IdentityCode.objects.filter(pk=made.pk), End.UNSENT, now)
            raise


def enter_code(identifier_id: uuid.UUID, code: str, *, user: User | None, now: dt.datetime) -> Identifier:
    """Take a code for the identifier it was sent to, and for no other. Raises CodeRefused; a wrong try is counted first.

    `user` is the officer to whom it was read on the telephone, None when the person entered it.
    """
    with transaction.atomic():
        request = lock_in_order(Identifier.objects.values_list("request", flat=True).get(pk=identifier_id))
        identifier = Identifier.objects.get(pk=identifier_id)
        if identifier.proved_at:
            return identifier
        refusal = "" if request.state == State.IDENTITY else "This request waits for no code."
        refusal = refusal or _try(identifier, code, now)
        if not refusal:
            return prove_on_locked(request, identifier, Proof.CODE, user=user, now=now)
    raise CodeRefused(refusal)


def _try(identifier: Identifier, code: str, now: dt.datetime) -> str:
    """Hold a code against the live one; return why it does not fit, "" when it does."""
    live = IdentityCode.objects.select_for_update().filter(identifier=identifier, ended_at__isnull=True).first()
    if live is None:
        return "There is no code that can be used. Ask for a new one."
    if now >= live.expires_at:
        _end(IdentityCode.objects.filter(pk=live.pk), End.EXPIRED, now)
        return "This code has expired. Ask for a new one."
    live.attempts += 1
    live.save(update_fields=["attempts"])
    typed = "".join(character for character in code if character.isascii() and character.isdigit())
    if hmac.compare_digest(_digest(live, typed), live.digest):
        _end(IdentityCode.objects.filter(pk=live.pk), End.USED, now)
        return ""
    if live.attempts < ATTEMPTS:
        left = ATTEMPTS - live.attempts
        return f"This is not the code. {left} {'try is' if left == 1 else 'tries are'} left."
    _end(IdentityCode.objects.filter(pk=live.pk), End.EXHAUSTED, now)
    words = f"A wrong code was entered {ATTEMPTS} times: {identifier.get_kind_display().lower()}."
    tell(identifier.request, "identity", words, user=None, now=now)
    evidence.append_entry("IDENTITY_CODE_EXHAUSTED", subject=str(identifier.request_id), body={"of": identifier.kind})
    return "This code was tried too often and is void. Ask for a new one."


def _digest(code: IdentityCode, digits: str) -> str:
    return keyed_hash(f"{code.pk}:{code.identifier_id}:{digits}", purpose=PURPOSE).hex()


def _end(codes, end: str, now: dt.datetime) -> None:
    """End the live ones of these codes. One whose mail has not left yet does not leave any more."""
    live = codes.filter(ended_at__isnull=True)
    outbox.withdraw(live.values_list("mail", flat=True), now=now)
    live.update(ended_at=now, end=end)


def _mail(identifier: Identifier, code: str, now: dt.datetime) -> OutgoingMail:
    """Queue the mail with a code, which is given up when the code ends."""
    request, life = identifier.request, LIFE[Kind.EMAIL]
    agent = Agent.objects.filter(request=request).first()
    text = MAIL.format(
        opening=BY_AGENT.format(agent=agent.name) if agent else OWN,
        reference=request.reference,
        code=code,
        life=f"{life // dt.timedelta(hours=1)} hours",
        link=link_to(identifier),
    )
    return outbox.send(
        to=identifier.value, subject=f"Your code for privacy request {request.reference}", text=text,
        purpose=OutgoingMail.Purpose.CODE, about=request.reference, give_up_after=life, now=now,
    )  # fmt: skip


def _text(identifier: Identifier, code: str) -> None:
    request = identifier.request
    agent = Agent.objects.filter(request=request).first()
    said = f"{agent.name} asks for you. " if agent else ""
    life = f"{LIFE[Kind.PHONE] // dt.timedelta(minutes=1)} minutes"
    send_text(identifier.value, TEXT.format(code=code, reference=request.reference, life=life, agent=said))


def _run(step: RequestStep, now: dt.datetime) -> None:
    send_code(uuid.UUID(step.about), now=now)


register_kind(StepKind(SEND_CODE, "Send a code", _run))
