"""Recognising an erased customer's late records without knowing the customer."""

import datetime as dt

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange as Range

from accounts import keys
from accounts.models import Workspace
from accounts.verdicts import data_map
from retention.models import DeletionJob, Tombstone

PURPOSE = "numbers of erased customers"


def hash_number(e164: str) -> bytes:
    """Return the keyed hash by which an erased customer's number is recognised."""
    return keys.keyed_hash(e164, purpose=PURPOSE)


def remember_numbers(job: DeletionJob, workspace: Workspace, *, erased_at: dt.datetime) -> None:
    """Write a tombstone for every number the workspace has had, before the assignments go."""
    for entry in data_map().values():
        if entry.tombstone:
            rows = entry.model_class._default_manager.filter(**{entry.workspace: workspace.pk})
            Tombstone.objects.bulk_create(
                [
                    Tombstone(
                        job=job, number_hash=hash_number(e164), window=_until(window, erased_at), erased_at=erased_at
                    )
                    for e164, window in rows.values_list(*entry.tombstone)
                    if window.lower < erased_at
                ],
                ignore_conflicts=True,
            )


def _until(window: Range, erased_at: dt.datetime) -> Range:
    """Return the part of a window before the erasure: what comes later is somebody else's."""
    return Range(window.lower, min(window.upper or erased_at, erased_at))


def erased_windows(numbers: set[str]) -> dict[str, list]:
    """Return the windows in which erased customers had these numbers (E.164), by number."""
    hashes = {hash_number(e164): e164 for e164 in numbers}
    found: dict[str, list] = {}
    for digest, window in Tombstone.objects.filter(number_hash__in=list(hashes)).values_list("number_hash", "window"):
        found.setdefault(hashes[bytes(digest)], []).append(window)
    return found
