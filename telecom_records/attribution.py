"""Whose call it is: by number and time, never by who holds the number today.

For some numbers at once; an import asks the same of the database for all rows of a chunk (``storing.py``).
"""

import datetime as dt
import uuid

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import Workspace
from retention import tombstones
from telecom_records.models import NumberAssignment


class Directory:
    """Who had, and who of the erased had had, a set of numbers. Made with three queries."""

    def __init__(self, numbers: set[str]):
        self._assigned: dict[str, list[tuple[DateTimeTZRange, uuid.UUID]]] = {}
        self._erased: dict[str, list[DateTimeTZRange]] = {}
        assignments = NumberAssignment.objects.filter(
            number__e164__in=numbers, workspace__state__in=Workspace.INTACT
        ).values_list("number__e164", "window", "workspace_id")
        for e164, window, workspace_id in assignments:
            self._assigned.setdefault(e164, []).append((window, workspace_id))
        gone = list(tombstones.windows_of(numbers))
        owners = {workspace_id for _, _, workspace_id in gone if workspace_id is not None}
        living = set(Workspace.objects.filter(pk__in=owners, state__in=Workspace.INTACT).values_list("pk", flat=True))
        for e164, window, owner in gone:
            if owner is not None and owner in living:
                self._assigned.setdefault(e164, []).append((window, owner))
            else:
                self._erased.setdefault(e164, []).append(window)

    def workspace_at(self, number: str | None, instant: dt.datetime) -> uuid.UUID | None:
        """Return the workspace that had ``number`` (E.164) at ``instant``, or None when it was nobody's."""
        for window, workspace_id in self._assigned.get(number or "", ()):
            if instant in window:
                return workspace_id
        return None

    def was_erased(self, number: str | None, instant: dt.datetime) -> bool:
        """Return whether an erased customer had ``number`` at ``instant``."""
        return any(instant in window for window in self._erased.get(number or "", ()))
