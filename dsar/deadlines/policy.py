"""The privacy policy's promise to everybody: one month."""

from dsar.deadlines.case import Case
from dsar.deadlines.dates import add_months, explain_months
from dsar.deadlines.deadline import Reckoned, Step

POLICY = "Privacy policy, section 6.7"
PROMISED_MONTHS = 1


def reckon_policy(case: Case) -> Reckoned:
    """One month from receipt, kept on weekends and holidays. No statute, hence no statutory date and no events."""
    promised = add_months(case.received_on, PROMISED_MONTHS)
    text = f"{explain_months(case.received_on, PROMISED_MONTHS)}. Weekends and holidays do not move it"
    return Reckoned(nominal_on=promised, statutory_due=None, steps=(Step("month", text, POLICY),))
