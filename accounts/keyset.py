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
    """A place between two rows: beside the row of this instant and id, or, without an id, before the whole instant."""

    at: dt.datetime
    id: Any = None

    def code(self) -> str:
        """Return the place as an address carries it: signed, so that nobody makes one up."""
        return signing.dumps([self.at.isoformat(), None if self.id is None else str(self.id)], salt=SALT)


def read_place(code: str, model: type[Model]) -> Place:
    """Return the place of an address, in a list of ``model``. Raises UnableToFindPlace."""
    try:
        at, row_id = signing.loads(code, salt=SALT)
        return Place(dt.datetime.fromisoformat(at), None if row_id is None else model._meta.pk.to_python(row_id))  # type: ignore[union-attr]
    except (signing.BadSignature, ValidationError, ValueError, TypeError) as error:
        raise UnableToFindPlace("This address of a page is damaged, or is of another list.") from error


@dataclasses.dataclass(frozen=True)
class Part:
    """Rows that one index gives in the order of time. The parts of one list share no row."""

    rows: QuerySet
    along: QuerySet  # the same without what the index does not know: how far a page looks is measured on it


@dataclasses.dataclass(frozen=True)
class Page:
    """Rows, newest first, and the places of the pages beside it, where there are any."""

    rows: list[Any]
    newer: Place | None = None
    older: Place | None = None
    looked_to: dt.datetime | None = None  # set where the page ends because it looked far enough, not because it is full


def older_page(parts: Sequence[Part], *, dated_by: str, size: int, after: Place | None = None) -> Page:
    """Return the page of what is older than ``after``; without it the newest rows."""
    beyond = Q() if after is None else _older(dated_by, after)
    found, floor = _read(parts, dated_by, size, beyond, [f"-{dated_by}", "-pk"])
    rows = found[:size]
    newer = None
    if after is not None:
        newer = _place(rows[0], dated_by) if rows else after
    if len(found) > size:
        return Page(rows, newer, _place(rows[-1], dated_by))
    return Page(rows, newer, Place(floor) if floor else None, floor)


def newer_page(parts: Sequence[Part], *, dated_by: str, size: int, before: Place) -> Page:
    """Return the page of what is newer than ``before``; the first page where that is not a whole one."""
    found, ceiling = _read(parts, dated_by, size, _newer(dated_by, before), [dated_by, "pk"], begins_at=before.at)
    rows = found[:size][::-1]
    older = _place(rows[-1], dated_by) if rows else before
    if len(found) > size:
        return Page(rows, _place(rows[0], dated_by), older)
    if ceiling is not None:
        return Page(rows, Place(ceiling), older, ceiling)
    first = older_page(parts, dated_by=dated_by, size=size)
    return first if first.looked_to is None else Page(rows, None, older)


def _read(
    parts: Sequence[Part], dated_by: str, size: int, beyond: Q, order: list[str], begins_at: dt.datetime | None = None
) -> tuple[list[Any], dt.datetime | None]:
    """Return the first rows ``beyond`` a place, one more than a page has, and the instant at which the look ended, if it did.

    A look ends between two instants. Upwards it cannot end at the one at which it begins, or it would never get on.
    """
    downwards = order[0].startswith("-")
    ends = [_end_of_look(part.along.filter(beyond), order[0], dated_by) for part in parts]
    reached = [end for end in ends if end is not None and end != begins_at]
    end = (max(reached) if downwards else min(reached)) if reached else None
    within = Q(**{f"{dated_by}__{'gte' if downwards else 'lt'}": end}) if end else Q()
    found = [list(part.rows.filter(beyond, within).order_by(*order)[: size + 1]) for part in parts]

    def key(row: Any) -> tuple[dt.datetime, Any]:
        return getattr(row, dated_by), row.pk

    merged = heapq.merge(*found, key=key, reverse=downwards)
    return list(itertools.islice(merged, size + 1)), end


def _end_of_look(along: QuerySet, order: str, dated_by: str) -> dt.datetime | None:
    """Return the instant of the last row that a page may read; None where there are fewer. Read from the index alone."""
    last = along.order_by(order).values_list(dated_by, flat=True)[LOOK - 1 : LOOK]
    return next(iter(last), None)


def _older(dated_by: str, place: Place) -> Q:
    if place.id is None:
        return Q(**{f"{dated_by}__lt": place.at})
    return Q(**{f"{dated_by}__lte": place.at}) & ~Q(**{dated_by: place.at, "pk__gte": place.id})


def _newer(dated_by: str, place: Place) -> Q:
    since = Q(**{f"{dated_by}__gte": place.at})
    return since if place.id is None else since & ~Q(**{dated_by: place.at, "pk__lte": place.id})


def _place(row: Any, dated_by: str) -> Place:
    return Place(getattr(row, dated_by), row.pk)
