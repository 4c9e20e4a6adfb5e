"""EU GDPR Art 12(3): one month, two more with notice, suspended while the requester must prove who they are."""

from collections.abc import Sequence
from datetime import date, timedelta

from dsar.deadlines.case import Case
from dsar.deadlines.dates import add_months, explain_months, written
from dsar.deadlines.deadline import Reckoned, Step
from dsar.deadlines.events import Pause, days_paused
from dsar.deadlines.regions import UNKNOWN_MEMBER_STATE
from dsar.deadlines.working_days import Calendar, explain_move, holiday_data, next_working_day

PERIOD_MONTHS = 1
EXTENDED_MONTHS = 3  # from the start, not from the end of the first month

ART_12_3 = "Regulation (EU) 2016/679 Art 12(3)"
RECEIPT_RULE = "Regulation (EEC, Euratom) 1182/71 Art 3(1)"
MONTH_RULE = "Regulation (EEC, Euratom) 1182/71 Art 3(2)(c)"
LAST_DAY_RULE = "Regulation (EEC, Euratom) 1182/71 Art 3(4)"
# No text says how the days of a suspension are counted. Adding the days from asking to answering, before the end
# is moved to a working day, is the shortest reasonable reading.
SUSPENSION = "EDPB Guidelines 01/2022 s. 159; how its days are counted is our own reading"


def reckon_eu(case: Case) -> Reckoned:
    """The end of the period. A Member State that is not known has no holidays: the earlier, safe date."""
    calendar = Calendar("" if case.region == UNKNOWN_MEMBER_STATE else case.region)
    return _reckon(case.received_on, calendar, case.pauses, [notice.on for notice in case.notices()])


def _reckon(received_on: date, calendar: Calendar, pauses: Sequence[Pause], notices: Sequence[date]) -> Reckoned:
    effective, extended, notes = _judge_events(received_on, calendar, pauses, notices)
    unanswered = [pause for pause in effective if pause.answered_on is None]
    if unanswered:
        return _stand_still(received_on, calendar, pauses, notices, unanswered)

    months = EXTENDED_MONTHS if extended else PERIOD_MONTHS
    nominal_on, due = _last_day(received_on, calendar, months, effective, date.max)
    steps = [*notes, Step("month", explain_months(received_on, months), MONTH_RULE)]
    if paused_days := days_paused(effective, date.max):
        text = f"{_days(paused_days)} of suspension added: {written(nominal_on)}"
        steps.append(Step("suspension", text, SUSPENSION))
    steps.append(Step("working_day", explain_move(nominal_on, calendar), LAST_DAY_RULE))
    return Reckoned(
        nominal_on=nominal_on,
        statutory_due=due,
        steps=tuple(steps),
        extension_notice_due=None if extended else due,
        holiday_data=holiday_data(calendar),
    )


def _stand_still(
    received_on: date,
    calendar: Calendar,
    pauses: Sequence[Pause],
    notices: Sequence[date],
    unanswered: Sequence[Pause],
) -> Reckoned:
    """No date while an answer is awaited, only the one that holds if nobody accepts the suspension.

    The EDPB says there "may" be a suspension; Art 12(3) itself knows none.
    """
    rejected = _reckon(received_on, calendar, [pause for pause in pauses if pause.answered_on], notices)
    asked = " and ".join(f"{pause.asks_for} (asked {written(pause.asked_on)})" for pause in unanswered)
    text = (
        f"Waiting for {asked}: the clock stands still and there is no date. The steps below hold if that is contested"
    )
    return Reckoned(
        nominal_on=rejected.nominal_on,
        statutory_due=None,
        steps=(Step("paused", text, SUSPENSION), *rejected.steps),
        paused=True,
        due_if_pause_rejected=rejected.statutory_due,
        holiday_data=rejected.holiday_data,
    )


def _judge_events(
    received_on: date, calendar: Calendar, pauses: Sequence[Pause], notices: Sequence[date]
) -> tuple[list[Pause], bool, list[Step]]:
    """Which pauses count, whether the period is extended, and a step for each event that says so.

    Each is held against the last day as it stood on its own date: nothing revives a period that has ended, and the
    working day to which the last day moved is still in time, because Art 3(4) is about the notice as well.
    """
    effective: list[Pause] = []
    extended = False
    steps: list[Step] = []
    in_order: list[tuple[date, Pause | None]] = [(pause.asked_on, pause) for pause in pauses]
    in_order += [(sent_on, None) for sent_on in notices]
    for on, pause in sorted(in_order, key=lambda dated: dated[0]):
        if pause is None:
            _, last_day = _last_day(received_on, calendar, PERIOD_MONTHS, effective, on)
            accepted = not extended and on <= last_day
            steps.append(Step("extension", _explain_notice(on, last_day, extended), ART_12_3))
            extended = extended or accepted
        else:
            months = EXTENDED_MONTHS if extended else PERIOD_MONTHS
            _, last_day = _last_day(received_on, calendar, months, effective, on)
            steps.append(Step("question", _explain_question(pause, last_day), SUSPENSION))
            if pause.reason != "fee" and on <= last_day:
                effective.append(pause)
    return effective, extended, steps


def _last_day(
    received_on: date, calendar: Calendar, months: int, pauses: Sequence[Pause], as_known_on: date
) -> tuple[date, date]:
    """The nominal end and the working day it moves to, with the days paused before `as_known_on`."""
    nominal_on = add_months(received_on, months) + timedelta(days=days_paused(pauses, as_known_on))
    return nominal_on, next_working_day(nominal_on, calendar)


def _explain_notice(sent_on: date, last_day: date, extended: bool) -> str:
    if extended:
        return f"Second extension notice of {written(sent_on)}: no effect, there is only one extension of two months"
    if sent_on > last_day:
        return f"Extension notice of {written(sent_on)}: no effect, the last day for it was {written(last_day)}"
    return f"Extension notice of {written(sent_on)}, in time until {written(last_day)}: three months from receipt"


def _explain_question(pause: Pause, last_day: date) -> str:
    asked = f"{pause.asks_for.capitalize()} asked {written(pause.asked_on)}"
    if pause.reason == "fee":
        return f"{asked}: a fee does not stop this clock"
    if pause.asked_on > last_day:
        return f"{asked}: no effect, the period had ended on {written(last_day)}"
    if pause.answered_on is None:
        return f"{asked}, not answered yet"
    paused_days = days_paused([pause], date.max)
    return f"{asked}, answered {written(pause.answered_on)}: the clock stood still for {_days(paused_days)}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
