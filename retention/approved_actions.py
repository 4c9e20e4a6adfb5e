"""What in retention needs a second officer: arming a rule, its period, and lifting a hold. Stopping needs only one."""

import datetime as dt
from typing import Any

from django.db import transaction

from accounts import approvals, evidence
from accounts.models import User
from retention import periods
from retention.holds import lift_hold
from retention.models import Hold, Rule, RuleVersion
from retention.promises import PROMISES
from retention.rules import aged_maps, period_of, period_words, unconfirmed_seeds, without_period

ARM_RULE = "arm_rule"
LIFT_HOLD = "lift_hold"


def _rule_facts(key: str) -> dict[str, Any]:
    versions = RuleVersion.objects.filter(rule=key).count()
    return {"rule": key, "state": Rule.objects.get(pk=key).state, "versions": versions}


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
    approvals.register(
        approvals.Action(
            periods.CHANGE_PERIOD, "Change a period", "retention.arm_rule", periods.facts, periods.set_period
        )
    )
    approvals.register(approvals.Action(LIFT_HOLD, "Lift a legal hold", "retention.lift_hold", _hold_facts, _lift_hold))


def ask_to_arm(rule: Rule, *, user: User, now: dt.datetime) -> approvals.Approval:
    """Ask a second officer to arm a rule. Raises approvals.UnableToApprove, also when the rule has no period."""
    if rule.key in without_period(now):
        raise approvals.UnableToApprove("Nobody has set the period of this rule: it keeps everything. Set it first.")
    if rule.key in unconfirmed_seeds():
        raise approvals.UnableToApprove(
            "No officer has confirmed the period that ships with this rule. Confirm it first."
        )
    summary = f"Arm the rule “{PROMISES[rule.key].title}”"
    if aged_maps(rule.key):
        summary += f" with a period of {period_words(period_of(rule.key, now))}"
    return approvals.ask(ARM_RULE, target=rule.pk, summary=summary, user=user, now=now)


def observe_again(rule: Rule, *, user: User) -> None:
    """Stop a rule from deleting, at once and by one officer: stopping never needs a second pair of eyes."""
    with transaction.atomic():
        if Rule.objects.filter(pk=rule.pk, state=Rule.State.ARMED).update(state=Rule.State.OBSERVING, armed_at=None):
            evidence.append_entry("RULE_OBSERVES", subject=rule.pk, body={"by": user.pk})
