"""A child's data (policy § 8): a parent asks, their authority is checked without a copy of a document, and 72 hours run.

The clock is that of findings (``retention/children.py``): it begins with the receipt of the request, stands on every page,
and the removal is a finding's own question to a second officer. Here it begins, and its certificates come back.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils import timezone
from unfold.widgets import UnfoldAdminRadioSelectWidget

from accounts.models import ChildFinding, EvidenceEntry, User
from accounts.verdicts import data_map
from dsar.models import Decision, SubjectRequest
from dsar.rights import Line, Preview, Right, UnableToCarryOut, register
from dsar.rights.certificates import attached, told
from dsar.rights.forms import RightForm
from dsar.rights.subject import person_of
from retention import children
from retention.models import DeletionJob

Authority = ChildFinding.Authority


class ChildForm(RightForm):
    """How the authority of whoever asks was checked. Never by a copy of an identity document."""

    how = forms.ChoiceField(
        label="Who told us",
        choices=ChildFinding.How.choices,
        initial=ChildFinding.How.PARENT,
        widget=UnfoldAdminRadioSelectWidget,
    )
    authority = forms.ChoiceField(
        label="Authority of the parent",
        choices=Authority.choices,
        initial=Authority.NOT_NEEDED,
        widget=UnfoldAdminRadioSelectWidget,
        help_text="How it was checked. Never by a copy of an identity document.",
    )


def preview(request: SubjectRequest, choices: Mapping[str, Any], now: dt.datetime) -> Preview:
    """Show what is removed when a second officer agrees; it is really recorded, counted, and rolled back by the page."""
    person = person_of(request)
    obstacles = []
    if choices["how"] == ChildFinding.How.PARENT and choices["authority"] == Authority.NOT_NEEDED:
        obstacles.append("Say how the authority of the parent was checked. No copy of a document is needed.")
        finding = _recorded(request, {**choices, "how": ChildFinding.How.STAFF}, request.registered_by, now)
    else:
        finding = _recorded(request, choices, request.registered_by, now)
    found = children.preview(finding, now=now)
    by = timezone.localtime(children.deadline_of(finding, now))
    labels = [label for label in data_map() if label in {*found.rows, *found.whole_rows}]
    lines = [_line(label, max(found.rows.get(label, 0), found.whole_rows.get(label, 0))) for label in labels]
    names = ", ".join(str(workspace) for workspace in found.whole)
    notes = [f"Everything must be gone by {by:%-d %b %Y, %H:%M}: 72 hours after it reached us (policy § 8)."]
    notes += [f"Whole, since nobody else is in it: {names}."] if names else []
    notes += [f"A hold keeps rows of {workspace}: lift or narrow it in time." for workspace in found.held]
    return Preview(
        lines=lines,
        notes=notes,
        button="Record it and ask a second officer to have it removed",
        summary="record that the customer is a child, and remove everything",
        facts={"person": str(person.pk), "whole": sorted(str(workspace.pk) for workspace in found.whole)},
        obstacles=obstacles,
    )


def _line(label: str, count: int) -> Line:
    """Return a category with how many rows go; a workspace of the child's own counts the same rows once more."""
    entry = data_map()[label]
    age = entry.age(children.RULE)
    cut = age is not None and bool(age.blanks)
    return Line(entry.plural, "link cut" if cut else "deleted", rows=count, tone="" if cut else "danger")


def _recorded(request: SubjectRequest, choices: Mapping[str, Any], user: User, now: dt.datetime) -> ChildFinding:
    """Return the open finding about the customer, or make it: found when the request reached us."""
    person = person_of(request)
    if known := ChildFinding.objects.filter(person=person, dropped_at__isnull=True).first():
        return known
    try:
        return children.record(
            person, found_at=request.received_at, how=choices["how"], authority=choices["authority"], user=user, now=now
        )
    except children.UnableToRecord as error:
        raise UnableToCarryOut(str(error)) from error


def carry_out(decision: Decision, by: Sequence[User], now: dt.datetime) -> dict[str, Any]:
    """Start the clock, and ask a second officer. Raises approvals.UnableToApprove when there is none."""
    request = decision.request
    finding = _recorded(request, decision.choices, by[0], now)
    if finding.confirmed_at is None and not children.is_asked(finding):
        children.ask_to_remove(finding, user=by[0], now=now)
    return {"finding": str(finding.pk), "subject": str(finding.person_id)}


def progress(decision: Decision, now: dt.datetime) -> list[str] | None:
    """Say what the removal waits for; None when the child's data is gone, or the finding was wrong."""
    finding = ChildFinding.objects.get(pk=decision.result["finding"])
    if not finding.is_open:
        return None
    by = timezone.localtime(children.deadline_of(finding, now))
    waits = children.what_stops_it(finding) or "It is being removed."
    return [f"Gone by {by:%-d %b %Y, %H:%M}. {waits} See Children, {finding}."]


def finish(decision: Decision, now: dt.datetime) -> dict[str, Any]:
    """Attach the certificates of the deletions that took the child's data."""
    finding = ChildFinding.objects.get(pk=decision.result["finding"])
    if finding.confirmed_at is None:
        return {"dropped": True}
    entry = EvidenceEntry.objects.filter(type="CHILD_CONFIRMED", subject=str(finding.pk)).first()
    since, whole = finding.confirmed_at, [uuid.UUID(pk) for pk in entry.body["whole"]] if entry else []
    done = DeletionJob.objects.filter(due_at__gte=since, state=DeletionJob.State.DONE).order_by("done_at")
    of_person = done.filter(rule=children.RULE, scope__contains={"accounts.Person": [decision.result["subject"]]})
    return attached([*of_person, *done.filter(rule="workspace_expiry", workspace__in=whole)], now)


register(
    Right(
        code="childs_data",
        title="Child’s data",
        types=("child",),
        about="A parent asks that the data of their child goes. Their authority is checked without a copy of a document; everything must "
        "be gone within 72 hours of the day it reached us.",
        form=ChildForm,
        preview=preview,
        carry_out=carry_out,
        progress=progress,
        finish=finish,
        told=told,
    )
)
