"""Four eyes: one mechanism for whatever cannot be undone or weakens a control.

An action is asked for by one officer and done by the agreement of another. What was asked is frozen as a digest of the
facts; when the facts have changed by the time of the agreement, the request is void. The upper apps register their
actions at start, so that this module knows none of them.
"""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from accounts import evidence
from accounts.models import Approval, User

APPROVAL_LIFE = dt.timedelta(hours=72)


class UnableToApprove(ValueError):
    """The approval cannot be asked for or given; the message says why, for the officer."""


@dataclasses.dataclass(frozen=True)
class Action:
    """What can be asked for. ``facts`` returns codes, ids and counts of the target as they are now; ``execute`` does it."""

    code: str
    title: str
    permission: str
    facts: Callable[[str], Mapping[str, Any]]
    execute: Callable[[str, User, User, dt.datetime], None]  # target, requested by, decided by, now


ACTIONS: dict[str, Action] = {}


def register(action: Action) -> None:
    ACTIONS[action.code] = action


def digest_of(code: str, target: str) -> str:
    """Return the digest of what is asked: the action, its target and the target's facts at this moment."""
    facts = ACTIONS[code].facts(target)
    return hashlib.sha256(evidence.canonical({"action": code, "target": target, "facts": facts})).hexdigest()


def may_decide(user: User, approval: Approval) -> bool:
    """Return whether ``user`` is a second pair of eyes for this approval."""
    return user.is_active and user.pk != approval.requested_by_id and user.has_perm(ACTIONS[approval.action].permission)


def ask(code: str, *, target: str, summary: str, user: User, now: dt.datetime) -> Approval:
    """Record that ``user`` asks for an action. Raises UnableToApprove.

    Refused when nobody else could agree: the portal does not fall back to one pair of eyes.
    """
    action = ACTIONS[code]
    if not user.has_perm(action.permission):
        raise UnableToApprove("You may not ask for this.")
    others = User.objects.filter(is_active=True, is_staff=True).exclude(pk=user.pk)
    if not any(other.has_perm(action.permission) for other in others):
        raise UnableToApprove("This needs a second officer, and there is none. Nothing was changed.")
    with transaction.atomic():
        _close_stale(code, target, now)
        if Approval.objects.filter(action=code, target=target, state=Approval.State.WAITING).exists():
            raise UnableToApprove("This was asked for already and waits for a second officer.")
        approval = Approval.objects.create(
            action=code,
            target=target,
            digest=digest_of(code, target),
            summary=summary,
            requested_by=user,
            requested_at=now,
            expires_at=now + APPROVAL_LIFE,
        )
        evidence.append_entry(
            "APPROVAL_ASKED", subject=str(approval.pk), body={"action": code, "target": target, "by": user.pk}
        )
    return approval


def decide(approval_id, *, user: User, agree: bool, now: dt.datetime) -> Approval:
    """Agree to what was asked, which does it at once, or refuse. Raises UnableToApprove.

    The row is locked, the digest is compared with the facts of this moment, and the action, the decision and its
    evidence are one transaction.
    """
    with transaction.atomic():
        approval = Approval.objects.select_for_update().get(pk=approval_id)
        if approval.state != Approval.State.WAITING:
            raise UnableToApprove("This has been decided already.")
        if not may_decide(user, approval):
            raise UnableToApprove("Another officer must decide this: nobody approves what they asked for themselves.")
        _close_stale(approval.action, approval.target, now)
        approval.refresh_from_db()
        if approval.state == Approval.State.WAITING:
            approval.state = Approval.State.DONE if agree else Approval.State.REFUSED
            approval.decided_by, approval.decided_at = user, now
            approval.save(update_fields=["state", "decided_by", "decided_at"])
            if agree:
                ACTIONS[approval.action].execute(approval.target, approval.requested_by, user, now)
            evidence.append_entry(
                "APPROVAL_GIVEN" if agree else "APPROVAL_REFUSED",
                subject=str(approval.pk),
                body={"action": approval.action, "target": approval.target, "by": user.pk, "digest": approval.digest},
            )
    if approval.state == Approval.State.VOID:
        raise UnableToApprove("What was asked has changed or is older than three days. It must be asked for again.")
    return approval


def _close_stale(code: str, target: str, now: dt.datetime) -> None:
    """Void waiting requests for this target that are too old or no longer about the same facts."""
    for waiting in Approval.objects.select_for_update().filter(
        action=code, target=target, state=Approval.State.WAITING
    ):
        if waiting.expires_at <= now or waiting.digest != digest_of(code, target):
            waiting.state, waiting.decided_at = Approval.State.VOID, now
            waiting.save(update_fields=["state", "decided_at"])
            evidence.append_entry("APPROVAL_VOID", subject=str(waiting.pk), body={"action": code, "target": target})
