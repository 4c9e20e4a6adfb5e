"""After an old copy of the database was restored: nobody is served until every deletion since then is done again.

What a bug here does to people: whoever was erased is back, and nobody knows. So the portal compares its evidence log
with the copy outside (``accounts/put_back.py``); a log that is shorter seals it at once. Then, in this order: the
missing entries come back exactly, every deletion that the copy does not know is carried out again, all of them are
looked for by another path, and two officers end the seal. Each step may be interrupted and begun again.
"""

import contextlib
import dataclasses
import datetime as dt
import logging
import time
import uuid
from collections import Counter

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import evidence, outside, put_back
from accounts.models import EvidenceEntry, Workspace
from retention import deletion, jobs, stops
from retention.erasures import Erasure, put_memories_back, written_down
from retention.models import DeletionJob, Rule, Seal
from retention.replay import destroy_again, scope_again

log = logging.getLogger(__name__)

LOOK_AGAIN = 5  # seconds for which a process believes what it last saw
CONTROLS = {
    "HOLD_PLACED": "holds placed",
    "HOLD_LIFTED": "holds lifted",
    "PERIOD_SET": "periods changed",
    "RULE_ARMED": "rules armed",
    "RULE_OBSERVES": "rules stopped",
    "STOPPED": "stops of everything",
}
State = DeletionJob.State


class UnableToRestore(RuntimeError):
    """The step cannot be done; the message says why, for the officer."""


@dataclasses.dataclass
class _Seen:
    at: float = 0.0
    sealed: bool = False


_seen = _Seen()


def is_sealed(*, now: dt.datetime | None = None) -> bool:
    """Return whether the portal may serve nobody: its database is an old copy, or was one and nobody has ended the seal.

    Looks at most every LOOK_AGAIN seconds. The first to see a difference makes the seal, dated ``now`` or by the database.
    """
    if time.monotonic() - _seen.at > LOOK_AGAIN or _seen.at == 0:
        _seen.sealed = current(now=now) is not None
        _seen.at = time.monotonic()
    return _seen.sealed


def forget() -> None:
    """Look anew at the next question."""
    _seen.at = 0.0


def current(*, now: dt.datetime | None = None) -> Seal | None:
    """Return the seal in force, making it when the log does not go on from its copy outside; None when all is well."""
    seal = Seal.objects.filter(unsealed_at__isnull=True).first()
    if seal is None and put_back.difference():
        last = outside.last(put_back.COPY)
        size, _ = evidence.tree_now()
        with contextlib.suppress(IntegrityError), transaction.atomic():
            Seal.objects.create(
                found_at=now or timezone.now(), log_size=size, outside_size=last["sequence"] if last else 0
            )
            log.error(
                "restore: sealed, the log has %s entries and its copy outside has %s", size, last and last["sequence"]
            )
        seal = Seal.objects.filter(unsealed_at__isnull=True).first()
    return seal


def put_evidence_back(seal: Seal) -> int:
    """Bring the evidence log up to its copy outside; return how many entries came back. Raises UnableToRestore."""
    with transaction.atomic():
        seal = Seal.objects.select_for_update().get(pk=seal.pk)
        if seal.put_back is None:
            try:
                seal.put_back = put_back.put_back()
            except put_back.UnableToPutBack as error:
                raise UnableToRestore(str(error)) from error
            seal.save(update_fields=["put_back"])
            evidence.append_entry(
                "RESTORE_SEALED", subject=f"seal-{seal.pk}", body={"entries": seal.log_size, "put_back": seal.put_back}
            )
    return seal.put_back


def to_replay(seal: Seal) -> list[Erasure]:
    """Return the deletions that the restored copy does not know as done, oldest first, but for those replayed already.

    Not those that had begun when the backup was made and have no DONE anywhere: ``replay`` carries them on.
    """
    done_in_copy = set(DeletionJob.objects.filter(state=State.DONE).values_list("pk", flat=True))
    replayed = set(EvidenceEntry.objects.filter(type="REPLAYED").values_list("subject", "body__seal"))
    ended = set(EvidenceEntry.objects.filter(type="DONE").values_list("subject", flat=True))
    known = set(
        EvidenceEntry.objects.filter(type="INTENT", sequence__lte=seal.log_size).values_list("subject", flat=True)
    )
    return [
        erasure
        for erasure in written_down()
        if erasure.job not in done_in_copy
        and (str(erasure.job), seal.pk) not in replayed
        and (str(erasure.job) not in known or str(erasure.job) in ended)
    ]


def replay(seal: Seal, *, now: dt.datetime) -> Seal:
    """Carry out again every deletion that the restored copy does not know, and verify them all; return the seal.

    Raises UnableToRestore, deletion.UnableToDelete. What was done stays done; the next call goes on behind it.
    """
    put_evidence_back(seal)
    again = {erasure.job for erasure in to_replay(seal)}
    under_way = set(DeletionJob.objects.filter(state=State.RUNNING).values_list("pk", flat=True))
    for erasure in written_down():
        if erasure.job in again:
            _replay_one(seal, erasure, now=now)
        elif erasure.job in under_way:
            _carry_on(erasure.job, now=now)
    found = verify(seal)
    with transaction.atomic():
        seal = Seal.objects.select_for_update().get(pk=seal.pk)
        seal.replayed_at, seal.remains = now, found
        seal.verified_at = None if found else now
        seal.save(update_fields=["replayed_at", "remains", "verified_at"])
        evidence.append_entry(
            "RESTORE_VERIFIED" if not found else "RESTORE_REMAINS",
            subject=f"seal-{seal.pk}",
            body={"deletions": seal.replayed, "rows": seal.rows_gone, "remains": len(found)},
        )
    forget()
    return seal


def _carry_on(job_id: uuid.UUID, *, now: dt.datetime) -> None:
    """Carry a deletion that had begun when the backup was made to its end, in its turn.

    One that came later may take a part of it, such as somebody of both workspaces, and what went would not be what was
    planned. One that cannot go on now, because an officer had paused it or stopped everything, waits for the seal's end.
    """
    DeletionJob.objects.filter(pk=job_id, state=State.RUNNING).update(lease_until=None)  # of a worker of then
    while (job := jobs.run_job(job_id, now=now)) and job.state == State.RUNNING and not stops.active_stop():
        pass


def _replay_one(seal: Seal, erasure: Erasure, *, now: dt.datetime) -> None:
    """Carry one deletion out again, and write down what went. Interrupted, it is begun again and finds the rest."""
    with transaction.atomic():
        workspace = None
        if erasure.workspace:
            workspace = Workspace.objects.select_for_update().filter(pk=erasure.workspace).first()
        job, _ = DeletionJob.objects.update_or_create(
            pk=erasure.job,
            defaults={
                "rule": Rule.objects.get_or_create(pk=erasure.rule)[0],
                "workspace": workspace,  # none: newer than the backup
                "due_at": erasure.due_at,
                "cutoff": erasure.cutoff,
                "state": State.CANCELLED,
                "scope": erasure.scope,
                "planned": erasure.planned,
                "outside_at": now,
                "stopped_because": "Carried out again after a backup was restored.",
                "lease_until": None,
            },
        )
        put_memories_back(erasure)
        if workspace and workspace.state != Workspace.State.EMPTIED:
            workspace.state, workspace.expired_at = Workspace.State.EMPTYING, erasure.due_at
            workspace.save(update_fields=["state", "expired_at"])
    gone = destroy_again(erasure, now=now)
    with transaction.atomic():
        done = EvidenceEntry.objects.filter(type="DONE", subject=str(erasure.job)).first()
        entry = evidence.append_entry(
            "REPLAYED",
            subject=str(erasure.job),
            body={"seal": seal.pk, "destroyed": gone, "remains": 0, **({"done": done.sequence} if done else {})},
        )
        if done:
            intent = EvidenceEntry.objects.get(type="INTENT", subject=str(erasure.job))
            job.state, job.done_at, job.done_sequence = State.DONE, done.at, done.sequence
            job.intent_at, job.intent_sequence = intent.at, intent.sequence
            job.destroyed = done.body["destroyed"]
        else:
            job.stopped_because = (
                f"Carried out by the replay after a backup was restored: evidence entry {entry.sequence}."
            )
            job.destroyed = gone
        job.save()
        locked = Seal.objects.select_for_update().get(pk=seal.pk)
        locked.replayed += 1
        locked.rows_gone = dict(Counter(locked.rows_gone) + Counter(gone))
        locked.save(update_fields=["replayed", "rows_gone"])
    log.info("restore: deletion %s carried out again, %s rows", erasure.job, sum(gone.values()))


def verify(seal: Seal) -> dict[str, dict[str, int]]:
    """Look for everything that this seal's replay has deleted, by the path that verifies deletions; return what is there."""
    replayed = set(EvidenceEntry.objects.filter(type="REPLAYED", body__seal=seal.pk).values_list("subject", flat=True))
    found = {}
    for erasure in written_down():
        if str(erasure.job) in replayed and (left := deletion.remains(scope_again(erasure))):
            found[str(erasure.job)] = left
    return found


def lost_controls(seal: Seal) -> dict[str, int]:
    """Return what officers did after the backup was made and the restored copy does not have, by kind, in words."""
    lost = EvidenceEntry.objects.filter(sequence__gt=seal.log_size, sequence__lte=seal.log_size + (seal.put_back or 0))
    counts = Counter(lost.filter(type__in=CONTROLS).values_list("type", flat=True))
    return {CONTROLS[type]: count for type, count in counts.items()}
