"""What happens to one record: when it came, what will happen to it when and under which rule, and what keeps it.

Drawn from the data map and the rules that deletion runs on. Reads the database, changes nothing, asks no clock.
"""

import dataclasses
import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Model
from django.utils import timezone

from accounts.models import Membership, Workspace
from accounts.verdicts import Age, Goes, ModelMap
from retention.due import expiry_of
from retention.models import Hold
from retention.promises import PROMISES
from retention.rules import armed_rules, coming_versions, period_words, periods_of

# Which column says when a row came; the first that a model has.
ARRIVALS = (
    "received_at", "opened_at", "started_at", "sent_at", "occurred_at", "given_at", "issued_at", "added_at", "created_at",
    "starts_at", "since", "as_of", "at",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class End:
    """One way in which a record's time ends: at an instant (None: nothing dates it yet), under a rule."""

    rule: str
    at: dt.datetime | None
    what: str  # what happens: “deleted”, “image destroyed”
    why: str  # in words, with the section of the policy
    armed: bool


@dataclasses.dataclass(frozen=True)
class Keeper:
    """What keeps a record although its time is over."""

    words: str
    until: str
    hold: Any


@dataclasses.dataclass(frozen=True)
class Timeline:
    """The story of one record at ``now``. ``ends`` are sorted by instant, those without one last."""

    now: dt.datetime
    zone: ZoneInfo
    came_at: dt.datetime | None
    ends: list[End]
    keepers: list[Keeper]
    gone: str = ""  # it is being emptied, or has been: what to say

    @property
    def next_end(self) -> End | None:
        """The end that comes first of those that are armed and dated."""
        return next((end for end in self.ends if end.armed and end.at), None)

    @property
    def observed_end(self) -> End | None:
        """The end that comes first of those that only observe."""
        return next((end for end in self.ends if not end.armed and end.at), None)

    @property
    def goes_at(self) -> dt.datetime | None:
        """When it goes, as things are now; None: nothing dates it, a rule only observes, or something keeps it."""
        return self.next_end.at if self.next_end and not self.keepers else None

    @property
    def tone(self) -> str:
        if self.gone or self.keepers or not self.next_end:
            return "warning" if self.keepers or (self.observed_end and not self.gone) else ""
        return "danger" if self.next_end.at and self.next_end.at <= self.now else "success"

    @property
    def sentence(self) -> str:
        """Return in a sentence what happens to it."""
        if self.gone:
            return self.gone
        end = self.next_end
        if end is None:
            seen = self.observed_end
            if seen is None:
                return "Nothing dates it yet, so it is kept: a missing date never deletes anything."
            return (
                f"Its time ends on {self.said(seen.at)} ({seen.why}), but the rule only observes: nothing is deleted."
            )
        if self.keepers:
            kept = "; ".join(f"{keeper.words}, {keeper.until}" for keeper in self.keepers)
            return f"It would be {end.what} on {self.said(end.at)} ({end.why}), but it is kept by {kept}."
        if end.at and end.at <= self.now:
            return f"Its time ended on {self.said(end.at)} ({end.why}): it is {end.what} within two minutes."
        return f"It is {end.what} on {self.said(end.at)}, {self.left(end.at)} ({end.why})."

    def said(self, at: dt.datetime | None) -> str:
        return f"{timezone.localtime(at, self.zone):%-d %b %Y at %H:%M} ({self.zone})" if at else "a day not known yet"

    def left(self, at: dt.datetime | None) -> str:
        days = (at - self.now).days if at else 0
        return "today" if days == 0 else f"in {days:,} day{'s' if days != 1 else ''}"

    def steps(self) -> list[dict[str, Any]]:
        """Return the drawn timeline, as templates/portal/_timeline.html takes it.

        After the step that deletes it, what else would have only stands as a second safeguard, and only with a day.
        """
        drawn: list[dict[str, Any]] = []
        if self.came_at:
            drawn.append({"title": "It came", "date": self.said(self.came_at), "note": ""})
        drawn.append({"title": "Now", "date": self.said(self.now), "note": "", "state": "now", "tone": self.tone})
        for keeper in self.keepers:
            drawn.append(
                {
                    "title": f"Kept by {keeper.words}",
                    "date": keeper.until,
                    "note": "",
                    "state": "next",
                    "tone": "warning",
                }
            )
        is_gone = False
        for end in self.ends:
            if is_gone and not end.at:
                continue
            past = bool(end.at and end.at <= self.now)
            title = end.what.capitalize() if end.armed else f"Would be {end.what}: the rule only observes"
            if is_gone and end.armed:
                title = f"Would be {end.what} then, if it were still there"
            is_gone = is_gone or bool(end.armed and end.at and end.what == "deleted" and not self.keepers)
            drawn.append(
                {"title": title, "date": self.said(end.at), "note": end.why, "state": "now" if past else "next",
                 "tone": "danger" if past and end.armed else ""}
            )  # fmt: skip
        return drawn


def timeline(entry: ModelMap, row: Model, now: dt.datetime) -> Timeline:
    """Return what happens to ``row``, whose verdict is ``entry``, as things are at ``now`` (aware)."""
    workspaces = workspaces_of(entry, row)
    armed = armed_rules()
    ends = [_own_end(entry, age, row, workspaces, now, age.rule in armed) for age in entry.ages if age.goes_at]
    if entry.clock == "workspace_expiry" and entry.goes is not Goes.KEEP:
        ends.append(_workspaces_end(entry, workspaces, "workspace_expiry" in armed))
    later = dt.datetime.max.replace(tzinfo=dt.UTC)
    return Timeline(
        now=now,
        zone=workspaces[0].zone if len(workspaces) == 1 else ZoneInfo(timezone.get_current_timezone_name()),
        came_at=_came_at(row),
        ends=sorted(ends, key=lambda end: (end.at or later, end.rule)),
        keepers=_keepers(workspaces),
        gone=_gone(entry, workspaces),
    )


def workspaces_of(entry: ModelMap, row: Model) -> list[Workspace]:
    """Return the workspaces that a row belongs to: its own, or without one those of its person or of its links."""
    if entry.workspace:
        workspace_id = follow(row, entry.workspace)
        if workspace_id:
            return list(Workspace.objects.filter(pk=workspace_id))
    if entry.person and (person_id := follow(row, entry.person)):
        ids = Membership.objects.filter(person=person_id).values("workspace")
        return list(Workspace.objects.filter(pk__in=ids).order_by("outside_id"))
    if entry.last_of:
        links = getattr(row, entry.last_of).values("workspace")
        return list(Workspace.objects.filter(pk__in=links).order_by("outside_id"))
    return []


def follow(row: Any, lookup: str) -> Any:
    """Return what a lookup such as ``ticket__workspace`` leads to from a row: an id, or None where a link is empty."""
    for name in lookup.split("__"):
        row = getattr(row, name, None)
        if row is None:
            return None
    return row.pk if isinstance(row, Model) else row


def _own_end(entry: ModelMap, age: Age, row: Model, workspaces: list[Workspace], now: dt.datetime, armed: bool) -> End:
    promise = PROMISES[age.rule]
    periods = periods_of(age.rule, now)
    country = country_of(entry, row, workspaces)
    period = periods.of(country)
    assert age.goes_at is not None
    at = age.goes_at(row, period) if period is not None else None
    at, period = _under_coming(entry, age, row, country, at, period, now)
    if period is None:
        said = promise.without or "nobody has set the period"
        why = f"{promise.title}: {said}, {promise.policy}"
    elif promise.is_fixed:
        why = f"{promise.title}: {promise.clock}, {promise.policy}"
    else:
        own = f" in {country}" if country in periods.by_country else ""
        why = f"{promise.title}: {period_words(period)}{own} {promise.clock}, {promise.policy}"
    return End(age.rule, at, _what(entry, age), why, armed)


def _under_coming(
    entry: ModelMap,
    age: Age,
    row: Model,
    country: str,
    at: dt.datetime | None,
    period: dt.timedelta | None,
    now: dt.datetime,
) -> tuple[dt.datetime | None, dt.timedelta | None]:
    """Return when it goes and under which period, when one that was decided for later begins before it has gone."""
    assert age.goes_at is not None
    for version in coming_versions(age.rule, now):
        begins = version.effective_at
        if at is not None and at <= begins:
            break
        then = periods_of(age.rule, begins).of(country)
        if then != period:
            dated = age.goes_at(row, then) if then is not None else None
            at, period = max(dated, begins) if dated else None, then
    return at, period


def _what(entry: ModelMap, age: Age) -> str:
    if age.shreds:
        return "parted from its file"
    return "blanked" if age.blanks else "deleted"


def country_of(entry: ModelMap, row: Model, workspaces: list[Workspace]) -> str:
    """Return the country whose variant of a rule a row obeys: its workspace's, or without one its person's."""
    if entry.workspace and follow(row, entry.workspace):
        return workspaces[0].country if workspaces else ""
    if entry.person and (person := _person_of(entry, row)):
        return person.country
    return ""


def _person_of(entry: ModelMap, row: Any) -> Any:
    for name in entry.person.split("__"):
        row = getattr(row, name, None)
        if row is None:
            return None
    return row


def _workspaces_end(entry: ModelMap, workspaces: list[Workspace], armed: bool) -> End:
    ends = [expiry_of(workspace) for workspace in workspaces]
    at = max(filter(None, ends)) if ends and None not in ends else None
    promise = PROMISES["workspace_expiry"]
    if not workspaces:
        why = "It belongs to no workspace, so no subscription ends it"
    elif at is None:
        why = f"{promise.title}: no end of the subscription is known, {promise.policy}"
    else:
        why = f"{promise.title}: when the last subscription ends, {promise.policy}"
    what = "blanked" if entry.goes is Goes.BLANK else "deleted"
    return End("workspace_expiry", at, what, why, armed)


def _keepers(workspaces: list[Workspace]) -> list[Keeper]:
    holds = Hold.objects.filter(workspace__in=workspaces, lifted_at__isnull=True).order_by("placed_at")
    return [Keeper("a hold", f"to be reviewed on {hold.review_on:%-d %b %Y}", hold) for hold in holds]


def _gone(entry: ModelMap, workspaces: list[Workspace]) -> str:
    states = {workspace.state for workspace in workspaces}
    if states == {Workspace.State.EMPTYING}:
        return "Its workspace is being emptied now; nothing can be brought back."
    if states == {Workspace.State.EMPTIED}:
        return "Its workspace was emptied: only ids and dates remain."
    return ""


def _came_at(row: Model) -> dt.datetime | None:
    window = getattr(row, "window", None)
    if window is not None:
        return window.lower
    columns = {field.name for field in row._meta.concrete_fields}
    name = next((name for name in ARRIVALS if name in columns), "")
    return getattr(row, name) if name else None
