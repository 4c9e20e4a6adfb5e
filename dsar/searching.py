"""Looking for somebody who is no customer: by an address or a number that is nobody's here, or was on one day.

Nothing of what is found is shown, only how much of what: whether it is theirs is not said by a number alone. What was
searched, and when, stands in the letter that says that nothing is held.
"""

import datetime as dt
import uuid
from collections.abc import Iterator

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import evidence
from accounts.models import Person, User
from dsar.identity.proof import E164, EMAIL, lock_in_order, proved
from dsar.models import RecordSearch, SubjectRequest, Ticket
from dsar.trail import tell
from telecom_records.models import CallDetailRecord, NumberAssignment, Recording, SmsRecord

Kind = RecordSearch.Kind
COUNTED_UP_TO = 10_000
TITLES = {
    "people": "customers", "assignments": "numbers of ours", "calls": "calls", "messages": "messages", "recordings": "recordings",
    "tickets": "other correspondence",
}  # fmt: skip


class UnableToSearch(ValueError):
    """This cannot be searched for; the message says why, for the officer."""


def search(request_id: uuid.UUID, value: str, *, on: dt.date | None, user: User, now: dt.datetime) -> RecordSearch:
    """Search everything for one e-mail or number (E.164), on one day (the portal's zone) or at any time. Raises UnableToSearch."""
    value = value.strip().lower()
    kind = Kind.EMAIL if EMAIL.fullmatch(value) else Kind.PHONE if E164.fullmatch(value) else None
    if kind is None:
        raise UnableToSearch("Write an e-mail address, or a number with + and its country.")
    if on and on > timezone.localdate(now):
        raise UnableToSearch("This day has not come yet.")
    with transaction.atomic():
        request = lock_in_order(request_id)
        if request.person_id or request.workspace_id:
            raise UnableToSearch("The request names a customer: their data is collected, not searched for.")
        counts = {
            name: rows.order_by().values("pk")[:COUNTED_UP_TO].count()
            for name, rows in _places(request, kind, value, on)
        }
        found = {name: count for name, count in counts.items() if count}
        made = RecordSearch.objects.create(
            request=request, kind=kind, value=value, on=on, found=found, searched_by=user, searched_at=now
        )
        tell(
            request,
            "searched",
            f"Records searched for {made.get_kind_display().lower()}: {words_of(made)}.",
            user=user,
            now=now,
        )
        evidence.append_entry(
            "RECORDS_SEARCHED", subject=str(request.pk), body={"kind": kind, "found": found, "by": user.pk}
        )
    return made


def words_of(made: RecordSearch) -> str:
    """Return what was found, in words without a name: “nothing”, or “calls (12)”."""
    found = [f"{TITLES[name]} ({count:,}{'+' if count >= COUNTED_UP_TO else ''})" for name, count in made.found.items()]
    return ", ".join(found) or "nothing"


def why_not_nothing(request: SubjectRequest) -> str:
    """Return why it cannot be said that nothing is held about who asks, "" when it can."""
    if request.person_id or request.workspace_id:
        return "The request names a customer, about whom something is held."
    searches = list(RecordSearch.objects.filter(request=request))
    if not searches:
        return "Search the records first, for each address and number that they name."
    if any(each.found for each in searches):
        return "Something was found. Enter the customer, or find out whose it is."
    unproved = {each.get_kind_display().lower() for each in searches if each.value not in proved(request, each.kind)}
    return f"Not proved to be theirs: {', '.join(sorted(unproved))}." if unproved else ""


def _places(request: SubjectRequest, kind: str, value: str, on: dt.date | None) -> Iterator[tuple[str, QuerySet]]:
    """Yield where somebody may stand who is no customer, each with the rows that name them."""
    yield "tickets", Ticket.objects.filter(contact__iexact=value).exclude(reference=request.ticket_reference)
    if kind == Kind.EMAIL:
        yield "people", Person.objects.filter(email__iexact=value)
        return
    yield "people", Person.objects.filter(phone=value)
    assignments = NumberAssignment.objects.filter(number__e164=value)
    day: dict[str, tuple[dt.datetime, dt.datetime]] = {}
    if on:
        start = timezone.make_aware(dt.datetime.combine(on, dt.time()))
        end = timezone.make_aware(dt.datetime.combine(on + dt.timedelta(days=1), dt.time()))
        assignments = assignments.filter(window__overlap=(start, end))
        day = {"started_at": (start, end), "sent_at": (start, end)}

    def in_time(rows: QuerySet, column: str) -> QuerySet:
        return rows.filter(**{f"{column}__gte": day[column][0], f"{column}__lt": day[column][1]}) if on else rows

    yield "assignments", assignments
    yield "calls", in_time(CallDetailRecord.objects.filter(other_party=value), "started_at")
    yield "messages", in_time(SmsRecord.objects.filter(other_party=value), "sent_at")
    yield "recordings", in_time(Recording.objects.filter(other_party=value), "started_at")
