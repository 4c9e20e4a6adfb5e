"""Reading single values: times, numbers of seconds, money. Faults are about the column, never about its content."""

import datetime as dt
import functools
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from telecom_records.formats.rows import RowFault, Settings

NEVER = {"", "null", r"\n", "-1", "0", "0000-00-00", "0000-00-00 00:00:00", "1970-01-01 00:00:00", "none"}
ISO_LOCAL = re.compile(r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$", re.ASCII)
YEAR_FIRST = re.compile(
    r"^(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ([AP])M)?$",
    re.IGNORECASE | re.ASCII,
)
RFC_2822 = re.compile(
    r"^(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}:\d{2}(?::\d{2})?) (?:([+-]\d{4})|GMT|UTC?)$",
    re.ASCII,
)  # Python's own reader takes much more, drops what it does not know, such as “pm”, and takes ten times as long
MONTHS = {
    name: f"{place:02d}"
    for place, name in enumerate(
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1
    )
}
GO_TIME = re.compile(r"^(\S+ \S+) ([+-]\d{4}) [A-Z]{1,5}$", re.ASCII)  # 2013-11-07 08:42:25 +0000 UTC
WITH_OFFSET = re.compile(r"(?:Z|:\d{2}(?:\.\d+)? ?[+-]\d{2}(?::?\d{2})?| UTC| GMT)$", re.ASCII)
DECIMAL = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$", re.ASCII)
CLOCK = re.compile(r"^(\d{1,5}):([0-5]?\d):([0-5]?\d(?:\.\d+)?)$", re.ASCII)
GO_DURATION = re.compile(r"^(?:(\d{1,6})h)?(?:(\d{1,8})m(?!s))?(?:(\d{1,10}(?:\.\d+)?)(s|ms|µs|us|ns))?$", re.ASCII)
GO_UNITS = {"s": 1, "ms": 10**3, "µs": 10**6, "us": 10**6, "ns": 10**9}
EMPTY = {"", "null", r"\n", "none"}
MAX_SECONDS = 100_000_000  # three years: no call is longer
LAST_EPOCH = 253_402_300_799  # the end of the year 9999
SHORT_DATE = re.compile(
    r"^(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2}),? (\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?([AP])M)?$",
    re.IGNORECASE | re.ASCII,
)


def is_never(text: str | None) -> bool:
    """Return whether a time column says that it did not happen."""
    return text is None or text.strip().lower() in NEVER


def local_time(text: str, column: str, *, order: str = "") -> dt.datetime:
    """Return a time without offset as a naive datetime. ``order`` is dmy or mdy for dates such as 1/7/2026; never guessed."""
    text = text.strip()
    try:
        if ISO_LOCAL.match(text):
            return dt.datetime.fromisoformat(text)
        if match := YEAR_FIRST.match(text):
            *numbers, half = match.groups()
            return with_half(*(int(each or 0) for each in numbers), half=(half or "").upper())
        if short := SHORT_DATE.match(text):
            if not order:
                raise RowFault(
                    "date_order",
                    f"The date in {column} can be day/month or month/day. Say which: format freepbx-dmy or freepbx-mdy.",
                )
            first, _, second, year, hour, minute, second_of, half = short.groups()
            day, month = (first, second) if order == "dmy" else (second, first)
            full_year = int(year) + (2000 if len(year) == 2 else 0)
            date = (full_year, int(month), int(day))
            return with_half(*date, int(hour), int(minute), int(second_of or 0), half=(half or "").upper())
    except (ValueError, OverflowError) as error:
        if isinstance(error, RowFault):
            raise
        raise RowFault("bad_time", f"The time in {column} is not a real date and time.") from error
    raise RowFault("bad_time", f"The time in {column} is not in a form this format knows.")


def in_zone(local: dt.datetime, zone: ZoneInfo, *, epoch: int | None = None) -> tuple[dt.datetime, str]:
    """Return a local time as an instant in UTC, and how sure it is.

    The hour that comes twice in autumn is told apart by the call's epoch when it has one; else the earlier is taken
    and marked. The hour that never comes in spring raises RowFault.
    """
    try:
        early, late = (local.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    except OverflowError as error:
        raise RowFault("bad_time", "The time is out of bounds.") from error
    if early == late:
        return early, "source_zone"
    if early.astimezone(zone).replace(tzinfo=None) != local:
        raise RowFault("no_such_hour", "This hour does not exist in the source's zone: clocks went forward over it.")
    if epoch is not None:
        return (early if abs(early.timestamp() - epoch) <= abs(late.timestamp() - epoch) else late), "source_zone"
    return early, "source_zone_ambiguous"


def with_half(year: int, month: int, day: int, hour: int, minute: int, second: int, *, half: str) -> dt.datetime:
    """Return a naive time; ``half`` is A or P for one on the dial of twelve hours. Raises ValueError."""
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("no such hour on a dial of twelve")
        hour = hour % 12 + (12 if half == "P" else 0)
    return dt.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001


def instant(text: str, column: str, zone: ZoneInfo | None, *, epoch: int | None = None) -> tuple[dt.datetime, str]:
    """Return an ISO 8601 or RFC 2822 time as an instant in UTC; without an offset it is in the source's zone.

    Go's ``2013-11-07 08:42:25 +0000 UTC`` and a ``UTC`` or ``GMT`` behind an ISO time are read too.
    """
    parsed = _parsed(text.strip(), column)
    try:
        if parsed.tzinfo is not None:
            return parsed.astimezone(dt.UTC), "explicit_offset"
        if zone is None:
            raise RowFault(
                "no_zone", f"The time in {column} has no offset, and the source has no time zone. Say --timezone."
            )
        return in_zone(parsed, zone, epoch=epoch)
    except OverflowError as error:
        raise RowFault("bad_time", f"The time in {column} is out of bounds.") from error


def _parsed(text: str, column: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        pass
    try:
        if go := GO_TIME.match(text):
            return dt.datetime.fromisoformat(go[1] + go[2])
        if text.endswith((" UTC", " GMT")) and ISO_LOCAL.match(text[:-4]):
            return dt.datetime.fromisoformat(text[:-4]).replace(tzinfo=dt.UTC)
        if match := RFC_2822.match(text):
            day, month, year, clock_, offset = match.groups()
            return dt.datetime.fromisoformat(f"{year}-{MONTHS[month]}-{day:0>2}T{clock_}{offset or '+0000'}")
    except (ValueError, KeyError, OverflowError) as error:
        raise RowFault("bad_time", f"The time in {column} is not in ISO 8601.") from error
    raise RowFault("bad_time", f"The time in {column} is not in ISO 8601.")


def zoned(text: str, column: str, settings: Settings, near: int | None) -> tuple[dt.datetime, str]:
    """Read a time with its offset; one without is in the source's zone."""
    return instant(text, column, settings.zone, epoch=near)


def in_utc(text: str, column: str, settings: Settings, near: int | None) -> tuple[dt.datetime, str]:
    """Read a time of a family that writes UTC; one with its offset is taken at its word."""
    if WITH_OFFSET.search(text):
        return instant(text, column, None)
    return local_time(text, column).replace(tzinfo=dt.UTC), "declared_utc"


def switch_time(*, order: str = "") -> Callable[[str, str, Settings, int | None], tuple[dt.datetime, str]]:
    """Return a reader of the local time of a switch; ``order`` as in ``local_time``."""

    def read(text: str, column: str, settings: Settings, near: int | None) -> tuple[dt.datetime, str]:
        if settings.zone is None:
            raise RowFault(
                "no_zone", f"The time in {column} has no offset, and the source has no time zone. Say --timezone."
            )
        return in_zone(local_time(text, column, order=order), settings.zone, epoch=near)

    return read


def since_1970(per_second: int) -> Callable[[str, str, Settings, int | None], tuple[dt.datetime, str]]:
    """Return a reader of times counted from 1970 in UTC: in seconds (1), milliseconds (1000) or microseconds."""

    def read(text: str, column: str, settings: Settings, near: int | None) -> tuple[dt.datetime, str]:
        value = _decimal(text, column)
        if not 0 < value <= LAST_EPOCH * per_second:
            raise RowFault("bad_time", f"The time in {column} is out of bounds.")
        micros = int(value * 1_000_000 / per_second)
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros), "declared_utc"

    return read


def milliseconds(text: str | None, column: str) -> Decimal | None:
    """Return seconds from a number of milliseconds, or None where there is none."""
    value = None if text is None or text.strip().lower() in EMPTY else _decimal(text, column) / 1000
    return None if value is None else _bounded(value, column)


def minutes(text: str | None, column: str) -> Decimal | None:
    """Return seconds from a number of minutes, such as 1.5, or None where there is none."""
    value = None if text is None or text.strip().lower() in EMPTY else _decimal(text, column) * 60
    return None if value is None else _bounded(value, column)


def clock(text: str | None, column: str) -> Decimal | None:
    """Return seconds from HH:MM:SS, or None where there is none."""
    if text is None or text.strip().lower() in EMPTY:
        return None
    match = CLOCK.match(text.strip())
    if not match:
        raise RowFault("bad_number", f"Column {column} does not hold hours, minutes and seconds.")
    return _bounded(int(match[1]) * 3600 + int(match[2]) * 60 + Decimal(match[3]), column)


def go_duration(text: str | None, column: str) -> Decimal | None:
    """Return seconds from a duration as Go writes it: ``10s``, ``5m``, ``1h2m3.5s``; a bare number is nanoseconds."""
    if text is None or text.strip().lower() in EMPTY:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return _bounded(_decimal(text, column) / 10**9, column)
    match = GO_DURATION.match(text)
    if not match:
        raise RowFault("bad_number", f"Column {column} does not hold a duration such as 1m30s.")
    hours, minutes, last, unit = match.groups()
    return _bounded(
        int(hours or 0) * 3600 + int(minutes or 0) * 60 + Decimal(last or 0) / GO_UNITS[unit or "s"], column
    )


def seconds(text: str | None, column: str) -> Decimal | None:
    """Return a number of seconds, or None where there is none."""
    return None if text is None else _seconds(text, column)


@functools.lru_cache(maxsize=50_000)  # the same numbers come again and again
def _seconds(text: str, column: str) -> Decimal | None:
    return None if text.strip().lower() in EMPTY else _bounded(_decimal(text, column), column)


def money(text: str | None, column: str) -> Decimal | None:
    """Return an amount, or None for a call that is not rated yet; 0 is free."""
    return None if text is None else _money(text, column)


@functools.lru_cache(maxsize=50_000)
def _money(text: str, column: str) -> Decimal | None:
    if text.strip().lower() in EMPTY:
        return None
    value = _decimal(text, column)
    if abs(value) >= 10**9:
        raise RowFault("bad_number", f"The number in {column} is out of bounds.")
    return value.quantize(Decimal("0.00000001"))


def _bounded(value: Decimal, column: str) -> Decimal:
    if not 0 <= value < MAX_SECONDS:
        raise RowFault("bad_number", f"The number in {column} is out of bounds.")
    return value.quantize(Decimal("0.001"))


def _decimal(text: str, column: str) -> Decimal:
    """Return a number written in digits; Python's own reader takes underscores, other scripts and infinity too."""
    try:
        if DECIMAL.match(text.strip()):
            return Decimal(text.strip())
    except InvalidOperation:
        pass
    raise RowFault("bad_number", f"Column {column} does not hold a number.")
