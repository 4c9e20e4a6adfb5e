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
from dsar.letters.compose import WITH_REASONS, Facts, UnableToCompose, compose
from dsar.models import Letter, OutgoingMail, Refusal, SubjectRequest
from dsar.rights.decisions import told_of
from dsar.tickets import is_address
from dsar.trail import tell

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


def address_of(request: SubjectRequest) -> str:
    """Return to which e-mail address a request is answered; empty when there is none."""
    known = [request.requester_contact, request.person.email if request.person else ""]
    return next((address for address in known if is_address(address)), "")


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
        due_on=request.due_on,
        reasons=draft.reasons,
        particulars=draft.particulars.strip(),
        done=told_of(request, draft.language),
        link=link,
        link_until=timezone.localdate(now + dt.timedelta(days=draft.link_days)) if link else None,
    )


def preview(request: SubjectRequest, draft: Draft, *, now: dt.datetime) -> tuple[str, str]:
    """Return the subject and the text as they would be sent; only the link is not made yet. Raises UnableToCompose."""
    _check(request, draft)
    return compose(facts_of(request, draft, now=now, link=SHOWN_LINK if draft.code_to else ""))


def send(request_id: uuid.UUID, draft: Draft, *, base_url: str, user: User, now: dt.datetime) -> Letter:
    """Send a letter, or note that it goes by post; all of it in one transaction. Raises UnableToCompose."""
    with transaction.atomic():
        request = SubjectRequest.objects.select_for_update(of=("self",)).select_related("person").get(pk=request_id)
        _check(request, draft)
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
                is_partial=draft.kind == Letter.Kind.PARTIAL, particulars=draft.particulars.strip(), entered_at=now,
            )  # fmt: skip
        if draft.way == Letter.Way.EMAIL:
            try:
                mail = outbox.send(
                    to=letter.to, subject=subject, text=body, purpose=OutgoingMail.Purpose.LETTER, about=request.reference,
                    user=user, now=now,
                )  # fmt: skip
            except outbox.UnableToSend as error:
                raise UnableToCompose(str(error)) from error
            letter.mail = mail.pk
        letter.save(force_insert=True)
        text = f"{letter.get_kind_display()} sent by {letter.get_way_display().lower()}, in {letter.get_language_display()}."
        tell(request, "letter", text, user=user, now=now)
        evidence.append_entry(
            "LETTER_SENT",
            subject=str(request.pk),
            body={"letter": str(letter.pk), "kind": draft.kind, "reasons": list(draft.reasons), "by": user.pk},
        )
    return letter


def _check(request: SubjectRequest, draft: Draft) -> None:
    if draft.way == Letter.Way.EMAIL and not address_of(request):
        raise UnableToCompose(
            "No e-mail address is known: correct “where to answer” on the request, or send it by post."
        )
    refuse_card_numbers(draft.particulars)
    if draft.code_to:
        if not is_address(draft.code_to):
            raise UnableToCompose("The address for the code is no e-mail address.")
        if downloads.answer_file(request) is None:
            raise UnableToCompose(
                "There is nothing to download yet: the answer to this request has not been put together."
            )
