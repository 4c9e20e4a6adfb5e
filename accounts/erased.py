"""Who was erased, as the app that remembers it knows: an old file or feed brings nobody back."""

from collections.abc import Callable

_lookups: list[Callable[[set[str]], set[str]]] = []


def register(lookup: Callable[[set[str]], set[str]]) -> None:
    """Make known who can say which of some customer numbers were erased."""
    _lookups.append(lookup)


def erased_people(outside_ids: set[str]) -> set[str]:
    """Return those of these customer numbers whose people were erased."""
    return set().union(*(lookup(outside_ids) for lookup in _lookups)) if outside_ids else set()
