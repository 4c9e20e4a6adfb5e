"""Reading single values: times, numbers of seconds, money. Faults are about the column, never about its content."""

import datetime as dt
import re
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from telecom_records.formats.rows import RowFault

NEVER = {"", "null", r"\n", "-1", "0", "0000-00-00", "0000-00-00 00:00:00", "1970-01-01 00:00:00", "none"}
ISO_LOCAL = re.compile(r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$")
SHORT_DATE = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{2}|\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))?$")


def is_never(text: str | None) -> bool:
    """Return whether a time column says that it did not happen."""
    return text is None or text.strip().lower() in NEVER


def local_time(text: str, column: str, *, order: str = "") -> dt.datetime:
    """Return a time without offset as a naive datetime. ``order`` is dmy or mdy for dates with slashes; never guessed."""
    text = text.strip()
    try:
        if ISO_LOCAL.match(text):
            return dt.datetime.fromisoformat(text)
        if short := SHORT_DATE.match(text):
            if not order:
                raise RowFault(
                    "date_order",
                    f"The date in {column} can be day/month or month/day. Say which: format freepbx-dmy or freepbx-mdy.",
                )
            first, second, year, hour, minute, seconds = short.groups()
            day, month = (first, second) if order == "dmy" else (second, first)
            full_year = int(year) + (2000 if len(year) == 2 else 0)
            return dt.datetime(full_year, int(month), int(day), int(hour), int(minute), int(seconds or 0))  # noqa: DTZ001
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


def instant(text: str, column: str, zone: ZoneInfo | None) -> tuple[dt.datetime, str]:
    """Return an ISO 8601 or RFC 2822 time as an instant in UTC; without an offset it is in the source's zone."""
    text = text.strip()
    try:
        parsed = dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        try:
            parsed = parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError, OverflowError) as error:
            raise RowFault("bad_time", f"The time in {column} is not in ISO 8601.") from error
    try:
        if parsed.tzinfo is not None:
            return parsed.astimezone(dt.UTC), "explicit_offset"
        if zone is None:
            raise RowFault(
                "no_zone", f"The time in {column} has no offset, and the source has no time zone. Say --timezone."
            )
        return in_zone(parsed, zone)
    except OverflowError as error:
        raise RowFault("bad_time", f"The time in {column} is out of bounds.") from error


def seconds(text: str | None, column: str) -> Decimal | None:
    """Return a number of seconds, or None where there is none."""
    if text is None or text.strip().lower() in {"", "null", r"\n", "none"}:
        return None
    value = _decimal(text, column)
    if not 0 <= value < 100_000_000:
        raise RowFault("bad_number", f"The number in {column} is out of bounds.")
    return value.quantize(Decimal("0.001"))


def whole_seconds(text: str | None, column: str) -> int | None:
    """Return a whole number of seconds, or None where there is none."""
    value = seconds(text, column)
    return None if value is None else int(value)


def money(text: str | None, column: str) -> Decimal | None:
    """Return an amount, or None for a call that is not rated yet; 0 is free."""
    if text is None or text.strip().lower() in {"", "null", r"\n", "none"}:
        return None
    value = _decimal(text, column)
    if abs(value) >= 10**9:
        raise RowFault("bad_number", f"The number in {column} is out of bounds.")
    return value.quantize(Decimal("0.00000001"))


def _decimal(text: str, column: str) -> Decimal:
    try:
        value = Decimal(text.strip())
    except InvalidOperation as error:
        raise RowFault("bad_number", f"Column {column} does not hold a number.") from error
    if not value.is_finite():
        raise RowFault("bad_number", f"Column {column} does not hold a number.")
    return value
