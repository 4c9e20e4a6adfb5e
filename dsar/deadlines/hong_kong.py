"""Hong Kong: 40 days under the Personal Data (Privacy) Ordinance, ten working days for an unsubscribe request."""

from datetime import timedelta

from dsar.deadlines.case import Case
from dsar.deadlines.dates import written, written_with_weekday
from dsar.deadlines.day_counts import count_days
from dsar.deadlines.deadline import Reckoned, Step
from dsar.deadlines.events import weather_days
from dsar.deadlines.working_days import (
    HONG_KONG,
    add_working_days,
    explain_move,
    explain_working_days,
    holiday_data,
    next_working_day,
)

PDPO_DAYS = 40
UEMO_WORKING_DAYS = 10

LAST_DAY_RULE = "Cap. 1 s. 71"
SECTIONS = {"access": "Cap. 486 s. 19(1)", "rectification": "Cap. 486 s. 23(1)"}
UNSUBSCRIBE = "Cap. 593 s. 10(2)"


def reckon_pdpo(case: Case) -> Reckoned:
    """40 days, moved off general holidays, Sundays and days of a gale or black rainstorm warning. Nothing stops them.

    Who is not identified by then must be refused in writing, and the refusal entered in the log first (ss. 20, 21, 27).
    """
    calendar = HONG_KONG.closed_on(weather_days(case.events))
    nominal_on, counted = count_days(case, PDPO_DAYS, SECTIONS[case.request_type])
    due = next_working_day(nominal_on, calendar)
    steps = [
        *_explain_questions(case),
        *_explain_notices(case),
        counted,
        Step("working_day", explain_move(nominal_on, calendar), LAST_DAY_RULE),
    ]
    if unproved := [pause for pause in case.pauses if pause.reason == "identity" and pause.answered_on is None]:
        text = (
            f"Proof of identity asked {written(unproved[-1].asked_on)} is still missing: refuse in writing by "
            f"{written_with_weekday(due)}, and enter the refusal in the log before"
        )
        steps.append(Step("refuse", text, "Cap. 486 ss. 20(1)(a), 21(1), 27"))
    return Reckoned(nominal_on=nominal_on, statutory_due=due, steps=tuple(steps), holiday_data=holiday_data(calendar))


def reckon_uemo(case: Case) -> Reckoned:
    """Commercial messages stop by the tenth working day. Saturdays count, which gives the earlier date."""
    calendar = HONG_KONG.closed_on(weather_days(case.events))
    due = add_working_days(case.received_on, UEMO_WORKING_DAYS, calendar)
    text = explain_working_days(case.received_on, UEMO_WORKING_DAYS, calendar)
    steps = (Step("working_days", f"{text}. Stop at once all the same", UNSUBSCRIBE),)
    return Reckoned(nominal_on=due, statutory_due=due, steps=steps, holiday_data=holiday_data(calendar))


def _explain_questions(case: Case) -> list[Step]:
    return [
        Step(
            "question",
            f"{pause.asks_for.capitalize()} asked {written(pause.asked_on)}: nothing stops the {PDPO_DAYS} days",
            "Cap. 486 s. 28(5)" if pause.reason == "fee" else SECTIONS[case.request_type],
        )
        for pause in case.pauses
    ]


def _explain_notices(case: Case) -> list[Step]:
    last = case.received_on + timedelta(days=PDPO_DAYS)
    return [
        Step(
            "extension",
            f"Notice of {written(notice.on)}: no new date. By day {PDPO_DAYS}, {written(last)} at the earliest, answer "
            "what you can; the rest follows as soon as practicable",
            "Cap. 486 s. 19(2)",
        )
        for notice in case.notices()
    ]
