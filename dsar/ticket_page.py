"""What the page of a ticket shows: the conversation, and beside it the customer, masked for who need not see in clear."""

import datetime as dt
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest
from django.utils import timezone

from accounts.masking import mask
from accounts.models import Person, Workspace
from accounts.portal_admin import may_see_clear
from accounts.verdicts import map_of
from dsar import content_types
from dsar.models import Attachment, OutgoingMail, SubjectRequest, Ticket, TicketMessage
from dsar.queue import days_left, days_left_words, tone_of
from dsar.tickets import BY_MAIL, is_answered_by_mail, outgoing_of
from retention.visibility import on_pages

SHOWN = 5
CONVERSATION_SHOWN = 100
LONG_TEXT = 3000  # characters; a longer message scrolls in its own place
MAIL_TONES = {
    OutgoingMail.State.QUEUED: "info",
    OutgoingMail.State.SENT: "success",
    OutgoingMail.State.FAILED: "danger",
    OutgoingMail.State.UNDELIVERABLE: "danger",
}


def ticket_context(ticket: Ticket, request: HttpRequest, *, now: dt.datetime) -> dict[str, Any]:
    """Return what stands above and beside the details of a ticket."""
    clear = may_see_clear(request)
    messages = list(
        ticket.messages.select_related("author")
        .prefetch_related(Prefetch("attachments", Attachment.objects.order_by("-kind", "pk")))
        .order_by("-at", "-pk")[: CONVERSATION_SHOWN + 1]
    )
    mails = outgoing_of(messages)
    requests = SubjectRequest.objects.filter(ticket_reference=ticket.reference).order_by("received_at", "pk")
    return {
        "ticket": ticket,
        "contact_shown": ticket.contact if clear else mask(ticket.contact),
        "by_mail": is_answered_by_mail(ticket),
        "needs_address": ticket.channel in BY_MAIL and not is_answered_by_mail(ticket),
        "messages_shown": [
            _message(one, mails.get(one.pk), clear=clear) for one in reversed(messages[:CONVERSATION_SHOWN])
        ],
        "has_older": len(messages) > CONVERSATION_SHOWN,
        "warnings": sorted({one.get_warning_display() for one in messages if one.warning}),
        "customer": customer_facts(ticket, clear=clear),
        "requests": [_request(one, now) for one in requests]
        if request.user.has_perm("dsar.view_subjectrequest")
        else [],  # type: ignore[union-attr]
        "other_tickets": _others(ticket),
        "is_mine": ticket.assignee_id == request.user.pk,
    }


def customer_facts(ticket: Ticket, *, clear: bool) -> dict[str, Any]:
    """Return the customer of a ticket: facts in rows of (label, value), masked unless ``clear``; empty when unknown."""
    person, workspace = ticket.person, ticket.workspace
    facts: dict[str, Any] = {}
    if person and on_pages(Person.objects.filter(pk=person.pk)).exists():
        facts["person"] = person
        facts["person_rows"] = person_rows(person, clear=clear)
    if workspace and workspace.state in Workspace.INTACT:
        last = workspace.subscriptions.order_by("-starts_at").first()
        facts["workspace"] = workspace
        facts["workspace_rows"] = [
            ("Name", workspace.name),
            ("Kind", workspace.get_kind_display()),
            ("Country", workspace.country),
            ("Plan", last.plan if last else ""),
            ("Ends", f"{timezone.localtime(workspace.ends_at, workspace.zone):%-d %b %Y, %H:%M} ({workspace.time_zone})" if workspace.ends_at else "no end"),
            ("Numbers", str(workspace.number_assignments.filter(window__contains=timezone.now()).count())),
        ]  # fmt: skip
    return facts


def person_rows(person: Person, *, clear: bool) -> list[tuple[str, str]]:
    """Return what an agent needs of a person, each value masked if the data map says so and ``clear`` does not."""
    columns = map_of(Person).columns
    rows = []
    for name in ("email", "phone", "country", "language"):
        value = getattr(person, name)
        rows.append((columns[name].label, value if clear or not columns[name].masked else mask(value)))
    rows.append(("Known since", f"{timezone.localtime(person.created_at):%-d %b %Y}"))
    return [(label, value) for label, value in rows if value]


def _message(message: TicketMessage, mail: OutgoingMail | None, *, clear: bool) -> dict[str, Any]:
    return {
        "row": message,
        "is_long": len(message.body) > LONG_TEXT,
        "who": _who(message, clear=clear),
        "mail": mail,
        "mail_tone": MAIL_TONES.get(OutgoingMail.State(mail.state), "") if mail else "",
        "files": [
            {"row": file, "odd": content_types.says_another(file.name, file.content_type)}
            for file in message.attachments.all()
            if clear or file.kind == Attachment.Kind.PART  # a mail as it came has every address in clear
        ],
    }


def _who(message: TicketMessage, *, clear: bool) -> str:
    if message.author:
        return str(message.author)
    if not message.sender:
        return message.get_kind_display()
    name, _, address = message.sender.rpartition("<")
    address = address.strip("<> ")
    return f"{name.strip()} {address if clear else mask(address)}".strip()


def _request(request: SubjectRequest, now: dt.datetime) -> dict[str, Any]:
    left = days_left(request, now=now)
    return {"row": request, "left": days_left_words(left) if request.is_open else "", "tone": tone_of(left)}


def _others(ticket: Ticket) -> list[Ticket]:
    if not ticket.person_id and not ticket.workspace_id:
        return []
    theirs = Ticket.objects.filter(person=ticket.person_id) if ticket.person_id else Ticket.objects.filter(workspace=ticket.workspace_id)  # fmt: skip
    return list(on_pages(theirs.exclude(pk=ticket.pk)).order_by("-opened_at", "-pk")[:SHOWN])
