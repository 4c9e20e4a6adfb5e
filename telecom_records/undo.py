"""Taking an import back: the records that it brought are hidden at once, and go by the door like all else.

Two officers decide. What the import only revised stays with its new values, since the earlier ones are not kept; a call
that a later file held too goes as well, and comes back when that file is imported again.
"""

import datetime as dt

from accounts import approvals, evidence
from accounts.models import Approval, User
from telecom_records.models import ImportRun

UNDO = "undo_import"
RULE = "undone_import"


def may_be_undone(run: ImportRun) -> bool:
    """Return whether records that the run brought are there to take back."""
    return run.state == ImportRun.State.DONE and run.inserted > 0


def ask(run: ImportRun, *, user: User, now: dt.datetime) -> Approval:
    """Ask a second officer to take an import back. Raises approvals.UnableToApprove."""
    if not may_be_undone(run):
        raise approvals.UnableToApprove("This import brought nothing that could be taken back.")
    summary = (
        f"Undo the import of {run.created_at:%-d %b %Y}: {run.inserted:,} {run.kind} of {run.source.name} are deleted"
    )
    return approvals.ask(UNDO, target=str(run.pk), summary=summary[:300], user=user, now=now)


def _facts(target: str) -> dict:
    run = ImportRun.objects.get(pk=target)
    return {"state": run.state, "inserted": run.inserted, "revised": run.revised}


def _undo(target: str, requested_by: User, decided_by: User, now: dt.datetime) -> None:
    run = ImportRun.objects.select_for_update().get(pk=target)
    if not may_be_undone(run):
        raise approvals.UnableToApprove("This import brought nothing that could be taken back.")
    ImportRun.objects.filter(pk=run.pk).update(state=ImportRun.State.UNDONE, undone_at=now)
    evidence.append_entry(
        "IMPORT_UNDONE", subject=str(run.pk), body={"rows": run.inserted, "by": [requested_by.pk, decided_by.pk]}
    )


def register() -> None:
    """Make the undoing of an import known to four eyes; called once at start."""
    approvals.register(approvals.Action(UNDO, "Undo an import", "telecom_records.undo_import", _facts, _undo))
