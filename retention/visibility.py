"""Hiding what is past its time: at once, on every page of customers and records, whatever its size.

Deletion takes as long as it takes, may be held, paused or stopped by the breaker; the promise to the customer does not
wait for it. So the first act on what is due is to hide it: one statement, which a renewal takes back. From then on the
rows of the workspace, of people who are nowhere else, and rows whose own time is over under an armed rule are in no list,
page, search, export or form. The pages of retention itself show counts and opaque ids.

``on_pages`` is asked by every page (``accounts/portal_admin.py``). A hidden workspace is rare, so a list of millions of
rows is filtered by a small set that the database looks up once, not by a join for each row.
"""

import datetime as dt

from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from accounts.models import Workspace
from accounts.verdicts import Goes, ModelMap, data_map
from retention.due import due_workspaces, past_condition
from retention.restrictions import unrestricted
from retention.rules import armed_rules, periods_of

State = Workspace.State
WITHOUT_PAGES = (State.HIDDEN, State.EMPTYING, State.REMAINDER)


def hide_due(now: dt.datetime) -> int:
    """Hide every workspace that is due at ``now`` and not hidden yet; return how many. The rule must be armed."""
    return bring(due_workspaces(now).filter(state=State.ACTIVE), to=State.HIDDEN)


def show_again(now: dt.datetime) -> int:
    """Show the hidden workspaces that are not due at ``now`` any more, because of a renewal or a decision; return how many."""
    hidden = Workspace.objects.filter(state=State.HIDDEN)
    if "workspace_expiry" in armed_rules():
        hidden = hidden.exclude(pk__in=due_workspaces(now).values("pk"))
    return bring(hidden, to=State.ACTIVE)


def bring(workspaces: QuerySet[Workspace], *, to: str) -> int:
    """Bring workspaces into another state in one statement, locked in the order in which everybody locks them."""
    with transaction.atomic():
        locked = workspaces.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True)
        ids = list(locked)
        return Workspace.objects.filter(pk__in=ids).update(state=to) if ids else 0


def on_pages(rows: QuerySet) -> QuerySet:
    """Return those of the rows that pages, searches and exports may show: not past their time, and nobody's who is restricted."""
    return unrestricted(visible(rows))


def visible(rows: QuerySet, *, now: dt.datetime | None = None) -> QuerySet:
    """Return those of the rows that are not past their time at ``now`` (aware; this moment unless given)."""
    entry = data_map().get(rows.model._meta.label)
    if entry is None or entry.goes is Goes.KEEP:
        return rows
    if entry.model == "accounts.Workspace":
        return rows.exclude(state__in=WITHOUT_PAGES)
    if entry.workspace:
        rows = rows.exclude(**{f"{entry.workspace}__in": _hidden_workspaces()})
    if entry.last_of:
        rows = rows.exclude(Q(pk__in=_nowhere_else(entry)) & Q(**entry.only))
    if entry.person and entry.goes is Goes.DELETE:
        rows = rows.exclude(**{f"{entry.person}__in": _nowhere_else(data_map()["accounts.Person"])})
    return _within_their_time(rows, entry, now)


def is_visible(row) -> bool:
    """Return whether pages may show this row."""
    return on_pages(type(row)._default_manager.filter(pk=row.pk)).exists()


def _hidden_workspaces() -> QuerySet:
    return Workspace.objects.filter(state__in=WITHOUT_PAGES).order_by().values("pk")


def _nowhere_else(entry: ModelMap) -> QuerySet:
    """Return the ids of rows of which every link leads to a hidden workspace: people, non-VoIP numbers."""
    relation = entry.model_class._meta.get_field(entry.last_of)
    links = relation.related_model._default_manager  # type: ignore[union-attr]
    to_row = relation.remote_field.attname  # type: ignore[union-attr]
    elsewhere = links.filter(**{to_row: OuterRef(to_row)}).exclude(workspace__state__in=WITHOUT_PAGES)
    return links.filter(~Exists(elsewhere), workspace__in=_hidden_workspaces()).order_by().values(to_row)


def _within_their_time(rows: QuerySet, entry: ModelMap, now: dt.datetime | None) -> QuerySet:
    ages = [age for age in entry.ages if not age.shreds and not age.blanks]
    if not ages:
        return rows
    now, armed = now or timezone.now(), armed_rules()
    for age in ages:
        if age.rule in armed:
            past = past_condition(entry, age, now=now, periods=periods_of(age.rule, now))
            if past is not None:
                rows = rows.filter(Case(When(past, then=Value(False)), default=Value(True)))
    return rows
