"""Pages of long lists by time, each beginning where another ended: nothing is counted, and no row is skipped over.

A page costs the same however long the list is and wherever in it the page is. It reads along one index, newest first, and
never further than ``LOOK`` rows of it: where a filter that no index serves, or rows that pages must not show, leave too
little of so many, the page says how far it looked, and the next one looks further.
"""

import dataclasses
import datetime as dt
import heapq
import itertools
from collections.abc import Sequence
from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

LOOK = 10_000  # rows of an index that one page reads at most; of a warm table about 20 ms
SALT = "place in a list"


class UnableToFindPlace(ValueError):
    """The address of a page was changed on the way, or is of another list."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A place between two rows: beside the row of this instant, rank and id, or, without an id, before the whole instant."""

    at: dt.datetime
    id: Any = None
    rank: int = 0  # of its model, where rows of several are in one list: the order at one instant

    def code(self) -> str:
        """Return the place as an address carries it: signed, so that nobody makes one up."""
        row_id = None if self.id is None else str(self.id)
        return signing.dumps([self.at.isoformat(), row_id, self.rank], salt=SALT)


def read_place(code: str, *models: type[Model]) -> Place:
    """Return the place of an address, in a list of these models in the order of their ranks. Raises UnableToFindPlace."""
    try:
        at, row_id, rank = signing.loads(code, salt=SALT)
        pk: Any = models[rank]._meta.pk
        return Place(dt.datetime.fromisoformat(at), None if row_id is None else pk.to_python(row_id), rank)
    except (signing.BadSignature, ValidationError, ValueError, TypeError, IndexError) as error:
        raise UnableToFindPlace("This address of a page is damaged, or is of another list.") from error


@dataclasses.dataclass(frozen=True)
class Part:
    """Rows that one index gives in the order of time. The parts of one list share no row."""

    rows: QuerySet
    along: QuerySet  # the same without what the index does not know: how far a page looks is measured on it
    dated_by: str
    rank: int = 0

    def place_of(self, row: Any) -> Place:
        return Place(getattr(row, self.dated_by), row.pk, self.rank)

    def older(self, place: Place) -> Q:
        """Return the condition of what comes after a place, newest first."""
        if place.id is None or self.rank > place.rank:
            return Q(**{f"{self.dated_by}__lt": place.at})
        until = Q(**{f"{self.dated_by}__lte": place.at})
        return until & ~Q(**{self.dated_by: place.at, "pk__gte": place.id}) if self.rank == place.rank else until

    def newer(self, place: Place) -> Q:
        """Return the condition of what comes before a place, newest first."""
        if place.id is not None and self.rank < place.rank:
            return Q(**{f"{self.dated_by}__gt": place.at})
        since = Q(**{f"{self.dated_by}__gte": place.at})
        is_beside = place.id is not None and self.rank == place.rank
        return since & ~Q(**{self.dated_by: place.at, "pk__lte": place.id}) if is_beside else since


@dataclasses.dataclass(frozen=True)
class Page:
    """Rows, newest first, and the places of the pages beside it, where there are any."""

    rows: list[Any]
    newer: Place | None = None
    older: Place | None = None
    looked_to: dt.datetime | None = None  # set where the page ends because it looked far enough, not because it is full


def older_page(parts: Sequence[Part], *, size: int, after: Place | None = None) -> Page:
    """Return the page of what is older than ``after``; without it the newest rows."""
    beyond = [part.older(after) if after else Q() for part in parts]
    found, floor = _read(parts, beyond, size, downwards=True)
    rows = [row for _, row in found[:size]]
    newer = (found[0][0] if found else after) if after else None
    if len(found) > size:
        return Page(rows, newer, found[size - 1][0])
    return Page(rows, newer, Place(floor) if floor else None, floor)


def newer_page(parts: Sequence[Part], *, size: int, before: Place) -> Page:
    """Return the page of what is newer than ``before``; the first page where that is not a whole one."""
    beyond = [part.newer(before) for part in parts]
    found, ceiling = _read(parts, beyond, size, downwards=False, begins_at=before.at)
    rows = [row for _, row in found[:size]][::-1]
    older = found[0][0] if found else before
    if len(found) > size:
        return Page(rows, found[size - 1][0], older)
    if ceiling is not None:
        return Page(rows, Place(ceiling), older, ceiling)
    first = older_page(parts, size=size)
    return first if first.looked_to is None else Page(rows, None, older)


def _read(
    parts: Sequence[Part], beyond: list[Q], size: int, *, downwards: bool, begins_at: dt.datetime | None = None
) -> tuple[list[tuple[Place, Any]], dt.datetime | None]:
    """Return the first rows ``beyond`` a place, one more than a page has, and the instant at which the look ended, if it did.

    A look ends between two instants. Upwards it cannot end at the one at which it begins, or it would never get on.
    """
    sign = "-" if downwards else ""
    ends = [
        _end_of_look(part.along.filter(outside), f"{sign}{part.dated_by}", part.dated_by)
        for part, outside in zip(parts, beyond, strict=True)
    ]
    reached = [end for end in ends if end is not None and end != begins_at]
    end = (max(reached) if downwards else min(reached)) if reached else None
    found = []
    for part, outside in zip(parts, beyond, strict=True):
        within = Q(**{f"{part.dated_by}__{'gte' if downwards else 'lt'}": end}) if end else Q()
        rows = part.rows.filter(outside, within).order_by(f"{sign}{part.dated_by}", f"{sign}pk")[: size + 1]
        found.append([(part.place_of(row), row) for row in rows])

    def order(item: tuple[Place, Any]) -> tuple[dt.datetime, int, Any]:
        return item[0].at, item[0].rank, item[0].id

    merged = heapq.merge(*found, key=order, reverse=downwards)
    return list(itertools.islice(merged, size + 1)), end


def _end_of_look(along: QuerySet, order: str, dated_by: str) -> dt.datetime | None:
    """Return the instant of the last row that a page may read; None where there are fewer. Read from the index alone."""
    last = along.order_by(order).values_list(dated_by, flat=True)[LOOK - 1 : LOOK]
    return next(iter(last), None)
