"""The privacy policy's promise to everybody: one month."""

from datetime import date, datetime, timedelta

from dsar.deadlines.case import Case
from dsar.deadlines.dates import add_months, explain_months, written, zone_info
from dsar.deadlines.deadline import Reckoned, Step

POLICY = "Privacy policy, section 6.7"
CHILDREN = "Privacy policy, section 8"
PROMISED_MONTHS = 1
PROMISED_HOURS = {"child": 72}  # from receipt, by type of request


def promise_of(case: Case) -> tuple[date, datetime | None]:
    """Return the promised day, and the instant where the promise is one of hours: then not the end of the day."""
    if hours := PROMISED_HOURS.get(case.request_type):
        at = case.received_at.astimezone(zone_info(case.zone)) + timedelta(hours=hours)
        return at.date(), at
    return add_months(case.received_on, PROMISED_MONTHS), None


def reckon_policy(case: Case) -> Reckoned:
    """One month from receipt, kept on weekends and holidays. No statute, hence no statutory date and no events."""
    promised, at = promise_of(case)
    if at:
        text = (
            f"{PROMISED_HOURS[case.request_type]} hours from receipt: {written(promised)}, {at:%H:%M}. Nothing moves it"
        )
        return Reckoned(nominal_on=promised, statutory_due=None, steps=(Step("hours", text, CHILDREN),))
    text = f"{explain_months(case.received_on, PROMISED_MONTHS)}. Weekends and holidays do not move it"
    return Reckoned(nominal_on=promised, statutory_due=None, steps=(Step("month", text, POLICY),))
