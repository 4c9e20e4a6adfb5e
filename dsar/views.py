"""What the page of a request shows beside its form."""

import datetime as dt
from typing import Any

from django.utils import timezone

from dsar.deadlines import REGIMES
from dsar.models import SubjectRequest
from dsar.queue import days_left, days_left_words, tone_of


def request_context(request: SubjectRequest, *, now: dt.datetime) -> dict[str, Any]:
    """Return the header, the explanation of the date step by step, and the trail."""
    left = days_left(request, now=now)
    explanation = [{"title": step["text"], "note": step["source"]} for step in request.explanation.get("steps", [])]
    trail = [
        {"title": event.text, "date": f"{timezone.localtime(event.at):%-d %b %Y, %H:%M}", "note": str(event.by or "")}
        for event in request.events.select_related("by").order_by("at", "pk")
    ]
    return {
        "subject_request": request,
        "left_words": days_left_words(left) if request.is_open else "",
        "left_tone": tone_of(left) if request.is_open else "",
        "explanation": explanation,
        "trail": trail,
        "regime": REGIMES[request.regime],
        "zone": request.explanation.get("zone", ""),
        "rule_version": request.explanation.get("rule_version", ""),
        "holiday_data": request.explanation.get("holiday_data", ""),
    }
