"""Calls and messages that came in behind a package's back: it was made from what was there then."""

import datetime as dt
import functools
import operator

from django.db.models import Q

from dsar.models import Package
from dsar.packages.categories import categories_for
from dsar.packages.subject import Subject, UnableToCollect
from telecom_records.models import ImportRun

KINDS = {"telecom_records.CallDetailRecord": "calls", "telecom_records.SmsRecord": "messages"}
COUNTED_UP_TO = 1_000


def came_since(package: Package, *, now: dt.datetime) -> int:
    """Return how many records imports have brought of the person since a package's data was read, counted up to 1,000.

    An import that was under way at that moment counts whole: rather one look too many than an answer that lacks something.
    """
    if package.as_of is None or package.state not in Package.MADE:
        return 0
    runs = ImportRun.objects.filter(Q(finished_at__gt=package.as_of) | Q(finished_at__isnull=True), inserted__gt=0)
    brought = list(runs.filter(undone_at__isnull=True).values_list("kind", "pk", "first_at", "last_at"))
    if not brought:
        return 0
    try:
        subject = Subject.of(package.request, as_of=now)
    except UnableToCollect:
        return 0
    found = 0
    for category in categories_for(package.kind):
        entry = category.entry
        of_kind = [
            Q(**{"run_id": run_id, f"{entry.dated_by}__range": (first, last)})
            for kind, run_id, first, last in brought
            if kind == KINDS.get(entry.model)
        ]
        if of_kind:
            late = functools.reduce(operator.or_, of_kind)
            found += sum(rows.filter(late)[:COUNTED_UP_TO].count() for rows in subject.rows(category))
    return min(found, COUNTED_UP_TO)
