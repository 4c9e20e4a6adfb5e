"""The page and the file of the anonymous traffic figures."""

import csv
import io
import json
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.charts import BAR_OPTIONS
from telecom_records.models import CallDetailRecord, Direction, TrafficFigure, TrafficMonth
from telecom_records.remainder import OTHER, floor

MONTHS_SHOWN = 12
COLOURS = {Direction.OUTBOUND: "#2563eb", Direction.INBOUND: "#0d9488", Direction.INTERNAL: "#9ca3af"}
COLUMNS = ["month", "kind", "country", "direction", "status", "count", "minutes"]


@require_GET
@permission_required("telecom_records.view_trafficfigure", raise_exception=True)
def figures(request: HttpRequest) -> HttpResponse:
    """Show a year of figures as a chart, and one month of them by country."""
    months = list(TrafficMonth.objects.order_by("-month")[:MONTHS_SHOWN])
    chosen = next((month for month in months if str(month) == request.GET.get("month")), months[0] if months else None)
    context = {
        **admin.site.each_context(request),
        "title": "Traffic figures",
        "months": months,
        "chosen": chosen,
        "lines": _lines(chosen) if chosen else [],
        "chart": _chart(months[::-1]),
        "floor": chosen.floor if chosen else floor(),
    }
    return render(request, "telecom_records/figures.html", context)


@require_GET
@permission_required("telecom_records.view_trafficfigure", raise_exception=True)
def figures_csv(request: HttpRequest) -> HttpResponse:
    """Return every figure there is, one a line."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    rows = TrafficFigure.objects.order_by("month", "kind", "country", "direction", "status")
    for month, *rest in rows.values_list("month_id", *COLUMNS[1:]):
        writer.writerow([f"{month:%Y-%m}", *rest])
    name = 'attachment; filename="traffic-figures.csv"'
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name})


def country_words(country: str) -> str:
    """Return what stands in the column of the country."""
    return {"": "No country", OTHER: "Other countries"}.get(country, country)


def _lines(month: TrafficMonth) -> list[dict[str, Any]]:
    """Return the figures of a month by country, the busiest first."""
    calls, messages = Q(kind=TrafficFigure.Kind.CALL), Q(kind=TrafficFigure.Kind.MESSAGE)
    answered = calls & Q(status=CallDetailRecord.Status.ANSWERED)
    rows = (
        month.figures.values("country")
        .annotate(
            outgoing=Sum("count", filter=calls & Q(direction=Direction.OUTBOUND)),
            incoming=Sum("count", filter=calls & Q(direction=Direction.INBOUND)),
            answered=Sum("count", filter=answered),
            time=Sum("minutes", filter=calls),
            messages=Sum("count", filter=messages),
            all=Sum("count"),
        )
        .order_by("-all", "country")
    )
    return [{**row, "country": country_words(row["country"])} for row in rows]


def _chart(months: list[TrafficMonth]) -> dict[str, str]:
    counted = {
        (row["month"], row["direction"]): row["total"]
        for row in TrafficFigure.objects.filter(month__in=months, kind=TrafficFigure.Kind.CALL)
        .values("month", "direction")
        .annotate(total=Sum("count"))
        .order_by()
    }
    data = {
        "labels": [f"{month.month:%b %Y}" for month in months],
        "datasets": [
            {"label": direction.label, "data": [counted.get((month.month, direction.value), 0) for month in months],
             "backgroundColor": colour, "borderRadius": 4, "maxBarThickness": 22}
            for direction, colour in COLOURS.items()
        ],
    }  # fmt: skip
    total = sum(counted.values())
    return {"data": json.dumps(data), "options": BAR_OPTIONS, "summary": f"In {len(months)} months: {total:,} calls."}
