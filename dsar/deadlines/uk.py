"""UK GDPR Art 12A: one month from the relevant time, two more with notice, days of clarification not counted.

And the acknowledgement of a data protection complaint, DPA 2018 s. 164A.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dsar.deadlines.case import Case
from dsar.deadlines.dates import add_months, explain_months, written
from dsar.deadlines.deadline import Reckoned, Step
from dsar.deadlines.events import Pause, days_excluded
from dsar.deadlines.working_days import Calendar, explain_move, holiday_data, next_working_day

PERIOD_MONTHS = 1
EXTENDED_MONTHS = 3  # "three months from the original start date" (ICO)
COMPLAINT_DAYS = 30

ART_12A = "UK GDPR Art 12A"
RELEVANT_TIME = "UK GDPR Art 12A(2)"
CLARIFICATION = "UK GDPR Art 12A(5)"
TIME_RULE = "UK GDPR Art 4A; Regulation 1182/71 Art 3"
COMPLAINT = "Data Protection Act 2018 s. 164A"


@dataclass(frozen=True)
class _Clock:
    """How far the events have been read: the relevant time, what is open, what does not count, whether it is extended."""

    start: date
    calendar: Calendar
    waiting: tuple[Pause, ...] = ()  # identity or fee: the period has not begun
    excluded: tuple[Pause, ...] = ()  # clarification
    extended: bool = False

    def last_day(self, months: int, as_known_on: date) -> tuple[date, date]:
        """The nominal end, and the working day it moves to."""
        days = days_excluded(self.excluded, after=self.start, until=as_known_on)
        nominal_on = add_months(self.start, months) + timedelta(days=days)
        return nominal_on, next_working_day(nominal_on, self.calendar)

    def has_ended(self, on: date, *, months: int | None = None) -> bool:
        """Whether the period was over before `on`. It cannot be while it has not begun."""
        if any(pause.answered_on is None or pause.answered_on > on for pause in self.waiting):
            return False
        _, last = self.as_of(on).last_day(months or self.months, on)
        return on > last

    def as_of(self, on: date) -> "_Clock":
        """The clock with the relevant time that identity information and fees received by `on` have set."""
        answers = [pause.answered_on for pause in self.waiting if pause.answered_on and pause.answered_on <= on]
        return replace(self, start=max([self.start, *answers]))

    @property
    def months(self) -> int:
        return EXTENDED_MONTHS if self.extended else PERIOD_MONTHS


def reckon_uk(case: Case) -> Reckoned:
    """The end of the period. England and Wales unless the requester is in Scotland or Northern Ireland."""
    return _reckon(case, calendar_of(case.region), case.pauses)


def reckon_complaint(case: Case) -> Reckoned:
    """Acknowledge within 30 days, the day after receipt being the first; then answer without undue delay: no date."""
    calendar = calendar_of(case.region)
    nominal_on = case.received_on + timedelta(days=COMPLAINT_DAYS)
    by = next_working_day(nominal_on, calendar)
    steps = (
        Step("acknowledge", f"Day {COMPLAINT_DAYS} after {written(case.received_on)} is {written(nominal_on)}", COMPLAINT),
        Step("working_day", explain_move(nominal_on, calendar), TIME_RULE),
        Step("outcome", "The outcome is due without undue delay: the law gives no date for it", COMPLAINT),
    )  # fmt: skip
    return Reckoned(
        nominal_on=nominal_on, statutory_due=None, acknowledge_by=by, steps=steps, holiday_data=holiday_data(calendar)
    )


def calendar_of(region: str) -> Calendar:
    """The bank holidays of a nation: "GB-SCT" gives Scotland's; "GB" stands for England and Wales."""
    return Calendar("GB", part=region.partition("-")[2] or "ENG")


def _reckon(case: Case, calendar: Calendar, pauses: Sequence[Pause]) -> Reckoned:
    clock, notes = _judge_events(case, calendar, pauses)
    unanswered = [pause for pause in (*clock.waiting, *clock.excluded) if pause.answered_on is None]
    if unanswered:
        return _stand_still(case, calendar, pauses, unanswered)

    clock = clock.as_of(date.max)
    nominal_on, due = clock.last_day(clock.months, date.max)
    steps = [*notes]
    if clock.start != case.received_on:
        steps.append(Step("relevant_time", f"The period runs from {written(clock.start)}", RELEVANT_TIME))
    steps.append(Step("month", explain_months(clock.start, clock.months), TIME_RULE))
    if days := days_excluded(clock.excluded, after=clock.start, until=date.max):
        counted = "1 day does" if days == 1 else f"{days} days do"
        steps.append(Step("excluded", f"{counted} not count while clarifying: {written(nominal_on)}", CLARIFICATION))
    steps.append(Step("working_day", explain_move(nominal_on, calendar), TIME_RULE))
    return Reckoned(
        nominal_on=nominal_on,
        statutory_due=due,
        steps=tuple(steps),
        extension_notice_due=None if clock.extended else due,
        holiday_data=holiday_data(calendar),
    )


def _stand_still(case: Case, calendar: Calendar, pauses: Sequence[Pause], unanswered: Sequence[Pause]) -> Reckoned:
    """No date while an answer is awaited, only the one that holds if the question is found to have been needless."""
    rejected = _reckon(case, calendar, [pause for pause in pauses if pause not in unanswered])
    asked = " and ".join(f"{pause.asks_for} (asked {written(pause.asked_on)})" for pause in unanswered)
    text = f"Waiting for {asked}: there is no date yet. The steps below hold if the question was not needed"
    return Reckoned(
        nominal_on=rejected.nominal_on,
        statutory_due=None,
        steps=(Step("paused", text, ART_12A), *rejected.steps),
        paused=True,
        due_if_pause_rejected=rejected.statutory_due,
        holiday_data=rejected.holiday_data,
    )


def _judge_events(case: Case, calendar: Calendar, pauses: Sequence[Pause]) -> tuple[_Clock, list[Step]]:
    """Which events count, each held against the last day as it stood on its own date, and a step for each."""
    clock = _Clock(start=case.received_on, calendar=calendar)
    steps: list[Step] = []
    in_order: list[tuple[date, Pause | None]] = [(pause.asked_on, pause) for pause in pauses]
    in_order += [(notice.on, None) for notice in case.notices()]
    for on, pause in sorted(in_order, key=lambda dated: dated[0]):
        if pause is None:
            accepted = not clock.extended and not clock.has_ended(on, months=PERIOD_MONTHS)
            steps.append(Step("extension", _explain_notice(clock, on, accepted), "UK GDPR Art 12A(3)"))
            clock = replace(clock, extended=clock.extended or accepted)
            continue
        if clock.has_ended(on):
            steps.append(Step("question", f"{_asked(pause)}: no effect, the period had ended", ART_12A))
        elif pause.reason != "clarification":
            clock = replace(clock, waiting=(*clock.waiting, pause))
            steps.append(Step("question", f"{_asked(pause)}: the period runs from its receipt", RELEVANT_TIME))
        elif case.request_type == "access":
            clock = replace(clock, excluded=(*clock.excluded, pause))
            steps.append(Step("question", f"{_asked(pause)}: these days do not count", CLARIFICATION))
        else:
            text = f"{_asked(pause)}: no effect, only a request for access can be clarified"
            steps.append(Step("question", text, CLARIFICATION))
    return clock, steps


def _explain_notice(clock: _Clock, sent_on: date, accepted: bool) -> str:
    if accepted:
        return f"Extension notice of {written(sent_on)}, in time: three months from the start of the period"
    if clock.extended:
        return f"Second extension notice of {written(sent_on)}: no effect, there is only one extension of two months"
    _, last = clock.as_of(sent_on).last_day(PERIOD_MONTHS, sent_on)
    return f"Extension notice of {written(sent_on)}: no effect, the last day for it was {written(last)}"


def _asked(pause: Pause) -> str:
    answered = f", received {written(pause.answered_on)}" if pause.answered_on else ", not received yet"
    return f"{pause.asks_for.capitalize()} asked {written(pause.asked_on)}{answered}"
