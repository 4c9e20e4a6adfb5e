"""Requests that may be the same one, made twice: proposed, and merged only by an officer.

The same kind of request, within a month, of the same customer or from the same address (compared by a keyed hash). The
person asked once, when they first did: the merged request keeps the earliest receipt.
"""

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet

from accounts import evidence
from accounts.models import User
from accounts.sealing import keyed_hash
from dsar.identity.proof import lock_in_order
from dsar.models import NotSame, SubjectRequest
from dsar.trail import tell
from dsar.workflow import State, UnableToMove, hold_or_release, move_locked, register_guard

WINDOW = dt.timedelta(days=30)
PURPOSE = "contacts of requests"


class UnableToMerge(ValueError):
    """These two cannot be merged; the message says why, for the officer."""


def key_of(contact: str) -> bytes | None:
    """Return the keyed hash of an address as people write it in one way or another, None of none."""
    plain = "".join(contact.split()).casefold()
    return keyed_hash(plain, purpose=PURPOSE) if plain else None


def may_have_some() -> QuerySet[SubjectRequest]:
    """Return, as a subquery for one request, the open ones of its kind of the same customer or address."""
    same = Q(person=OuterRef("person")) | Q(contact_key=OuterRef("contact_key"))
    return SubjectRequest.objects.filter(same, type=OuterRef("type"), closed_at__isnull=True).exclude(pk=OuterRef("pk"))


def candidates(request: SubjectRequest) -> list[SubjectRequest]:
    """Return the open requests that may be the same as this open one, the earliest first."""
    same = Q(person=request.person_id) if request.person_id else Q(pk__in=[])
    same |= Q(contact_key=request.contact_key) if request.contact_key else Q(pk__in=[])
    near = (request.received_at - WINDOW, request.received_at + WINDOW)
    looked_at = NotSame.objects.filter(Q(first=request.pk) | Q(second=request.pk)).values_list("first", "second")
    different = {pk for pair in looked_at for pk in pair} | {request.pk}
    found = SubjectRequest.objects.filter(same, type=request.type, received_at__range=near, closed_at__isnull=True)
    return list(found.exclude(pk__in=different).order_by("received_at", "reference"))


def merge(one_id: uuid.UUID, other_id: uuid.UUID, *, user: User, now: dt.datetime) -> SubjectRequest:
    """Let the earlier of two requests stand for both, and return it; the later one ends. Raises UnableToMerge."""
    with transaction.atomic():
        both = [lock_in_order(pk) for pk in sorted((one_id, other_id))]
        kept, ended = sorted(both, key=lambda each: (each.received_at, each.reference))
        if ended not in candidates(kept):
            raise UnableToMerge("These two are not open requests of the same person for the same thing any more.")
        if kept.regime != ended.regime:
            raise UnableToMerge("They run under different laws. Correct the rule of one of them first.")
        ended.merged_into = kept.pk
        ended.save(update_fields=["merged_into"])
        try:
            move_locked(ended, State.MERGED, user=user, now=now, because=f"{kept.reference} stands for it.")
        except UnableToMove as error:
            raise UnableToMerge(str(error)) from error
        kept.person = kept.person or ended.person
        kept.workspace = kept.workspace or ended.workspace
        kept.save(update_fields=["person", "workspace"])
        hold_or_release(kept, user=user, now=now)
        tell(kept, "merged", f"Stands for {ended.reference} too, which asked for the same.", user=user, now=now)
        evidence.append_entry("REQUEST_MERGED", subject=str(ended.pk), body={"into": str(kept.pk), "by": user.pk})
    return kept


def say_not_same(one_id: uuid.UUID, other_id: uuid.UUID, *, user: User, now: dt.datetime) -> None:
    """Remember that two requests do not ask for the same. Doing it again changes nothing."""
    first, second = sorted((one_id, other_id))
    with transaction.atomic():
        _, made = NotSame.objects.get_or_create(first=first, second=second, defaults={"said_by": user, "said_at": now})
        if made:
            for request in SubjectRequest.objects.filter(pk__in=(first, second)):
                tell(request, "not_same", "Compared with another request: not the same.", user=user, now=now)


def unmerged(request: SubjectRequest) -> str:
    """Return why a request does not end as merged: nothing says into which."""
    return (
        "" if request.merged_into else "Merge it with the request that asks for the same: the page of both proposes it."
    )


register_guard(unmerged, State.MERGED)
