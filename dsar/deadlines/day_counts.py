"""Periods of so many calendar days from receipt: what the laws that count days share."""

from datetime import date, timedelta

from dsar.deadlines.case import Case
from dsar.deadlines.dates import written, written_with_weekday
from dsar.deadlines.deadline import Step


def count_days(case: Case, days: int, source: str) -> tuple[date, Step]:
    """The day `days` after receipt, and the step that says so."""
    due = case.received_on + timedelta(days=days)
    return due, Step("days", f"Day {days} after {written(case.received_on)} is {written_with_weekday(due)}", source)


def explain_notices(case: Case, last_day: date, effect: str, source: str) -> tuple[list[Step], bool]:
    """A step for each extension notice, and whether one of them came by `last_day`. There is only one extension."""
    steps: list[Step] = []
    extended = False
    for notice in case.notices():
        if extended:
            text = "no effect, there is only one extension"
        elif notice.on > last_day:
            text = f"no effect, the last day for it was {written(last_day)}"
        else:
            text, extended = f"in time until {written(last_day)}: {effect}", True
        steps.append(Step("extension", f"Extension notice of {written(notice.on)}: {text}", source))
    return steps, extended
