"""Consents: which are in effect, what rests on each, and how one is withdrawn (policy § 6.5).

A withdrawal is in effect with its own transaction for everything that rests on the consent, because whatever rests on
it asks ``in_effect`` at the moment it acts. It is never retroactive, and it is final: another consent of the person is
a row of its own.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import evidence
from accounts.models import Consent, Person, User

Purpose = Consent.Purpose


@dataclasses.dataclass(frozen=True)
class Rest:
    """What rests on a consent: in words for the officer, and what ends outside of the portal, for those told of it."""

    here: str
    outside: str = ""


RESTS_ON: dict[str, Rest] = {
    Purpose.MARKETING_EMAIL: Rest(
        "The person leaves the list for marketing by e-mail.", "Send no marketing by e-mail."
    ),
    Purpose.MARKETING_SMS: Rest("The person leaves the list for marketing by SMS.", "Send no marketing by SMS."),
    Purpose.MARKETING_CALL: Rest("The person leaves the list for marketing calls.", "Make no marketing calls."),
    Purpose.ANALYTICS_COOKIES: Rest(
        "No usage is recorded for analytics any more; what was recorded before goes by its own clock.",
        "Set no analytics cookies, and hand over no usage of them.",
    ),
    Purpose.ADVERTISING_COOKIES: Rest(
        "Nothing is handed to advertising networks any more.", "Set no advertising cookies."
    ),
    Purpose.TESTIMONIAL: Rest(
        "The testimonial may not be shown any more.", "Take the testimonial with the name and photo down."
    ),
    Purpose.DATA_SHARING: Rest(
        "Nothing is shared with a partner any more.", "Share nothing with partners, and tell those who have it."
    ),
}


class UnableToWithdraw(ValueError):
    """There is no consent in effect that could be withdrawn; the message says so, for the officer."""


def in_effect(purpose: str, *, now: dt.datetime) -> QuerySet[Consent]:
    """Return the consents to a purpose that count at ``now``: given, not withdrawn, and not older than a withdrawal."""
    later = Consent.objects.filter(
        person=OuterRef("person"), purpose=OuterRef("purpose"), withdrawn_at__gte=OuterRef("given_at")
    ).exclude(pk=OuterRef("pk"))
    open_ones = Consent.objects.filter(Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=now), purpose=purpose)
    return open_ones.filter(~Exists(later), given_at__lte=now)


def may(person: Person, purpose: str, *, now: dt.datetime) -> bool:
    """Return whether a person's consent to a purpose is in effect: what rests on it asks this before it acts."""
    return in_effect(purpose, now=now).filter(person=person).exists()


def withdraw(
    person: Person,
    purposes: Iterable[str],
    *,
    at: dt.datetime,
    user: User | None,
    request_id: uuid.UUID | None = None,
) -> list[Consent]:
    """Withdraw a person's open consents to these purposes as of ``at``, at once; return them. The rows stay as proof.

    One that was given after ``at`` is a new consent and stands.
    """
    with transaction.atomic():
        found = list(
            Consent.objects.select_for_update()
            .filter(person=person, purpose__in=list(purposes), withdrawn_at__isnull=True, given_at__lte=at)
            .order_by("pk")
        )
        return end([(each, at) for each in found], user=user, request_id=request_id)


def end(
    found: Iterable[tuple[Consent, dt.datetime]], *, user: User | None, request_id: uuid.UUID | None = None
) -> list[Consent]:
    """Withdraw these consents, locked by the caller, each as of the instant beside it; return them."""
    ended, told = [], []
    for consent, at in found:
        consent.withdrawn_at = at
        ended.append(consent)
        body = {"purpose": consent.purpose, "request": str(request_id or ""), "by": user.pk if user else "portal"}
        told.append(("CONSENT_WITHDRAWN", str(consent.pk), body))
    Consent.objects.bulk_update(ended, ["withdrawn_at"], batch_size=1000)
    evidence.append_entries(told)
    return ended
