"""Which country a telephone number is of, as a table of prefixes that PostgreSQL can join.

The calling codes of ITU E.164 are prefix-free; where countries share one, the code's own country stands for it, but
within +1 (25 countries) and +7 the next digits tell. Numbers of no country (satellite, toll free, fiction) have none.
"""

import functools

import phonenumbers

NO_COUNTRY = "001"  # what phonenumbers calls a code that belongs to no country


@functools.cache
def country_by_prefix() -> dict[str, str]:
    """Return the ISO 3166 country by the prefix that ``PREFIX_SQL`` takes from a number."""
    found: dict[str, str] = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        if code == 1:
            areas = {f"+1{area}": phonenumbers.parse(f"+1{area}2345678") for area in range(200, 1000)}
            found |= {prefix: phonenumbers.region_code_for_number(number) or "" for prefix, number in areas.items()}
        elif code == 7:
            found |= {f"+7{digit}": "KZ" if digit in (6, 7) else "RU" for digit in range(10)}
        else:
            found[f"+{code}"] = "" if regions[0] == NO_COUNTRY else regions[0]
    return {prefix: country for prefix, country in found.items() if country}


def prefix_sql(column: str) -> str:
    """Return the SQL that takes the prefix from a number: five characters in +1, two digits or three elsewhere.

    A text that is no telephone number (an extension, a SIP name) has a prefix that is in no table.
    """
    two_digits = sorted(prefix for prefix in country_by_prefix() if len(prefix) == 3)
    listed = ", ".join(f"'{prefix}'" for prefix in two_digits)
    return (
        f"CASE WHEN {column} LIKE '+1%%' THEN left({column}, 5) "
        f"WHEN left({column}, 3) IN ({listed}) THEN left({column}, 3) ELSE left({column}, 4) END"
    )
