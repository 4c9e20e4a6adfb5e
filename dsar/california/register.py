"""The register of requests, kept by the moves of each request, and the yearly metrics made of it (11 CCR 7101, 7102).

An entry lives by itself: the request may be blanked, and its customer erased. It goes by a clock of its own.
"""

import dataclasses
import datetime as dt
import statistics
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from dsar.deadlines import REQUEST_TYPES
from dsar.models import Letter, Refusal, RegisterEntry, SubjectRequest

REGIME = "us_ca_ccpa"
ZONE = ZoneInfo("America/Los_Angeles")
Outcome, State = RegisterEntry.Outcome, SubjectRequest.State
ANSWERED = (Outcome.COMPLIED, Outcome.PARTIAL, Outcome.DENIED)


def enter(request: SubjectRequest, *, now: dt.datetime) -> None:
    """Write down how a request stands, in the transaction that changes it; of another law than the CCPA, nothing."""
    entry = RegisterEntry.objects.filter(request_id=request.pk).first()
    if request.regime != REGIME:
        if entry and entry.outcome != Outcome.MOVED:
            entry.outcome, entry.ended_at = Outcome.MOVED, now
            entry.save(update_fields=["outcome", "ended_at"])
        return
    entry = entry or RegisterEntry(request_id=request.pk)
    entry.reference, entry.type, entry.channel = request.reference, request.type, request.channel
    entry.received_at = request.received_at
    refusal = Refusal.objects.filter(request=request).order_by("-entered_at", "-pk").first()
    entry.outcome = _outcome(request, refusal)
    entry.ended_at = None if entry.outcome == Outcome.OPEN else request.closed_at
    is_refused = entry.outcome in (Outcome.PARTIAL, Outcome.DENIED)
    entry.reasons = (list(refusal.reasons) if refusal else ["not_identified"]) if is_refused else []
    entry.save()


def _outcome(request: SubjectRequest, refusal: Refusal | None) -> str:
    if request.is_open:
        return Outcome.OPEN
    if request.state in (State.DELIVERED, State.CLOSED):
        answered = Letter.objects.filter(request=request, kind__in=[Letter.Kind.ANSWER, Letter.Kind.PARTIAL])
        last = answered.order_by("-sent_at", "-pk").values_list("kind", flat=True).first()
        return Outcome.PARTIAL if last == Letter.Kind.PARTIAL else Outcome.COMPLIED
    return {State.WITHDRAWN: Outcome.WITHDRAWN, State.ROUTED: Outcome.ROUTED}.get(State(request.state), Outcome.DENIED)


@dataclasses.dataclass(frozen=True)
class Line:
    """The figures of a year for one nature of request. ``median_days`` is from receipt to answer, None without any."""

    type: str
    received: int
    complied: int
    partial: int
    denied: int
    other: int
    open: int
    median_days: float | None

    @property
    def title(self) -> str:
        return REQUEST_TYPES.get(self.type, "All")


def years() -> list[int]:
    """Return the years of receipt that the register knows, the newest first."""
    found = RegisterEntry.objects.exclude(outcome=Outcome.MOVED).datetimes("received_at", "year", tzinfo=ZONE)
    return [each.year for each in found.reverse()]


def entries_of(year: int) -> QuerySet[RegisterEntry]:
    """Return the entries received in a year of California, the newest first."""
    first, last = (dt.datetime(each, 1, 1, tzinfo=ZONE) for each in (year, year + 1))
    return RegisterEntry.objects.filter(received_at__gte=first, received_at__lt=last).order_by("-received_at", "pk")


def metrics(year: int) -> list[Line]:
    """Return the figures of a year by nature, and their sum last. What another law answered is not counted."""
    rows = list(
        entries_of(year).exclude(outcome=Outcome.MOVED).values_list("type", "outcome", "received_at", "ended_at")
    )
    lines = [_line(kind, [row for row in rows if row[0] == kind]) for kind in REQUEST_TYPES]
    return [*(line for line in lines if line.received), _line("", rows)] if rows else []


def _line(kind: str, rows: Iterable[tuple]) -> Line:
    rows = list(rows)
    count = {outcome: sum(row[1] == outcome for row in rows) for outcome in Outcome.values}
    days = [(_day(ended) - _day(received)).days for _, outcome, received, ended in rows if outcome in ANSWERED]
    return Line(
        type=kind,
        received=len(rows),
        complied=count[Outcome.COMPLIED],
        partial=count[Outcome.PARTIAL],
        denied=count[Outcome.DENIED],
        other=count[Outcome.WITHDRAWN] + count[Outcome.ROUTED],
        open=count[Outcome.OPEN],
        median_days=statistics.median(days) if days else None,
    )


def _day(instant: dt.datetime) -> dt.date:
    return instant.astimezone(ZONE).date()
