"""The hold that an open request is: what somebody has asked to see must not be deleted before it is answered.

It begins with the registration and ends by itself with the answer, without a second officer; then deletion goes on. A
restriction asked for instead of erasure holds in the same way, and stays when the request is answered: officers lift it.
"""

import datetime as dt
import uuid

from django.db import transaction

from accounts import evidence
from accounts.models import Person, User, Workspace
from accounts.verdicts import data_map
from retention import keeping
from retention.holds import GONE, end_hold, rows_under_way
from retention.models import Hold


def hold_for_request(
    request_id: uuid.UUID,
    *,
    person: Person | None,
    workspace: Workspace | None,
    is_restriction: bool = False,
    owner: User,
    review_on: dt.date,
    user: User,
    now: dt.datetime,
) -> list[Hold]:
    """Keep everything of a request's customer: the person, the workspaces they are in, and the one it names.

    Returns the holds in force for the request. Doing it again changes nothing; what the request is about no more (its
    customer was corrected) is let go. What is being deleted already cannot be kept any more, which is written down:
    a request is registered all the same, and answered with what there is.
    """
    with transaction.atomic():
        keeping.against_deletions()
        wanted = _wanted(person, workspace)
        held = {
            (hold.workspace_id, hold.person_id): hold
            for hold in Hold.objects.select_for_update().filter(request_id=request_id, lifted_at__isnull=True)
        }
        for place, hold in held.items():
            if place not in wanted:
                _end(hold, now)
        for workspace_id, person_id in sorted(wanted - set(held), key=str):
            if _is_under_way(workspace_id, person_id):
                subject = str(workspace_id or person_id)
                narrowed = ["workspace"] if workspace_id else ["person"]
                evidence.append_entry(
                    "HOLD_REFUSED", subject=subject, body={"by": user.pk, "why": "too_late", "narrowed_by": narrowed}
                )
                continue
            hold = Hold.objects.create(
                kind=Hold.Kind.RESTRICTION if is_restriction else Hold.Kind.REQUEST,
                request_id=request_id,
                workspace_id=workspace_id,
                person_id=person_id,
                narrowed_by=["workspace"] if workspace_id else ["person"],
                reason="Restriction instead of erasure" if is_restriction else "The request is open",
                authority="Request of the data subject",
                owner=owner,
                review_on=review_on,
                placed_by=user,
                placed_at=now,
            )
            body = {"request": str(request_id), "workspace": str(workspace_id or ""), "person": str(person_id or "")}
            evidence.append_entry("HOLD_BY_REQUEST", subject=str(hold.pk), body=body)
        return list(Hold.objects.filter(request_id=request_id, lifted_at__isnull=True).order_by("placed_at", "pk"))


def release_request_hold(request_id: uuid.UUID, *, now: dt.datetime) -> int:
    """Let go what a request kept, because it is answered, refused, withdrawn or otherwise over; return how many holds."""
    with transaction.atomic():
        keeping.against_deletions()
        holds = list(
            Hold.objects.select_for_update().filter(request_id=request_id, lifted_at__isnull=True).order_by("pk")
        )
        for hold in holds:
            _end(hold, now)
    return len(holds)


def _wanted(person: Person | None, workspace: Workspace | None) -> set[tuple[uuid.UUID | None, uuid.UUID | None]]:
    places: set[tuple[uuid.UUID | None, uuid.UUID | None]] = set()
    if person:
        places.add((None, person.pk))
        places |= {(pk, None) for pk in person.memberships.values_list("workspace", flat=True)}
    if workspace:
        places.add((workspace.pk, None))
    ids = [workspace_id for workspace_id, _ in places if workspace_id]
    emptied = Workspace.objects.filter(pk__in=ids, state=Workspace.State.EMPTIED).values_list("pk", flat=True)
    return {place for place in places if place[0] not in set(emptied)}


def is_leaving(person: Person) -> bool:
    """Return whether a deletion that has begun takes this person along; ask under ``keeping.against_deletions``."""
    return _is_under_way(None, person.pk)


def _is_under_way(workspace_id: uuid.UUID | None, person_id: uuid.UUID | None) -> bool:
    if workspace_id:
        return Workspace.objects.filter(pk=workspace_id, state__in=GONE).exists()
    people = Person.objects.filter(rows_under_way(data_map()[keeping.PERSON]))
    return person_id is not None and people.filter(pk=person_id).exists()


def _end(hold: Hold, now: dt.datetime) -> None:
    end_hold(hold, user=None, now=now)
    evidence.append_entry("HOLD_ENDED", subject=str(hold.pk), body={"request": str(hold.request_id)})
