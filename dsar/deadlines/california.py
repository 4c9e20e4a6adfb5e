"""California, CCPA regulations (11 CCR): 45 calendar days from receipt, 45 more with notice, never moved by a holiday."""

from datetime import date, timedelta

from dsar.deadlines.case import Case
from dsar.deadlines.dates import written, written_with_weekday
from dsar.deadlines.day_counts import count_days, explain_notices
from dsar.deadlines.deadline import Reckoned, Step
from dsar.deadlines.working_days import (
    Calendar,
    add_working_days,
    explain_working_days,
    holiday_data,
    next_working_day,
)

DAYS = 45
EXTENSION_DAYS = 45  # once: at most 90 from the day of receipt
CONFIRM_WORKING_DAYS = 10
OPT_OUT_WORKING_DAYS = 15
OPT_OUTS = ("opt_out", "limit")
# The regulations do not say what a business day is. California's own holidays would make the time longer.
FEDERAL = Calendar("US")

TIMELINES = "11 CCR 7021"
ROLLING = "Cal. Code Civ. Proc. 12a; a defence, not the due date"


def reckon_california(case: Case) -> Reckoned:
    """The last day, the last day to confirm receipt, and the day that California's general rule would defend."""
    if case.request_type in OPT_OUTS:
        return _opt_out(case)
    steps = [*_explain_questions(case), *_explain_second_step(case)]
    notices, extended = explain_notices(
        case, case.received_on + timedelta(days=DAYS), "90 days from receipt", TIMELINES
    )
    days = DAYS + EXTENSION_DAYS if extended else DAYS
    due, counted = count_days(case, days, TIMELINES)
    confirm_by = add_working_days(case.received_on, CONFIRM_WORKING_DAYS, FEDERAL)
    confirm = explain_working_days(case.received_on, CONFIRM_WORKING_DAYS, FEDERAL)
    latest = next_working_day(due, FEDERAL)
    steps += [
        *notices,
        counted,
        Step("acknowledge", f"Confirm receipt: {confirm}", f"{TIMELINES}(a)"),
        *_explain(due, latest),
    ]
    return Reckoned(
        nominal_on=due,
        statutory_due=due,
        steps=tuple(steps),
        acknowledge_by=confirm_by,
        extension_notice_due=None if extended else due,
        legal_latest=latest,
        holiday_data=holiday_data(FEDERAL),
    )


def _opt_out(case: Case) -> Reckoned:
    """As soon as feasible, on the 15th business day at the latest; nobody is verified and nothing can be extended."""
    source = "11 CCR 7026(f)" if case.request_type == "opt_out" else "11 CCR 7027(g)"
    due = add_working_days(case.received_on, OPT_OUT_WORKING_DAYS, FEDERAL)
    steps = [
        *_explain_questions(case),
        *(Step("extension", f"Extension notice of {written(notice.on)}: no effect, there is none here", source)
          for notice in case.notices()),
        Step("working_days", explain_working_days(case.received_on, OPT_OUT_WORKING_DAYS, FEDERAL), source),
    ]  # fmt: skip
    return Reckoned(
        nominal_on=due, statutory_due=due, steps=tuple(steps), legal_latest=due, holiday_data=holiday_data(FEDERAL)
    )


def _explain_questions(case: Case) -> list[Step]:
    return [
        Step(
            "question",
            f"{pause.asks_for.capitalize()} asked {written(pause.asked_on)}: the days run on, whatever verifying takes",
            f"{TIMELINES}(b)",
        )
        for pause in case.pauses
    ]


def _explain_second_step(case: Case) -> list[Step]:
    return [
        Step("confirm", f"Confirmed {written(event.on)}: the days run from the first step all the same", "11 CCR 7020(d)")
        for event in case.events
        if event.kind == "confirm"
    ]  # fmt: skip


def _explain(due: date, latest: date) -> list[Step]:
    if latest == due:
        return []
    text = f"{written_with_weekday(due)} is kept; a rule for Saturdays and holidays would allow {written(latest)}"
    return [Step("legal_latest", text, ROLLING)]
