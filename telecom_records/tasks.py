"""What the workers do for the records."""

import datetime as dt
import tempfile
import uuid

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts import files
from accounts.models import KeyPair
from retention.deletion import discard_file
from retention.schedule import take_slot
from telecom_records import drafts, imports, remainder
from telecom_records.models import ImportRun
from telecom_records.partitions import ensure_months_ahead
from telecom_records.recordings.taking import retry_waiting

SECONDS = 30  # of work in one turn; what an earlier turn has read is passed over first


@shared_task
def carry_on_imports() -> None:
    """Wake a worker for every uploaded import that nobody has in hand."""
    now = timezone.now()
    if not take_slot("carry_on_imports", now=now, every=dt.timedelta(seconds=settings.RETENTION_TICK_SECONDS)):
        return
    imports.end_abandoned(now)
    imports.end_undone(now)
    drafts.end_forgotten(now)
    open_runs = ImportRun.objects.filter(state__in=ImportRun.OPEN).exclude(file_key="", rows_total__isnull=True)
    for run_id in open_runs.order_by("created_at").values_list("pk", flat=True)[:20]:
        run_import.delay(str(run_id))


@shared_task(soft_time_limit=240, time_limit=270)
def run_import(run_id: str) -> None:
    """Take one import on; when it is over, its uploaded file goes. The file is decrypted into an unnamed one."""
    run = imports.claim(uuid.UUID(run_id))
    if run is None:
        return
    if run.is_reading and run.file_key:
        with tempfile.TemporaryFile() as plain:
            files.decrypt_to(plain, run.file_key)
            run = imports.carry_on(run, plain, now=timezone.now(), seconds=SECONDS)
    else:
        run = imports.carry_on(run, None, now=timezone.now(), seconds=SECONDS)
    if run.is_open:
        run_import.delay(run_id)
    elif run.file_key:
        discard_file(run.file_key, owner=KeyPair.Owner.IMPORT, owner_id=run.pk)
        ImportRun.objects.filter(pk=run.pk).update(file_key="")


@shared_task(soft_time_limit=240, time_limit=270)  # one statement over a month; still under the visibility timeout
def close_traffic_months() -> None:
    """Make the anonymous figures of the months that are over."""
    now = timezone.now()
    if take_slot("close_traffic_months", now=now, every=dt.timedelta(hours=1)):
        for month in remainder.months_to_close(now):
            remainder.close_month(month, now=now)


@shared_task
def match_recordings() -> None:
    """Look again for the calls of the recordings that wait."""
    now = timezone.now()
    if take_slot("match_recordings", now=now, every=dt.timedelta(seconds=60)):
        retry_waiting(now)


@shared_task
def make_months_ahead() -> None:
    """Make the coming months of the large tables. Twice at once does no harm."""
    ensure_months_ahead(timezone.now())
