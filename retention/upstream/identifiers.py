"""The ids by which a recipient knows a customer: chosen before the customer's rows go, and no more than it needs."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from accounts.evidence import rfc3339
from accounts.models import PaymentReference, Person, Workspace
from accounts.verdicts import ModelMap, data_map
from retention.deletion import Scope, rows_of
from retention.models import Recipient

Ids = dict[str, Any]


def choose_identifiers(known_by: str, scope: Scope, categories: Iterable[str]) -> Ids:
    """Return the ids of the customers whose rows of these categories go, as a recipient of this kind knows them.

    Empty when nothing of the scope can be told: rows of nobody known have no customer to name.
    """
    workspaces, people = _whose(scope, categories)
    if known_by == Recipient.KnownBy.PAYMENT:
        found: Ids = {"payment_references": _payment_references(workspaces)}
    elif known_by == Recipient.KnownBy.NUMBER:
        found = {"numbers": _numbers(workspaces)}
    else:
        found = {
            "workspaces": _outside_ids(Workspace, workspaces),
            "people": _outside_ids(Person, people),
            "rows": _dated_rows(scope, categories),
        }
    return {name: ids for name, ids in found.items() if ids}


def ids_of(known_by: str, *, person: Person | None, workspace: Workspace | None) -> Ids:
    """Return the ids by which a recipient of this kind knows one customer, of whom nothing goes; empty: it knows none."""
    workspaces = {workspace.pk} if workspace else set()
    if person and not workspace:
        workspaces = set(person.memberships.values_list("workspace", flat=True))
    if known_by == Recipient.KnownBy.PAYMENT:
        found: Ids = {"payment_references": _payment_references(workspaces)}
    elif known_by == Recipient.KnownBy.NUMBER:
        found = {"numbers": _numbers(workspaces)}
    else:
        found = {
            "workspaces": [workspace.outside_id] if workspace else [],
            "people": [person.outside_id] if person else [],
        }
    return {name: ids for name, ids in found.items() if ids}


def _whose(scope: Scope, categories: Iterable[str]) -> tuple[set, set]:
    """Return the workspaces and people whose data goes: of one workspace, or of rows past their own time."""
    if scope.workspace is not None:
        return {scope.workspace}, set(scope.leaving.get("accounts.Person", []))
    workspaces: set = set()
    people: set = set()
    for label in categories:
        entry, rows = data_map()[label], rows_of(data_map()[label], scope)
        if entry.workspace:
            workspaces |= set(rows.values_list(entry.workspace, flat=True))
        if entry.person or entry.model_class is Person:
            people |= set(rows.values_list(entry.person or "pk", flat=True))
    return workspaces - {None}, people - {None}


def _outside_ids(model: type[Workspace] | type[Person], ids: set) -> list[str]:
    return sorted(model._default_manager.filter(pk__in=ids).values_list("outside_id", flat=True))


def _payment_references(workspaces: set) -> list[dict[str, str]]:
    rows = PaymentReference.objects.filter(workspace__in=workspaces).order_by("processor", "token")
    return list(rows.values("processor", "token"))  # type: ignore[arg-type]


def _numbers(workspaces: set) -> list[dict[str, str]]:
    found = []
    for entry in data_map().values():
        if entry.tombstone:
            rows = entry.model_class._default_manager.filter(**{f"{entry.workspace}__in": workspaces})
            for e164, window in rows.values_list(*entry.tombstone):
                found.append({"number": e164, "from": _instant(window.lower), "until": _instant(window.upper)})
    return sorted(found, key=lambda number: (number["number"], number["from"]))


def _dated_rows(scope: Scope, categories: Iterable[str]) -> list[dict[str, str]]:
    """Return which rows are meant when only those past their own time go; of a whole workspace, all are."""
    if scope.workspace is not None:
        return []
    found = []
    for label in categories:
        entry = data_map()[label]
        age = entry.age(scope.rule)
        if age:
            columns = [_of(entry.workspace), _of(entry.person), age.dated_by]
            for row in rows_of(entry, scope).order_by("pk").values(*filter(None, columns)):
                found.append(_row(entry, row, age.dated_by))
    return found


def _of(lookup: str) -> str:
    return f"{lookup}__outside_id" if lookup else ""


def _row(entry: ModelMap, row: dict[str, Any], dated_by: str) -> dict[str, str]:
    return {
        "category": entry.plural,
        "workspace": row.get(_of(entry.workspace)) or "",
        "person": row.get(_of(entry.person)) or "",
        "of": _instant(row[dated_by]),
    }


def _instant(value: dt.datetime | None) -> str:
    return rfc3339(value) if value else ""
