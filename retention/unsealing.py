"""Ending the seal of a restored copy: asked for by one person, agreed to by another."""

import datetime as dt
from typing import Any

from django.db import transaction

from accounts import approvals, evidence, put_back
from accounts.models import User
from retention import restore
from retention.models import Seal

UNSEAL = "unseal"


def ask_to_unseal(seal: Seal, *, user: User, now: dt.datetime) -> approvals.Approval:
    """Ask a second person to let the portal go on after a restore. Raises approvals.UnableToApprove."""
    if seal.verified_at is None:
        raise approvals.UnableToApprove("First the deletions since the backup must be done again and verified.")
    lost = ", ".join(f"{count} {words}" for words, count in restore.lost_controls(seal).items())
    return approvals.ask(
        UNSEAL,
        target=str(seal.pk),
        summary=f"Let the portal go on after a restored backup: {seal.replayed} deletions done again and verified. "
        f"{f'Lost with the backup, to be decided anew: {lost}.' if lost else 'Nothing that officers decided is lost.'}",
        user=user,
        now=now,
    )


def facts(seal_id: str) -> dict[str, Any]:
    """Return what an approval to end a seal is bound to."""
    seal = Seal.objects.get(pk=seal_id)
    return {
        "seal": seal_id,
        "open": seal.unsealed_at is None,
        "deletions": seal.replayed,
        "verified": evidence.rfc3339(seal.verified_at) if seal.verified_at else "",
    }


def unseal(seal_id: str, asked_by: User, decided_by: User, now: dt.datetime) -> None:
    """End the seal by two officers. Raises restore.UnableToRestore unless everything is replayed and verified."""
    with transaction.atomic():
        seal = Seal.objects.select_for_update().get(pk=seal_id, unsealed_at__isnull=True)
        if seal.verified_at is None or put_back.difference():
            raise restore.UnableToRestore(
                "The deletions since the backup have not been carried out again and verified."
            )
        seal.asked_by, seal.unsealed_by, seal.unsealed_at = asked_by, decided_by, now
        seal.save(update_fields=["asked_by", "unsealed_by", "unsealed_at"])
        evidence.append_entry(
            "RESTORE_UNSEALED",
            subject=f"seal-{seal.pk}",
            body={"by": [asked_by.pk, decided_by.pk], "deletions": seal.replayed, "put_back": seal.put_back},
        )
    restore.forget()


ACTION = approvals.Action(UNSEAL, "End the seal of a restore", "retention.unseal", facts, unseal)
