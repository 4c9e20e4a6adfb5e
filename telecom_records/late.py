"""An assignment that arrives behind its calls takes up those that waited for it."""

import datetime as dt

from django.db import transaction

from retention.deletion import delete_taken_up
from telecom_records import waiting
from telecom_records.imports import Outcome, store_calls
from telecom_records.models import NumberAssignment, WaitingCall

ROWS_AT_ONCE = 1_000


def take_up(assignment: NumberAssignment, *, now: dt.datetime) -> int:
    """Store the waiting calls of an assignment's number and time as its customer's; return how many."""
    taken = 0
    while True:
        with transaction.atomic():
            rows = list(_waiting_for(assignment)[:ROWS_AT_ONCE])
            for row in rows:
                outcome = Outcome()
                store_calls(row.source, [waiting.open_call(row)], run=row.run, outcome=outcome, now=now)
                taken += outcome.inserted
            delete_taken_up(WaitingCall.objects.filter(pk__in=[row.pk for row in rows]))
        if len(rows) < ROWS_AT_ONCE:
            return taken


def _waiting_for(assignment: NumberAssignment):
    calls = WaitingCall.objects.filter(
        number_hashes__contains=[waiting.hash_number(assignment.number.e164)], started_at__gte=assignment.window.lower
    )
    if assignment.window.upper:
        calls = calls.filter(started_at__lt=assignment.window.upper)
    return calls.select_for_update(of=("self",)).select_related("run", "source").order_by("pk")
