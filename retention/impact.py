"""What a change of a period would do, before anybody asks for it: rows, workspaces, what is held, open requests."""

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Membership
from accounts.verdicts import Age, ModelMap
from retention.due import past_condition, without_kept
from retention.rules import Periods, aged_maps, periods_of

LOOKED_AT = 10_000  # rows of one model; what is beyond is said to be more

# Counts the open requests of people who may be concerned; the app that knows requests registers itself from above.
OpenRequests = Callable[[set[Any], set[Any]], int]  # ids of workspaces, ids of people
_open_requests: list[OpenRequests] = []


def register_open_requests(count: OpenRequests) -> None:
    """Make known who counts the open requests of workspaces and people; called once at start."""
    _open_requests.append(count)


@dataclasses.dataclass
class Impact:
    """What would be past its time at once under other periods and is not under those in force.

    Counts look at the ``LOOKED_AT`` oldest rows of each model; ``capped`` says that there are more.
    """

    rows: dict[str, int] = dataclasses.field(default_factory=dict)  # by model, of what nothing keeps
    kept: int = 0  # rows that a hold, or their workspace's own deletion, keeps all the same
    workspaces: int = 0
    open_requests: int = 0
    oldest: dt.datetime | None = None
    newest: dt.datetime | None = None
    capped: bool = False

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def impact_of(rule_key: str, periods: Periods, now: dt.datetime) -> Impact:
    """Return what the rule would delete at once with ``periods`` instead of those in force at ``now``."""
    found = Impact()
    workspaces: set[Any] = set()
    people: set[Any] = set()
    in_force = periods_of(rule_key, now)
    for entry, age in aged_maps(rule_key):
        rows = _newly_past(entry, age, in_force, periods, now)
        if rows is None:
            continue
        free = without_kept(entry, rows, now=now)
        lookups = [lookup for lookup in (age.dated_by, entry.workspace, entry.person) if lookup]
        seen = list(free.order_by(age.dated_by, "pk").values_list(*lookups)[: LOOKED_AT + 1])
        found.capped |= len(seen) > LOOKED_AT
        seen = seen[:LOOKED_AT]
        if seen:
            found.rows[entry.model] = len(seen)
            found.oldest = min(filter(None, [found.oldest, seen[0][0]]))
            found.newest = max(filter(None, [found.newest, seen[-1][0]]))
        columns = list(zip(*seen, strict=True))[1:] if seen else []
        if entry.workspace and columns:
            workspaces |= set(columns[0]) - {None}
        if entry.person and columns:
            people |= set(columns[-1]) - {None}
        found.kept += rows.values("pk")[: LOOKED_AT + len(seen)].count() - len(seen)
    found.workspaces = len(workspaces)
    found.open_requests = sum(count(workspaces, people | _members_of(workspaces)) for count in _open_requests)
    return found


def _newly_past(entry: ModelMap, age: Age, before: Periods, after: Periods, now: dt.datetime) -> QuerySet | None:
    then = past_condition(entry, age, now=now, periods=after)
    if then is None:
        return None
    today = past_condition(entry, age, now=now, periods=before)
    return entry.model_class._default_manager.filter(then & ~today if today is not None else then & Q())


def _members_of(workspaces: set[Any]) -> set[Any]:
    return set(Membership.objects.filter(workspace__in=workspaces).values_list("person", flat=True))
