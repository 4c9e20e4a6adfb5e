"""What an officer needs to see of all deletions at once: what goes, what runs, what stands still and why, what went."""

import dataclasses
import datetime as dt
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from accounts.charts import bar_chart, count_per_day, last_days, start_of
from retention.due import count_past, due_workspaces
from retention.hold_words import covers_in_words
from retention.models import DeletionJob, DeletionRun, Hold
from retention.promises import PROMISES
from retention.rules import aged_rules, armed_rules, what_of, without_period

DAYS_AHEAD = 7
CHART_DAYS = 30
SHOWN = 8
COUNT_UP_TO = 10_000
REVIEW_SOON = dt.timedelta(days=14)
State = DeletionJob.State

ROWS_PER_DAY = """
SELECT (done_at AT TIME ZONE %s)::date, sum(went.value::bigint)
FROM retention_deletionjob, jsonb_each_text(destroyed) AS went
WHERE state = 'done' AND done_at >= %s GROUP BY 1
"""


@dataclasses.dataclass(frozen=True)
class Forecast:
    """What one rule takes: by the end of today and within a week; counts stop at COUNT_UP_TO."""

    rule: str
    title: str
    armed: bool
    has_period: bool
    today: int
    week: int
    noun: str  # of one


def forecasts(now: dt.datetime) -> list[Forecast]:
    """Return, for every rule, what goes until midnight in the portal's zone, and within seven days from now."""
    armed, endless = armed_rules(), without_period(now)
    tonight, in_a_week = end_of_today(now), now + dt.timedelta(days=DAYS_AHEAD)
    found = []
    for key, promise in PROMISES.items():
        aged = key in aged_rules()
        today, week = (_count(key, at, aged) if key not in endless else 0 for at in (tonight, in_a_week))
        found.append(
            Forecast(key, promise.title, key in armed, key not in endless, today, week, "row" if aged else "workspace")
        )
    return found


def days_ahead(now: dt.datetime) -> list[tuple[dt.date, int]]:
    """Return how many workspaces expire on each of the coming days, today (what is left of it and what is late) first."""
    today = timezone.localdate(now)
    counts, before = [], 0
    for ahead in range(DAYS_AHEAD):
        day = today + dt.timedelta(days=ahead)
        until = due_workspaces(start_of(day + dt.timedelta(days=1))).count()
        counts.append((day, until - before))
        before = until
    return counts


def running() -> dict[str, Any]:
    """Return the deletions that move, the oldest first, and how many wait behind those shown."""
    waits = DeletionJob.objects.filter(state=State.PENDING, run__state=DeletionRun.State.STOPPED)  # for a decision
    moving = DeletionJob.objects.filter(state__in=[State.RUNNING, State.PENDING]).exclude(pk__in=waits.values("pk"))
    return _first(moving.order_by("-state", "created_at", "pk"))


def standing_still() -> dict[str, Any]:
    """Return the deletions that wait for a decision, the oldest first, and how many more there are."""
    stopped = DeletionJob.objects.filter(state=State.QUARANTINED)
    return _first(stopped.order_by("due_at", "pk"))


def holds(now: dt.datetime) -> dict[str, Any]:
    """Return the active holds whose review is nearest, with the days left, and how many there are."""
    active = Hold.objects.filter(lifted_at__isnull=True)
    today = timezone.localdate(now)
    shown = [
        {
            "hold": hold,
            "covers": covers_in_words(hold, clear=False),
            "left": (hold.review_on - today).days,
            "tone": _tone((hold.review_on - today).days),
        }
        for hold in active.select_related("workspace", "person", "owner").order_by("review_on", "pk")[:SHOWN]
    ]
    return {"holds": shown, "more": max(0, active.count() - len(shown))}


def receipts() -> dict[str, Any]:
    """Return the deletions that were done last."""
    return _first(DeletionJob.objects.filter(state=State.DONE).order_by("-done_at", "pk"))


def charts(now: dt.datetime) -> dict[str, dict[str, str]]:
    """Return two charts of the last days: workspaces emptied, and rows and files gone. Their scales differ by far."""
    days = last_days(now, CHART_DAYS)
    emptied = DeletionJob.objects.filter(state=State.DONE, workspace__isnull=False)
    with connection.cursor() as cursor:
        cursor.execute(ROWS_PER_DAY, [timezone.get_current_timezone_name(), start_of(days[0])])
        rows = dict(cursor.fetchall())
    return {
        "workspaces": bar_chart(days, [("Workspaces emptied", "#0d9488", count_per_day(emptied, "done_at", days))]),
        "rows": bar_chart(days, [("Rows and files gone", "#2563eb", [int(rows.get(day, 0)) for day in days])]),
    }


def end_of_today(now: dt.datetime) -> dt.datetime:
    """Return the midnight that ends today in the portal's time zone."""
    return start_of(timezone.localdate(now) + dt.timedelta(days=1))


def _first(jobs: QuerySet[DeletionJob]) -> dict[str, Any]:
    shown = [{"job": job, "what": what_of(job)} for job in jobs.select_related("workspace", "rule")[:SHOWN]]
    return {"jobs": shown, "more": max(0, jobs.count() - len(shown)) if len(shown) == SHOWN else 0}


def _count(key: str, at: dt.datetime, aged: bool) -> int:
    if aged:
        return sum(count_past(key, at, up_to=COUNT_UP_TO).values())
    return due_workspaces(at).count()


def _tone(days_left: int) -> str:
    return "danger" if days_left < 0 else "warning" if days_left <= REVIEW_SOON.days else ""
