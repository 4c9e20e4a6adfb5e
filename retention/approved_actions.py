"""What in retention needs a second officer; stopping, hiding and calling off need only one."""

import datetime as dt
from typing import Any

from django.db import transaction

from accounts import approvals, evidence
from accounts.models import User
from retention import breaker, children, holds, laws, limits, periods, runs, suspensions, unsealing
from retention.models import DeletionRun, Rule, RuleVersion
from retention.promises import PROMISES
from retention.rules import aged_maps, period_of, period_words, unconfirmed_seeds, without_period
from retention.run_page import numbers

ARM_RULE = "arm_rule"
LIFT_HOLD = "lift_hold"
LET_RUN_GO_ON = "let_run_go_on"
END_REPRIEVES = "end_reprieves"


def _rule_facts(key: str) -> dict[str, Any]:
    versions = RuleVersion.objects.filter(rule=key).count()
    return {"rule": key, "state": Rule.objects.get(pk=key).state, "versions": versions}


def _arm_rule(key: str, requested_by: User, decided_by: User, now: dt.datetime) -> None:
    Rule.objects.filter(pk=key).update(state=Rule.State.ARMED, armed_at=now)
    breaker.expect(key, now=now)
    evidence.append_entry("RULE_ARMED", subject=key, body={"by": [requested_by.pk, decided_by.pk]})


def _lift_hold(hold_id: str, requested_by: User, decided_by: User, now: dt.datetime) -> None:
    holds.lift_hold(hold_id, user=decided_by, now=now)


def _let_run_go_on(run_id: str, requested_by: User, decided_by: User, now: dt.datetime) -> None:
    try:
        runs.go_on(run_id, requested_by, decided_by, now)
    except runs.UnableToDecide as error:
        raise approvals.UnableToApprove(str(error)) from error


def register() -> None:
    """Make the actions known to four eyes; called once at start."""
    approvals.register(approvals.Action(ARM_RULE, "Arm a retention rule", "retention.arm_rule", _rule_facts, _arm_rule))
    approvals.register(
        approvals.Action(
            periods.CHANGE_PERIOD, "Change a period", "retention.arm_rule", periods.facts, periods.set_period
        )
    )
    approvals.register(
        approvals.Action(LET_RUN_GO_ON, "Let a stopped run go on", "retention.decide_job", runs.facts, _let_run_go_on)
    )
    approvals.register(
        approvals.Action(
            END_REPRIEVES,
            "Let workspaces be due again",
            "retention.decide_job",
            runs.reprieve_facts,
            runs.end_reprieves,
        )
    )
    approvals.register(
        approvals.Action(
            limits.RAISE_LIMIT, "Raise a limit of the breaker", "retention.decide_job", limits.facts, limits.raise_limit
        )
    )
    approvals.register(unsealing.ACTION)
    approvals.register(
        approvals.Action(
            children.REMOVE_CHILD,
            "Remove a child’s data",
            "accounts.confirm_childfinding",
            children.facts,
            children.confirm,
        )
    )
    approvals.register(
        approvals.Action(
            suspensions.DECIDE_SUSPENSION, "Decide what goes of a suspended workspace", "accounts.decide_suspension",
            suspensions.facts, suspensions.decide,
        )
    )  # fmt: skip
    approvals.register(approvals.Action(LIFT_HOLD, "Lift a legal hold", "retention.lift_hold", holds.facts, _lift_hold))
    permission = "retention.activate_legalretention"
    approvals.register(
        approvals.Action(laws.ACTIVATE_LAW, "Activate a law that keeps", permission, laws.facts, laws.activate)
    )
    approvals.register(approvals.Action(laws.END_LAW, "End a law that keeps", permission, laws.facts, laws.end))


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


def ask_to_let_go_on(run: DeletionRun, *, user: User, now: dt.datetime) -> approvals.Approval:
    """Ask a second officer to let a stopped run go on. Raises approvals.UnableToApprove."""
    of = numbers(run)
    return approvals.ask(
        LET_RUN_GO_ON,
        target=str(run.pk),
        summary=f"Let run {run.reference} go on: delete {of['waiting']:,} {of['unit']} that the breaker stopped. {run.stopped_because}",
        user=user,
        now=now,
    )


def ask_to_end_reprieves(run: DeletionRun, *, user: User, now: dt.datetime) -> approvals.Approval:
    """Ask a second officer to let the workspaces of a run that was called off be due. Raises approvals.UnableToApprove."""
    count = runs.reprieves_of(run.pk).count()
    return approvals.ask(
        END_REPRIEVES,
        target=str(run.pk),
        summary=f"Let {count:,} workspaces of run {run.reference} be due again: their dates were right",
        user=user,
        now=now,
    )


def observe_again(rule: Rule, *, user: User) -> None:
    """Stop a rule from deleting, at once and by one officer: stopping never needs a second pair of eyes."""
    with transaction.atomic():
        if Rule.objects.filter(pk=rule.pk, state=Rule.State.ARMED).update(state=Rule.State.OBSERVING, armed_at=None):
            evidence.append_entry("RULE_OBSERVES", subject=rule.pk, body={"by": user.pk})
