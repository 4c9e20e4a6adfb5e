"""Laws that count days from receipt and nothing else: never moved to a working day, never stopped.

Regulators read "45 days" strictly, so a last day on a Sunday is kept: the earlier date, and the safe one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from dsar.deadlines.case import Case
from dsar.deadlines.dates import written, zone_info
from dsar.deadlines.day_counts import count_days, explain_notices
from dsar.deadlines.deadline import Reckoned, Step
from dsar.deadlines.working_days import (
    Calendar,
    add_working_days,
    explain_working_days,
    holiday_data,
)


@dataclass(frozen=True)
class DayCount:
    """`days` from receipt, and `more` once with a notice inside them. `source` is the provision.

    With `until_stated` the notice itself names the new date, of any length.
    """

    days: int
    source: str
    more: int = 0
    until_stated: bool = False


def _all(types: str, count: DayCount) -> dict[str, DayCount]:
    return dict.fromkeys(types.split(), count)


DATA_RIGHTS = "access rectification erasure portability"
STATE_RIGHTS = "access rectification erasure portability objection opt_out"

BRAZIL = {"access": DayCount(15, "LGPD Art 19(II), the complete answer")}
BRAZIL_AT_ONCE = "LGPD Art 18 §4"
CANADA = _all("access rectification", DayCount(30, "PIPEDA s. 8(3), (4)", more=30))
SINGAPORE = _all(
    "access rectification", DayCount(30, "Personal Data Protection Regulations 2021 reg. 5", until_stated=True)
)
AUSTRALIA = _all(
    "access rectification", DayCount(30, "Privacy Act 1988, APP 12.4: a reasonable period, 30 days in practice")
)
INDIA = _all("access rectification erasure", DayCount(90, "DPDP Rules 2025 r. 14(3)"))
INDIA_IN_FORCE = date(2027, 5, 13)  # 18 months after the Rules were published in mid-November 2025
SWITZERLAND = _all(
    "access rectification erasure portability restriction objection",
    DayCount(30, "Data Protection Ordinance Art 18", until_stated=True),
)
VIRGINIA = {**_all(STATE_RIGHTS, DayCount(45, "Va. Code 59.1-577(B)(1)", more=45)),
            "appeal": DayCount(60, "Va. Code 59.1-577(C)")}  # fmt: skip
COLORADO = {**_all(STATE_RIGHTS, DayCount(45, "C.R.S. 6-1-1306(2)", more=45)),
            "appeal": DayCount(45, "C.R.S. 6-1-1306(3)", more=60)}  # fmt: skip
# The shorter periods: a processor that must act too gives some days more.
VIETNAM = {
    **_all("access rectification", DayCount(10, "Decree 356/2025 Art 5(3)", more=10)),
    **_all("withdraw_consent restriction objection", DayCount(15, "Decree 356/2025 Art 5(2)", more=15)),
    "erasure": DayCount(20, "Decree 356/2025 Art 5(4)", more=20),
}
VIETNAM_REPLY_WORKING_DAYS = 2
SAUDI_ARABIA = _all(
    "access rectification erasure portability withdraw_consent",
    DayCount(30, "PDPL Implementing Regulation Art 3", more=30),
)
TAIWAN = {
    "access": DayCount(15, "PDPA Art 13(1)", more=15),
    **_all("rectification erasure restriction", DayCount(30, "PDPA Art 13(2)", more=30)),
}
INDONESIA_HOURS = 3 * 24
INDONESIA = "access rectification withdraw_consent restriction"
INDONESIA_SOURCE = "UU 27/2022 Arts 30, 32, 40, 41"


@dataclass(frozen=True)
class Preset:
    """The day counts of one law by type of request; its function is `reckon`."""

    counts: Mapping[str, DayCount]

    def reckon(self, case: Case) -> Reckoned:
        """The last day, with the extension that was noticed in time."""
        count = self.counts[case.request_type]
        base = case.received_on + timedelta(days=count.days)
        if count.until_stated:
            notices, due = _until_stated(case, base, count.source)
            extended = due != base
            counted = count_days(case, count.days, count.source)[1]
        elif not count.more:
            notices = [
                Step(
                    "extension", f"Extension notice of {written(each.on)}: no effect, there is none here", count.source
                )
                for each in case.notices()
            ]
            extended = True  # as if: no notice can be given
            due, counted = count_days(case, count.days, count.source)
        else:
            total = count.days + count.more
            notices, extended = explain_notices(case, base, f"{total} days from receipt", count.source)
            due, counted = count_days(case, total if extended else count.days, count.source)
        return Reckoned(
            nominal_on=due,
            statutory_due=due,
            steps=(*explain_questions(case, count.source), *notices, counted),
            extension_notice_due=None if extended else base,
        )


def reckon_brazil(case: Case) -> Reckoned:
    """15 days for the complete answer to an access request; what else is asked is due at once, without a date."""
    if case.request_type in BRAZIL:
        return Preset(BRAZIL).reckon(case)
    text = "Due at once, or say why it cannot be done: the law gives no number of days"
    return Reckoned(
        nominal_on=case.received_on,
        statutory_due=None,
        steps=(*explain_questions(case, BRAZIL_AT_ONCE), Step("at_once", text, BRAZIL_AT_ONCE)),
    )


def reckon_india(case: Case) -> Reckoned:
    """At most 90 days once the Rules are in force; before that the promise alone."""
    if case.received_on >= INDIA_IN_FORCE:
        return Preset(INDIA).reckon(case)
    text = f"Not in force before {written(INDIA_IN_FORCE)}: only the promise holds"
    step = Step("not_in_force", text, INDIA["access"].source)
    return Reckoned(nominal_on=case.received_on, statutory_due=None, steps=(step,))


def reckon_vietnam(case: Case) -> Reckoned:
    """The days of the law, and a first reply within two working days."""
    calendar = Calendar("VN")
    reckoned = Preset(VIETNAM).reckon(case)
    by = add_working_days(case.received_on, VIETNAM_REPLY_WORKING_DAYS, calendar)
    words = explain_working_days(case.received_on, VIETNAM_REPLY_WORKING_DAYS, calendar)
    reply = Step("acknowledge", f"First reply: {words}", VIETNAM[case.request_type].source)
    return Reckoned(
        nominal_on=reckoned.nominal_on,
        statutory_due=reckoned.statutory_due,
        steps=(*reckoned.steps, reply),
        acknowledge_by=by,
        extension_notice_due=reckoned.extension_notice_due,
        holiday_data=holiday_data(calendar),
    )


def reckon_indonesia(case: Case) -> Reckoned:
    """72 hours to the minute, whatever days they fall on."""
    due_at = case.received_at.astimezone(UTC) + timedelta(hours=INDONESIA_HOURS)
    local = due_at.astimezone(zone_info(case.zone))
    text = f"{INDONESIA_HOURS} hours after receipt: {written(local.date())} {local:%H:%M}"
    steps = (*explain_questions(case, INDONESIA_SOURCE), Step("hours", text, INDONESIA_SOURCE))
    return Reckoned(nominal_on=local.date(), statutory_due=local.date(), statutory_due_at=due_at, steps=steps)


def explain_questions(case: Case, source: str) -> list[Step]:
    """A step for each question put to the requester: none stops the days."""
    return [
        Step("question", f"{pause.asks_for.capitalize()} asked {written(pause.asked_on)}: it does not stop the days", source)
        for pause in case.pauses
    ]  # fmt: skip


def _until_stated(case: Case, last_day: date, source: str) -> tuple[list[Step], date]:
    """A step for each notice, and the date that the first one in time has named; `last_day` if none has."""
    steps: list[Step] = []
    due = last_day
    for notice in case.notices():
        if due != last_day:
            text = "no effect, a new date was named before"
        elif notice.on > last_day:
            text = f"no effect, the last day for it was {written(last_day)}"
        elif notice.until is None or notice.until <= last_day:
            text = "no effect, it names no later date"
        else:
            text, due = f"in time until {written(last_day)}, names {written(notice.until)}", notice.until
        steps.append(Step("extension", f"Notice of {written(notice.on)}: {text}", source))
    return steps, due
