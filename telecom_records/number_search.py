"""What somebody looks for in traffic: a telephone number in any notation, what stands in place of one, or an account.

What a number is, ``phone_numbers.classify`` says, as for the files that calls come in by. A number without its country is
read as each of ``countries`` would dial it.
"""

import dataclasses
import re
from collections.abc import Iterable

import phonenumbers

from telecom_records.phone_numbers import classify

MOST_NUMBERS = 4  # that one notation may mean, each in a country of its own
ONLY_DIGITS = re.compile(r"[\d\s().\-/]+")
LAST_DIGITS = (3, 9)  # how many last digits may be looked for, within one workspace


@dataclasses.dataclass(frozen=True)
class Sought:
    """What a search means: whole values of the columns with numbers, or the last digits of one; or why it means nothing."""

    values: tuple[str, ...] = ()
    last_digits: str = ""
    refused: str = ""


def understand(text: str, *, countries: Iterable[str], within_workspace: bool = False) -> Sought:
    """Return what ``text`` means as a number, dialled in any of ``countries`` (ISO 3166).

    Part of a number is refused: finding it would read every call there is. ``within_workspace``: of one customer's calls
    the last digits are enough.
    """
    digits = re.sub(r"\D", "", text)
    is_digits = ONLY_DIGITS.fullmatch(text.strip()) is not None
    if within_workspace and is_digits and LAST_DIGITS[0] <= len(digits) <= LAST_DIGITS[1]:
        return Sought(last_digits=digits)
    parties = [classify(text, country) for country in ["", *countries]]
    if is_digits and not digits.startswith("0"):
        parties.append(classify(f"+{digits}", ""))
    numbers = list(dict.fromkeys(party.e164 for party in parties if party.e164))
    if numbers:
        return Sought(tuple(sorted(numbers, key=_is_odd)[:MOST_NUMBERS]))
    if parties[0].value and parties[0].kind != "unknown":
        return Sought((parties[0].value,))
    return Sought(
        refused=f"“{text.strip()}” is no whole number. Write it with its country, such as +44 20 7946 0123, or choose the "
        "source whose country it was dialled in. Within one workspace its last 3 to 9 digits are enough."
    )


def _is_odd(e164: str) -> bool:
    """Whether a number has the length of its country's, and no more: in a real call record, but seldom."""
    return not phonenumbers.is_valid_number(phonenumbers.parse(e164))
