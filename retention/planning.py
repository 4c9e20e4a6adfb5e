"""What a deletion is about: chosen and counted once, before anything of it is destroyed.

Workspaces are planned many at a time, by a few questions for each model however many they are: of thousands that end
at the same instant, the keys must be gone within a minute.
"""

import dataclasses
import datetime as dt
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.models import Membership, Workspace
from accounts.verdicts import Goes, ModelMap, data_map
from retention import keeping, months
from retention.deletion import (
    Scope,
    blanks_of,
    columns_of_lost_files,
    kept_by,
    maps_in_order,
    rows_of,
    rows_to_touch,
    with_kept,
)
from retention.due import past_parts

AGED_ROWS = 20_000  # of one model in one job: its ids are written down, and the next job takes the rest
PERSON = keeping.PERSON


@dataclasses.dataclass(frozen=True)
class Plan:
    """What one deletion is about, what is kept of it (``rows`` by model, and ``by`` which keeper), and how much goes."""

    scope: Scope
    kept: dict[str, dict[str, Any]]
    planned: dict[str, int]


def plan(workspace_ids: Collection[uuid.UUID], *, rule: str, cutoff: dt.datetime, now: dt.datetime) -> list[Plan]:
    """Return what the deletion of each workspace is about, what is kept of it at ``now``, and how much goes.

    The preview and the deletion itself call this, so that they cannot differ.
    """
    leaving = choose_leaving(workspace_ids)
    scopes = [Scope(workspace=pk, leaving=leaving[pk], rule=rule, cutoff=cutoff) for pk in workspace_ids]
    keepers = keeping.keepers_in_force(now)
    with_something_kept = _of_which_something_is_kept(scopes, keepers)
    counted = _count_many([scope for scope in scopes if scope.workspace not in with_something_kept])
    plans = []
    for pk, scope in zip(workspace_ids, scopes, strict=True):
        if pk in with_something_kept:
            kept = choose_kept(scope, keepers)
            scope = with_kept(scope, kept, keepers)
            plans.append(Plan(scope, kept, count_planned(scope)))
        else:
            plans.append(Plan(scope, {"rows": {}, "by": {}}, dict(counted[pk])))
    return plans


def whole(workspace_id: uuid.UUID, *, rule: str, cutoff: dt.datetime) -> Scope:
    """Return the scope of a workspace as if nothing were kept of it."""
    return Scope(workspace_id, choose_leaving([workspace_id])[workspace_id], rule, cutoff)


def choose_leaving(workspace_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, list[Any]]]:
    """Return by workspace the ids of rows that leave with it because it is their last one: people, non-VoIP numbers.

    One of which only a remainder is left is no reason to stay. What a keeper needs of them stays all the same.
    """
    chosen: dict[uuid.UUID, dict[str, list[Any]]] = {pk: {} for pk in workspace_ids}
    for entry in data_map().values():
        if not entry.last_of:
            continue
        links, to_row = _links(entry)
        here = links.filter(workspace__in=chosen).values(to_row)
        places: dict[Any, dict[uuid.UUID, str]] = defaultdict(dict)
        rows = links.filter(**{f"{to_row}__in": here}).order_by()
        for row, workspace_id, state in rows.values_list(to_row, "workspace", "workspace__state"):
            places[row][workspace_id] = state
        may_leave = entry.model_class._default_manager.filter(pk__in=list(places), **entry.only)
        for row in sorted(may_leave.values_list("pk", flat=True), key=str):
            for workspace_id in chosen.keys() & places[row].keys():
                others = {state for pk, state in places[row].items() if pk != workspace_id}
                if others <= {Workspace.State.REMAINDER}:
                    chosen[workspace_id].setdefault(entry.model, []).append(row)
        for leaving in chosen.values():
            leaving.setdefault(entry.model, [])
    return chosen


def choose_past(
    rule: str, now: dt.datetime, *, among: Mapping[str, list[Any]] | None = None, of: uuid.UUID | None = None
) -> dict[str, list[Any]]:
    """Return the ids of rows that are past their own time, at most AGED_ROWS of each model; ``of`` one person, or of all.

    What the job is about is frozen here; a row that comes due later is the next job's. So is what comes after a model of
    which there are more: a parent does not go before the last of its children. With ``among``, what was frozen: those
    of it that are past their time still.
    """
    if of is None and (among is None or months.KEY in among):
        whole = [month for month in months.choose(rule, now) if among is None or str(month) in among[months.KEY]]
        if whole or among is not None:
            return {months.KEY: whole} if whole else {}
    chosen = {}
    for entry in maps_in_order(rule):
        age = entry.age(rule)
        assert age is not None, f"{entry.model} has no clock under {rule}."
        ids: list[Any] = []
        order = [entry.partitioned_by, "pk"] if entry.partitioned_by else ["pk"]  # as an index has it
        for part in past_parts(entry, age, now=now):
            rows = part if among is None else part.filter(pk__in=among.get(entry.model, []))
            rows = rows.filter(of_person(entry, of)) if of else rows
            ids += rows.order_by(*order).values_list("pk", flat=True)[: AGED_ROWS + 1 - len(ids)]
        if ids:
            chosen[entry.model] = ids[:AGED_ROWS]
        if len(ids) > AGED_ROWS:
            break
    return chosen


def of_person(entry: ModelMap, person_id: uuid.UUID) -> Q:
    """Return which rows of a model are of one person, whoever else is in the workspace."""
    assert entry.of_people is not None, (
        f"{entry.model} goes by a person’s request, and nothing says which rows are theirs."
    )
    return entry.of_people([person_id])


def wait_for_others(workspace_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Lock what may leave with these workspaces; return those that share it with one that is being emptied, and so must wait.

    Two deletions at once of workspaces that share somebody would each leave her to the other, or count the same rows
    twice; so the second begins when the first is over. Of these workspaces, too, the first goes and the others wait. The
    lock makes two that begin at the same instant see each other.
    """
    users: dict[tuple[str, Any], set[uuid.UUID]] = defaultdict(set)  # who has a part in a row that may leave
    emptying: set[uuid.UUID] = set()
    for entry in data_map().values():
        if not entry.last_of:
            continue
        parts = _parts(entry)
        mine = {
            row for rows, to_row, to_workspace in parts for row in _pairs(rows, to_row, to_workspace, workspace_ids)
        }
        shared = entry.model_class._default_manager.filter(pk__in={row for row, _ in mine})
        list(shared.order_by("pk").select_for_update().values_list("pk", flat=True))
        is_emptying = Workspace.objects.filter(state=Workspace.State.EMPTYING).values("pk")
        for rows, to_row, to_workspace in parts:
            among = rows.filter(**{f"{to_row}__in": {row for row, _ in mine}})
            theirs = _pairs(among, to_row, to_workspace, is_emptying)
            emptying |= {workspace_id for _, workspace_id in theirs}
            mine |= theirs
        for row, workspace_id in mine:
            users[entry.model, row].add(workspace_id)
    neighbours: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for sharing in users.values():
        for workspace_id in sharing:
            neighbours[workspace_id] |= sharing - {workspace_id}
    begun, waiting = set(emptying), set[uuid.UUID]()
    for workspace_id in workspace_ids:
        (waiting if neighbours[workspace_id] & begun else begun).add(workspace_id)
    return waiting


def choose_kept(scope: Scope, keepers: Sequence[keeping.Keeper]) -> dict[str, dict[str, Any]]:
    """Return how many rows of each model of a workspace's scope must stay (“rows”), and “by” which keeper's id."""
    assert scope.workspace is not None
    found: dict[str, dict[str, Any]] = {"rows": {}, "by": {}}
    for entry in maps_in_order(scope.rule):
        condition = keeping.kept_of(entry, scope.workspace, keepers, scope.leaving)
        if condition is None or not (count := rows_of(entry, scope).filter(condition).count()):
            continue
        found["rows"][entry.model] = count
        for keeper in keepers:
            own = kept_by(entry, scope, keeper)
            if own is not None and (count := rows_of(entry, scope).filter(own).count()):
                found["by"].setdefault(str(keeper.id), {})[entry.model] = count
    return found


def count_planned(scope: Scope) -> dict[str, int]:
    """Return how many rows of each model, and how many files, the scope covers now; nothing for empty models."""
    planned: dict[str, int] = {}
    for month in scope.months:
        planned[month.model] = planned.get(month.model, 0) + month.rows
    for entry in maps_in_order(scope.rule):
        if count := rows_to_touch(entry, scope).count():
            planned[entry.model] = count
        covered = rows_to_touch(entry, scope) if scope.workspace else rows_of(entry, scope)
        for column in columns_of_lost_files(entry, scope):
            if count := covered.exclude(**{column: ""}).count():
                planned["files"] = planned.get("files", 0) + count
    return planned


def _count_many(scopes: list[Scope]) -> dict[uuid.UUID, Counter[str]]:
    """Return by workspace what ``count_planned`` would, for scopes of one rule of which nothing is kept."""
    found: dict[uuid.UUID, Counter[str]] = {scope.workspace: Counter() for scope in scopes if scope.workspace}
    for entry in maps_in_order(scopes[0].rule) if scopes else []:
        rows = _rows_of_many(entry, scopes)
        if entry.goes is Goes.BLANK:
            rows = rows.exclude(**blanks_of(entry))
        for workspace_id, count in _by_workspace(entry, rows, scopes):
            found[workspace_id][entry.model] += count
        for column in entry.file_columns:
            for workspace_id, count in _by_workspace(entry, rows.exclude(**{column: ""}), scopes):
                found[workspace_id]["files"] += count
    return found


def _of_which_something_is_kept(scopes: list[Scope], keepers: Sequence[keeping.Keeper]) -> set[uuid.UUID]:
    found: set[uuid.UUID] = set()
    for entry in maps_in_order(scopes[0].rule) if scopes else []:
        condition = keeping.kept(entry, keepers)
        if condition is not None:
            rows = _rows_of_many(entry, scopes)
            kept = rows.filter(pk__in=entry.model_class._default_manager.filter(condition).values("pk"))
            found |= {workspace_id for workspace_id, _ in _by_workspace(entry, kept, scopes)}
    return found


def _rows_of_many(entry: ModelMap, scopes: list[Scope]) -> QuerySet:
    """Return the rows of one model that ``rows_of`` these scopes gives together."""
    manager = entry.model_class._default_manager
    if entry.last_of:
        return manager.filter(pk__in=[pk for scope in scopes for pk in scope.leaving.get(entry.model, [])])
    condition = Q(pk__in=[])
    if entry.workspace:
        condition |= Q(**{f"{entry.workspace}__in": [scope.workspace for scope in scopes]})
    if entry.person:
        people = [pk for scope in scopes for pk in scope.leaving.get(PERSON, [])]
        condition |= Q(**{f"{entry.person}__in": people})
    return manager.filter(condition)


def _by_workspace(entry: ModelMap, rows: QuerySet, scopes: list[Scope]) -> Iterable[tuple[uuid.UUID, int]]:
    """Yield whose the rows are: how many of each workspace's scope, which may be said in parts."""
    column = "pk" if entry.last_of else entry.person
    leaves_with = {
        pk: scope.workspace
        for scope in scopes
        for pk in scope.leaving.get(entry.model if entry.last_of else PERSON, [])
    }
    mine = {scope.workspace for scope in scopes}
    by = [name for name in (None if entry.last_of else entry.workspace, column) if name]
    for *owners, count in rows.order_by().values_list(*by).annotate(count=Count("*")):
        workspaces = {
            owner if name != column else leaves_with.get(owner) for name, owner in zip(by, owners, strict=True)
        }
        for workspace_id in workspaces & mine:
            assert workspace_id is not None
            yield workspace_id, count


def _links(entry: ModelMap) -> tuple[Any, str]:
    """Return the rows that tie a row which may leave to its workspaces, and the name of their field that leads to it."""
    relation: Any = entry.model_class._meta.get_field(entry.last_of or "")
    return relation.related_model._default_manager, relation.remote_field.name


def _parts(entry: ModelMap) -> list[tuple[Any, str, str]]:
    """Return what can tie a row that may leave to a workspace: rows, their field to it, and their field to the workspace."""
    links, to_row = _links(entry)
    parts = [(links, to_row, "workspace")]
    if entry.model == PERSON:
        parts += [
            (other.model_class._default_manager, other.person, other.workspace)
            for other in maps_in_order("workspace_expiry")
            if other.person and other.workspace and other.model_class is not Membership
        ]
    return parts


def _pairs(rows: Any, to_row: str, to_workspace: str, workspaces: Any) -> set[tuple[Any, uuid.UUID]]:
    found = rows.filter(**{f"{to_workspace}__in": workspaces, f"{to_row}__isnull": False})
    return set(found.order_by().values_list(to_row, to_workspace).distinct())
