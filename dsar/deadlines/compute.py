"""From an instant of receipt to a deadline: the checks, the local date, the regime's rule, the promise on top."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from dsar.deadlines.case import Case
from dsar.deadlines.dates import end_of_day, written, written_with_weekday, zone_info
from dsar.deadlines.deadline import Deadline, Reckoned, Step, UnableToComputeDeadline
from dsar.deadlines.events import EVENT_KINDS, WEATHER, Event, pair_pauses
from dsar.deadlines.policy import POLICY, promise_of
from dsar.deadlines.regimes import REGIMES, Regime

# The library of holidays ends in 2100; Regulation 1182/71, the oldest rule here, applies since 1971.
FIRST_YEAR, LAST_YEAR = 1971, 2100


def compute_deadline(
    *, regime: str, request_type: str, received_at: datetime, region: str = "", events: Sequence[Event] = ()
) -> Deadline:
    """The deadline of a request of `request_type` received at the aware instant `received_at`, under `regime`.

    `request_type` is a key of `REQUEST_TYPES`, or the law's own word for one. `region` is a code of the regime's
    `regions`, "" its default. `events` may come in any order; those of one day are taken as given. An event that the
    law does not know has no effect, and a step says so. Raises UnableToComputeDeadline, with the argument at fault in
    `field`.
    """
    law = _check(regime, request_type, received_at, region, events)
    case = _case(law, request_type, received_at, region or law.default_region, events)
    reckoned = law.reckon(case)
    zone = case.zone
    promised, promised_at = promise_of(case)
    due, due_at = reckoned.statutory_due, reckoned.statutory_due_at
    if due and due_at is None:
        due_at = end_of_day(due, zone)
    target, target_at = promised, promised_at or end_of_day(promised, zone)
    if due and due_at and due_at < target_at:
        target, target_at = due, due_at
    steps = [_explain_receipt(case, law), *_explain_ignored(case, law), *reckoned.steps]
    if law.is_statutory:
        steps.append(_explain_target(promised, reckoned))
    return Deadline(
        regime=regime,
        rule_version=law.rule_version,
        received_on=case.received_on,
        zone=zone,
        nominal_on=reckoned.nominal_on,
        statutory_due=due,
        statutory_due_at=due_at,
        service_target=target,
        service_target_at=target_at,
        paused=reckoned.paused,
        due_if_pause_rejected=reckoned.due_if_pause_rejected,
        acknowledge_by=reckoned.acknowledge_by,
        acknowledge_by_at=end_of_day(reckoned.acknowledge_by, zone) if reckoned.acknowledge_by else None,
        extension_notice_due=reckoned.extension_notice_due,
        legal_latest=reckoned.legal_latest or due,
        steps=tuple(steps),
        holiday_data=reckoned.holiday_data,
    )


def _check(regime: str, request_type: str, received_at: datetime, region: str, events: Sequence[Event]) -> Regime:
    law = REGIMES.get(regime)
    if law is None:
        raise UnableToComputeDeadline("regime", f"unknown regime {regime!r}; known are {', '.join(REGIMES)}")
    if law.own_words.get(request_type, request_type) not in law.request_types:
        raise UnableToComputeDeadline(
            "request_type", f"{law.key} has no request type {request_type!r}; it has {', '.join(law.request_types)}"
        )
    if region and region not in law.regions:
        accepted = ", ".join(code for code in law.regions if code) or "none, leave it empty"
        raise UnableToComputeDeadline("region", f"{law.key} has no region {region!r}; accepted: {accepted}")
    if received_at.utcoffset() is None:
        raise UnableToComputeDeadline(
            "received_at", f"{received_at.isoformat()} has no time zone; add one, for example +08:00 or Z"
        )
    _check_year("received_at", "received", received_at.date())
    for event in events:
        if event.kind not in EVENT_KINDS:
            known = ", ".join(EVENT_KINDS)
            raise UnableToComputeDeadline("events", f"there is no event {event.kind!r}; there are {known}")
        _check_year("events", event.kind, event.on)
        if event.until:
            _check_year("events", event.kind, event.until)
    return law


def _case(law: Regime, request_type: str, received_at: datetime, region: str, events: Sequence[Event]) -> Case:
    zone = law.regions[region].zone
    received_on = received_at.astimezone(zone_info(zone)).date()
    in_order = sorted(events, key=lambda event: event.on)
    for event in in_order:
        if event.kind not in WEATHER and event.on < received_on:
            raise UnableToComputeDeadline(
                "events", f"{event} is before the day of receipt, {written(received_on)} in {zone}"
            )
        if event.until and event.until <= event.on:
            raise UnableToComputeDeadline("events", f"{event}: the new date is not after the notice")
    return Case(
        request_type=law.own_words.get(request_type, request_type),
        received_at=received_at,
        received_on=received_on,
        zone=zone,
        region=region,
        events=tuple(in_order),
        pauses=tuple(pair_pauses(in_order)),
    )


def _check_year(field: str, what: str, day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise UnableToComputeDeadline(field, f"{what} {day}: the year must be from {FIRST_YEAR} to {LAST_YEAR}")


def _explain_receipt(case: Case, law: Regime) -> Step:
    in_utc = case.received_at.astimezone(UTC)
    was = "" if in_utc.date() == case.received_on else f", was {written(in_utc.date())} {in_utc:%H:%M} UTC"
    text = f"Received {written_with_weekday(case.received_on)} ({case.zone}{was}); that day is not counted"
    return Step("receipt", text, law.receipt_rule)


def _explain_ignored(case: Case, law: Regime) -> list[Step]:
    """A step for each event that the law does not know. An answer goes without one: its question has it."""
    return [
        Step("ignored", f"{EVENT_KINDS[event.kind].capitalize()} {written(event.on)}: no effect here", law.law)
        for event in case.events
        if event.kind not in law.event_kinds and not event.is_answer
    ]


def _explain_target(promised: date, reckoned: Reckoned) -> Step:
    due = reckoned.statutory_due
    if due is None:
        while_ = "while the legal clock stands still" if reckoned.paused else "where the law gives no date"
        text = f"Service target: the promised month, to {written(promised)}, runs on {while_}"
    elif due < promised:
        text = f"Service target: the legal date, {written(due)}, is before the promised month ends"
    else:
        text = f"Service target: {written_with_weekday(promised)}, the promised month, which nothing moves"
    return Step("service_target", text, POLICY)
