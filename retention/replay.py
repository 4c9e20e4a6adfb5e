"""Carrying a deletion out again that a restored copy of the database does not know of."""

import datetime as dt
import uuid
from typing import Any

from django.db import transaction

from accounts.models import Workspace
from retention import deletion
from retention.erasures import Erasure


def scope_again(erasure: Erasure) -> deletion.Scope:
    """Return what a deletion was about, as it was written outside, to be taken whatever its age."""
    return deletion.Scope(
        workspace=erasure.workspace, leaving=erasure.scope, rule=erasure.rule, cutoff=erasure.cutoff, again=True
    )


def destroy_again(erasure: Erasure, *, now: dt.datetime) -> dict[str, int]:
    """Destroy the keys, rows and files of a deletion that the copy has brought back; return how many went, by model.

    The same door and the same batches as at the first time. Raises deletion.UnableToDelete when something remains.
    """
    scope = scope_again(erasure)
    gone: dict[str, int] = {}
    with transaction.atomic():
        deletion.shred_keys(scope)
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
    _blank(erasure.workspace, now)
    return gone


def _blank(workspace_id: uuid.UUID | None, now: dt.datetime) -> None:
    with transaction.atomic():
        workspace: Any = Workspace.objects.select_for_update().filter(pk=workspace_id).first() if workspace_id else None
        if workspace and workspace.state == Workspace.State.EMPTYING:
            with deletion.open_door():
                deletion.blank_workspace(workspace, now)
