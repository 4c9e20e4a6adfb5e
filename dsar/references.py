"""References that people can say on the telephone: DSR-2026-0042."""

from django.db import connection, models
from django.db.models.functions import Cast, Substr


def next_reference(model: type[models.Model], prefix: str, year: int) -> str:
    """Return the next free reference of a year. Must run in the transaction that uses it: a lock keeps the order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"{prefix}-{year}"])
    start = f"{prefix}-{year}-"
    last = (
        model._default_manager.filter(reference__startswith=start)
        .annotate(count=Cast(Substr("reference", len(start) + 1), models.IntegerField()))
        .aggregate(last=models.Max("count"))["last"]
    )
    return f"{start}{(last or 0) + 1:04d}"
