"""What was corrected at a person's request: a file or feed that still says the old value does not bring it back.

The service platform is told of each correction, and may go on sending what it had until it has done the same. Any other
value than the old one is news, and is taken.
"""

from collections.abc import Callable, Mapping

LookUp = Callable[[str], Mapping[str, Mapping[str, set[str]]]]
_lookups: list[LookUp] = []


def register(lookup: LookUp) -> None:
    """Make known who can say, for a model of the data map, which rows were corrected: by id and field, the old values."""
    _lookups.append(lookup)


def old_values(model: str) -> dict[str, Mapping[str, set[str]]]:
    """Return the corrected rows of a model, each with the old values of its corrected fields."""
    found: dict[str, Mapping[str, set[str]]] = {}
    for lookup in _lookups:
        found |= lookup(model)
    return found
