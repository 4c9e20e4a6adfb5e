"""What a field may hold."""

import datetime as dt
import functools
import re
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

E164 = r"^\+[1-9][0-9]{6,14}$"
validate_e164 = RegexValidator(E164, "Write the number in international form, such as +442079460123.")
validate_country = RegexValidator(r"^[A-Z]{2}$", "Write the country as two capital letters (ISO 3166), such as GB.")
validate_currency = RegexValidator(
    r"^[A-Z]{3}$", "Write the currency as three capital letters (ISO 4217), such as USD."
)

CARD_LIKE = re.compile(r"(?<![\d+])(?:\d[ \-.]?){12,18}\d(?!\d)")


def passes_luhn(digits: str) -> bool:
    """Return whether ``digits`` end in the check digit that payment cards carry (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def refuse_card_numbers(value: str) -> None:
    """Raise ValidationError when free text holds what looks like a card number (mission R2)."""
    for match in CARD_LIKE.finditer(value or ""):
        if passes_luhn(re.sub(r"\D", "", match.group())):
            raise ValidationError("This looks like a payment card number. Card numbers are never stored here.")


@functools.cache
def known_zones() -> set[str]:
    """Return the IANA names. Asked once: each time reads the whole folder of zones (measured: half of a workspace's import)."""
    return available_timezones()


def validate_time_zone(value: str) -> None:
    """Raise ValidationError unless ``value`` is an IANA zone name."""
    if value not in known_zones():
        raise ValidationError(f"“{value}” is not a time zone. Write an IANA name, such as Europe/Berlin.")


FIRST_YEAR, LAST_YEAR = 1900, 2199  # what lies outside is a slip of the hand, and near year 10,000 no time zone works


def validate_year(value: dt.date) -> None:
    """Raise ValidationError unless a date or an instant lies between FIRST_YEAR and LAST_YEAR."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValidationError(f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}.")
