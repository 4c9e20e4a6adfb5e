"""The forms in which a mapped file may write its times. A person says which; day and month are never guessed."""

import datetime as dt
import functools
import re
import zoneinfo
from collections.abc import Callable

from telecom_records.formats.rows import RowFault, Settings
from telecom_records.formats.values import SHORT_DATE, WITH_OFFSET, in_zone, instant, local_time, since_1970, with_half

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
TIME = r"[ ,T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?([AP])M)?$"
COMPACT = re.compile(r"^(\d{4})(\d\d)(\d\d)[ T]?(\d\d):?(\d\d)(?::?(\d\d)(?:\.\d+)?)?$", re.ASCII)
DAY_NAMED = re.compile(r"^(\d{1,2})[ -]([A-Z]{3})[A-Z]*\.?[ -](\d{4}|\d{2})" + TIME, re.IGNORECASE | re.ASCII)
NAMED_DAY = re.compile(r"^([A-Z]{3})[A-Z]*\.? (\d{1,2}),? (\d{4})" + TIME, re.IGNORECASE | re.ASCII)
OFFSET = re.compile(r"^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?$", re.IGNORECASE | re.ASCII)
FURTHEST_HOURS = 14  # east of Greenwich, in Kiribati; nobody is further behind than twelve

STYLES = {
    "iso": "Year first: 2026-07-01 10:00:00",
    "dmy": "Day, month, year: 01/07/2026 10:00",
    "mdy": "Month, day, year: 07/01/2026 10:00",
    "named": "Month as a word: 1 Jul 2026 10:00",
    "mail": "As in mail: Wed, 01 Jul 2026 10:00:00 +0100",
    "compact": "Digits only: 20260701100000",
    "epoch": "Seconds since 1970",
    "epoch_ms": "Milliseconds since 1970",
    "epoch_us": "Microseconds since 1970",
}
EPOCHS = {"epoch": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
ZONE_MARK = "\x1f"  # between a time and the zone that its row names


def moment(style: str, *, in_utc: bool) -> Callable[[str, str, Settings, int | None], tuple[dt.datetime, str]]:
    """Return a reader of times of a style. Without an offset they are in the zone behind ZONE_MARK, UTC, or the source's."""
    if style in EPOCHS:
        return since_1970(EPOCHS[style])

    def read(text: str, column: str, settings: Settings, near: int | None) -> tuple[dt.datetime, str]:
        text, _, zone_text = text.partition(ZONE_MARK)
        if style == "mail" or (style == "iso" and WITH_OFFSET.search(text)):
            return instant(text, column, None)
        local = _local(text, column, style)
        zone = named_zone(zone_text) if zone_text else dt.UTC if in_utc else settings.zone
        if zone is None:
            raise RowFault("no_zone", f"The time in {column} has no offset, and the source has no time zone.")
        if isinstance(zone, zoneinfo.ZoneInfo):
            return in_zone(local, zone)
        try:
            return local.replace(tzinfo=zone).astimezone(dt.UTC), "explicit_offset" if zone_text else "declared_utc"
        except OverflowError as error:
            raise RowFault("bad_time", f"The time in {column} is out of bounds.") from error

    return read


@functools.lru_cache(maxsize=1_000)
def named_zone(text: str) -> dt.tzinfo:
    """Return the zone that a column names, as Europe/London, UTC or +01:00. Raises RowFault; CET or EST mean several."""
    if text.upper() in ("Z", "UTC", "GMT"):
        return dt.UTC
    if match := OFFSET.match(text):
        offset = dt.timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        if offset <= dt.timedelta(hours=FURTHEST_HOURS):
            return dt.timezone(-offset if match[1] == "-" else offset)
    if "/" in text and text in _zone_names():
        return zoneinfo.ZoneInfo(text)
    raise RowFault("bad_zone", "The zone of the row is neither an offset nor a name such as Europe/London.")


@functools.cache
def _zone_names() -> set[str]:
    return zoneinfo.available_timezones()


def _local(text: str, column: str, style: str) -> dt.datetime:
    """Return a naive time. Raises RowFault."""
    if style == "iso":
        if SHORT_DATE.match(text):
            raise RowFault(
                "date_order", f"The time in {column} has its day or its month first. Choose how times are written."
            )
        return local_time(text, column)
    if style in ("dmy", "mdy"):
        if text[:4].isdigit():
            raise RowFault("bad_time", f"The time in {column} is not in the form that was said.")
        return local_time(text, column, order=style)
    try:
        if style == "compact" and (match := COMPACT.match(text)):
            return with_half(*(int(each or 0) for each in match.groups()), half="")
        if style == "named" and (match := DAY_NAMED.match(text)):
            day, month, year, hour, minute, second, half = match.groups()
            return _named(day, month, year, hour, minute, second, half)
        if style == "named" and (match := NAMED_DAY.match(text)):
            month, day, year, hour, minute, second, half = match.groups()
            return _named(day, month, year, hour, minute, second, half)
    except ValueError as error:
        raise RowFault("bad_time", f"The time in {column} is not a real date and time.") from error
    raise RowFault("bad_time", f"The time in {column} is not in the form that was said.")


def _named(
    day: str, month: str, year: str, hour: str, minute: str, second: str | None, half: str | None
) -> dt.datetime:
    """Return a naive time. Raises ValueError."""
    full_year = int(year) + (2000 if len(year) == 2 else 0)
    place = MONTHS.index(month.lower()) + 1
    return with_half(full_year, place, int(day), int(hour), int(minute), int(second or 0), half=(half or "").upper())
