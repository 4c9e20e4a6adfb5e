"""What stands in a number column of a call record: classified first, parsed second.

Parsing everything that has digits turns extension 7002 into a Portuguese subscriber; so words, codes, extensions and
SIP names are told apart before a number is read with the country of its source.
"""

import dataclasses
import functools
import re

import phonenumbers

WITHHELD = {"anonymous", "restricted", "private", "withheld", "unavailable", "unknown", "blocked", "no-caller-id"}
DIALPLAN_WORDS = {"s", "h", "i", "t", "o", "a", "fax"}  # special extensions of an Asterisk dial plan
INTERNAL_DIGITS = 6  # up to this many digits a number belongs to the switch: an extension or a short code
NANP = {"US", "CA"}
SCHEME = re.compile(r"^(?:sips?|tel|whatsapp|client):", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class PhoneParty:
    """One side of a call. ``e164`` only for a telephone number; ``value`` is what can be shown of anything else."""

    kind: str  # e164, extension, service_code, alphanumeric, sip_uri, anonymous, unknown
    value: str
    e164: str | None = None
    restricted: bool = False


@functools.lru_cache(maxsize=200_000)
def classify(raw: str, country: str) -> PhoneParty:
    """Return what ``raw`` is, national numbers being those of ``country`` (ISO 3166, or empty when not known)."""
    text = raw.strip().strip("<>").strip()
    is_uri = bool(SCHEME.match(text))
    user = SCHEME.sub("", text).split(";")[0]
    user, _, host = user.partition("@")
    if not user:
        return PhoneParty("unknown", "")
    if user.lower() in WITHHELD:
        return PhoneParty("anonymous", "", restricted=True)
    if user.lower() in DIALPLAN_WORDS or "*" in user or "#" in user:
        return PhoneParty("service_code", user[:64])
    if extension := re.fullmatch(r"ext\.?\s*(\d+)", user, re.IGNORECASE):
        return PhoneParty("extension", extension[1][:64])
    if re.search(r"[^\W\d_]", user):
        return PhoneParty("sip_uri" if is_uri or host else "alphanumeric", (f"{user}@{host}" if host else user)[:64])
    digits = re.sub(r"[\s().\-/]", "", user)
    if not re.fullmatch(r"\+?\d+", digits):
        return PhoneParty("unknown", user[:64])
    if not digits.startswith("+") and len(digits) <= INTERNAL_DIGITS:
        return PhoneParty("extension", digits)
    e164 = _parse(digits, country)
    return PhoneParty("e164", e164, e164) if e164 else PhoneParty("unknown", digits[:64])


def normalise_e164(text: str, country: str) -> str:
    """Return a number typed by a person as E.164. Raises ValueError with a message for that person."""
    party = classify(text, country)
    if party.e164 is None:
        raise ValueError(f"“{text.strip()}” is not a telephone number in international form, such as +442079460123.")
    return party.e164


def _parse(digits: str, country: str) -> str | None:
    if not digits.startswith("+"):
        if digits.startswith("011") and country in NANP:
            digits = f"+{digits[3:]}"
        elif digits.startswith("00"):
            digits = f"+{digits[2:]}"
        elif not country:
            return None
    try:
        number = phonenumbers.parse(digits, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
