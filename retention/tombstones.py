"""Recognising an erased customer's late records without knowing the customer."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange as Range
from django.db.models import Q, QuerySet

from accounts import keys
from accounts.models import Person, Workspace
from accounts.verdicts import ModelMap, data_map
from retention.models import DeletionJob, ErasedPerson, Tombstone

PURPOSE = "numbers of erased customers"


def hash_number(e164: str) -> bytes:
    """Return the keyed hash by which an erased customer's number is recognised."""
    return keys.keyed_hash(e164, purpose=PURPOSE)


def remember_numbers(job: DeletionJob, workspace: Workspace, *, erased_at: dt.datetime) -> None:
    """Write a tombstone for every number the workspace has had, before the assignments go."""
    for entry in data_map().values():
        if entry.tombstone:
            rows = entry.model_class._default_manager.filter(**{entry.workspace: workspace.pk})
            _remember(job, entry, rows, erased_at, lives_on=False)


def remember_chosen(job: DeletionJob, chosen: Mapping[str, list], *, erased_at: dt.datetime) -> None:
    """Write a tombstone for every number whose assignment goes by its own clock: its workspace lives on with the calls."""
    for label, ids in chosen.items():
        entry = data_map().get(label)  # none: whole months, of models without a tombstone
        if entry and entry.tombstone:
            _remember(job, entry, entry.model_class._default_manager.filter(pk__in=ids), erased_at, lives_on=True)


def _remember(job: DeletionJob, entry: ModelMap, rows: QuerySet, erased_at: dt.datetime, *, lives_on: bool) -> None:
    assert entry.tombstone
    Tombstone.objects.bulk_create(
        [
            Tombstone(
                job=job,
                number_hash=hash_number(e164),
                window=_until(window, erased_at),
                erased_at=erased_at,
                workspace_id=workspace_id if lives_on else None,
            )
            for e164, window, workspace_id in rows.values_list(*entry.tombstone, entry.workspace)
            if window.lower < erased_at
        ],
        ignore_conflicts=True,
    )


def _until(window: Range, erased_at: dt.datetime) -> Range:
    """Return the part of a window before the erasure: what comes later is somebody else's."""
    return Range(window.lower, min(window.upper or erased_at, erased_at))


def erased_windows(numbers: set[str]) -> dict[str, list]:
    """Return the windows in which erased customers had these numbers (E.164), by number."""
    erased = Tombstone.objects.exclude(workspace__state__in=Workspace.INTACT)
    return {e164: [window for window, _ in found] for e164, found in _windows(erased, numbers).items()}


def living_windows(numbers: set[str]) -> dict[str, list[tuple[Range, uuid.UUID]]]:
    """Return the windows in which living workspaces had these numbers, which are gone, with the workspaces' ids."""
    return _windows(Tombstone.objects.filter(workspace__state__in=Workspace.INTACT), numbers)


def remember_people(job: DeletionJob, person_ids: Sequence, *, erased_at: dt.datetime) -> None:
    """Write a tombstone for the customer number of everybody who leaves, so that no old file or feed brings them back."""
    people = Person.objects.filter(pk__in=person_ids)
    is_child = Q(child_findings__confirmed_at__isnull=False)
    for for_good, leaving in ((True, people.filter(is_child)), (False, people.exclude(is_child))):
        ErasedPerson.objects.bulk_create(
            [
                ErasedPerson(job=job, id_hash=_hash_id(outside_id), erased_at=erased_at, for_good=for_good)
                for outside_id in leaving.values_list("outside_id", flat=True)
            ],
            ignore_conflicts=True,
        )


def erased_people(outside_ids: set[str]) -> dict[str, bool]:
    """Return those of these customer numbers whose people were erased, each with whether it is for good (a child)."""
    hashes = {_hash_id(outside_id): outside_id for outside_id in outside_ids}
    found: dict[str, bool] = {}
    for digest, for_good in ErasedPerson.objects.filter(id_hash__in=list(hashes)).values_list("id_hash", "for_good"):
        outside_id = hashes[bytes(digest)]
        found[outside_id] = found.get(outside_id, False) or for_good
    return found


def _hash_id(outside_id: str) -> bytes:
    return keys.keyed_hash(outside_id, purpose="customer numbers of the erased")


def is_remembered(e164: str, window: Range) -> bool:
    """Return whether a tombstone says that this assignment of the number, from its start to its end, is over and gone."""
    if window.upper is None:
        return False
    return any(
        found.lower <= window.lower and window.upper <= found.upper
        for found, _ in _windows(Tombstone.objects.all(), {e164}).get(e164, [])
    )


def _windows(tombstones: QuerySet[Tombstone], numbers: set[str]) -> dict[str, list[tuple[Range, uuid.UUID]]]:
    hashes = {hash_number(e164): e164 for e164 in numbers}
    found: dict[str, list[tuple[Range, uuid.UUID]]] = {}
    rows = tombstones.filter(number_hash__in=list(hashes)).values_list("number_hash", "window", "workspace")
    for digest, window, workspace_id in rows:
        found.setdefault(hashes[bytes(digest)], []).append((window, workspace_id))
    return found
