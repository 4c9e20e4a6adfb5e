"""What keeps data although its time is over: holds, and laws that somebody has verified.

Both are a *keeper*: an opaque id, words, and for each model of the data map the rows it covers. A row that is kept
keeps the rows it points to, as a message its ticket and a document its person; and a person or number that is kept
keeps what links it to the workspace. Who places or ends a keeper, and whoever destroys, take the same lock
(``against_deletions``, ``against_new_keepers``): one of them is first, and both know.
"""

import dataclasses
import datetime as dt
import functools
import operator
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import F, Max, Min, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Membership, Person, Workspace
from accounts.verdicts import Goes, ModelMap, data_map
from retention.models import Hold, LegalRetention

LOCK = 0x4B454550  # a number that only this lock uses in pg_advisory_xact_lock
PERSON, WORKSPACE = Person._meta.label, Workspace._meta.label


class Keeper(Protocol):
    """A hold or a law in force."""

    @property
    def id(self) -> uuid.UUID: ...

    @property
    def words(self) -> str: ...

    def rows(self, entry: ModelMap) -> Q | None:
        """Return which rows of one model it covers, or None when it cannot cover any."""

    def ends(self, entry: ModelMap, rows: Any) -> tuple[dt.datetime, dt.datetime] | None:
        """Return when it lets go the first and the last of these rows by itself, or None when it does not."""


def against_deletions() -> None:
    """Wait until no batch is under way and let none begin until this transaction ends: a keeper is placed or ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def against_new_keepers() -> None:
    """Let no keeper be placed or ended until this transaction ends. The first act of every one that destroys."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOCK])


@dataclasses.dataclass(frozen=True)
class HoldKeeper:
    """A hold as a keeper: its rows fit everything that it gives."""

    hold: Hold

    @property
    def id(self) -> uuid.UUID:
        return self.hold.pk

    @property
    def words(self) -> str:
        if self.hold.kind == Hold.Kind.REQUEST:
            return "of an open request, until it is answered"
        return f"{self.hold.authority}, until the hold is lifted (review {self.hold.review_on:%-d %b %Y})"

    def rows(self, entry: ModelMap) -> Q | None:
        hold = self.hold
        if hold.person_id and entry.model == PERSON:  # whoever is named must not be deleted under the hold
            return Q(pk=hold.person_id)
        if hold.categories and entry.model not in hold.categories:
            return None
        parts = [
            of_workspaces(entry, [hold.workspace_id]) if hold.workspace_id else Q(),
            (Q(**{entry.person: hold.person_id}) if entry.person else None) if hold.person_id else Q(),
            of_number(entry, hold.number) if hold.number else Q(),
            of_time(entry, hold.rows_from, hold.rows_until) if hold.rows_from or hold.rows_until else Q(),
        ]
        if None in parts:
            return None
        return functools.reduce(operator.and_, parts, Q(**entry.only))  # type: ignore[arg-type]

    def ends(self, entry: ModelMap, rows: Any) -> None:
        return None


@dataclasses.dataclass(frozen=True)
class LawKeeper:
    """A verified law as a keeper: the rows of its category, in its country, younger than its period at ``now``."""

    law: LegalRetention
    now: dt.datetime

    @property
    def id(self) -> uuid.UUID:
        return self.law.pk

    @property
    def words(self) -> str:
        return f"{self.law.law} {self.law.section} ({period_words(self.law.months)})"

    def rows(self, entry: ModelMap) -> Q | None:
        if entry.model != self.law.category:
            return None
        owners = Workspace.objects if entry.workspace else Person.objects
        of_country = owners.filter(country=self.law.country)
        cutoff = months_before(self.now, self.law.months)
        if self.law.counts_from == LegalRetention.CountsFrom.END:  # an account that has not ended is kept
            over = Q(expired_at__lte=cutoff) | Q(expired_at__isnull=True, ends_at__lte=cutoff)
            return Q(**{f"{entry.workspace}__in": of_country.exclude(over).values("pk")})
        condition = Q(**{f"{entry.workspace or entry.person}__in": of_country.values("pk")})
        if self.law.counts_from == LegalRetention.CountsFrom.YEAR:
            return condition & ~Q(**{f"{entry.dated_by}__lt": start_of_year(cutoff)})
        return condition & ~Q(**{f"{entry.dated_by}__lte": cutoff})

    def ends(self, entry: ModelMap, rows: Any) -> tuple[dt.datetime, dt.datetime] | None:
        if entry.model != self.law.category:
            return None
        dated: Any = F(entry.dated_by)
        if self.law.counts_from == LegalRetention.CountsFrom.END:
            dated = Coalesce(f"{entry.workspace}__expired_at", f"{entry.workspace}__ends_at")
        found = rows.filter(self.rows(entry)).aggregate(first=Min(dated), last=Max(dated))
        if found["first"] is None:  # no date leads to an end: it keeps
            return None
        starts = [found["first"], found["last"]]
        if self.law.counts_from == LegalRetention.CountsFrom.YEAR:
            starts = [start_of_year(instant, years=1) for instant in starts]
        return months_after(starts[0], self.law.months), months_after(starts[1], self.law.months)


def start_of_year(instant: dt.datetime, *, years: int = 0) -> dt.datetime:
    """Return the start of an instant's year in the portal's zone, or of one that many years later."""
    year = timezone.localtime(instant).year + years
    return dt.datetime(year, 1, 1, tzinfo=timezone.get_current_timezone())


def period_words(months: int) -> str:
    """Return a law's period as people say it."""
    years, rest = divmod(months, 12)
    count, unit = (months, "month") if rest else (years, "year")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def months_before(instant: dt.datetime, months: int) -> dt.datetime:
    """Return the instant whole months earlier; a day that the month does not have becomes its last."""
    year, month = divmod(instant.year * 12 + instant.month - 1 - months, 12)
    last = [31, 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return instant.replace(year=year, month=month + 1, day=min(instant.day, last[month]))


def months_after(instant: dt.datetime, months: int) -> dt.datetime:
    """Return the first instant whose ``months_before`` is not before ``instant``: never early."""
    there = months_before(instant, -months)
    while (
        months_before(there, months) < instant
    ):  # 31 January and a month: the first of March, not the last of February
        there += dt.timedelta(days=1)
    return there


def keepers_in_force(now: dt.datetime) -> list[Keeper]:
    """Return the holds and the verified laws that keep rows at ``now``."""
    holds = Hold.objects.filter(lifted_at__isnull=True).order_by("placed_at", "pk")
    laws = LegalRetention.objects.filter(active_since__isnull=False, ended_at__isnull=True).order_by(
        "active_since", "pk"
    )
    return [*(HoldKeeper(hold) for hold in holds), *(LawKeeper(law, now) for law in laws)]


def keepers_of(ids: Iterable[str], *, now: dt.datetime) -> list[Keeper]:
    """Return these keepers as a deletion froze them, ended or not; ``now`` is the instant that its laws counted from."""
    ids = list(ids)
    return [
        *(HoldKeeper(hold) for hold in Hold.objects.filter(pk__in=ids).order_by("placed_at", "pk")),
        *(LawKeeper(law, now) for law in LegalRetention.objects.filter(pk__in=ids).order_by("active_since", "pk")),
    ]


def wholly_held():
    """Return the ids of the workspaces of which everything is held: their deletion does not begin."""
    whole = Hold.objects.filter(lifted_at__isnull=True, narrowed_by=["workspace"])
    return whole.values("workspace")


def covered(entry: ModelMap, keepers: Sequence[Keeper]) -> Q | None:
    """Return which rows of a model the keepers cover themselves, or None for none. Whole workspaces are taken together."""
    whole = [
        keeper.hold.workspace_id
        for keeper in keepers
        if isinstance(keeper, HoldKeeper) and keeper.hold.is_whole_workspace
    ]
    conditions = [of_workspaces(entry, whole)] if whole else []
    conditions += [
        keeper.rows(entry)
        for keeper in keepers
        if not (isinstance(keeper, HoldKeeper) and keeper.hold.is_whole_workspace)
    ]
    return _any(conditions)


def kept(entry: ModelMap, keepers: Sequence[Keeper]) -> Q | None:
    """Return which rows of a model must stay: covered ones, and those that a row that stays points to. None for none."""
    if not keepers:
        return None
    conditions = [covered(entry, keepers)]
    for child, field in pointing_at(entry.model):
        theirs = kept(child, keepers)
        if theirs is not None:
            rows = child.model_class._default_manager.filter(theirs, **{f"{field}__isnull": False})
            conditions.append(Q(pk__in=rows.values(field)))
    return _any(conditions)


def kept_of(
    entry: ModelMap, workspace_id: uuid.UUID, keepers: Sequence[Keeper], leaving: Mapping[str, Sequence[Any]]
) -> Q | None:
    """Return which rows of a model must stay when a workspace is emptied: ``kept``, and what links it to who stays.

    Only of those who would leave with it (``leaving``): somebody who is in another workspace too is found there.
    """
    conditions = [kept(entry, keepers)]
    for field in entry.model_class._meta.concrete_fields:
        owner = data_map().get(field.related_model._meta.label) if field.is_relation else None  # type: ignore[union-attr]
        if owner and owner.last_of and _link_of(owner) == entry.model:
            stays = kept(owner, keepers)
            if stays is not None:
                rows = owner.model_class._default_manager.filter(stays, pk__in=leaving.get(owner.model, []))
                conditions.append(Q(**{entry.workspace: workspace_id, f"{field.name}__in": rows.values("pk")}))
    return _any(conditions)


@functools.cache
def pointing_at(model: str) -> list[tuple[ModelMap, str]]:
    """Return the models that go, with each field by which a row of theirs points to a row of ``model``."""
    if model == WORKSPACE:  # its record is never deleted
        return []
    return [
        (entry, field.name)
        for entry in data_map().values()
        if entry.goes is not Goes.KEEP
        for field in entry.model_class._meta.concrete_fields
        if field.is_relation and field.related_model._meta.label == model  # type: ignore[union-attr]
    ]


def of_workspaces(entry: ModelMap, ids: list) -> Q | None:
    """Return which rows are of these workspaces: by themselves, or else by their person or number."""
    members = Membership.objects.filter(workspace__in=ids).values("person")
    if entry.workspace:
        condition = Q(**{f"{entry.workspace}__in": ids})
        if entry.person and entry.model_class is not Membership:
            condition |= Q(**{f"{entry.workspace}__isnull": True, f"{entry.person}__in": members})
        return condition
    if entry.person:
        return Q(**{f"{entry.person}__in": members})
    if entry.last_of:
        relation: Any = entry.model_class._meta.get_field(entry.last_of)
        links = relation.related_model._default_manager.filter(workspace__in=ids)
        return Q(pk__in=links.values(relation.remote_field.name))
    return None


def of_number(entry: ModelMap, number: str) -> Q | None:
    """Return which rows are about a telephone number (E.164), on either side of a call."""
    return _any([Q(**{lookup: number}) for lookup in entry.numbers])


def of_time(entry: ModelMap, start: dt.datetime | None, end: dt.datetime | None) -> Q | None:
    """Return which rows are of a time: dated in it, or lasting into it. ``end`` is the first instant that is not in it."""
    if not entry.dated_by:
        return None
    condition = Q()
    if end:
        condition &= Q(**{f"{entry.dated_by}__lt": end})
    if start and entry.dated_until:
        condition &= Q(**{f"{entry.dated_until}__gt": start}) | Q(**{f"{entry.dated_until}__isnull": True})
    elif start:
        condition &= Q(**{f"{entry.dated_by}__gte": start})
    return condition


def as_sql(entry: ModelMap, condition: Q) -> tuple[str, list[Any]]:
    """Return a condition in plain SQL on columns named with the model's own table, for deleting from its partitions.

    A partition is given the parent's name as its alias. The condition may look into other tables by subqueries only.
    """
    query = entry.model_class._default_manager.filter(condition).query
    compiler = query.get_compiler(connection=connection)
    try:
        sql, values = compiler.compile(query.where)
    except FullResultSet:
        return "TRUE", []
    except EmptyResultSet:
        return "FALSE", []
    assert [alias for alias in query.alias_map if query.alias_refcount[alias]] == [entry.model_class._meta.db_table]
    return sql, list(values)


def _link_of(owner: ModelMap) -> str:
    relation: Any = owner.model_class._meta.get_field(owner.last_of)
    return relation.related_model._meta.label


def _any(conditions: Iterable[Q | None]) -> Q | None:
    found = [condition for condition in conditions if condition is not None]
    return functools.reduce(operator.or_, found) if found else None
