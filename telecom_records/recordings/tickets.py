"""Which tickets recordings may be made for, as the app that has the tickets says: it registers itself."""

import uuid
from collections.abc import Callable

LookUp = Callable[[str], uuid.UUID | None]
_lookups: list[LookUp] = []


def register(lookup: LookUp) -> None:
    """Make known who says the workspace of an open ticket by its reference; None for any other."""
    _lookups.append(lookup)


def workspace_of(reference: str) -> uuid.UUID | None:
    """Return the workspace whose fault an open ticket is about; None when there is no such ticket, or it names none."""
    return next((found for lookup in _lookups if (found := lookup(reference))), None)
