"""What in retention needs a second officer: arming a rule, and lifting a hold. Stopping a rule needs only one."""

import datetime as dt
from typing import Any

from django.db import transaction

from accounts import approvals, evidence
from accounts.models import User
from retention.holds import lift_hold
from retention.models import Hold, Rule

ARM_RULE = "arm_rule"
LIFT_HOLD = "lift_hold"


def _rule_facts(key: str) -> dict[str, Any]:
    return {"rule": key, "state": Rule.objects.get(pk=key).state}


def _arm_rule(key: str, requested_by: User, decided_by: User, now: dt.datetime) -> None:
    Rule.objects.filter(pk=key).update(state=Rule.State.ARMED, armed_at=now)
    evidence.append_entry("RULE_ARMED", subject=key, body={"by": [requested_by.pk, decided_by.pk]})


def _hold_facts(hold_id: str) -> dict[str, Any]:
    hold = Hold.objects.get(pk=hold_id)
    return {
        "hold": hold_id,
        "workspace": str(hold.workspace_id),
        "review": str(hold.review_on),
        "active": hold.is_active,
    }


def _lift_hold(hold_id: str, requested_by: User, decided_by: User, now: dt.datetime) -> None:
    lift_hold(hold_id, user=decided_by, now=now)


def register() -> None:
    """Make the actions known to four eyes; called once at start."""
    approvals.register(approvals.Action(ARM_RULE, "Arm a retention rule", "retention.arm_rule", _rule_facts, _arm_rule))
    approvals.register(approvals.Action(LIFT_HOLD, "Lift a legal hold", "retention.lift_hold", _hold_facts, _lift_hold))


def observe_again(rule: Rule, *, user: User) -> None:
    """Stop a rule from deleting, at once and by one officer: stopping never needs a second pair of eyes."""
    with transaction.atomic():
        if Rule.objects.filter(pk=rule.pk, state=Rule.State.ARMED).update(state=Rule.State.OBSERVING, armed_at=None):
            evidence.append_entry("RULE_OBSERVES", subject=rule.pk, body={"by": user.pk})
