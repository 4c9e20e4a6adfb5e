"""The categories of personal information as the CCPA names them, drawn from what packages collect (Civ. Code § 1798.110)."""

import dataclasses
from collections.abc import Callable, Iterable

from accounts.verdicts import data_map
from dsar.packages.categories import CATEGORIES, SENSITIVE, Category
from retention.models import Recipient

OTHERS = "Service providers (policy § 4.1)"


@dataclasses.dataclass(frozen=True)
class Collected:
    """One statutory category: what it holds here, where it comes from, what for, and which kinds of recipients get it."""

    name: str
    holds: list[str]
    sources: list[str]
    purposes: list[str]
    recipients: list[str]
    is_sensitive: bool


def collected(is_held: Callable[[Category], bool] = lambda category: True) -> list[Collected]:
    """Return the categories in the order of the law, of those that ``is_held`` says are there.

    Recipients are named by their kind, also those who are not told of erasures yet: they receive the data all the same.
    """
    told = [
        (recipient.get_kind_display(), set(recipient.categories))
        for recipient in Recipient.objects.filter(active_until__isnull=True).order_by("name", "pk")
    ]
    held = [category for category in CATEGORIES if is_held(category)]
    found = []
    for name in sorted({category.ccpa for category in held}):
        mine = [category for category in held if category.ccpa == name]
        models = {category.model for category in mine}
        found.append(
            Collected(
                name=name,
                holds=_once(category.title for category in mine),
                sources=_once(category.source for category in mine),
                purposes=_once(category.purposes for category in mine),
                recipients=_once(kind for kind, gets in told if gets & models) or [OTHERS],
                is_sensitive=name == SENSITIVE,
            )
        )
    return found


def _once(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def sensitive_models() -> list[str]:
    """Return for people what of the data map is sensitive personal information (§ 1798.140(ae))."""
    return [data_map()[category.model].plural for category in CATEGORIES if category.ccpa == SENSITIVE]
