"""Which rows are the person's: found by customer, and by number and time.

A workspace's row without a person is somebody's only where one person has the workspace, or where the workspace itself
asks. In a shared one a person gets what names them, and the calls of numbers that were theirs, while they were. A number
that was another customer's, or another person's, at the instant of a call keeps that call out, whatever workspace the row
stands under: a recycled number never mixes two people.
"""

import dataclasses
import datetime as dt
import uuid
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership, Workspace
from accounts.verdicts import Goes, ModelMap
from dsar.models import SubjectRequest
from dsar.packages.categories import Category, Found
from retention.holds import GONE
from retention.models import Hold
from retention.visibility import visible
from telecom_records.models import NumberAssignment

COUNTED_UP_TO = 10_000


class UnableToCollect(ValueError):
    """There is nobody to collect for; the message says why, for the officer."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A workspace in which the person has a part. ``whole``: what names nobody in it is theirs; ``account``: its contract."""

    workspace: Workspace
    whole: bool
    account: bool

    @property
    def is_gone(self) -> bool:
        """Whether its deletion has begun: nothing of it is collected."""
        return self.workspace.state in GONE


@dataclasses.dataclass(frozen=True)
class Subject:
    """Whose package it is. ``is_held``: their request keeps their data, so what is hidden from pages is collected too."""

    person_id: uuid.UUID | None
    places: tuple[Place, ...]
    is_held: bool
    as_of: dt.datetime

    @classmethod
    def of(cls, request: SubjectRequest, *, as_of: dt.datetime) -> "Subject":
        """Return the subject of a request. Raises UnableToCollect when it names no customer."""
        person_id, named = request.person_id, request.workspace_id
        if not person_id and not named:
            raise UnableToCollect("The request names no customer. Enter the customer or the workspace first.")
        members: dict[uuid.UUID, dict[uuid.UUID, str]] = {}
        workspaces = {named} if named else set()
        if person_id:
            workspaces |= set(Membership.objects.filter(person=person_id).values_list("workspace", flat=True))
            workspaces |= set(NumberAssignment.objects.filter(person=person_id).values_list("workspace", flat=True))
        for workspace_id, member_id, role in Membership.objects.filter(workspace__in=workspaces).values_list(
            "workspace", "person", "role"
        ):
            members.setdefault(workspace_id, {})[member_id] = role
        if not person_id and len(members.get(named, {})) == 1:  # type: ignore[arg-type]
            person_id = next(iter(members[named]))  # type: ignore[index]
        places = []
        for workspace in Workspace.objects.filter(pk__in=workspaces).order_by("outside_id"):
            here = members.get(workspace.pk, {})
            asks_itself = workspace.pk == named and not request.person_id
            alone = set(here) == {person_id} or (workspace.pk == named and not here)
            owns = here.get(person_id) == Membership.Role.OWNER if person_id else False
            places.append(Place(workspace, whole=asks_itself or alone, account=asks_itself or alone or owns))
        held = Hold.objects.filter(request_id=request.pk, lifted_at__isnull=True).exists()
        return cls(person_id, tuple(places), held, as_of)

    def rows(self, category: Category) -> list[QuerySet]:
        """Return the person's rows of one category, in parts that share no row, each found by an index."""
        entry = category.entry
        manager = entry.model_class._default_manager
        return [self._there(entry, manager.filter(condition)) for condition in self._conditions(category)]

    def _there(self, entry: ModelMap, rows: QuerySet) -> QuerySet:
        """Leave out what is being deleted, and, unless the request holds it, what is past its time."""
        gone = [place.workspace.pk for place in self.places if place.is_gone]
        if gone and entry.workspace:
            rows = rows.exclude(**{f"{entry.workspace}__in": gone})
        return rows if self.is_held else visible(rows, now=self.as_of)

    def _conditions(self, category: Category) -> list[Q]:
        entry = category.entry
        match category.found:
            case Found.SELF:
                return [Q(pk=self.person_id)] if self.person_id else []
            case Found.ACCOUNT:
                account = [place.workspace.pk for place in self.places if place.account]
                return [Q(**{f"{entry.workspace}__in": account})] if account else []
            case Found.NUMBERS:
                assignments = self._assignments()
                return [Q(pk__in=assignments.values("number"))]
            case Found.TRAFFIC:
                return self._traffic(entry)
        return [self._of_person(category)]

    def _of_person(self, category: Category) -> Q:
        to_workspace, to_person = _links(category)
        condition = Q(**{to_person: self.person_id}) if self.person_id else Q(pk__in=[])
        if to_workspace:
            condition |= Q(**{f"{to_workspace}__in": self._whole(), f"{to_person}__isnull": True})
        return condition

    def _whole(self) -> list[uuid.UUID]:
        return [place.workspace.pk for place in self.places if place.whole]

    def _assignments(self) -> QuerySet[NumberAssignment]:
        gone = [place.workspace.pk for place in self.places if place.is_gone]
        own = Q(person=self.person_id) if self.person_id else Q(pk__in=[])
        rows = NumberAssignment.objects.filter(own | Q(workspace__in=self._whole(), person__isnull=True))
        return rows.exclude(workspace__in=gone)

    def _traffic(self, entry: ModelMap) -> list[Q]:
        conditions = []
        for place in self.places:
            if place.whole:
                foreign = self._on_a_number_of(entry).exclude(self._is_theirs(place))
                conditions.append(Q(~Exists(foreign), workspace=place.workspace))
            elif self.person_id:
                own = NumberAssignment.objects.filter(workspace=place.workspace, person=self.person_id)
                for e164, window in own.order_by("window", "pk").values_list("number__e164", "window"):
                    until = Q(**{f"{entry.dated_by}__lt": window.upper}) if window.upper else Q()
                    since = Q(
                        **{"workspace": place.workspace, "own_number": e164, f"{entry.dated_by}__gte": window.lower}
                    )
                    conditions.append(since & until)
        return conditions

    def _on_a_number_of(self, entry: ModelMap) -> QuerySet[NumberAssignment]:
        """Return the assignments, of anybody, of a row's own number at its instant."""
        return NumberAssignment.objects.filter(
            number__e164=OuterRef("own_number"), window__contains=OuterRef(entry.dated_by)
        )

    def _is_theirs(self, place: Place) -> Q:
        person = Q(person__isnull=True)
        if self.person_id:
            person |= Q(person=self.person_id)
        return Q(workspace=place.workspace) & person

    def left_out(self, category: Category) -> list[tuple[str, int]]:
        """Return by code what of their workspaces is not in the package, and of how many rows (counted up to 10,000)."""
        entry, found = category.entry, []
        if entry.goes is Goes.KEEP or not entry.workspace or category.found is Found.SELF:
            return []
        if category.found is Found.TRAFFIC:
            shared = sum(self._count(self._of_nobody(entry, place)) for place in self.places if not place.whole)
            others = sum(self._count(self._of_others(entry, place)) for place in self.places if place.whole)
            found = [("shared", shared), ("recycled", others)]
        elif category.found is Found.PERSON:
            shared_places = [place.workspace.pk for place in self.places if not place.whole]
            to_person = entry.person or "person"
            rows = entry.model_class._default_manager.filter(
                **{f"{entry.workspace}__in": shared_places, f"{to_person}__isnull": True}
            )
            found = [("shared", self._count(rows))]
        elif category.found is Found.ACCOUNT:
            found = [("not_theirs", sum(not place.account for place in self.places))]
        return [(code, rows) for code, rows in found if rows]

    def _of_nobody(self, entry: ModelMap, place: Place) -> QuerySet:
        """Return a shared workspace's rows on numbers that no one person had."""
        named = self._on_a_number_of(entry).filter(workspace=place.workspace, person__isnull=False)
        return entry.model_class._default_manager.filter(~Exists(named), workspace=place.workspace)

    def _of_others(self, entry: ModelMap, place: Place) -> QuerySet:
        foreign = self._on_a_number_of(entry).exclude(self._is_theirs(place))
        return entry.model_class._default_manager.filter(Exists(foreign), workspace=place.workspace)

    def _count(self, rows: QuerySet) -> int:
        return rows.order_by().values("pk")[:COUNTED_UP_TO].count()


def _links(category: Category) -> tuple[str, str]:
    """Return how a row leads to its workspace ("" when it does not) and to its person."""
    if category.through:
        return f"{category.through}__workspace", f"{category.through}__person"
    return category.entry.workspace, category.entry.person or "person"  # an assignment's person is its user, no owner


def count_of(parts: list[QuerySet]) -> int:
    """Return how many rows there are in these parts."""
    return sum(part.order_by().count() for part in parts)


def own_places(subject: Subject) -> list[Any]:
    """Return the ids of the workspaces whose account is the person's."""
    return [place.workspace.pk for place in subject.places if place.account]
