"""Calendar arithmetic and how a date is written, the same whatever the machine's locale and zone."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip


def add_months(day: date, months: int) -> date:
    """The same-numbered day `months` later, or the last day of that month if it has no such day.

    Regulation (EEC, Euratom) 1182/71 Art 3(2)(c). Always count from the start: 31 January and three months is
    30 April, but in three single months it would be 28 April.
    """
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


@cache
def zone_info(zone: str) -> ZoneInfo:
    """The zone of that name, read once: the library keeps only the last eight it was asked for."""
    return ZoneInfo(zone)


def end_of_day(day: date, zone: str) -> datetime:
    """The instant at which `day` is over in `zone`, in UTC: the next midnight there, whatever summer time does."""
    midnight = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone_info(zone))
    return midnight.astimezone(UTC)


def ordinal(number: int) -> str:
    """A day of the month in words of an English date: 31 gives "31st"."""
    if number in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def written(day: date) -> str:
    """A date as the officer reads it: "2 Mar 2026"."""
    return f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}"


def written_with_weekday(day: date) -> str:
    """A date with its weekday: "Monday 2 Mar 2026"."""
    return f"{WEEKDAYS[day.weekday()]} {written(day)}"


def explain_months(start: date, months: int) -> str:
    """What `add_months` does with `start`, in words."""
    end = add_months(start, months)
    count = "One month" if months == 1 else f"{months} months"
    if end.day == start.day:
        return f"{count} after {written(start)} is {written_with_weekday(end)}"
    return (
        f"{count} after {written(start)} is {written_with_weekday(end)}: "
        f"{MONTHS[end.month - 1]} {end.year} has no {ordinal(start.day)}, so its last day counts"
    )
