"""Restriction: the data of a person is stored, and is in no list, page, search, export or marketing (Art. 18 GDPR, policy § 6.3).

What remains possible: storage, the person's own requests, and holds for claims. So ``unrestricted`` stands beside
``visibility.visible`` in what every page asks (``accounts/portal_admin.py``); packages for the person and the deletion
ask only ``visible``. A workspace that only restricted people have is restricted with them; of a shared one the rows that
name the person, and what went over their numbers.
"""

import datetime as dt
import uuid
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import evidence
from accounts.clocks import sole_workspaces
from accounts.models import Person, Restriction, User
from accounts.verdicts import Goes, ModelMap, data_map

WORKSPACE = "accounts.Workspace"


def unrestricted(rows: QuerySet) -> QuerySet:
    """Return those of the rows that are of nobody whose data is restricted.

    What the person writes to us afterwards stays in sight: it is how they ask for something.
    """
    entry = data_map().get(rows.model._meta.label)
    if entry is None or entry.goes is Goes.KEEP or (entry.goes is Goes.BLANK and entry.model != WORKSPACE):
        return rows
    if entry.model == WORKSPACE:
        return rows.exclude(pk__in=sole_workspaces(restricted()).values("pk"))
    if entry.is_correspondence:
        return rows.filter(
            ~Exists(_in_force().filter(person=OuterRef(entry.person), began_at__gt=OuterRef(entry.dated_by)))
        )
    if entry.workspace:
        rows = rows.exclude(**{f"{entry.workspace}__in": sole_workspaces(restricted()).values("pk")})
    elif entry.only:
        rows = rows.exclude(Q(pk__in=_only_theirs(entry)) & Q(**entry.only))
    return rows.exclude(entry.of_people(restricted())) if entry.of_people else rows


def _only_theirs(entry: ModelMap) -> QuerySet:
    """Return the ids of rows of which every link leads to a workspace that only restricted people have: non-VoIP numbers."""
    relation: Any = entry.model_class._meta.get_field(entry.last_of)
    links, to_row = relation.related_model._default_manager, relation.remote_field.attname
    theirs = sole_workspaces(restricted()).values("pk")
    elsewhere = links.filter(**{to_row: OuterRef(to_row)}).exclude(workspace__in=theirs)
    return links.filter(~Exists(elsewhere), workspace__in=theirs).order_by().values(to_row)


def restricted() -> QuerySet:
    """Return the ids of the people whose data is restricted."""
    return _in_force().order_by().values("person")


def _in_force() -> QuerySet[Restriction]:
    return Restriction.objects.filter(ended_at__isnull=True, person__isnull=False)


def rows_of(entry: ModelMap, person: Person) -> QuerySet:
    """Return the rows of one model that a restriction of this person takes out of use; of correspondence, what there is now."""
    theirs = Q(pk__in=[])
    if entry.of_people:
        theirs |= entry.of_people([person.pk])
    if entry.workspace and entry.goes is Goes.DELETE:
        theirs |= Q(**{f"{entry.workspace}__in": sole_workspaces([person.pk]).values("pk")})
    return entry.model_class._default_manager.filter(theirs)


def in_force(request_id: uuid.UUID) -> QuerySet[Restriction]:
    """Return the restriction that answers a request, while it is in force."""
    return Restriction.objects.filter(request=request_id, ended_at__isnull=True)


def keeps(request_id: uuid.UUID) -> bool:
    """Return whether what a request is about must not be deleted once it is answered: restricted instead of erased.

    Where it was answered without a restriction of the portal's own, what it held stays held, until officers lift it.
    """
    grounds = dict(
        Restriction.objects.filter(request=request_id).order_by("began_at").values_list("ground", "ended_at")
    )
    return not grounds or any(
        ground in Restriction.INSTEAD_OF_ERASURE and not ended for ground, ended in grounds.items()
    )


def restrict(person: Person, *, ground: str, request_id: uuid.UUID, user: User, now: dt.datetime) -> Restriction:
    """Restrict the data of a person, at once. Doing it again for the same request gives it another ground."""
    made, _ = Restriction.objects.update_or_create(
        request=request_id,
        ended_at=None,
        defaults={"ground": ground},
        create_defaults={"person": person, "ground": ground, "began_by": user, "began_at": now},
    )
    body = {"request": str(request_id), "ground": ground, "by": user.pk}
    evidence.append_entry("RESTRICTED", subject=str(made.pk), body=body)
    return made


def lift(restriction: Restriction, *, user: User, now: dt.datetime) -> None:
    """End a restriction: from here on the data is used again. That the person was told before is asked by who calls."""
    if Restriction.objects.filter(pk=restriction.pk, ended_at__isnull=True).update(ended_at=now, ended_by=user):
        evidence.append_entry("RESTRICTION_LIFTED", subject=str(restriction.pk), body={"by": user.pk})
