"""A request of a client's own customer, in parts: the client's is passed on and the person told, our own is answered by us."""

import datetime as dt
import uuid

from django.db import transaction
from django.utils import timezone

from accounts import evidence
from accounts.models import BusinessClient, User
from accounts.models.clients import Held
from dsar import outbox
from dsar.dating import due_anew
from dsar.deadlines.forwarding import forward_by
from dsar.identity.proof import lock_in_order, unsettled
from dsar.letters import sending
from dsar.letters.compose import UnableToCompose
from dsar.models import Letter, OutgoingMail, RequestPart, SubjectRequest
from dsar.trail import tell
from dsar.workflow import State, UnableToMove, move_locked, register_guard

Role, Answer, Own = RequestPart.Role, RequestPart.Answer, RequestPart.Own

MAIL = """\
Dear {name},

A person has asked us about data that we hold on your behalf ({categories}). You decide about it, so we pass the request \
on to you (Article 28(3)(e) GDPR, and our agreement).

Our number: {reference}
Asked for: {what}
Received: {received}
Who asks: {who}
What they wrote: {note}
Identity: {identity}

We have disclosed, changed and deleted nothing of it. Please answer the person within the time that your law gives you, and \
tell us by answering this mail whether you do that yourselves or instruct us. What we hold for our own purposes we answer \
ourselves.

Privacy office
Callmama Limited
"""


class UnableToRoute(ValueError):
    """The request cannot be split, passed on or noted as answered; the message says why, for the officer."""


def split_request(
    request_id: uuid.UUID, *, account: str, is_ours_too: bool, user: User, now: dt.datetime
) -> RequestPart:
    """Make the part of one client, by the number of their account, and our own part where we hold something ourselves.

    The client's part is due before the answer is, and so moves the due date of the request. Raises UnableToRoute.
    """
    with transaction.atomic():
        request = lock_in_order(request_id)
        if not request.is_open:
            raise UnableToRoute("This request is over: reopen it first.")
        client = (
            BusinessClient.objects.select_related("workspace").filter(workspace__outside_id=account.strip()).first()
        )
        if client is None:
            raise UnableToRoute(
                "No business client has this account number. Enter them under “Business clients” first."
            )
        if not client.processor_for:
            raise UnableToRoute("We hold nothing on behalf of this client: all of it is our own to answer.")
        if RequestPart.objects.filter(request=request, workspace=client.workspace).exists():
            raise UnableToRoute("This client has a part of the request already.")
        due_on, due_at, _ = forward_by(request.received_at, client.forward_days)
        part = RequestPart.objects.create(
            request=request, role=Role.PROCESSOR, workspace=client.workspace, categories=client.processor_for, made_by=user,
            made_at=now, due_on=due_on, due_at=due_at,
        )  # fmt: skip
        if is_ours_too:
            ours = {"categories": Own.values, "made_by": user, "made_at": now}
            RequestPart.objects.get_or_create(request=request, role=Role.CONTROLLER, defaults=ours)
        due_anew(request, now=now)
        words = f"Split: a part of client {client.workspace}, to be passed on by {due_on:%-d %b %Y}"
        tell(request, "routing", f"{words}{'; our own part stays' if is_ours_too else ''}.", user=user, now=now)
        body = {"part": str(part.pk), "workspace": str(client.workspace_id), "ours": is_ours_too, "by": user.pk}
        evidence.append_entry("REQUEST_SPLIT", subject=str(request.pk), body=body)
    return part


def forward_part(part_id: uuid.UUID, *, language: str, way: str, user: User, now: dt.datetime) -> RequestPart:
    """Pass a part on to its client and tell the person, both at once; a request that is wholly the client's is routed then.

    Raises UnableToRoute.
    """
    try:
        with transaction.atomic():
            request, part = _locked(part_id)
            if not part.waits:
                raise UnableToRoute("This part has been passed on already.")
            client = BusinessClient.objects.filter(workspace=part.workspace).first()
            if client is None:
                raise UnableToRoute("This client has left, and their data is gone: note that they have nothing.")
            mail = outbox.send(
                to=client.contact_email, subject=f"A privacy request about your data: {request.reference}",
                text=_words(request, part, client), purpose=OutgoingMail.Purpose.LETTER, about=request.reference, user=user, now=now,
            )  # fmt: skip
            draft = sending.Draft(
                kind=Letter.Kind.FORWARDED, language=language, way=way,
                client=part.workspace.name if part.workspace and client.may_be_named else "", is_ours_too=_ours(request) is not None,
            )  # fmt: skip
            letter = sending.send(request.pk, draft, base_url="", user=user, now=now)
            part.forwarded_at, part.forwarded_by, part.mail, part.letter = now, user, mail.pk, letter.pk
            part.save(update_fields=["forwarded_at", "forwarded_by", "mail", "letter"])
            due_anew(request, now=now)
            tell(request, "routing", f"Passed on to client {part.workspace}; the person was told.", user=user, now=now)
            body = {"part": str(part.pk), "late": bool(part.due_at and now >= part.due_at), "by": user.pk}
            evidence.append_entry("REQUEST_PART_FORWARDED", subject=str(request.pk), body=body)
            if not unrouted(request):
                move_locked(request, State.ROUTED, user=user, now=now)
    except (outbox.UnableToSend, UnableToCompose, UnableToMove) as error:
        raise UnableToRoute(str(error)) from error
    return part


def record_answer(part_id: uuid.UUID, answer: str, *, user: User, now: dt.datetime) -> RequestPart:
    """Note what a client has answered about their part. Raises UnableToRoute."""
    with transaction.atomic():
        request, part = _locked(part_id)
        left = not BusinessClient.objects.filter(workspace=part.workspace).exists()
        if part.role != Role.PROCESSOR or part.answered_at:
            raise UnableToRoute("This part waits for no answer of a client.")
        if part.waits and not (left and answer == Answer.NOTHING):
            raise UnableToRoute("Pass this part on first.")
        part.answer, part.answered_at, part.answered_by = answer, now, user
        part.save(update_fields=["answer", "answered_at", "answered_by"])
        due_anew(request, now=now)
        tell(request, "routing", f"Client {part.workspace}: {Answer(answer).label[:1].lower()}{Answer(answer).label[1:]}.", user=user, now=now)  # fmt: skip
        evidence.append_entry(
            "REQUEST_PART_ANSWERED", subject=str(request.pk), body={"part": str(part.pk), "answer": answer}
        )
    return part


def parts_of(request: SubjectRequest) -> list[RequestPart]:
    """Return the parts of a request, the first due first and our own last; read once when they were prefetched."""
    return sorted(request.parts.all(), key=lambda part: (part.due_at is None, part.due_at or part.made_at, part.pk))  # type: ignore[attr-defined]


def unforwarded(request: SubjectRequest) -> str:
    """Return which part must be passed on before a request is answered, "" when none must."""
    waiting = [part for part in RequestPart.objects.filter(request=request).order_by("due_at") if part.waits]
    return f"The part of client {waiting[0].workspace} has not been passed on yet." if waiting else ""


def unrouted(request: SubjectRequest) -> str:
    """Return why a request does not end by being passed on, "" when it does."""
    parts = RequestPart.objects.filter(request=request)
    if not parts.filter(role=Role.PROCESSOR).exists():
        return "No client has a part of it. Split it first: “Split for a client”."
    if parts.filter(role=Role.CONTROLLER).exists():
        return "A part of it is our own: the request ends with our answer."
    return unforwarded(request)


def _locked(part_id: uuid.UUID) -> tuple[SubjectRequest, RequestPart]:
    request = lock_in_order(RequestPart.objects.values_list("request", flat=True).get(pk=part_id))
    return request, RequestPart.objects.select_related("workspace").get(pk=part_id)


def _ours(request: SubjectRequest) -> RequestPart | None:
    return RequestPart.objects.filter(request=request, role=Role.CONTROLLER).first()


def labels_of(part: RequestPart) -> str:
    """Return what a part is about, in words."""
    known = dict([*Held.choices, *Own.choices])
    return ", ".join(known[each].lower() for each in part.categories)


def _words(request: SubjectRequest, part: RequestPart, client: BusinessClient) -> str:
    person = request.person
    name = request.requester_name or (person.name if person else "")
    contact = request.requester_contact or (person.email if person else "")
    return MAIL.format(
        name=client.contact_name or "Sir or Madam",
        categories=labels_of(part),
        reference=request.reference,
        what=request.get_type_display(),
        received=f"{timezone.localtime(request.received_at):%-d %B %Y}",
        who=", ".join(each for each in (name, contact) if each) or "not known",
        note=request.note or "nothing more",
        identity="not checked by us" if unsettled(request) else "proved to us",
    )


register_guard(unforwarded, State.DELIVERED, State.REFUSED)
register_guard(unrouted, State.ROUTED)
