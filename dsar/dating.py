"""The dates of a request: computed anew whenever something happens to it, every answer kept."""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import holidays
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import evidence
from accounts.models import User
from dsar.deadlines import REGIMES, Deadline, Event, compute_deadline
from dsar.deadlines.events import WEATHER
from dsar.deadlines.working_days import WEEKENDS_ONLY
from dsar.models import ClockEvent, DeadlineResult, SubjectRequest, WeatherWarning
from dsar.reminders import next_reminder_at
from dsar.trail import tell

Cause = DeadlineResult.Cause
AT_ONCE = 500  # requests dated anew in one go, each in a transaction of its own


class UnableToRecord(ValueError):
    """What happened cannot be recorded; the message says why, for the officer."""


def deadline_for(request: SubjectRequest) -> Deadline:
    """Return the deadline by the request's own facts and events. Raises UnableToComputeDeadline with the field at fault."""
    return compute_deadline(
        regime=request.regime,
        request_type=request.type,
        received_at=request.received_at,
        region=request.region,
        events=[*_own_events(request), *(_weather(request) if request.regime in _moved_by_weather() else [])],
    )


def other_deadlines(request: SubjectRequest) -> list[Deadline]:
    """Return the deadlines by the other laws that apply (rules C15), each by its own clock and zone.

    What was asked or noticed before the day of receipt in a law's zone is no event of that law. Raises UnableToComputeDeadline.
    """
    found = []
    for regime in request.also_under:
        law = REGIMES[regime]
        received_on = request.received_at.astimezone(ZoneInfo(law.regions[law.default_region].zone)).date()
        weather = _weather(request) if law.event_kinds & set(WEATHER) else []
        events = [event for event in _own_events(request) if event.on >= received_on]
        found.append(
            compute_deadline(
                regime=regime, request_type=request.type, received_at=request.received_at, events=[*events, *weather]
            )
        )
    return found


def local_day(request: SubjectRequest, now: dt.datetime) -> dt.date:
    """Return the day that it is where the clock of the request runs."""
    law = REGIMES[request.regime]
    return now.astimezone(ZoneInfo(law.regions[request.region or law.default_region].zone)).date()


def put_dates(request: SubjectRequest, deadline: Deadline, others: Sequence[Deadline], *, now: dt.datetime) -> None:
    """Write the dates on the request, without saving it: of several laws the earliest."""
    dated = [(each.statutory_due_at, each.statutory_due) for each in others if each.statutory_due_at]
    request.also_due_at, request.also_due_on = min(dated) if dated else (None, None)  # type: ignore[type-var]
    receipts = [each for each in (deadline, *others) if each.acknowledge_by_at]
    request.statutory_due_on, request.statutory_due_at = deadline.statutory_due, deadline.statutory_due_at
    request.service_target_on, request.service_target_at = deadline.service_target, deadline.service_target_at
    first = min(receipts, key=lambda each: each.acknowledge_by_at, default=None)  # type: ignore[arg-type, return-value]
    request.acknowledge_by_on = first.acknowledge_by if first else None
    request.acknowledge_by_at = first.acknowledge_by_at if first else None
    request.is_paused = deadline.paused
    _put_due(request, now)


def due_anew(request: SubjectRequest, *, now: dt.datetime) -> None:
    """Bring the due date of a locked request in line after one of its parts has begun or ended."""
    _put_due(request, now)
    request.save(update_fields=["due_on", "due_at", "remind_at"])


def _put_due(request: SubjectRequest, now: dt.datetime) -> None:
    """Write the earliest of what must be done: the answer by our promise and by law, and each part to be passed on."""
    dates = [
        (request.service_target_at, request.service_target_on),
        (request.statutory_due_at, request.statutory_due_on),
        (request.also_due_at, request.also_due_on),
    ]
    if not request._state.adding:
        dates += [(part.due_at, part.due_on) for part in request.parts.all() if part.waits]  # type: ignore[attr-defined]
    request.due_at, request.due_on = min((at, on) for at, on in dates if at and on)
    request.remind_at = next_reminder_at(request, after=now) if request.is_open else None


def keep_answer(
    request: SubjectRequest, deadline: Deadline, others: Sequence[Deadline], cause: str, *, now: dt.datetime
) -> DeadlineResult:
    """Store an answer beside the earlier ones; it is the one that counts from now on."""
    DeadlineResult.objects.filter(request=request, ended_at__isnull=True).update(ended_at=now)
    given = {
        "type": request.type,
        "received_at": request.received_at.astimezone(dt.UTC).isoformat(),
        "region": request.region,
        "events": [str(event) for event in (*_own_events(request), *_weather(request))],
    }
    return DeadlineResult.objects.create(
        request=request,
        cause=cause,
        computed_at=now,
        regime=deadline.regime,
        rule_version=deadline.rule_version,
        holiday_data=deadline.holiday_data,
        given=given,
        answer=deadline.as_dict(),
        others=[each.as_dict() for each in others],
    )


def date_anew(request: SubjectRequest, cause: str, *, now: dt.datetime, user: User | None = None) -> bool:
    """Compute a locked request's dates, keep the answer, and save the dates; return whether the due date has moved.

    Raises UnableToComputeDeadline.
    """
    before = SubjectRequest.objects.values_list("due_on", "statutory_due_on", "is_paused").get(pk=request.pk)
    deadline, others = deadline_for(request), other_deadlines(request)
    put_dates(request, deadline, others, now=now)
    request.save(update_fields=DATES)
    keep_answer(request, deadline, others, cause, now=now)
    after = (request.due_on, request.statutory_due_on, request.is_paused)
    if after == before:
        return False
    tell(request, "redated", f"Before: {_words(*before)}. Now: {_words(*after)}.", user=user, now=now)
    evidence.append_entry(
        "REQUEST_REDATED",
        subject=str(request.pk),
        body={"cause": cause, "due": str(request.due_on), "rule": deadline.rule_version},
    )
    return True


DATES = [
    "statutory_due_on", "statutory_due_at", "service_target_on", "service_target_at", "due_on", "due_at", "is_paused",
    "acknowledge_by_on", "acknowledge_by_at", "also_due_on", "also_due_at", "remind_at",
]  # fmt: skip


def record_event(
    request_id, kind: str, *, on: dt.date, until: dt.date | None = None, user: User | None, now: dt.datetime
) -> ClockEvent:
    """Record a question, an answer or a notice, and date the request anew.

    `on` is the day of it where the clock runs. Raises UnableToRecord, UnableToComputeDeadline for an impossible order.
    """
    with transaction.atomic():
        request = SubjectRequest.objects.select_for_update().get(pk=request_id)
        return record_on_locked(request, kind, on=on, until=until, user=user, now=now)


def record_on_locked(
    request: SubjectRequest,
    kind: str,
    *,
    on: dt.date,
    until: dt.date | None = None,
    user: User | None,
    now: dt.datetime,
) -> ClockEvent:
    """As `record_event`, for a request that the caller has locked."""
    if not request.is_open:
        raise UnableToRecord("This request is over: reopen it first.")
    if on > local_day(request, now):
        raise UnableToRecord(f"{on:%-d %b %Y} has not come yet where this clock runs.")
    event = ClockEvent.objects.create(request=request, kind=kind, on=on, until=until, recorded_at=now, recorded_by=user)
    new_date = f", new date {until:%-d %b %Y}" if until else ""
    tell(request, "clock", f"{event.get_kind_display()} {on:%-d %b %Y}{new_date}.", user=user, now=now)
    date_anew(request, Cause.EVENT, now=now, user=user)
    return event


def withdraw_event(event_id: int, *, user: User, now: dt.datetime) -> None:
    """Take a mistaken event out of the calculation; it stays in the trail. Raises UnableToRecord, UnableToComputeDeadline."""
    with transaction.atomic():
        event = ClockEvent.objects.select_related("request").get(pk=event_id)
        request = SubjectRequest.objects.select_for_update().get(pk=event.request_id)
        if not request.is_open:
            raise UnableToRecord("This request is over: reopen it first.")
        if not ClockEvent.objects.filter(pk=event_id, withdrawn_at__isnull=True).update(
            withdrawn_at=now, withdrawn_by=user
        ):
            raise UnableToRecord("This has been withdrawn already.")
        tell(request, "clock", f"Withdrawn: {event.get_kind_display()} {event.on:%-d %b %Y}.", user=user, now=now)
        date_anew(request, Cause.WITHDRAWN, now=now, user=user)


def acknowledge(request_id, *, user: User | None, now: dt.datetime) -> None:
    """Record that receipt was confirmed to the person. Doing it again changes nothing."""
    with transaction.atomic():
        request = SubjectRequest.objects.select_for_update().get(pk=request_id)
        if request.acknowledged_at:
            return
        request.acknowledged_at = now
        request.save(update_fields=["acknowledged_at"])
        late = request.acknowledge_by_at is not None and now >= request.acknowledge_by_at
        tell(request, "acknowledged", "Receipt confirmed, late." if late else "Receipt confirmed.", user=user, now=now)
        evidence.append_entry("REQUEST_ACKNOWLEDGED", subject=str(request.pk), body={"late": late})


def record_warning(kind: str, on: dt.date, *, user: User, now: dt.datetime) -> int:
    """Record a weather warning in Hong Kong and date what it moves anew; return how many dates have moved.

    Raises UnableToRecord.
    """
    if on > now.astimezone(ZoneInfo("Asia/Hong_Kong")).date():
        raise UnableToRecord(f"{on:%-d %b %Y} has not come yet in Hong Kong.")
    with transaction.atomic():
        _, made = WeatherWarning.objects.get_or_create(
            kind=kind, on=on, defaults={"recorded_at": now, "recorded_by": user}
        )
        if not made:
            raise UnableToRecord("This warning was recorded before.")
        evidence.append_entry("WEATHER_WARNING", subject="HK", body={"kind": kind, "on": str(on), "by": user.pk})
    concerned = SubjectRequest.objects.filter(
        Q(regime__in=_moved_by_weather()) | Q(also_under__has_any_keys=_moved_by_weather()),
        closed_at__isnull=True,
        received_at__date__lte=on,
    )
    return _date_each(concerned, Cause.WEATHER, now=now, user=user)


def date_stale_anew(now: dt.datetime) -> int:
    """Date open requests anew whose answer rests on other rules or holidays than today's; return how many have moved."""
    current = Q(rule_version__in=[law.rule_version for law in REGIMES.values()])
    current &= Q(holiday_data__in=["", WEEKENDS_ONLY]) | Q(holiday_data__startswith=f"holidays {holidays.__version__} ")
    stale = DeadlineResult.objects.filter(ended_at__isnull=True).exclude(current).values("request")
    return _date_each(SubjectRequest.objects.filter(closed_at__isnull=True, pk__in=stale), Cause.VERSION, now=now)


def _date_each(requests: QuerySet, cause: str, *, now: dt.datetime, user: User | None = None) -> int:
    moved = 0
    for pk in requests.order_by("due_at").values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            request = SubjectRequest.objects.select_for_update().get(pk=pk)
            moved += request.is_open and date_anew(request, cause, now=now, user=user)
    return moved


def _own_events(request: SubjectRequest) -> list[Event]:
    if request._state.adding:
        return []
    kept = ClockEvent.objects.filter(request=request, withdrawn_at__isnull=True).order_by("on", "recorded_at", "pk")
    return [Event(event.kind, event.on, event.until) for event in kept]


def _weather(request: SubjectRequest) -> list[Event]:
    if not {request.regime, *request.also_under} & set(_moved_by_weather()):
        return []
    warnings = WeatherWarning.objects.filter(on__gte=request.received_at.date()).order_by("on", "kind")
    return [Event(warning.kind, warning.on) for warning in warnings]


def _moved_by_weather() -> list[str]:
    return [key for key, law in REGIMES.items() if law.event_kinds & set(WEATHER)]


def _words(due_on: dt.date, statutory_due_on: dt.date | None, is_paused: bool) -> str:
    law = "the legal clock stands still" if is_paused else "no statutory date"
    law = f"by law {statutory_due_on:%-d %b %Y}" if statutory_due_on else law
    return f"due {due_on:%-d %b %Y}, {law}"
