"""An assignment that arrives behind its calls takes up those that waited for it."""

from django.db import transaction

from retention.deletion import delete_taken_up
from telecom_records import waiting
from telecom_records.formats.rows import ParsedRow
from telecom_records.models import ImportRun, NumberAssignment, WaitingCall
from telecom_records.staging import KINDS
from telecom_records.storing import store_parsed

ROWS_AT_ONCE = 1_000


def take_up(assignment: NumberAssignment) -> int:
    """Store the waiting calls of an assignment's number and time as its customer's; return how many."""
    taken = 0
    while True:
        with transaction.atomic():
            rows = list(_waiting_for(assignment)[:ROWS_AT_ONCE])
            for (run, kind), waited in _by_run(rows).items():
                taken += store_parsed(waited, KINDS[kind], run=run).inserted
            delete_taken_up(WaitingCall.objects.filter(pk__in=[row.pk for row in rows]))
        if len(rows) < ROWS_AT_ONCE:
            return taken


def _by_run(rows: list[WaitingCall]) -> dict[tuple[ImportRun, str], list[ParsedRow]]:
    waited: dict[tuple[ImportRun, str], list[ParsedRow]] = {}
    for row in rows:
        waited.setdefault((row.run, row.run.kind), []).append(waiting.open_row(row))
    return waited


def _waiting_for(assignment: NumberAssignment):
    calls = WaitingCall.objects.filter(
        number_hashes__contains=[waiting.hash_number(assignment.number.e164)],
        started_at__gte=assignment.window.lower,
        run__undone_at__isnull=True,  # else what was taken back would come in after all
    )
    if assignment.window.upper:
        calls = calls.filter(started_at__lt=assignment.window.upper)
    return calls.select_for_update(of=("self",)).select_related("run", "source").order_by("pk")
