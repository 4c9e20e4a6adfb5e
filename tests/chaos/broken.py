"""Three engines with a mistake that somebody could make. They run in real workers, and the checker must catch each."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Collection

from django.db import transaction

from accounts import evidence
from accounts.models import Workspace
from accounts.verdicts import ModelMap
from retention import deletion, jobs, keeping, planning
from retention.jobs import intent, receipt
from retention.models import DeletionJob, Hold


def delete_before_intent() -> None:
    """The keys go before the INTENT is written: a refusal or a crash leaves destruction without a word about it."""
    begin = intent.begin

    def begin_too_late(job_ids: Collection[uuid.UUID], *, now: dt.datetime) -> set[uuid.UUID]:
        waiting = DeletionJob.objects.filter(pk__in=job_ids, state=DeletionJob.State.PENDING, workspace__isnull=False)
        with transaction.atomic():
            deletion.shred_keys(
                *(planning.whole(job.workspace_id, rule=job.rule_id, cutoff=job.cutoff) for job in waiting)
            )
        return begin(job_ids, now=now)

    jobs.begin = begin_too_late


def recount_at_done() -> None:
    """Batches are counted in memory and DONE tells that: after a crash the receipt is false."""
    counts: dict[uuid.UUID, Counter] = {}

    def run_batch(job_id: uuid.UUID, entry: ModelMap, scope: deletion.Scope) -> int:
        with transaction.atomic():
            rows, file_count = deletion.destroy_batch(entry, scope)
        if rows:
            counts.setdefault(job_id, Counter()).update({entry.model: rows, "files": file_count})
        return rows

    def finish(job_id: uuid.UUID, *, now: dt.datetime) -> None:
        with transaction.atomic():
            job = DeletionJob.objects.select_for_update().get(pk=job_id)
            if job.state != DeletionJob.State.RUNNING:
                return
            if job.workspace_id:
                with deletion.open_door():
                    deletion.blank_workspace(Workspace.objects.get(pk=job.workspace_id), now, remainder=False)
            destroyed = {label: count for label, count in counts.get(job_id, {}).items() if count}
            body = {"intent": job.intent_sequence, "destroyed": destroyed, "remains": 0}
            entry = evidence.append_entry("DONE", subject=str(job.pk), body=body)
            jobs.move(job, DeletionJob.State.DONE, done_at=entry.at, done_sequence=entry.sequence, lease_until=None)

    jobs.run_batch, jobs.finish, receipt.finish = run_batch, finish, finish


def skip_the_holds() -> None:
    """Nobody looks whether a hold keeps the workspace, or anything of it, when its deletion begins."""
    keeping.wholly_held = lambda: Hold.objects.none().values("workspace")
    keeping.keepers_in_force = lambda now: []


BROKEN = {
    "delete_before_intent": delete_before_intent,
    "recount_at_done": recount_at_done,
    "skip_the_holds": skip_the_holds,
}
