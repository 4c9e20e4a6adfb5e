"""Erasure (GDPR Art. 17, policy § 6.2): what goes and what stays is shown, two officers agree, the door deletes.

Nothing is deleted here. What was agreed to becomes due, and goes like everything else that is past its time: by deletions
with receipts, under the same holds and laws. The request stays, with the name and the address to answer to.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.models import Membership, Person, User, Workspace
from accounts.verdicts import Goes, ModelMap, data_map
from dsar.models import Decision, SubjectRequest
from dsar.rights import Line, Preview, Right, UnableToCarryOut, certificates, register
from dsar.rights.certificates import attached
from dsar.rights.forms import RightForm
from dsar.rights.subject import person_of, workspaces_of
from retention import person_erasure
from retention.keeping import PERSON
from retention.models import DeletionJob

EVERYTHING, CHOSEN = "everything", "chosen"
MEMBERSHIP = Membership._meta.label


def choosable() -> list[ModelMap]:
    """Return the categories that can be chosen by themselves: rows that go, but nobody's place, nor what hangs on others."""
    entries = [entry for entry in person_erasure.categories() if entry.goes is Goes.DELETE]
    tops = [entry for entry in entries if not _parents(entry) & {each.model for each in entries}]
    return [entry for entry in tops if entry.model not in (PERSON, MEMBERSHIP)]


def with_what_hangs_on(models: Sequence[str]) -> list[str]:
    """Return categories with those whose rows hang on theirs: a ticket's messages and files."""
    chosen = set(models)
    while more := {entry.model for entry in person_erasure.categories() if _parents(entry) & chosen} - chosen:
        chosen |= more
    return sorted(chosen)


def _parents(entry: ModelMap) -> set[str]:
    fields = [field for field in entry.model_class._meta.concrete_fields if field.is_relation]
    fields = [field for field in fields if entry.is_correspondence or not field.null]
    return {field.related_model._meta.label for field in fields} - {PERSON, entry.model}  # type: ignore[union-attr]


class ErasureForm(RightForm):
    """Everything, or some categories while the contract runs; and whether the person ends the contract."""

    extent = forms.ChoiceField(
        label="What goes",
        choices=[(EVERYTHING, "Everything of the person"), (CHOSEN, "Only the categories ticked below")],
        widget=UnfoldAdminRadioSelectWidget,
    )
    categories = forms.MultipleChoiceField(
        label="If only some",
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Ticked at first: what the contract does not need.",
    )
    ends_contract = forms.BooleanField(
        label="The person ends the contract",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="They have said so, and know that numbers and remaining credits are lost.",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        entries = choosable()
        self.fields["categories"].choices = [(entry.model, entry.plural.capitalize()) for entry in entries]  # type: ignore[attr-defined]
        self.fields["categories"].initial = [
            entry.model for entry in entries if not person_erasure.serves_the_contract(entry)
        ]
        runs = not _asks_itself(self.subject_request) and _running(_whole(self.subject_request))
        self.fields["extent"].initial = CHOSEN if runs else EVERYTHING

    def clean(self):
        cleaned = super().clean() or {}
        if cleaned.get("extent") == CHOSEN and not cleaned.get("categories"):
            self.add_error("categories", "Tick at least one, or choose everything.")
        if cleaned.get("extent") == EVERYTHING:
            cleaned["categories"] = []
        else:
            cleaned["ends_contract"] = False
        return cleaned


def _asks_itself(request: SubjectRequest) -> bool:
    """Return whether the request is of a workspace, and of nobody in it by name."""
    return request.workspace is not None and request.person is None


def _whole(request: SubjectRequest) -> list[Workspace]:
    """Return the workspaces that go whole with everything: those of the person alone, or the one that itself asks."""
    if request.workspace and _asks_itself(request) and request.workspace.state in Workspace.INTACT:
        return [request.workspace]
    try:
        person = person_of(request)
    except UnableToCarryOut:
        return []
    return [
        workspace for workspace in workspaces_of(person) if not workspace.memberships.exclude(person=person).exists()
    ]


def _running(workspaces: Sequence[Workspace]) -> list[Workspace]:
    """Return those whose contract runs: with a subscription that has not ended."""
    now = timezone.now()
    return [
        workspace for workspace in workspaces
        if workspace.subscriptions.exists() and (workspace.ends_at is None or workspace.ends_at > now)
    ]  # fmt: skip


def _subject(request: SubjectRequest) -> Person | None:
    """Return who asks; None where a workspace with several people asks itself. Raises UnableToCarryOut."""
    return None if _asks_itself(request) else person_of(request)


def preview(request: SubjectRequest, choices: Mapping[str, Any], now: dt.datetime) -> Preview:
    """Show by category what goes, what stays, why and until when."""
    person, whole = _subject(request), _whole(request)
    notes, obstacles = [], []
    if choices["extent"] == EVERYTHING:
        models = [entry.model for entry in person_erasure.categories()]
        if whole:
            notes.append(
                f"Whole, since nobody else is in it: {_names(whole)}." if person else f"Whole: {_names(whole)}."
            )
        if (running := _running(whole)) and not choices["ends_contract"]:
            obstacles.append(
                f"The contract of {_names(running)} runs {_until(running)}, and needs the data until then (GDPR Art. 6(1)(b)). Tick "
                "that the person ends it, or erase only some categories."
            )
    else:
        if person is None:
            raise UnableToCarryOut(
                "Of a workspace only everything can be erased. Enter the customer who asks for less."
            )
        models, whole = with_what_hangs_on(choices["categories"]), []
    fates = person_erasure.preview_workspaces(whole, now=now)
    if person:
        shared = [workspace for workspace in workspaces_of(person) if workspace not in whole]
        if shared and choices["extent"] == EVERYTHING:
            notes.append(
                f"{_names(shared)} stays: others are in it. What names this person goes, and what went over their numbers; the rest is the others’."
            )
        of_person = person_erasure.preview(person, models, now=now)
        if (
            whole and not shared
        ):  # the same rows; but the archives that were made for the person go by their request alone
            of_person = [fate for fate in of_person if fate.entry.goes is Goes.KEEP]
        fates = _together(fates, of_person)
    lines = [line for fate in fates for line in _lines_of(fate)]
    if choices["extent"] == CHOSEN and person:
        lines += _not_chosen(person, models, now)
    goes = sum(fate.goes for fate in fates)
    if not goes and not obstacles:
        obstacles.append("Nothing would go: all of it is kept, or there is nothing.")
    what = f"{goes:,} row{'s' * (goes != 1)}, with their files"
    return Preview(
        lines=lines,
        notes=[*notes, "The request itself stays in the register, with the name and the address to answer to."],
        button=f"Erase {what}",
        summary=f"erase {what}{f', of them {len(whole)} workspace whole' if whole else ''}, without recovery",
        facts={
            "person": str(person.pk) if person else "",
            "whole": sorted(str(workspace.pk) for workspace in whole),
            "categories": sorted(models),
            "kept": sorted({fate.entry.model for fate in fates if fate.kept}),
        },
        needs_second=True,
        obstacles=obstacles,
    )


def _together(*parts: list[person_erasure.Fate]) -> list[person_erasure.Fate]:
    found: dict[str, person_erasure.Fate] = {}
    for fate in [fate for part in parts for fate in part]:
        one = found.setdefault(fate.entry.model, person_erasure.Fate(fate.entry))
        one.goes += fate.goes
        one.kept += fate.kept
    order = list(data_map())
    return sorted(found.values(), key=lambda fate: order.index(fate.entry.model))


def _lines_of(fate: person_erasure.Fate) -> list[Line]:
    what, found = fate.entry.plural, []
    age = fate.entry.age(person_erasure.RULE)
    if fate.goes:
        happens = "link cut" if age and age.blanks else "archive destroyed" if age and age.shreds else "deleted"
        found.append(Line(what, happens, rows=fate.goes, tone="" if happens == "link cut" else "danger"))
    for kept in fate.kept:
        until = f", until {timezone.localtime(kept.until):%-d %b %Y}" if kept.until else ""
        found.append(Line(what, "kept", _sentence(f"{kept.words}{until}"), kept.rows, "warning"))
    return found


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _not_chosen(person: Person, models: Sequence[str], now: dt.datetime) -> list[Line]:
    found = []
    until = _until(_running(workspaces_of(person)))
    for entry in person_erasure.categories():
        age = entry.age(person_erasure.RULE)
        if entry.model in models or entry.of_people is None or (age and (age.blanks or age.shreds)):
            continue
        if rows := entry.model_class._default_manager.filter(entry.of_people([person.pk])).count():
            needed = until and person_erasure.serves_the_contract(entry)
            found.append(
                Line(entry.plural, "stays", f"The contract needs it {until}" if needed else "Not chosen", rows)
            )
    return found


def _until(running: Sequence[Workspace]) -> str:
    ends = [workspace.ends_at for workspace in running]
    if not ends:
        return ""
    return "without an end" if None in ends else f"until {timezone.localtime(max(filter(None, ends))):%-d %b %Y}"


def _names(workspaces: Sequence[Workspace]) -> str:
    return ", ".join(str(workspace) for workspace in workspaces)


def carry_out(decision: Decision, by: Sequence[User], now: dt.datetime) -> dict[str, Any]:
    """Let it become due, and give the request what it needs to be answered without its customer."""
    request, choices = decision.request, decision.choices
    person, whole = _subject(request), []
    models = with_what_hangs_on(choices["categories"])
    if choices["extent"] == EVERYTHING:
        whole, models = _whole(request), [entry.model for entry in person_erasure.categories()]
    named = person or _only_one(request)
    if named:
        request.requester_name = request.requester_name or named.name
        request.requester_contact = request.requester_contact or named.email
        request.save(update_fields=["requester_name", "requester_contact"])
    if person:
        person_erasure.grant(person, models, request=request.pk, by=by, now=now)
    if whole:
        person_erasure.end_workspaces(whole, request=request.pk, by=by, now=now)
    return {
        "subject": str(person.pk) if person else "",
        "whole": [str(workspace.pk) for workspace in whole],
        "since": now.isoformat(),
    }


def _only_one(request: SubjectRequest) -> Person | None:
    people = (
        list(Person.objects.filter(memberships__workspace=request.workspace_id)[:2]) if request.workspace_id else []
    )
    return people[0] if len(people) == 1 else None


def progress(decision: Decision, now: dt.datetime) -> list[str] | None:
    """Say what is not deleted yet, and what stops it; None when all of it is gone, or kept."""
    subject, whole, since = _of(decision)
    return person_erasure.still_to_go(subject, whole, since=since, now=now) or None


def _of(decision: Decision) -> tuple[uuid.UUID | None, list[str], dt.datetime]:
    result = decision.result
    subject = uuid.UUID(result["subject"]) if result["subject"] else None
    return subject, result["whole"], dt.datetime.fromisoformat(result["since"])


def finish(decision: Decision, now: dt.datetime) -> dict[str, Any]:
    """Attach the certificates: which deletions did it, and how much went and was kept."""
    subject, whole, since = _of(decision)
    left = person_erasure.left_of(subject, now) if subject else {}
    if subject:
        person_erasure.close(subject, now=now)
    jobs = list(person_erasure.jobs_of(subject, whole, since))
    for job in jobs:  # and of a workspace, what was frozen when its deletion began
        left |= job.kept.get("rows", {}) if job.state == DeletionJob.State.DONE else {}
    held = [str(job.workspace) for job in jobs if job.state == DeletionJob.State.HELD]
    return {**attached(jobs, now), "left": left, "held": held}


def told(decision: Decision, language: str) -> list[str]:
    """Say how much was deleted, by which certificates, and what is kept still."""
    found, result = certificates.told(decision, language), decision.result
    left = {model: count for model, count in result.get("left", {}).items() if model not in (PERSON, MEMBERSHIP)}
    if not left and not result.get("held"):
        return found
    if language == "zh-hant":
        return [*found, f"另有 {sum(left.values()):,} 項紀錄因法律或法律申索的要求而須保留，待該要求終止時即會刪除。"]
    names = [f"{data_map()[model].plural} ({count:,})" for model, count in left.items()]
    names += [f"the workspace {name}" for name in result.get("held", [])]
    return [
        *found,
        f"Kept still, because a law or a legal claim demands it: {', '.join(names)}. It is deleted when that ends.",
    ]


register(
    Right(
        code="erasure",
        title="Erasure",
        types=("erasure",),
        about="What goes and what must stay is shown before. A second officer agrees, then the same engine deletes it that deletes "
        "everything else; its certificates come back here.",
        form=ErasureForm,
        preview=preview,
        carry_out=carry_out,
        progress=progress,
        finish=finish,
        told=told,
    )
)
