"""Erasure at a person's own request: granted by two officers, carried out by the door like everything else (policy § 6.2).

What was granted stays granted: what a hold or a law keeps today goes when these end, unless only categories were chosen.
"""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import evidence
from accounts.models import Person, PersonErasure, User, Workspace
from accounts.verdicts import Goes, ModelMap
from retention import deletion, keeping, planning
from retention.due import past_rows
from retention.models import DeletionJob
from retention.promises import CONTRACT, LEGAL, PROMISES
from retention.rules import aged_maps, armed_rules

RULE, WHOLE = "erasure_request", "workspace_expiry"
OVER = (DeletionJob.State.DONE, DeletionJob.State.HELD)  # held: it goes by itself when the hold is lifted


@dataclasses.dataclass(frozen=True)
class Kept:
    """What one keeper keeps of a category: how many rows, its words, and when it lets the last of them go, if that is dated."""

    rows: int
    words: str
    until: dt.datetime | None = None


@dataclasses.dataclass
class Fate:
    """What becomes of one category: how many rows go, and what keeps the others."""

    entry: ModelMap
    goes: int = 0
    kept: list[Kept] = dataclasses.field(default_factory=list)


def categories() -> list[ModelMap]:
    """Return the categories of which an erasure can be granted: all rows that lead to a person."""
    return [entry for entry, _ in aged_maps(RULE)]


def serves_the_contract(entry: ModelMap) -> bool:
    """Return whether a category is needed while the contract runs: its own rules rest on it or a duty, or it goes with the account."""
    by_decision = {"childs_data", RULE}
    bases = [PROMISES[age.rule].basis for age in entry.ages if age.rule not in by_decision]
    return not bases or any(CONTRACT in basis or basis.startswith(LEGAL) for basis in bases)


def subjects(now: dt.datetime) -> list[uuid.UUID]:
    """Return the ids of the people of whom something granted may still have to go, the first granted first."""
    granted = PersonErasure.objects.filter(decided_at__lte=now, ended_at__isnull=True, person__isnull=False)
    return list(granted.order_by("decided_at", "pk").values_list("person", flat=True))  # type: ignore[arg-type]


def preview(person: Person, chosen: Collection[str], *, now: dt.datetime) -> list[Fate]:
    """Return what becomes of these categories of a person: it is really granted, counted, and rolled back."""
    with transaction.atomic():
        _grant(person, chosen, request=uuid.uuid4(), now=now)
        fates = [
            _fate_of_rows(entry, planning.of_person(entry, person.pk), now)
            for entry in categories()
            if entry.model in chosen
        ]
        transaction.set_rollback(True)
    return fates


def _fate_of_rows(entry: ModelMap, theirs: Q, now: dt.datetime) -> Fate:
    age = entry.age(RULE)
    assert age is not None
    fate = Fate(entry, goes=past_rows(entry, age, now=now).filter(theirs).count())
    for keeper in keeping.keepers_in_force(now):
        covered = keeping.kept(entry, [keeper])
        if covered is None:
            continue
        manager = entry.model_class._default_manager
        rows = manager.filter(theirs, pk__in=manager.filter(covered).values("pk"))
        if count := rows.count():
            ends = keeper.ends(entry, rows)
            fate.kept.append(Kept(count, keeper.words, ends[1] if ends else None))
    return fate


def preview_workspaces(workspaces: Sequence[Workspace], *, now: dt.datetime) -> list[Fate]:
    """Return what becomes of workspaces that go whole, with everybody who leaves with them."""
    fates: dict[str, Fate] = {}
    keepers = {str(keeper.id): keeper for keeper in keeping.keepers_in_force(now)}
    maps = {entry.model: entry for entry in deletion.maps_in_order(WHOLE)}
    for plan in planning.plan([workspace.pk for workspace in workspaces], rule=WHOLE, cutoff=now, now=now):
        for label, count in plan.planned.items():
            if label in maps:
                fates.setdefault(label, Fate(maps[label])).goes += count
        for keeper_id, counts in plan.kept["by"].items():
            for label, count in counts.items():
                kept = _kept(keepers[keeper_id], maps[label], plan.scope, count)
                fates.setdefault(label, Fate(maps[label])).kept.append(kept)
    return list(fates.values())


def _kept(keeper: keeping.Keeper, entry: ModelMap, scope: deletion.Scope, count: int) -> Kept:
    rows = deletion.kept_by(entry, scope, keeper)
    ends = keeper.ends(entry, deletion.rows_of(entry, scope).filter(rows)) if rows is not None else None
    return Kept(count, keeper.words, ends[1] if ends else None)


def grant(
    person: Person, chosen: Collection[str], *, request: uuid.UUID, by: Sequence[User], now: dt.datetime
) -> PersonErasure:
    """Let these categories of a person go at the next tick."""
    made = _grant(person, chosen, request=request, now=now)
    evidence.append_entry(
        "ERASURE_GRANTED",
        subject=str(made.pk),
        body={"request": str(request), "categories": sorted(chosen), "by": [user.pk for user in by]},
    )
    return made


def _grant(person: Person, chosen: Collection[str], *, request: uuid.UUID, now: dt.datetime) -> PersonErasure:
    PersonErasure.objects.filter(person=person, ended_at__isnull=True).update(
        ended_at=now
    )  # the new one takes it along
    return PersonErasure.objects.create(
        person=person, subject=person.pk, request=request, categories=sorted(chosen), decided_at=now
    )


def end_workspaces(
    workspaces: Iterable[Workspace], *, request: uuid.UUID, by: Sequence[User], now: dt.datetime
) -> None:
    """Let workspaces go whole at the next tick, whatever their subscriptions say."""
    ids = [workspace.pk for workspace in workspaces]
    locked = Workspace.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    list(locked.values_list("pk", flat=True))
    Workspace.objects.filter(pk__in=ids).update(goes_at=now)
    for pk in ids:
        body = {"request": str(request), "by": [user.pk for user in by]}
        evidence.append_entry("WORKSPACE_ENDED_ON_REQUEST", subject=str(pk), body=body)


def jobs_of(subject: uuid.UUID | None, workspaces: Collection[str], since: dt.datetime) -> QuerySet[DeletionJob]:
    """Return the deletions that carry out what was granted at ``since``: of a person, and of whole workspaces."""
    mine = Q(rule=RULE, subject=subject) if subject else Q(pk__in=[])
    return (
        DeletionJob.objects.filter(mine | Q(rule=WHOLE, workspace__in=list(workspaces)), due_at__gte=since)
        .select_related("workspace")
        .order_by("due_at", "created_at", "pk")
    )


def still_to_go(
    subject: uuid.UUID | None, workspaces: Collection[str], *, since: dt.datetime, now: dt.datetime
) -> list[str]:
    """Return in words what is not deleted yet although nothing keeps it, and what stops it; nothing: all of it is gone or kept."""
    found = []
    jobs = list(jobs_of(subject, workspaces, since).exclude(state=DeletionJob.State.CANCELLED))
    for job in jobs:
        if job.state not in OVER:
            why = f" {job.stopped_because}" if job.stopped_because else ""
            found.append(f"Deletion {job.reference}: {job.get_state_display().lower()}.{why}")
    begun = {str(job.workspace_id) for job in jobs if job.workspace_id}
    waiting = Workspace.objects.filter(pk__in=[pk for pk in workspaces if pk not in begun], state__in=Workspace.INTACT)
    held = keeping.wholly_held()
    found += [
        f"Workspace {workspace}: {_why_not_begun(WHOLE)}"
        for workspace in waiting.exclude(pk__in=held).order_by("outside_id")
    ]
    open_of_person = any(job.subject and job.state != DeletionJob.State.DONE for job in jobs)
    if subject in subjects(now) and not open_of_person and planning.choose_past(RULE, now, of=subject):
        found.append(f"The person’s rows: {_why_not_begun(RULE)}")
    return found


def _why_not_begun(rule: str) -> str:
    title = PROMISES[rule].title
    if rule not in armed_rules():
        return f"the rule “{title}” only observes. Two officers must arm it."
    return "waits for the next look at what is due, within a minute."


def left_of(subject: uuid.UUID, now: dt.datetime) -> dict[str, int]:
    """Return how many rows, by category, of what was granted are still there: what a hold or a law keeps of the person."""
    granted = PersonErasure.objects.filter(subject=subject, ended_at__isnull=True, person__isnull=False).first()
    counts = {
        entry.model: entry.model_class._default_manager.filter(planning.of_person(entry, subject)).count()
        for entry in categories()
        if granted and entry.model in granted.categories and entry.goes is Goes.DELETE
    }
    return {model: count for model, count in counts.items() if count}


def close(subject: uuid.UUID, *, now: dt.datetime) -> None:
    """End what was granted of some categories only; one of everything stays, for what is kept today."""
    everything = [entry.model for entry in categories()]
    for erasure in PersonErasure.objects.filter(subject=subject, ended_at__isnull=True):
        if set(erasure.categories) != set(everything) or erasure.person_id is None:
            PersonErasure.objects.filter(pk=erasure.pk).update(ended_at=now)
