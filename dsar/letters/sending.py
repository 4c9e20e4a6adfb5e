"""Sending a letter: composed once more, entered in the refusal log before it leaves, queued as a mail, and kept as it was sent."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts import evidence
from accounts.models import User
from accounts.validators import refuse_card_numbers
from dsar import downloads, outbox
from dsar.contesting import reopen_contested, why_not_decide
from dsar.dating import UnableToRecord, acknowledge, local_day, record_on_locked
from dsar.deadlines import REGIMES, UnableToComputeDeadline
from dsar.identity.proof import lock_in_order, proved, unsettled
from dsar.letters.compose import WITH_REASONS, Facts, UnableToCompose, compose
from dsar.letters.guards import ANSWERS
from dsar.models import ClockEvent, Identifier, Letter, OutgoingMail, RecordSearch, Refusal, RequestPart, SubjectRequest
from dsar.models.letters import Language
from dsar.packages.answers import is_answered_in_words, unapproved
from dsar.packages.states import KINDS
from dsar.rights.decisions import told_of
from dsar.searching import why_not_nothing
from dsar.tickets import is_address
from dsar.trail import tell
from dsar.workflow import State, UnableToMove, move_locked

Kind = Letter.Kind
ANSWERED = (State.DELIVERED, State.CLOSED)
SHOWN_LINK = "https://…/download/…/"


@dataclasses.dataclass(frozen=True)
class Draft:
    """What an officer chooses for a letter. ``code_to`` is a proved address; with it the letter has a link to the answer."""

    kind: str
    language: str
    reasons: Sequence[str] = ()
    particulars: str = ""
    way: str = Letter.Way.EMAIL
    code_to: str = ""
    link_days: int = 14
    client: str = ""  # of ours, to whom a part was passed on; empty: may not be named
    is_ours_too: bool = True


def address_of(request: SubjectRequest) -> str:
    """Return to which e-mail address a request is answered; empty when there is none."""
    known = [request.requester_contact, request.person.email if request.person else ""]
    return next((address for address in known if is_address(address)), "")


def language_of(request: SubjectRequest) -> str:
    """Return in which language a person is written to: Chinese when the customer has chosen one of its traditional forms."""
    language = (request.person.language if request.person else "").lower()
    return Language.CHINESE if language.startswith(("zh-hant", "zh-hk", "zh-tw", "zh_hant")) else Language.ENGLISH


def facts_of(request: SubjectRequest, draft: Draft, *, now: dt.datetime, link: str = "") -> Facts:
    """Return what a letter says, from the request and what the officer chose."""
    person = request.person
    return Facts(
        kind=draft.kind,
        language=draft.language,
        regime=request.regime,
        request_type=request.type,
        reference=request.reference,
        name=request.requester_name or (person.name if person else ""),
        received_on=timezone.localdate(request.received_at),
        due_on=_due(request, draft),
        reasons=draft.reasons,
        particulars=draft.particulars.strip(),
        done=told_of(request, draft.language),
        contested=request.contested.reference if request.contested else "",
        searched=[(each.kind, each.value, each.on) for each in _searches(request, draft)],
        client=draft.client,
        is_ours_too=draft.is_ours_too,
        link=link,
        link_until=timezone.localdate(now + dt.timedelta(days=draft.link_days)) if link else None,
    )


def _searches(request: SubjectRequest, draft: Draft) -> list[RecordSearch]:
    """Return what a letter that says that nothing is held names as searched."""
    searches = RecordSearch.objects.filter(request=request).order_by("searched_at", "pk")
    return list(searches) if draft.kind == Kind.NOTHING else []


def _due(request: SubjectRequest, draft: Draft) -> dt.date:
    """Return the day that a letter names: with a notice of extension the law's, else the one that we promise."""
    by_law = request.statutory_due_on if draft.kind == Kind.EXTENSION else None
    return by_law or request.answer_on


def preview(request: SubjectRequest, draft: Draft, *, user: User, now: dt.datetime) -> tuple[str, str]:
    """Return the subject and the text as they would be sent: it is sent, and all of that is undone. Raises UnableToCompose."""
    with transaction.atomic():
        letter = send(request.pk, draft, base_url="", user=user, now=now)
        transaction.set_rollback(True)
    return letter.subject, letter.body


def send(request_id: uuid.UUID, draft: Draft, *, base_url: str, user: User, now: dt.datetime) -> Letter:
    """Send a letter, or note that it goes by post, and what follows from it; all of it in one transaction.

    An answer makes the request delivered, a refusal refused; the confirmation of receipt and the notice that more time
    is needed are entered on the clock. Raises UnableToCompose.
    """
    try:
        with transaction.atomic():
            request = lock_in_order(request_id)
            _check(request, draft)
            if reason := why_not_decide(request, draft.kind, user):
                raise UnableToCompose(reason)
            if draft.kind == Kind.EXTENSION:
                _extend(request, user, now)
            letter = _written(request, draft, base_url=base_url, user=user, now=now)
            _lead_on(request, draft, user, now)
    except (outbox.UnableToSend, UnableToMove, UnableToRecord, UnableToComputeDeadline) as error:
        raise UnableToCompose(str(error)) from error
    return letter


def _written(request: SubjectRequest, draft: Draft, *, base_url: str, user: User, now: dt.datetime) -> Letter:
    link = ""
    if draft.code_to:
        made, token = downloads.make_link(
            request, code_to=draft.code_to, language=draft.language, days=draft.link_days, user=user, now=now
        )
        link = f"{base_url.rstrip('/')}{downloads.path_of(token)}"
    subject, body = compose(facts_of(request, draft, now=now, link=link))
    letter = Letter(
        request=request, kind=draft.kind, language=draft.language, regime=request.regime, reasons=list(draft.reasons),
        way=draft.way, to=address_of(request) if draft.way == Letter.Way.EMAIL else "", subject=subject[:200],
        body=body.replace(link, SHOWN_LINK) if link else body, sent_by=user, sent_at=now,
    )  # fmt: skip
    if draft.kind in WITH_REASONS:
        Refusal.objects.create(
            request=request, letter=letter.pk, regime=request.regime, reasons=list(draft.reasons), entered_by=user,
            is_partial=draft.kind == Kind.PARTIAL, particulars=draft.particulars.strip(), entered_at=now,
        )  # fmt: skip
    if draft.way == Letter.Way.EMAIL:
        mail = outbox.send(
            to=letter.to, subject=subject, text=body, purpose=OutgoingMail.Purpose.LETTER, about=request.reference,
            user=user, now=now,
        )  # fmt: skip
        letter.mail = mail.pk
    letter.save(force_insert=True)
    text = (
        f"{letter.get_kind_display()} sent by {letter.get_way_display().lower()}, in {letter.get_language_display()}."
    )
    tell(request, "letter", text, user=user, now=now)
    evidence.append_entry(
        "LETTER_SENT",
        subject=str(request.pk),
        body={"letter": str(letter.pk), "kind": draft.kind, "reasons": list(draft.reasons), "by": user.pk},
    )
    return letter


def _extend(request: SubjectRequest, user: User, now: dt.datetime) -> None:
    """Enter the notice on the clock, where the law has one that it moves and nobody has entered it before."""
    noticed = ClockEvent.objects.filter(request=request, kind=ClockEvent.Kind.EXTEND, withdrawn_at__isnull=True)
    if ClockEvent.Kind.EXTEND not in REGIMES[request.regime].event_kinds or noticed.exists():
        return
    before = request.statutory_due_on
    record_on_locked(request, ClockEvent.Kind.EXTEND, on=local_day(request, now), user=user, now=now)
    if not request.is_paused and request.statutory_due_on == before:
        raise UnableToCompose("The law gives no more time: the last day for this notice has passed.")


def _lead_on(request: SubjectRequest, draft: Draft, user: User, now: dt.datetime) -> None:
    """Let a letter have the effect that it tells of."""
    if draft.kind in (Kind.REFUSAL, *ANSWERS):
        ours = RequestPart.objects.filter(request=request, role=RequestPart.Role.CONTROLLER, answered_at__isnull=True)
        ours.update(answer=RequestPart.Answer.OURS, answered_at=now, answered_by=user)
    if draft.kind == Kind.RECEIPT:
        acknowledge(request.pk, user=user, now=now)
    elif draft.kind == Kind.REFUSAL:
        move_locked(request, State.REFUSED, user=user, now=now)
    elif draft.kind in ANSWERS and request.state not in ANSWERED:  # once more, with a new link: it is delivered already
        move_locked(request, State.DELIVERED, user=user, now=now)
    if draft.kind == Kind.UPHELD:
        reopen_contested(request, user=user, now=now)


def _check(request: SubjectRequest, draft: Draft) -> None:
    if draft.way == Letter.Way.EMAIL and not address_of(request):
        raise UnableToCompose(
            "No e-mail address is known: correct “where to answer” on the request, or send it by post."
        )
    refuse_card_numbers(draft.particulars)
    if draft.kind in ANSWERS:
        if missing := unsettled(request):
            raise UnableToCompose(missing)
        if draft.kind == Kind.NOTHING and (reason := why_not_nothing(request)):
            raise UnableToCompose(reason)
        if (
            draft.kind in (Kind.ANSWER, Kind.PARTIAL)
            and request.type in KINDS
            and downloads.answer_file(request) is None
            and not is_answered_in_words(request)
        ):
            raise UnableToCompose(
                unapproved(request) or "Nothing was collected: name the customer, or say that nothing is held."
            )
        if draft.way == Letter.Way.EMAIL and not draft.code_to and downloads.answer_file(request):
            raise UnableToCompose(
                "Choose the proved address to which the code goes: without it the letter leads to no data."
            )
    elif draft.kind != Kind.LIFTING and not request.is_open:  # a restriction ends when it ends, long after the answer
        raise UnableToCompose("This request is over: reopen it first.")
    if draft.code_to:
        if draft.code_to not in proved(request, Identifier.Kind.EMAIL):
            raise UnableToCompose("This address has not been proved to be this person’s: send a code to it first.")
        if downloads.answer_file(request) is None:
            raise UnableToCompose(
                "There is nothing to download yet: the answer to this request has not been put together."
            )
