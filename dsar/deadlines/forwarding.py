"""By when a client's part of a request is passed on: working days in Hong Kong, where Callmama works."""

from datetime import date, datetime

from dsar.deadlines.dates import end_of_day, zone_info
from dsar.deadlines.working_days import HONG_KONG, add_working_days, explain_working_days

ZONE = "Asia/Hong_Kong"


def forward_by(received_at: datetime, days: int) -> tuple[date, datetime, str]:
    """Return the last day, the instant at which it is over (UTC), and how it comes about.

    Passing on is due without delay (GDPR Art 28(3)(e)); two working days are the rule, unless a contract has its own. An
    ordinary Saturday counts, which gives the earlier date.
    """
    received_on = received_at.astimezone(zone_info(ZONE)).date()
    last_day = add_working_days(received_on, days, HONG_KONG)
    return last_day, end_of_day(last_day, ZONE), explain_working_days(received_on, days, HONG_KONG)
