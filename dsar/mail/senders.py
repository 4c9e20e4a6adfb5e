"""Whether a mail poses as us (mission R4; policy § 12: our official addresses). Pure: no clock, no database.

Customers write from any domain. Flagged is only what *looks* like ours: a domain that is easily taken for ours, a name
that is one of our addresses, or one of our own domains without the signature that the mail server must have found.
A flag is a word on the page. It never delays a mail, a ticket or a deadline.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

LOOKALIKE, NAMED, UNPROVED = "lookalike", "named", "unproved"
ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")
SHORTEST_NAME = 5  # under that, one letter more or less makes too many honest names
# Letters that are taken for others (a part of Unicode's confusables, TR 39), after compatibility decomposition.
SAME_LOOK = str.maketrans({
    "0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "3": "e", "4": "a", "@": "a", "$": "s", "v": "u", "q": "g",
    "а": "a", "ɑ": "a", "с": "c", "ϲ": "c", "ӏ": "l", "і": "l", "ı": "l", "ⅼ": "l", "м": "m", "о": "o", "ο": "o", "е": "e", "ѕ": "s",
    "α": "a", "ɩ": "l", "к": "k", "ո": "n", "ս": "u", "ѵ": "u",
})  # fmt: skip


def check_sender(name: str, address: str, results: Sequence[str], *, official: Iterable[str], server: str) -> str:
    """Return the code of what is wrong with a sender, or nothing.

    ``official`` are our addresses; ``results`` the Authentication-Results fields of the mail (RFC 8601), of which only
    those of ``server`` are believed: anybody can write the others. Without a server, nothing proves one of our domains.
    """
    ours = {one.rpartition("@")[2].lower() for one in official}
    domain = ascii_domain(address.rpartition("@")[2])
    if is_within(domain, ours):
        return "" if proved(results, domain, ours, server) else UNPROVED
    if any(looks_like(domain, one) for one in ours):
        return LOOKALIKE
    if any(is_within(ascii_domain(found.rpartition("@")[2]), ours) for found in ADDRESS.findall(name)):
        return NAMED
    return ""


def is_within(domain: str, ours: set[str]) -> bool:
    """Return whether a domain is one of ours, or under one."""
    return any(domain == one or domain.endswith(f".{one}") for one in ours)


def ascii_domain(domain: str) -> str:
    """Return a domain in small letters, readable: an IDNA label (xn--…) as what it shows."""
    labels = []
    for label in domain.strip().strip(".").lower().split("."):
        try:
            labels.append(label.encode("ascii").decode("idna") if label.startswith("xn--") else label)
        except (UnicodeError, ValueError):
            labels.append(label)
    return ".".join(labels)


def looks_like(domain: str, ours: str) -> bool:
    """Return whether a domain is easily taken for one of ours and is none: same look, a slip of a letter, or ours in it."""
    name = skeleton(ours.split(".")[0])
    if len(name) < SHORTEST_NAME:
        return False
    labels = [skeleton(label) for label in domain.split(".")]
    return any(name in label.replace("-", "") or within_one_slip(label, name) for label in labels)


def skeleton(label: str) -> str:
    """Return what a label looks like: accents off, letters of other alphabets and digits as what they are taken for."""
    plain = unicodedata.normalize("NFKD", label)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).lower().translate(SAME_LOOK)
    return plain.replace("rn", "m").replace("uu", "w").replace("cl", "d")


def within_one_slip(one: str, other: str) -> bool:
    """Return whether one insertion, omission, change or swap of neighbours makes one text of the other."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return one == other
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    swapped = len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or swapped


def proved(results: Sequence[str], domain: str, ours: set[str], server: str) -> bool:
    """Return whether our own mail server found a valid DKIM signature of this domain, or DMARC that passed for it."""
    for field in results:
        text = re.sub(r"\([^()]*\)", " ", field)  # comments
        said_by, _, found = text.partition(";")
        if not server or said_by.split()[:1] != [server]:
            continue
        for one in found.split(";"):
            words = dict(re.findall(r"([\w.-]+)\s*=\s*\"?([^\s;\"]+)", one.lower()))
            signer = words.get("header.d") or words.get("header.i", "").rpartition("@")[2]
            if words.get("dkim") == "pass" and is_within(signer, ours) and is_within(domain, {signer}):
                return True
            if words.get("dmarc") == "pass" and words.get("header.from") == domain:
                return True
    return False
