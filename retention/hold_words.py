"""A hold in words, for the pages that show one."""

import datetime as dt
from typing import Any

from django.utils import timezone

from accounts.masking import mask
from accounts.models import EvidenceEntry
from accounts.verdicts import data_map
from retention.holds import COUNT_UP_TO
from retention.models import Hold

REFUSALS_SHOWN = 5
WHY_REFUSED = {
    "too_late": "too late: the deletion had begun",
    "empty": "it would have kept nothing",
    "impossible": "its parts excluded each other",
}


def covers_in_words(hold: Hold, *, clear: bool) -> str:
    """Return what a hold covers, for a page; a number masked unless ``clear``."""
    maps = data_map()
    parts = []
    if hold.categories:
        parts.append(", ".join(maps[name].plural for name in hold.categories if name in maps))
    if hold.workspace:
        parts.append(f"of workspace {hold.workspace}")
    if "person" in hold.narrowed_by:
        parts.append(f"of customer {hold.person}" if hold.person else "of a customer (forgotten)")
    if "number" in hold.narrowed_by:
        number = hold.number if clear else mask(hold.number)
        parts.append(f"about {number}" if hold.number else "about a number (forgotten)")
    if hold.rows_from:
        parts.append(f"from {timezone.localtime(hold.rows_from):%-d %b %Y}")
    if hold.rows_until:
        last = timezone.localtime(hold.rows_until) - dt.timedelta(days=1)
        parts.append(f"until {last:%-d %b %Y}")
    text = " ".join(parts)
    return text if hold.categories else f"everything {text}"


def refusals() -> list[dict[str, Any]]:
    """Return the last attempts to place a hold that were refused, from the evidence."""
    entries = EvidenceEntry.objects.filter(type="HOLD_REFUSED").order_by("-sequence")[:REFUSALS_SHOWN]
    return [
        {
            "at": entry.at,
            "why": WHY_REFUSED.get(entry.body.get("why", ""), "too late: the deletion had begun"),
            "narrowed_by": ", ".join(entry.body.get("narrowed_by", [])),
            "sequence": entry.sequence,
        }
        for entry in entries
    ]


def lines(counts: dict[str, int]) -> list[dict[str, Any]]:
    """Return counts by model for a page, the largest first: {what, count, shown}."""
    maps = data_map()
    ordered = sorted(counts, key=lambda label: counts[label], reverse=True)
    return [
        {
            "what": maps[label].plural,
            "count": counts[label],
            "shown": f"{counts[label]:,}" + (" or more" if counts[label] >= COUNT_UP_TO else ""),
        }
        for label in ordered
    ]
