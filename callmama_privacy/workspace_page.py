"""The page of a workspace: what is held of it, when it goes and why, what keeps it. Spans all apps."""

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.models import Person, Workspace
from accounts.verdicts import Goes, ModelMap, data_map
from retention.due import expiry_of
from retention.fed import may_act_until
from retention.hold_words import covers_in_words
from retention.models import DeletionJob, Hold, Rule
from retention.visibility import on_pages

COUNT_UP_TO = 10_000


def summary(workspace: Workspace, user, *, now: dt.datetime) -> dict[str, Any]:
    """Return what the page shows above its tabs, but for ``categories``, which it asks for when it is there."""
    holds = _holds_of(workspace)
    may_know = user.has_perm("retention.view_hold")
    return {
        "workspace": workspace,
        "fate": fate_of(workspace, now=now, may_know=may_know),
        "holds": [{"row": hold, "covers": covers_in_words(hold, clear=False)} for hold in holds] if may_know else [],
        "is_held": bool(holds),
        "suspension": workspace.suspensions.filter(lifted_at__isnull=True).first(),
        "jobs": DeletionJob.objects.filter(workspace=workspace).order_by("-created_at")[:3]
        if user.has_perm("retention.view_deletionjob")
        else [],
    }


def _holds_of(workspace: Workspace) -> list[Hold]:
    of_it = Q(workspace=workspace) | Q(person__in=Person.objects.filter(memberships__workspace=workspace))
    active = Hold.objects.filter(of_it, lifted_at__isnull=True)
    return list(active.select_related("workspace", "person", "owner").order_by("placed_at", "pk"))


def fate_of(workspace: Workspace, *, now: dt.datetime, may_know: bool) -> dict[str, str]:
    """Return in a sentence what will happen to this workspace at ``now``, and a colour.

    Whoever may not see holds (``may_know``) is told that there is one, and nothing about it.
    """
    if workspace.state == Workspace.State.EMPTIED:
        return {
            "tone": "",
            "text": f"Emptied on {_said(workspace, workspace.emptied_at)}. Only its ids and dates remain (§ 5.2).",
        }
    if workspace.state == Workspace.State.REMAINDER:
        return {
            "tone": "warning",
            "text": f"Emptied on {_said(workspace, workspace.emptied_at)}, but for what a hold or a law keeps.",
        }
    if workspace.state == Workspace.State.EMPTYING:
        return {
            "tone": "warning",
            "text": "It is being emptied now. Its keys are destroyed; nothing can be brought back.",
        }
    expires_at = expiry_of(workspace)
    if expires_at is None:
        return {"tone": "", "text": "No expiry is known, so it is kept: a missing date never deletes anything."}
    when = _said(workspace, expires_at)
    if holds := _holds_of(workspace):
        whole = [hold for hold in holds if hold.is_whole_workspace]
        text = (
            f"It would go on {when}, but a hold keeps"
            if whole
            else f"Everything goes on {when}, but for what a hold keeps"
        )
        about = f": {(whole or holds)[0].authority}" if may_know else ""
        return {"tone": "warning", "text": f"{text}{' it' if whole else ''}{about}."}
    if Rule.objects.get(pk="workspace_expiry").state != Rule.State.ARMED:
        return {
            "tone": "warning",
            "text": f"Its time ends on {when}. The rule only observes: nothing is deleted until two officers arm it.",
        }
    if workspace.goes_at:
        return {
            "tone": "danger",
            "text": f"Two officers decided that it goes on {when}, whatever its subscriptions say.",
        }
    told = may_act_until("workspace_expiry", now)
    if expires_at <= now and (told is None or expires_at > told):
        return {"tone": "danger", "text": f"It expired on {when}, and waits for its feed: a renewal may be on its way."}
    if expires_at <= now:
        return {"tone": "danger", "text": f"It expired on {when} and is deleted within two minutes."}
    return {"tone": "success", "text": f"Everything of it is deleted on {when}, unless it is renewed (§ 5.2)."}


def _said(workspace: Workspace, instant: dt.datetime | None) -> str:
    if instant is None:
        return "a day not recorded"
    return f"{timezone.localtime(instant, workspace.zone):%-d %b %Y at %H:%M} ({workspace.time_zone})"


def categories(workspace: Workspace, user) -> list[dict[str, Any]]:
    """Return how many rows of each category there are, up to a cap. Only categories this person may list are counted."""
    found = []
    for entry in data_map().values():
        model = entry.model_class
        if entry.goes is not Goes.DELETE or entry.clock != "workspace_expiry":
            continue
        if not user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"):
            continue
        count = on_pages(rows(entry, workspace)).values("pk")[: COUNT_UP_TO + 1].count()
        if count:
            shown = f"{COUNT_UP_TO:,}+" if count > COUNT_UP_TO else f"{count:,}"
            found.append({"what": entry.plural, "count": shown, "href": _list_of(entry, workspace)})
    return found


def rows(entry: ModelMap, workspace: Workspace) -> QuerySet:
    """Return the rows of one category that are of this workspace or of a person who leaves with it."""
    manager = entry.model_class._default_manager
    if entry.workspace:
        return manager.filter(**{entry.workspace: workspace.pk})
    if entry.last_of:
        return manager.filter(**{f"{entry.last_of}__workspace": workspace.pk}, **entry.only).distinct()
    people = Person.objects.filter(memberships__workspace=workspace)
    return manager.filter(**{f"{entry.person}__in": people})


def _list_of(entry: ModelMap, workspace: Workspace) -> str:
    if entry.workspace != "workspace":
        return ""
    meta = entry.model_class._meta
    try:
        return f"{reverse(f'admin:{meta.app_label}_{meta.model_name}_changelist')}?q={workspace.outside_id}"
    except NoReverseMatch:
        return ""
