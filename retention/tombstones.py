"""Recognising an erased customer's late records without knowing the customer."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange as Range
from django.db.models import Q, QuerySet

from accounts import keys
from accounts.models import Person
from accounts.verdicts import ModelMap, data_map
from retention.models import DeletionJob, ErasedPerson, Tombstone

PURPOSE = "numbers of erased customers"


def hash_number(e164: str) -> bytes:
    """Return the keyed hash by which an erased customer's number is recognised."""
    return keys.keyed_hash(e164, purpose=PURPOSE)


def remember_numbers(jobs: Iterable[DeletionJob], *, erased_at: dt.datetime) -> None:
    """Write a tombstone for every number that the jobs' workspaces have had, before the assignments go."""
    by_workspace = {job.workspace_id: job for job in jobs}
    for entry in data_map().values():
        if entry.tombstone:
            rows = entry.model_class._default_manager.filter(**{f"{entry.workspace}__in": list(by_workspace)})
            _remember(entry, rows, by_workspace.__getitem__, erased_at, lives_on=False)


def remember_chosen(job: DeletionJob, chosen: Mapping[str, list], *, erased_at: dt.datetime) -> None:
    """Write a tombstone for every number whose assignment goes by its own clock: its workspace lives on with the calls."""
    for label, ids in chosen.items():
        entry = data_map().get(label)  # none: whole months, of models without a tombstone
        if entry and entry.tombstone:
            rows = entry.model_class._default_manager.filter(pk__in=ids)
            _remember(entry, rows, lambda workspace_id: job, erased_at, lives_on=True)


def _remember(
    entry: ModelMap, rows: QuerySet, job_of: Callable[[Any], DeletionJob], erased_at: dt.datetime, *, lives_on: bool
) -> None:
    assert entry.tombstone
    Tombstone.objects.bulk_create(
        [
            Tombstone(
                job=job_of(workspace_id),
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


def windows_of(numbers: set[str]) -> Iterator[tuple[str, Range, uuid.UUID | None]]:
    """Yield the windows in which these numbers (E.164) were had by somebody whose assignment is gone.

    With the workspace, if that lived on then; without one, all of its customer was erased.
    """
    for e164, found in _windows(Tombstone.objects.all(), numbers).items():
        for window, workspace_id in found:
            yield e164, window, workspace_id


def remember_people(leaving: Mapping[DeletionJob, Sequence], *, erased_at: dt.datetime) -> None:
    """Write a tombstone for the customer number of everybody who leaves by a job, so that no old file or feed brings them back."""
    job_of = {str(pk): job for job, ids in leaving.items() for pk in ids}
    people = Person.objects.filter(pk__in=list(job_of)).values_list("pk", "outside_id")
    is_child = Q(child_findings__confirmed_at__isnull=False)
    for for_good, found in ((True, people.filter(is_child)), (False, people.exclude(is_child))) if job_of else ():
        ErasedPerson.objects.bulk_create(
            [
                ErasedPerson(job=job_of[str(pk)], id_hash=_hash_id(outside_id), erased_at=erased_at, for_good=for_good)
                for pk, outside_id in found
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
    if not tombstones.exists():
        return {}
    hashes = {hash_number(e164): e164 for e164 in numbers}
    found: dict[str, list[tuple[Range, uuid.UUID]]] = {}
    rows = tombstones.extra(
        where=["number_hash = ANY(%s)"], params=[list(hashes)]
    )  # an import asks for 100,000 at once
    for digest, window, workspace_id in rows.values_list("number_hash", "window", "workspace"):
        found.setdefault(hashes[bytes(digest)], []).append((window, workspace_id))
    return found
