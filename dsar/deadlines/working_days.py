"""Working days: weekends, national public holidays, and the move of a last day that is neither.

The holidays come from the pinned library `holidays`, only its category `public` and only the national ones:
its other categories hold bank, school, half and customary days, and regional days apply to part of a country.
A holiday too many makes a date too late, one too few only makes it early. For the same reason the days off that
Hungary, Latvia and others swap against a worked Saturday are left out: no statute calls them public holidays.
"""

from datetime import date, timedelta
from functools import cache

import holidays

from dsar.deadlines.dates import WEEKDAYS, written, written_with_weekday

SWAPPED_DAY_OFF = "(substituted from "  # how the library marks them in English
WEEKENDS_ONLY = "weekends only"


@cache
def public_holidays(country: str, year: int) -> dict[date, str]:
    """National public holidays of one country (ISO 3166-1 code) in one year, with their English names.

    Empty for years before the library's data begins (Spain 2008, Germany 1991, the others earlier) and after
    2100: only weekends count then, which gives the earlier date.
    """
    return {
        day: name
        for day, name in holidays.country_holidays(
            country, years=year, language="en_US", categories=(holidays.PUBLIC,)
        ).items()
        if SWAPPED_DAY_OFF not in name
    }


def holiday_data(country: str | None) -> str:
    """Which holidays a date rests on: "holidays 0.109 DE", or "weekends only" when the country is not known."""
    return f"holidays {holidays.__version__} {country}" if country else WEEKENDS_ONLY


def why_no_working_day(day: date, country: str | None) -> str:
    """Why `day` is no working day ("a Sunday", "Good Friday"), or "" if it is one. Without a country, weekends only."""
    if day.weekday() >= 5:
        return f"a {WEEKDAYS[day.weekday()]}"
    return public_holidays(country, day.year).get(day, "") if country else ""


def next_working_day(day: date, country: str | None) -> date:
    """`day` itself if it is a working day, otherwise the first one after it."""
    while why_no_working_day(day, country):
        day += timedelta(days=1)
    return day


def explain_move(day: date, country: str | None) -> str:
    """What `next_working_day` does with `day`, in words."""
    moved = next_working_day(day, country)
    if moved == day:
        return f"{written_with_weekday(day)} is a working day: it stays"
    skipped = [day + timedelta(days=n) for n in range((moved - day).days)]
    reasons = ", ".join(f"{written(each)} is {why_no_working_day(each, country)}" for each in skipped)
    return f"{reasons}: moved to {written_with_weekday(moved)}"
