"""Carrying a deletion out again that a restored copy of the database does not know of."""

import datetime as dt
import math
from typing import Any

from django.db import transaction

from accounts.models import Workspace
from retention import deletion, keeping, remainders
from retention.erasures import Erasure
from retention.jobs.key_destruction import destroy_keys


def scope_again(erasure: Erasure) -> deletion.Scope:
    """Return what a deletion was about, as it was written outside, to be taken whatever its age, but for what it kept.

    Raises deletion.UnableToDelete when the copy does not know a hold or a law that kept something: then nobody can tell
    which rows must stay.
    """
    scope = deletion.Scope(
        workspace=erasure.workspace, leaving=erasure.scope, rule=erasure.rule, cutoff=erasure.cutoff, again=True
    )
    if not erasure.kept.get("rows"):
        return scope
    at = dt.datetime.fromisoformat(erasure.kept["at"])
    keepers = keeping.keepers_of(erasure.kept["by"], now=at)
    if {str(keeper.id) for keeper in keepers} != set(erasure.kept["by"]):
        raise deletion.UnableToDelete("The restored copy lacks a hold or a law that kept a part of this deletion.")
    return deletion.with_kept(scope, erasure.kept, keepers)


def destroy_again(erasure: Erasure, *, now: dt.datetime) -> dict[str, int]:
    """Destroy the keys, rows and files of a deletion that the copy has brought back; return how many went, by model.

    The same door and the same batches as at the first time. Raises deletion.UnableToDelete when something remains.
    """
    scope = scope_again(erasure)
    gone: dict[str, int] = {}
    destroy_keys(erasure.job, scope, stop_at=math.inf)
    for entry in deletion.maps_in_order(scope.rule):
        while True:
            with transaction.atomic():
                rows, files = deletion.destroy_batch(entry, scope)
            if not rows:
                break
            gone[entry.model] = gone.get(entry.model, 0) + rows
            if files:
                gone["files"] = gone.get("files", 0) + files
    if left := deletion.remains(scope):
        raise deletion.UnableToDelete(
            f"{sum(left.values())} rows are still there after a deletion was carried out again."
        )
    _blank(scope, now)
    return gone


def _blank(scope: deletion.Scope, now: dt.datetime) -> None:
    with transaction.atomic():
        found = Workspace.objects.select_for_update().filter(pk=scope.workspace) if scope.workspace else None
        workspace: Any = found.first() if found is not None else None
        if workspace and workspace.state == Workspace.State.EMPTYING:
            with deletion.open_door():
                deletion.blank_workspace(workspace, now, remainder=bool(scope.kept))
            remainders.note(workspace, scope, now=now)
