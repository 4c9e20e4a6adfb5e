"""The page of Californian requests: figures of a year, the register, and the categories; each as CSV too."""

import csv
import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import log_access
from accounts.models import AccessLogEntry
from accounts.resources import safe_cell
from dsar.california.categories import collected
from dsar.california.register import ZONE, entries_of, metrics, years
from dsar.letters.laws import REASONS
from dsar.models import RegisterEntry
from dsar.packages.information import NOT_SOLD
from retention.rules import words_of

SHOWN = 100
METRICS = [
    "nature",
    "received",
    "complied with",
    "complied with in part",
    "denied",
    "withdrawn or passed on",
    "open",
    "median days",
]
REGISTER = ["request", "received", "nature", "manner", "answered", "outcome", "basis of the denial"]  # 11 CCR 7101(b)


@require_GET
@permission_required("dsar.view_registerentry", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show a year: its figures, its requests, and what is collected of Californians."""
    known, now = years(), timezone.now()
    year = _year(request.GET.get("year")) or (known[0] if known else timezone.localtime(now, ZONE).year)
    entries = list(entries_of(year)[: SHOWN + 1])
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "California",
        "years": known,
        "year": year,
        "metrics": metrics(year),
        "entries": [
            {
                "entry": entry,
                "reasons": reasons_of(entry),
                "received": _date(entry.received_at),
                "ended": _date(entry.ended_at),
            }
            for entry in entries[:SHOWN]
        ],
        "more": len(entries) > SHOWN,
        "categories": collected(),
        "not_sold": NOT_SOLD,
        "kept": words_of("request_register", now),
    }
    return render(request, "dsar/california.html", context)


@require_GET
@permission_required("dsar.view_registerentry", raise_exception=True)
def metrics_csv(request: HttpRequest, year: int) -> StreamingHttpResponse:
    """Return the figures of a year."""
    rows = [
        [line.title, line.received, line.complied, line.partial, line.denied, line.other, line.open,
         "" if line.median_days is None else line.median_days]
        for line in metrics(_known(year))
    ]  # fmt: skip
    return _csv(f"ccpa-metrics-{year}.csv", METRICS, iter(rows))


@require_GET
@permission_required("dsar.view_registerentry", raise_exception=True)
def register_csv(request: HttpRequest, year: int) -> StreamingHttpResponse:
    """Return the register of a year as a stream. It names nobody; that it was taken is written down."""
    entries = entries_of(_known(year))
    of, export = RegisterEntry._meta.label, AccessLogEntry.Action.EXPORT
    log_access(request.user, export, of=of, rows=entries.count(), now=timezone.now())  # type: ignore[arg-type]
    rows = (
        [entry.reference, _day(entry.received_at), entry.nature, entry.get_channel_display(),
         _day(entry.ended_at), entry.get_outcome_display(), "; ".join(reasons_of(entry))]
        for entry in entries.iterator(chunk_size=2000)
    )  # fmt: skip
    return _csv(f"ccpa-register-{year}.csv", REGISTER, rows)


def reasons_of(entry: RegisterEntry) -> list[str]:
    """Return the basis of a denial in words."""
    return [REASONS[code].label if code in REASONS else code for code in entry.reasons]


def _date(instant: dt.datetime | None) -> dt.date | None:
    return timezone.localtime(instant, ZONE).date() if instant else None


def _day(instant: dt.datetime | None) -> str:
    date = _date(instant)
    return date.isoformat() if date else ""


def _year(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and 2000 <= int(text) <= 2200 else None


def _known(year: int) -> int:
    if not 2000 <= year <= 2200:
        raise Http404("There is no such year.")
    return year


class _Line:
    """A file of one line, which the writer gives back."""

    def write(self, text: str) -> str:
        return text


def _csv(name: str, titles: list[str], rows: Iterator[list[Any]]) -> StreamingHttpResponse:
    writer = csv.writer(_Line())
    lines = (writer.writerow([safe_cell(value) for value in row]) for row in itertools.chain([titles], rows))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
