"""A child's data: found by one officer, confirmed by another, and removed by the door, within 72 hours (policy § 8)."""

import dataclasses
import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Count

from accounts import approvals, evidence
from accounts.models import Approval, ChildFinding, Person, User, Workspace
from retention import deletion, planning
from retention.models import Hold
from retention.rules import armed_rules, period_of

RULE = "childs_data"
REMOVE_CHILD = "remove_child"
NEAR = dt.timedelta(hours=24)


class UnableToRecord(ValueError):
    """The finding cannot be recorded or dropped; the message says why, for the officer."""


@dataclasses.dataclass(frozen=True)
class Preview:
    """What would go: rows of the person, workspaces that only the person has, and what stays whole but for the rows."""

    rows: dict[str, int]
    whole: list[Workspace]
    whole_rows: dict[str, int]
    shared: list[Workspace]
    held: list[Workspace]


def record(
    person: Person, *, found_at: dt.datetime, how: str, authority: str, user: User, now: dt.datetime
) -> ChildFinding:
    """Write down that a person is a child. Raises UnableToRecord. The 72 hours run from ``found_at``."""
    if found_at > now:
        raise UnableToRecord("It cannot have been found in the future.")
    if how == ChildFinding.How.PARENT and authority == ChildFinding.Authority.NOT_NEEDED:
        raise UnableToRecord("Say how the authority of the parent was checked.")
    with transaction.atomic():
        Person.objects.select_for_update().get(pk=person.pk)
        if ChildFinding.objects.filter(person=person, dropped_at__isnull=True).exists():
            raise UnableToRecord("This was recorded already.")
        finding = ChildFinding.objects.create(
            person=person, found_at=found_at, how=how, authority=authority, recorded_by=user, recorded_at=now
        )
        body = {"how": how, "authority": authority, "found": evidence.rfc3339(found_at), "by": user.pk}
        evidence.append_entry("CHILD_FOUND", subject=str(finding.pk), body=body)
    return finding


def drop(finding_id: Any, *, user: User, now: dt.datetime) -> None:
    """Say that the person is no child, before it is confirmed. Raises UnableToRecord."""
    with transaction.atomic():
        dropped = ChildFinding.objects.filter(pk=finding_id, confirmed_at__isnull=True, dropped_at__isnull=True)
        if not dropped.update(dropped_at=now):
            raise UnableToRecord("It is confirmed or dropped already.")
        evidence.append_entry("CHILD_DROPPED", subject=str(finding_id), body={"by": user.pk})


def deadline_of(finding: ChildFinding, now: dt.datetime) -> dt.datetime:
    """Return the instant by which everything must be gone: the rule's period, at most 72 hours, after it was found."""
    period = period_of(RULE, now)
    assert period is not None, "The rule has a seed."
    return finding.found_at + period


def preview(finding: ChildFinding, *, now: dt.datetime) -> Preview:
    """Return what the confirmation would remove: it is really made, counted, and rolled back."""
    with transaction.atomic():
        whole = list(sole_workspaces(finding.person_id)) if finding.person_id else []
        theirs = Workspace.objects.filter(memberships__person=finding.person_id, state__in=Workspace.INTACT)
        shared = list(theirs.exclude(pk__in=[workspace.pk for workspace in whole]).order_by("outside_id"))
        held = Hold.objects.filter(lifted_at__isnull=True, workspace__in=[*whole, *shared]).values("workspace")
        ChildFinding.objects.exclude(pk=finding.pk).update(confirmed_at=None)
        ChildFinding.objects.filter(pk=finding.pk).update(confirmed_at=now)
        rows = planning.count_planned(deletion.Scope(None, planning.choose_past(RULE, now), RULE, now))
        whole_rows: dict[str, int] = {}
        for workspace in whole:
            scope = planning.whole(workspace.pk, rule="workspace_expiry", cutoff=now)
            for label, count in planning.count_planned(scope).items():
                whole_rows[label] = whole_rows.get(label, 0) + count
        found = Preview(rows, whole, whole_rows, shared, list(Workspace.objects.filter(pk__in=held)))
        transaction.set_rollback(True)
    return found


def sole_workspaces(person_id: Any):
    """Return the workspaces, in the order of their numbers, that nobody but this person is in."""
    return (
        Workspace.objects.filter(memberships__person=person_id, state__in=Workspace.INTACT)
        .filter(pk__in=Workspace.objects.annotate(people=Count("memberships")).filter(people=1).values("pk"))
        .order_by("outside_id")
    )


def ask_to_remove(finding: ChildFinding, *, user: User, now: dt.datetime) -> Approval:
    """Ask a second officer to have everything of the child removed. Raises approvals.UnableToApprove."""
    found = preview(finding, now=now)
    rows = sum(found.rows.values()) + sum(found.whole_rows.values())
    whole = f", of them {len(found.whole)} workspace{'s' * (len(found.whole) != 1)} whole" if found.whole else ""
    return approvals.ask(
        REMOVE_CHILD,
        target=str(finding.pk),
        summary=f"Remove a child’s data: {rows:,} rows and files{whole}. They are gone at once, without recovery.",
        user=user,
        now=now,
    )


def is_asked(finding: ChildFinding) -> bool:
    """Return whether a second officer has the question to have everything removed."""
    waiting = Approval.objects.filter(action=REMOVE_CHILD, target=str(finding.pk), state=Approval.State.WAITING)
    return waiting.exists()


def late_findings(now: dt.datetime) -> list[tuple[ChildFinding, dt.datetime]]:
    """Return the open findings whose deadline is near or past, with it, the most urgent first."""
    findings = ChildFinding.objects.filter(dropped_at__isnull=True, person__isnull=False)
    dated = sorted((deadline_of(finding, now), str(finding.pk), finding) for finding in findings)
    return [(finding, deadline) for deadline, _, finding in dated if deadline <= now + NEAR]


def what_stops_it(finding: ChildFinding) -> str:
    """Return in a sentence what keeps an open finding's data, or an empty text."""
    if finding.confirmed_at is None:
        return "It waits for a second officer." if is_asked(finding) else "No officer has asked to remove it."
    if missing := {RULE, "workspace_expiry"} - armed_rules():
        return f"A rule only observes: {', '.join(sorted(missing)).replace('_', ' ')}."
    held = Hold.objects.filter(lifted_at__isnull=True, workspace__memberships__person=finding.person_id)
    return "A hold keeps a workspace of this person." if held.exists() else ""


def facts(finding_id: str) -> dict[str, Any]:
    """Return what an approval is bound to: the finding, and which workspaces go whole."""
    finding = ChildFinding.objects.get(pk=finding_id)
    whole = [str(workspace.pk) for workspace in sole_workspaces(finding.person_id)] if finding.person_id else []
    return {
        "finding": finding_id,
        "person": str(finding.person_id or ""),
        "open": finding.is_open,
        "whole": sorted(whole),
    }


def confirm(finding_id: str, requested_by: User, decided_by: User, now: dt.datetime) -> None:
    """Let the door take everything of the child: at once, whatever its subscriptions say."""
    finding = ChildFinding.objects.select_for_update().get(pk=finding_id)
    whole = [workspace.pk for workspace in sole_workspaces(finding.person_id)]
    ChildFinding.objects.filter(pk=finding_id).update(confirmed_at=now)
    Workspace.objects.filter(pk__in=whole).update(goes_at=now)
    evidence.append_entry(
        "CHILD_CONFIRMED",
        subject=finding_id,
        body={"whole": [str(pk) for pk in whole], "by": [requested_by.pk, decided_by.pk]},
    )
