"""The whole state of the portal, so that a test can say: this went, and nothing else."""

from accounts import files
from accounts.models import StoredFile
from accounts.verdicts import Goes, data_map


def everything() -> dict[str, set]:
    """Return the ids of every row of every table that the data map covers, and the keys of every stored file.

    A file and its row are one thing, so they are counted once, and a test in which they part fails here.
    """
    state = {
        entry.model: set(entry.model_class._default_manager.values_list("pk", flat=True))
        for entry in data_map().values()
        if entry.model != "accounts.StoredFile"
    }
    state["files"] = set(files.store().list())
    assert state["files"] == set(StoredFile.objects.values_list("key", flat=True)), "files and their rows differ"
    return state


def lost(before: dict[str, set], after: dict[str, set]) -> dict[str, set]:
    """Return what ``after`` has no more, by table; tables that lost nothing are left out."""
    return {name: before[name] - after[name] for name in before if before[name] - after[name]}


def models_that_go() -> set[str]:
    """Return the models whose rows a workspace's expiry deletes."""
    return {
        entry.model for entry in data_map().values() if entry.goes is Goes.DELETE and entry.clock == "workspace_expiry"
    }
