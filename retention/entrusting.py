"""Files that are kept of an erased workspace are encrypted again to the key of what keeps them, before its keys go.

Each is read back and compared before the old copy goes (``files.reencrypt``). Until the last one is done, the key that
opens it is not destroyed; the keys of those of whom nothing is kept went first.
"""

import uuid
from collections.abc import Iterator
from typing import Any

from django.db import transaction

from accounts import files
from accounts.models import KeyPair, StoredFile
from accounts.verdicts import ModelMap
from retention import deletion
from retention.models import Remainder

Kept = tuple[ModelMap, str, Any, str, uuid.UUID]  # of which model, in which column, which row, which file, to whose key


def keeper_key(keeper_id: uuid.UUID | str, workspace_id: uuid.UUID) -> uuid.UUID:
    """Return the owner id of the key pair to which a keeper's files of one workspace are encrypted.

    One for each workspace, so that it can be destroyed when nothing of that workspace is kept by it any more.
    """
    return uuid.uuid5(uuid.UUID(str(keeper_id)), str(workspace_id))


def not_entrusted(scope: deletion.Scope) -> Iterator[Kept]:
    """Yield the kept files that are not encrypted to their keeper's key yet; of several keepers, to the first one's."""
    if scope.workspace is None:
        return
    for entry in deletion.maps_in_order(scope.rule):
        if entry.model not in scope.kept:
            continue
        for column in entry.file_columns:
            seen: set[str] = set()
            for keeper in scope.keepers:
                condition = deletion.kept_by(entry, scope, keeper)
                if condition is None:
                    continue
                key_id = keeper_key(keeper.id, scope.workspace)
                rows = deletion.rows_of(entry, scope).filter(condition).exclude(**{column: ""})
                found = {key: pk for pk, key in rows.values_list("pk", column) if key not in seen}
                seen |= set(found)
                theirs = StoredFile.objects.filter(key__in=found, owner=KeyPair.Owner.KEEPER, owner_id=key_id)
                for key in sorted(set(found) - set(theirs.values_list("key", flat=True))):
                    yield entry, column, found[key], key, key_id


def still_needed(scope: deletion.Scope) -> set[tuple[str, uuid.UUID]]:
    """Return whose keys open files that are kept and not entrusted yet."""
    keys = [key for _, _, _, key, _ in not_entrusted(scope)]
    return set(StoredFile.objects.filter(key__in=keys).values_list("owner", "owner_id"))


def entrust(kept: Kept) -> None:
    """Encrypt one kept file to its keeper's key, point its row to the copy, and destroy the old one.

    Raises as ``files.reencrypt``; then everything is as it was.
    """
    entry, column, pk, key, key_id = kept
    with transaction.atomic():
        copy = files.reencrypt(key, owner=KeyPair.Owner.KEEPER, owner_id=key_id)
        moved = entry.model_class._default_manager.filter(pk=pk, **{column: key}).update(**{column: copy})
        if moved != 1:
            raise deletion.UnableToDelete("A kept row has lost its file while it was entrusted to its keeper.")
        deletion.discard_old_copy(key)


def is_settled(scope: deletion.Scope) -> bool:
    """Return whether every kept file is with its keeper, and no keeper that has ended has a key left."""
    ended = KeyPair.objects.filter(
        owner=KeyPair.Owner.KEEPER, owner_id__in=ended_keys(scope), destroyed_at__isnull=True
    )
    return not ended.exists() and next(not_entrusted(scope), None) is None


def ended_keys(scope: deletion.Scope) -> list[uuid.UUID]:
    """Return the owner ids of the keys of those who kept something of the workspace before and keep nothing now."""
    if scope.workspace is None:
        return []
    before = Remainder.objects.filter(workspace=scope.workspace).values_list("kept", flat=True).first() or {}
    now = {str(keeper.id) for keeper in scope.keepers}
    return [keeper_key(keeper_id, scope.workspace) for keeper_id in before if keeper_id not in now]
