"""Deleting an expired workspace of a million calls, by the door and by hand."""

import datetime as dt

from django.conf import settings
from django.db import connection
from django.utils import timezone

from bench import invented
from bench.databases import copy_database, drop_databases, prepared
from bench.telling import figure, median, seconds
from retention import jobs
from retention.models import DeletionJob

ROWS = 1_000_000
ROUNDS = 5
TEMPLATE = "bench_purge"


def one_large_workspace() -> None:
    """A million calls of one expired workspace over twelve months, among those of a hundred that stay."""
    now = timezone.now()
    invented.make_months(now)
    invented.make_workspaces(1, name="due", ends="now() - interval '1 minute'")
    invented.make_workspaces(100, name="stays", ends="now() + interval '90 days'")
    for name, count in (("due", 1), ("stays", 100)):
        invented.make_people(name=name, count=count)
    invented.make_calls(ROWS // 20, name="stays", of=100, until=now)
    invented.make_calls(ROWS, name="due", until=now)
    invented.make_calls(ROWS // 20, name="stays", of=50, until=now - dt.timedelta(hours=1))
    invented.arm("workspace_expiry")


def against_a_loop(rows: int) -> list[dict]:
    """Delete the same rows in copies of one database, five times by the door and five times by hand, in turns."""
    prepared(TEMPLATE, one_large_workspace)
    door, loop = [], []
    for _ in range(ROUNDS):
        copy_database(TEMPLATE)
        door.append(seconds(by_the_door))
        copy_database(TEMPLATE)
        loop.append(seconds(by_hand))
    drop_databases(TEMPLATE)
    return [
        figure(
            "purge_vs_batched_delete", median(loop) / median(door), "× speed",
            against=f"DELETE … ctid by hand, {settings.RETENTION_BATCH_ROWS:,} rows a batch (median {median(loop):.1f} s; door {median(door):.1f} s)",
            rows=ROWS, rounds=[round(hand / own, 2) for hand, own in zip(loop, door, strict=True)],
        )
    ]  # fmt: skip


def by_the_door() -> None:
    """What a worker does with the job, from finding it due to its receipt."""
    now = timezone.now()
    jobs.schedule_due(now)
    job_id = DeletionJob.objects.get().pk
    while (job := jobs.run_job(job_id, now=now)) and job.state == DeletionJob.State.RUNNING:
        pass
    assert job and job.state == DeletionJob.State.DONE, job and job.stopped_because
    assert job.destroyed["telecom_records.CallDetailRecord"] == ROWS


def by_hand() -> None:
    """The loop that one would write: month by month, a batch a transaction. The door stands open for the whole session."""
    owner = invented.workspace("due").pk
    limit, gone = settings.RETENTION_BATCH_ROWS, 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('callmama.door', 'open', false)")
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [invented.CALLS]
        )
        for (month,) in cursor.fetchall():
            while True:
                cursor.execute(
                    f"DELETE FROM {month} WHERE ctid = ANY(ARRAY("
                    f"SELECT ctid FROM {month} WHERE workspace_id = %s LIMIT %s))",
                    [owner, limit],
                )
                gone += cursor.rowcount
                if cursor.rowcount < limit:
                    break
    assert gone == ROWS
