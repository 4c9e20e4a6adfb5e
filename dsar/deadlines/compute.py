"""From an instant of receipt to a deadline: the checks, the local date, the regime's rule, the promise on top."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from dsar.deadlines.dates import add_months, end_of_day, written, written_with_weekday
from dsar.deadlines.deadline import Deadline, Step, UnableToComputeDeadline
from dsar.deadlines.events import Event
from dsar.deadlines.policy import POLICY, PROMISED_MONTHS
from dsar.deadlines.regimes import REGIMES, Regime

# The library of holidays ends in 2100; Regulation 1182/71, the oldest rule here, applies since 1971.
FIRST_YEAR, LAST_YEAR = 1971, 2100


def compute_deadline(
    *, regime: str, request_type: str, received_at: datetime, region: str = "", events: Sequence[Event] = ()
) -> Deadline:
    """The deadline of a request of `request_type` received at the aware instant `received_at`, under `regime`.

    `region` is a code of the regime's `regions`, "" its default. `events` may come in any order; those of one
    day are taken as given. Raises UnableToComputeDeadline, with the argument at fault in `field`.
    """
    law = _check(regime, request_type, received_at, region, events)
    code = region or law.default_region
    zone = law.regions[code].zone
    received_on = received_at.astimezone(ZoneInfo(zone)).date()
    for event in events:
        if event.on < received_on:
            raise UnableToComputeDeadline(
                "events", f"{event.kind}@{event.on} is before the day of receipt, {written(received_on)} in {zone}"
            )

    reckoned = law.reckon(received_on, code, sorted(events, key=lambda event: event.on))
    promised = add_months(received_on, PROMISED_MONTHS)
    statutory_due = reckoned.statutory_due
    target = promised if statutory_due is None else min(statutory_due, promised)
    steps = [_explain_receipt(received_at, received_on, zone, law), *reckoned.steps]
    if law.is_statutory:
        steps.append(_explain_target(promised, statutory_due))
    return Deadline(
        regime=regime,
        rule_version=law.rule_version,
        received_on=received_on,
        zone=zone,
        nominal_on=reckoned.nominal_on,
        statutory_due=statutory_due,
        statutory_due_at=end_of_day(statutory_due, zone) if statutory_due else None,
        service_target=target,
        service_target_at=end_of_day(target, zone),
        paused=reckoned.paused,
        due_if_pause_rejected=reckoned.due_if_pause_rejected,
        extension_notice_due=reckoned.extension_notice_due,
        steps=tuple(steps),
        holiday_data=reckoned.holiday_data,
    )


def _check(regime: str, request_type: str, received_at: datetime, region: str, events: Sequence[Event]) -> Regime:
    law = REGIMES.get(regime)
    if law is None:
        raise UnableToComputeDeadline("regime", f"unknown regime {regime!r}; known are {', '.join(REGIMES)}")
    if request_type not in law.request_types:
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
        if event.kind not in law.event_kinds:
            known = ", ".join(sorted(law.event_kinds)) or "none"
            raise UnableToComputeDeadline("events", f"{law.key} knows no event {event.kind!r}; it knows {known}")
        _check_year("events", event.kind, event.on)
    return law


def _check_year(field: str, what: str, day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise UnableToComputeDeadline(field, f"{what} {day}: the year must be from {FIRST_YEAR} to {LAST_YEAR}")


def _explain_receipt(received_at: datetime, received_on: date, zone: str, law: Regime) -> Step:
    in_utc = received_at.astimezone(UTC)
    was = "" if in_utc.date() == received_on else f", was {written(in_utc.date())} {in_utc:%H:%M} UTC"
    text = f"Received {written_with_weekday(received_on)} ({zone}{was}); that day is not counted"
    return Step("receipt", text, law.receipt_rule)


def _explain_target(promised: date, statutory_due: date | None) -> Step:
    if statutory_due is None:
        text = f"Service target: the promised month, to {written(promised)}, runs on while the legal clock stands still"
    elif statutory_due < promised:
        text = f"Service target: the legal date, {written(statutory_due)}, is before the promised month ends"
    else:
        text = f"Service target: {written_with_weekday(promised)}, the promised month, which nothing moves"
    return Step("service_target", text, POLICY)
