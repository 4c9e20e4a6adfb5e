"""Figures by day for the charts of the portal's pages: the numbers, and how Chart.js draws them."""

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

GRID = {"color": "rgba(128, 128, 128, 0.2)"}
BAR_OPTIONS = json.dumps(
    {
        "responsive": True,
        "maintainAspectRatio": False,
        "animation": False,
        "plugins": {"legend": {"display": True, "position": "bottom"}},
        "scales": {
            "x": {"grid": {"display": False}, "ticks": {"color": "#808792", "maxRotation": 0, "autoSkip": True}},
            "y": {"beginAtZero": True, "suggestedMax": 4, "grid": GRID, "ticks": {"color": "#808792", "precision": 0}},
        },
    }
)
Series = tuple[str, str, list[int]]  # what it is, its colour, a value for each day


def last_days(now: dt.datetime, count: int) -> list[dt.date]:
    """Return the last ``count`` days in the portal's time zone, today last."""
    today = timezone.localdate(now)
    return [today - dt.timedelta(days=back) for back in range(count - 1, -1, -1)]


def count_per_day(queryset: QuerySet, field: str, days: list[dt.date]) -> list[int]:
    """Return how many rows have ``field`` (an instant) on each of ``days``, in the portal's time zone."""
    counted = dict(
        queryset.filter(**{f"{field}__gte": start_of(days[0])})
        .annotate(day=TruncDate(field))
        .order_by()
        .values_list("day")
        .annotate(Count("pk"))
    )
    return [counted.get(day, 0) for day in days]


def start_of(day: dt.date) -> dt.datetime:
    """Return the instant at which a day begins in the portal's time zone."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))


def bar_chart(days: list[dt.date], series: Iterable[Series]) -> dict[str, str]:
    """Return what ``portal/_chart.html`` shows of figures by day."""
    return _bars([f"{day:%-d %b}" for day in days], f"{len(days)} days", list(series))


def month_chart(months: list[dt.date], series: Iterable[Series]) -> dict[str, str]:
    """Return what ``portal/_chart.html`` shows of figures by month, each given by its first day."""
    return _bars([f"{month:%b %Y}" for month in months], f"{len(months)} months", list(series))


def _bars(labels: list[str], period: str, series: list[Series]) -> dict[str, str]:
    """Return data and options of Chart.js as JSON, and a sentence that says the same."""
    data: dict[str, Any] = {
        "labels": labels,
        "datasets": [
            {"label": label, "data": values, "backgroundColor": colour, "borderRadius": 4, "maxBarThickness": 22}
            for label, colour, values in series
        ],
    }
    told = ", ".join(f"{label.lower()} {sum(values):,}" for label, _, values in series)
    return {"data": json.dumps(data), "options": BAR_OPTIONS, "summary": f"In {period}: {told}."}
