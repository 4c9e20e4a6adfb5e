"""Who else was on a call: what of their number a package shows (GDPR Art. 15(4); Directive 2002/58/EC Art. 7 and 8).

A number that the person dialled they gave us themselves: shown. Who called or wrote to them is somebody else's data: the
country's digits and a pseudonym instead, the same for the same number throughout one package, so that the person sees
that it was the same caller, and nobody sees who. The pseudonym is a hash under a random key that is kept nowhere, so two
packages cannot be compared and a number cannot be tried. By setting, callers from countries that let them be shown are
shown (PACKAGE_CALLERS_SHOWN_FROM), and numbers dialled in countries that protect them are not (PACKAGE_DIALLED_HIDDEN_IN).
"""

import dataclasses
from typing import Any

from django.conf import settings

from telecom_records.countries import country_by_prefix, prefix_sql

KEY_BYTES = 32
PSEUDONYM_BYTES = 8  # of SHA-256: of a million numbers two are alike with a chance of 1 in 40 million
NOBODYS = ("extension", "service_code", "anonymous")  # kinds of a call's other side that name nobody outside


@dataclasses.dataclass(frozen=True)
class Parties:
    """The rule as one package uses it, with the key of its pseudonyms."""

    key: bytes
    callers_shown_from: tuple[str, ...] = ()
    dialled_hidden_in: tuple[str, ...] = ()

    @classmethod
    def by_settings(cls, key: bytes) -> "Parties":
        return cls(key, tuple(settings.PACKAGE_CALLERS_SHOWN_FROM), tuple(settings.PACKAGE_DIALLED_HIDDEN_IN))

    def sql(self, number: str, *, direction: str = "", kind: str = "") -> tuple[str, list[Any]]:
        """Return the SQL that shows or masks the column ``number``, given the columns of its direction and kind, if any.

        Without a direction nobody knows who dialled, and the number is masked. The hash is of key and number; its end is
        cut off, so that nothing can be appended to it.
        """
        masked = (
            f"left({number}, 3) || ' ••• ' || "
            f"encode(substr(sha256(%s::bytea || textsend({number})), 1, {PSEUDONYM_BYTES}), 'hex')"
        )
        shown = [f"{number} = ''"]
        values: list[Any] = []
        if kind:
            shown.append(f"{kind} = ANY(%s)")
            values.append(list(NOBODYS))
        if direction:
            dialled = f"{direction} = 'outbound'"
            if self.dialled_hidden_in:
                dialled += f" AND NOT {_is_of(number)}"
                values.append(_prefixes(self.dialled_hidden_in))
            shown.append(f"({dialled})")
            if self.callers_shown_from:
                shown.append(f"({direction} = 'inbound' AND {_is_of(number)})")
                values.append(_prefixes(self.callers_shown_from))
        return f"CASE WHEN {' OR '.join(shown)} THEN {number} ELSE {masked} END", [*values, self.key]

    @property
    def words(self) -> str:
        """Return the rule for the person who reads the package."""
        words = (
            "Numbers that you dialled are shown. Of who called or wrote to you, the first digits and a pseudonym are shown: "
            "the same pseudonym is the same number within this package, and nothing else can be found out by it."
        )
        if self.callers_shown_from:
            words += f" Callers from {', '.join(self.callers_shown_from)} are shown."
        if self.dialled_hidden_in:
            words += f" Numbers dialled in {', '.join(self.dialled_hidden_in)} are not."
        return words


def _is_of(number: str) -> str:
    return f"{prefix_sql(number)} = ANY(%s)"


def _prefixes(countries: tuple[str, ...]) -> list[str]:
    return sorted(prefix for prefix, country in country_by_prefix().items() if country in countries)
