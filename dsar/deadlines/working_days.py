"""Working days: the weekly days of rest, public holidays, and the move of a last day that is neither.

The holidays come from the pinned library `holidays`, only what is a public holiday for everybody: its other categories
hold bank, school, half and customary days, and regional days apply to part of a country. A holiday too many makes a
date too late, one too few only makes it early. For the same reason the days off that Hungary, Latvia, Vietnam and
others swap against a worked Saturday are left out: no statute calls them public holidays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from types import MappingProxyType

import holidays

from dsar.deadlines.dates import WEEKDAYS, written, written_with_weekday

SWAPPED_DAY_OFF = "(substituted from "  # how the library marks them in English
# Hong Kong's National Day on a Sunday gives one day more, the Monday. The library has that one as "National Day
# (observed)", and adds the Tuesday by this name: an eighteenth general holiday, which no list of the year has.
ONE_TOO_MANY = "The day following National Day"
WEEKENDS_ONLY = "weekends only"
WEEKEND = frozenset({5, 6})
SUNDAY = frozenset({6})


@dataclass(frozen=True)
class Calendar:
    """Which days are no working days.

    `country` is an ISO 3166-1 code, "" where it is not known: no holidays then. `part` is the part of an ISO 3166-2 code
    after the country. `rest` holds the weekdays of rest (Monday is 0). `closed` holds single days with their reasons.
    """

    country: str = ""
    part: str = ""
    rest: frozenset[int] = WEEKEND
    categories: tuple[str, ...] = (holidays.PUBLIC,)
    closed: Mapping[date, str] = field(default_factory=lambda: MappingProxyType({}))

    def closed_on(self, days: Mapping[date, str]) -> "Calendar":
        """The same calendar with more single days closed."""
        return replace(self, closed=MappingProxyType({**self.closed, **days})) if days else self


# General holidays are the library's "public" (statutory) days and its "optional" ones; every Sunday is one too, and an
# ordinary Saturday is not (Cap. 149).
HONG_KONG = Calendar("HK", rest=SUNDAY, categories=(holidays.PUBLIC, holidays.OPTIONAL))


@cache
def public_holidays(
    country: str, year: int, part: str = "", categories: tuple[str, ...] = (holidays.PUBLIC,)
) -> dict[date, str]:
    """Public holidays of one country, or of one part of it, in one year, with their English names.

    Empty for years before the library's data begins (Spain 2008, Germany 1991, the others earlier) and after
    2100: only weekends count then, which gives the earlier date.
    """
    found = holidays.country_holidays(
        country, subdiv=part or None, years=year, language="en_US", categories=categories
    ).items()
    return {day: name for day, name in found if SWAPPED_DAY_OFF not in name and name != ONE_TOO_MANY}


def holiday_data(calendar: Calendar) -> str:
    """Which holidays a date rests on: "holidays 0.109 DE", or "weekends only" when the country is not known."""
    if not calendar.country:
        return WEEKENDS_ONLY
    where = f"{calendar.country}-{calendar.part}" if calendar.part else calendar.country
    return f"holidays {holidays.__version__} {where}"


def why_no_working_day(day: date, calendar: Calendar) -> str:
    """Why `day` is no working day ("a Sunday", "Good Friday"), or "" if it is one."""
    if day.weekday() in calendar.rest:
        return f"a {WEEKDAYS[day.weekday()]}"
    if reason := calendar.closed.get(day):
        return reason
    if not calendar.country:
        return ""
    return public_holidays(calendar.country, day.year, calendar.part, calendar.categories).get(day, "")


def next_working_day(day: date, calendar: Calendar) -> date:
    """`day` itself if it is a working day, otherwise the first one after it."""
    while why_no_working_day(day, calendar):
        day += timedelta(days=1)
    return day


def add_working_days(day: date, count: int, calendar: Calendar) -> date:
    """The `count`-th working day after `day`, which is not counted itself."""
    for _ in range(count):
        day = next_working_day(day + timedelta(days=1), calendar)
    return day


def explain_move(day: date, calendar: Calendar) -> str:
    """What `next_working_day` does with `day`, in words."""
    moved = next_working_day(day, calendar)
    if moved == day:
        return f"{written_with_weekday(day)} is a working day: it stays"
    return f"{_explain_skipped(day, moved, calendar)}: moved to {written_with_weekday(moved)}"


def explain_working_days(start: date, count: int, calendar: Calendar) -> str:
    """What `add_working_days` does with `start`, in words; ordinary days of rest are passed over in silence."""
    end = add_working_days(start, count, calendar)
    days = [start + timedelta(days=n) for n in range(1, (end - start).days)]
    reasons = [
        f"{written(day)} is {reason}"
        for day in days
        if day.weekday() not in calendar.rest and (reason := why_no_working_day(day, calendar))
    ]
    not_counted = f" ({', '.join(reasons)})" if reasons else ""
    return f"Working day {count} after {written(start)} is {written_with_weekday(end)}{not_counted}"


def _explain_skipped(day: date, moved: date, calendar: Calendar) -> str:
    skipped = [day + timedelta(days=n) for n in range((moved - day).days)]
    return ", ".join(f"{written(each)} is {why_no_working_day(each, calendar)}" for each in skipped)
