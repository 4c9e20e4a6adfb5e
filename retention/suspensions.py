"""Fraud: an officer suspends a workspace for good; two decide whether it goes now or stays as evidence (policy § 5.2)."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count

from accounts import approvals, evidence
from accounts.models import Approval, Consent, Person, Suspension, User, Workspace
from accounts.verdicts import Goes, ModelMap, data_map
from retention import planning
from retention.holds import Covers, UnableToHold, place_hold, preview_hold

DECIDE_SUSPENSION = "decide_suspension"
MARKETING = ("marketing_email", "marketing_sms", "marketing_call")


class UnableToSuspend(ValueError):
    """The workspace cannot be suspended, or nothing can be decided about it; the message says why, for the officer."""


def suspend(workspace: Workspace, *, code: str, reason: str, user: User, now: dt.datetime) -> Suspension:
    """Suspend a workspace and end the marketing to its people, at once. Raises UnableToSuspend.

    Who is in another workspace too keeps their consents: nothing is known against them there.
    """
    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=workspace.pk)
        if workspace.state not in Workspace.INTACT:
            raise UnableToSuspend("Its deletion has begun already.")
        if Suspension.objects.filter(workspace=workspace, lifted_at__isnull=True).exists():
            raise UnableToSuspend("It is suspended already.")
        made = Suspension.objects.create(
            workspace=workspace, code=code, reason=reason, suspended_by=user, suspended_at=now
        )
        only_here = Person.objects.annotate(places=Count("memberships")).filter(places=1)
        people = only_here.filter(memberships__workspace=workspace).values("pk")
        open_consents = Consent.objects.filter(
            person__in=people, purpose__in=MARKETING, withdrawn_at__isnull=True, given_at__lte=now
        )
        ended = open_consents.update(withdrawn_at=now)
        body = {"workspace": str(workspace.pk), "code": code, "consents": ended, "by": user.pk}
        evidence.append_entry("SUSPENDED", subject=str(made.pk), body=body)
    return made


def lift(suspension_id: Any, *, user: User, now: dt.datetime) -> None:
    """Say that a suspension was wrong, before anything was decided. Raises UnableToSuspend. Consents stay withdrawn."""
    with transaction.atomic():
        found = Suspension.objects.filter(pk=suspension_id, decided_at__isnull=True, lifted_at__isnull=True)
        if not found.update(lifted_at=now):
            raise UnableToSuspend("It was decided or lifted already.")
        evidence.append_entry("SUSPENSION_LIFTED", subject=str(suspension_id), body={"by": user.pk})


def categories() -> list[ModelMap]:
    """Return the categories of which an officer decides: what a workspace's expiry deletes."""
    return [entry for entry in data_map().values() if entry.goes is Goes.DELETE and entry.clock == "workspace_expiry"]


def counts_of(workspace: Workspace, now: dt.datetime) -> dict[str, int]:
    """Return how many rows of each category would go with the workspace now, and how many files."""
    return planning.count_planned(planning.whole(workspace.pk, rule="workspace_expiry", cutoff=now))


def ask_to_decide(
    suspension: Suspension,
    *,
    stays: bool,
    categories: Sequence[str] = (),
    authority: str,
    review_on: dt.date | None,
    user: User,
    now: dt.datetime,
) -> Approval:
    """Ask a second officer: everything of the workspace goes at once, or what a lawful basis keeps stays as evidence.

    That is everything, or only ``categories`` of the data map while the rest goes at once; the hold keeps it until it is
    lifted. Raises UnableToSuspend, approvals.UnableToApprove.
    """
    if categories and not stays:
        raise UnableToSuspend("Categories are chosen, but nothing is to stay. Tick that it stays, or none of them.")
    if stays and not (authority and review_on):
        raise UnableToSuspend("What stays as evidence needs an authority and a date of review.")
    if stays and review_on and review_on <= now.date():
        raise UnableToSuspend("The review must lie in the future.")
    what = _what_becomes(suspension.workspace, stays=stays, categories=categories, user=user, now=now)
    with transaction.atomic():
        locked = Suspension.objects.select_for_update().get(pk=suspension.pk)
        if locked.state != "To be decided":
            raise UnableToSuspend("It was decided or lifted already.")
        locked.stays, locked.categories = stays, sorted(categories)
        locked.authority, locked.review_on = (authority, review_on) if stays else ("", None)
        locked.save(update_fields=["stays", "categories", "authority", "review_on"])
        return approvals.ask(
            DECIDE_SUSPENSION,
            target=str(suspension.pk),
            summary=f"Suspended for fraud: {what}"[:300],
            user=user,
            now=now,
        )


def _what_becomes(workspace: Workspace, *, stays: bool, categories: Sequence[str], user: User, now: dt.datetime) -> str:
    """Return in words and numbers what the second officer decides on. Raises UnableToSuspend when nothing would stay."""
    rows = sum(counts_of(workspace, now).values())
    if not stays:
        return f"{rows:,} rows and files go at once, without recovery"
    if not categories:
        return f"{rows:,} rows and files stay as evidence under a hold, and go when it is lifted"
    try:
        kept = preview_hold(Covers(workspace=workspace, categories=tuple(categories)), user=user, now=now)
    except UnableToHold as error:
        raise UnableToSuspend(str(error)) from error
    maps = data_map()
    named = ", ".join(f"{kept.get(label, 0):,} {maps[label].plural}" for label in sorted(categories))
    return f"what stays as evidence under a hold is {named}; all else of {rows:,} rows and files goes at once"


def facts(suspension_id: str) -> dict[str, Any]:
    """Return what an approval is bound to: the workspace, and exactly what becomes of it."""
    found = Suspension.objects.get(pk=suspension_id)
    return {
        "suspension": suspension_id,
        "workspace": str(found.workspace_id),
        "state": found.state,
        "stays": found.stays,
        "categories": found.categories,
        "authority": evidence.digest({"authority": found.authority}),
        "review": str(found.review_on or ""),
    }


def decide(suspension_id: str, requested_by: User, decided_by: User, now: dt.datetime) -> None:
    """Let the door take everything, whatever the subscriptions say; a hold, if one was decided, comes first and keeps its part.

    Raises approvals.UnableToApprove when there is nothing left to keep: then nothing goes either.
    """
    found = Suspension.objects.select_for_update().select_related("workspace").get(pk=suspension_id)
    if found.stays:
        assert found.review_on is not None, "What stays has a date of review."
        try:
            place_hold(
                workspace=found.workspace,
                categories=found.categories,
                reason=f"Evidence of fraud: {found.get_code_display().lower()}",
                authority=found.authority,
                owner=requested_by,
                review_on=found.review_on,
                user=decided_by,
                now=now,
            )
        except UnableToHold as error:
            raise approvals.UnableToApprove(f"{error} Nothing was deleted.") from error
    Suspension.objects.filter(pk=suspension_id).update(decided_at=now)
    Workspace.objects.filter(pk=found.workspace_id).update(goes_at=now)
    evidence.append_entry(
        "SUSPENSION_DECIDED",
        subject=suspension_id,
        body={
            "workspace": str(found.workspace_id),
            "stays": found.stays,
            "categories": found.categories,
            "by": [requested_by.pk, decided_by.pk],
        },  # fmt: skip
    )
