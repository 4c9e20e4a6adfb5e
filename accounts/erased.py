"""Who was erased, as the app that remembers it knows: an old file or feed brings nobody back."""

from collections.abc import Callable

from accounts.models import Person

LookUp = Callable[[set[str]], dict[str, bool]]
_lookups: list[LookUp] = []


def register(lookup: LookUp) -> None:
    """Make known who can say which of some customer numbers were erased, and whether for good."""
    _lookups.append(lookup)


def erased_people(outside_ids: set[str]) -> dict[str, bool]:
    """Return those of these customer numbers whose people were erased and are not here, each with whether it is for good."""
    found: dict[str, bool] = {}
    for lookup in _lookups if outside_ids else ():
        found |= lookup(outside_ids)
    here = set(Person.objects.filter(outside_id__in=found).values_list("outside_id", flat=True)) if found else set()
    return {outside_id: for_good for outside_id, for_good in found.items() if outside_id not in here}
