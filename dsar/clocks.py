"""When correspondence has had its time (policy § 5.2). ``now`` is aware."""

import datetime as dt
from typing import Any

from django.db.models import Q


def ticket_is_long_closed(now: dt.datetime, period: dt.timedelta) -> Q:
    """A ticket that was closed a whole period ago."""
    return Q(closed_at__lte=now - period)


def request_is_long_closed(now: dt.datetime, period: dt.timedelta) -> Q:
    """A request that was closed a whole period ago and still says who asked and for what."""
    told = ~Q(requester_name="") | ~Q(requester_contact="") | ~Q(note="")
    return Q(closed_at__lte=now - period) & told


def message_is_of_long_closed(now: dt.datetime, period: dt.timedelta) -> Q:
    """A message of such a ticket."""
    return Q(ticket__closed_at__lte=now - period)


def ticket_goes_at(ticket, period: dt.timedelta) -> dt.datetime | None:
    """Return when one ticket goes; None: it is open."""
    return ticket.closed_at + period if ticket.closed_at else None


def message_goes_at(message, period: dt.timedelta) -> dt.datetime | None:
    """Return when one message goes: with its ticket."""
    return ticket_goes_at(message.ticket, period)


def request_goes_at(request, period: dt.timedelta) -> dt.datetime | None:
    """Return when the words of one request are blanked; None: it is open, or they are already."""
    told = request.requester_name or request.requester_contact or request.note
    return request.closed_at + period if request.closed_at and told else None


def decision_is_long_closed(now: dt.datetime, period: dt.timedelta) -> Q:
    """A decision about such a request that still says what was chosen."""
    return Q(request__closed_at__lte=now - period) & ~Q(choices={})


def decision_goes_at(decision, period: dt.timedelta) -> dt.datetime | None:
    """Return when the choices of one decision are blanked; None: its request is open, or they are already."""
    closed_at = decision.request.closed_at
    return closed_at + period if closed_at and decision.choices else None


def identifier_is_long_closed(now: dt.datetime, period: dt.timedelta) -> Q:
    """An identifier of such a request that still says whose it is."""
    return Q(request__closed_at__lte=now - period) & ~Q(value="")


def identifier_goes_at(identifier, period: dt.timedelta) -> dt.datetime | None:
    """Return when the value of one identifier is blanked; None: its request is open, or it is already."""
    closed_at = identifier.request.closed_at
    return closed_at + period if closed_at and identifier.value else None


def search_is_long_closed(now: dt.datetime, period: dt.timedelta) -> Q:
    """A search for such a request that still says for what."""
    return Q(request__closed_at__lte=now - period) & ~Q(value="")


def search_goes_at(search, period: dt.timedelta) -> dt.datetime | None:
    """Return when the value of one search is blanked; None: its request is open, or it is already."""
    closed_at = search.request.closed_at
    return closed_at + period if closed_at and search.value else None


def agent_is_long_closed(now: dt.datetime, period: dt.timedelta) -> Q:
    """The agent of such a request who still has a name."""
    return Q(request__closed_at__lte=now - period) & (~Q(name="") | ~Q(contact=""))


def agent_goes_at(agent, period: dt.timedelta) -> dt.datetime | None:
    """Return when the name of one agent is blanked; None: the request is open, or it is already."""
    closed_at = agent.request.closed_at
    return closed_at + period if closed_at and (agent.name or agent.contact) else None


def attachment_is_of_long_closed(now: dt.datetime, period: dt.timedelta) -> Q:
    """A file of such a ticket."""
    return Q(message__ticket__closed_at__lte=now - period)


def attachment_goes_at(attachment, period: dt.timedelta) -> dt.datetime | None:
    """Return when one file goes: with its ticket."""
    return ticket_goes_at(attachment.message.ticket, period)


def mail_was_settled(now: dt.datetime, period: dt.timedelta) -> Q:
    """A mail that was sent, or given up, a whole period ago."""
    return Q(settled_at__lte=now - period)


def mail_goes_at(mail, period: dt.timedelta) -> dt.datetime | None:
    """Return when one mail goes; None: it is still to be sent."""
    return mail.settled_at + period if mail.settled_at else None


def mail_is_of_long_closed(now: dt.datetime, period: dt.timedelta) -> Q:
    """A mail of a ticket that was closed a whole period ago."""
    return Q(ticket__closed_at__lte=now - period)


def mail_of_ticket_goes_at(mail, period: dt.timedelta) -> dt.datetime | None:
    """Return when one mail goes with its ticket; None: it has none, or the ticket is open."""
    return ticket_goes_at(mail.ticket, period) if mail.ticket else None


def is_of_long_closed_request(now: dt.datetime, period: dt.timedelta) -> Q:
    """A letter, or a link, of a request that was closed a whole period ago."""
    return Q(request__closed_at__lte=now - period)


def letter_goes_at(letter, period: dt.timedelta) -> dt.datetime | None:
    """Return when one letter, or link, goes; None: its request is open."""
    return letter.request.closed_at + period if letter.request.closed_at else None


def correction_goes_at(correction, period: dt.timedelta) -> dt.datetime | None:
    """Return when one correction goes; None: its request is open."""
    return letter_goes_at(correction, period)


def refusal_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """An entry of the refusal log that was made a whole period ago."""
    return Q(entered_at__lte=now - period)


def refusal_goes_at(refusal, period: dt.timedelta) -> dt.datetime:
    """Return when one entry of the refusal log goes."""
    return refusal.entered_at + period


def package_has_served(now: dt.datetime, period: dt.timedelta) -> Q:
    """A package whose request was closed a whole period ago, and whose archive is still there.

    The period counts from the end of the request, so that nobody's answer is destroyed before it was given.
    """
    return Q(request__closed_at__lte=now - period) & ~Q(file_key="") & ~Q(state__in=["waiting", "running"])


def package_goes_at(package, period: dt.timedelta) -> dt.datetime | None:
    """Return when the archive of one package is destroyed; None: its request is open, or it is gone."""
    closed_at = package.request.closed_at
    return closed_at + period if closed_at and package.file_key else None


def packages_of(people: Any) -> Q:
    """The archive made for one of these people, unless it is being made now."""
    return Q(request__person__in=people) & ~Q(file_key="") & ~Q(state__in=["waiting", "running"])


def opt_out_has_ended(now: dt.datetime, period: dt.timedelta) -> Q:
    """A marketing opt-out that has ended, and was asked a whole period ago. One in effect never goes."""
    return Q(ended_at__lte=now, asked_at__lte=now - period)


def opt_out_goes_at(opt_out, period: dt.timedelta) -> dt.datetime | None:
    """Return when one marketing opt-out goes; None: it is in effect."""
    return max(opt_out.ended_at, opt_out.asked_at + period) if opt_out.ended_at else None


def register_entry_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """An entry of the register whose request was answered a whole period ago."""
    return Q(ended_at__lte=now - period)


def register_entry_goes_at(entry, period: dt.timedelta) -> dt.datetime | None:
    """Return when one entry of the register goes; None: its request is open."""
    return entry.ended_at + period if entry.ended_at else None
