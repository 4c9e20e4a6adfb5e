"""What each deletion has chosen, written outside the database before anything is destroyed (mission P11).

After an old copy of the database was restored, this list says what must be deleted again. It holds opaque ids, keyed
hashes and counts: nothing personal.
"""

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Iterable
from typing import Any

from django.core import serializers
from django.db.models import Model, QuerySet
from django.db.models.functions import Now

from accounts import outside
from accounts.evidence import rfc3339
from retention.models import DeletionJob, ErasedPerson, Tombstone

NAME = "erasures"
MEMORIES: tuple[type[Model], ...] = (Tombstone, ErasedPerson)  # what is remembered of a deletion, by keyed hash


@dataclasses.dataclass(frozen=True)
class Erasure:
    """One deletion as it was chosen at its INTENT."""

    job: uuid.UUID
    rule: str
    workspace: uuid.UUID | None
    due_at: dt.datetime
    cutoff: dt.datetime
    intent_at: dt.datetime
    intent_sequence: int
    scope: dict[str, list[Any]]
    planned: dict[str, int]
    kept: dict[str, Any]
    memories: list[dict[str, Any]]


def write_down(job_ids: Iterable[uuid.UUID]) -> None:
    """Write the jobs that have their INTENT outside, where they are not there yet. Raises outside.UnableToWrite; nothing may go then.

    A crash right after it writes a line twice, and they say the same.
    """
    jobs = list(DeletionJob.objects.filter(pk__in=list(job_ids), outside_at__isnull=True).order_by("intent_sequence"))
    memories: dict[str, list[dict[str, Any]]] = {}
    for model in MEMORIES if jobs else ():
        for line in _lines(model._default_manager.filter(job__in=jobs)):
            memories.setdefault(line["fields"]["job"], []).append(line)
    outside.append(NAME, *(_as_dict(job, memories.get(str(job.pk), [])) for job in jobs))
    DeletionJob.objects.filter(pk__in=[job.pk for job in jobs]).update(outside_at=Now())


def _as_dict(job: DeletionJob, memories: list[dict[str, Any]]) -> dict[str, Any]:
    assert job.intent_at and job.intent_sequence, "A deletion is written outside after its INTENT."
    return {
        "job": str(job.pk),
        "rule": job.rule_id,
        "workspace": str(job.workspace_id or ""),
        "due": rfc3339(job.due_at),
        "cutoff": rfc3339(job.cutoff),
        "intent_at": rfc3339(job.intent_at),
        "intent": job.intent_sequence,
        "scope": job.scope,
        "planned": job.planned,
        "kept": job.kept,
        "memories": memories,
    }


def written_down() -> list[Erasure]:
    """Return every deletion that was written outside, oldest first. Raises outside.Damaged."""
    found = {line["job"]: line for line in outside.lines(NAME)}
    return [_from_dict(line) for line in found.values()]


def put_memories_back(erasure: Erasure) -> None:
    """Make again what was remembered of a deletion, where the restored copy does not have it."""
    for model in MEMORIES:
        label = model._meta.label_lower
        lines = [line for line in erasure.memories if line["model"] == label]
        found = [line.object for line in serializers.deserialize("python", lines)]
        for row in found:
            row.pk = None
        model._default_manager.bulk_create(found, ignore_conflicts=True)


def _from_dict(line: dict[str, Any]) -> Erasure:
    try:
        return Erasure(
            job=uuid.UUID(line["job"]),
            rule=line["rule"],
            workspace=uuid.UUID(line["workspace"]) if line["workspace"] else None,
            due_at=dt.datetime.fromisoformat(line["due"]),
            cutoff=dt.datetime.fromisoformat(line["cutoff"]),
            intent_at=dt.datetime.fromisoformat(line["intent_at"]),
            intent_sequence=line["intent"],
            scope=line["scope"],
            planned=line["planned"],
            kept=line["kept"],
            memories=line["memories"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise outside.Damaged(f"A line of {NAME}.jsonl outside the database is damaged.") from error


def _lines(rows: QuerySet) -> list[dict[str, Any]]:
    return json.loads(serializers.serialize("json", rows.order_by("pk")))
