"""Which requests will be late: by how long requests of their type took from the state they are in."""

import datetime as dt

from django.db import connection, transaction
from django.db.models import (
    BigIntegerField,
    Case,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThan

from dsar.models import RequestPace, SubjectRequest

LOOK_BACK = dt.timedelta(days=365)
SHARE = 0.8  # four of five took no longer than that
FEWEST = 10  # answered requests; with fewer, the days below are taken
State = SubjectRequest.State
USUAL_DAYS: dict[str, int] = {
    State.RECEIVED: 10, State.IDENTITY: 10, State.COLLECTING: 7, State.REVIEW: 3, State.APPROVED: 1,
}  # fmt: skip

MEASURE = """
SELECT r.type, e.state, count(*), percentile_cont(%s) WITHIN GROUP (ORDER BY extract(epoch FROM r.closed_at - e.at))
  FROM dsar_requestevent e JOIN dsar_subjectrequest r ON r.id = e.request_id
 WHERE e.state = ANY(%s) AND r.state IN ('delivered', 'closed') AND r.closed_at >= %s AND r.closed_at > e.at
 GROUP BY 1, 2 HAVING count(*) >= %s
"""


def measure_pace(now: dt.datetime) -> int:
    """Measure anew how long answered requests of the last year took from each state; return how many figures there are."""
    open_states = [str(state) for state in SubjectRequest.OPEN_STATES]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(MEASURE, [SHARE, open_states, now - LOOK_BACK, FEWEST])
        paces = [
            RequestPace(type=type, state=state, requests=count, seconds=int(seconds), measured_at=now)
            for type, state, count, seconds in cursor.fetchall()
        ]
        RequestPace.objects.bulk_create(
            paces,
            update_conflicts=True,
            unique_fields=["type", "state"],
            update_fields=["requests", "seconds", "measured_at"],
        )
    return len(paces)


def paces() -> dict[tuple[str, str], dt.timedelta]:
    """Return the measured times by type and state."""
    return {(pace.type, pace.state): dt.timedelta(seconds=pace.seconds) for pace in RequestPace.objects.all()}


def time_needed(type: str, state: str, known: dict[tuple[str, str], dt.timedelta]) -> dt.timedelta:
    """Return how long a request of this type is likely to take from this state on."""
    return known.get((type, state), dt.timedelta(days=USUAL_DAYS.get(state, 0)))


def will_be_late(request: SubjectRequest, known: dict[tuple[str, str], dt.timedelta], *, now: dt.datetime) -> bool:
    """Return whether an open request that is not late yet is likely to be."""
    return request.is_open and now < request.due_at < now + time_needed(request.type, request.state, known)


def condition(now: dt.datetime) -> Q:
    """Return the same as a condition on requests: the database looks the measured time up."""
    measured = RequestPace.objects.filter(type=OuterRef("type"), state=OuterRef("state")).values("seconds")[:1]
    usual = [When(state=state, then=Value(days * 86_400)) for state, days in USUAL_DAYS.items()]
    seconds = Coalesce(Subquery(measured), Case(*usual, default=Value(0)), output_field=BigIntegerField())
    needed = ExpressionWrapper(seconds * Value(dt.timedelta(seconds=1)), output_field=DurationField())
    enough = ExpressionWrapper(Value(now) + needed, output_field=DateTimeField())
    return Q(closed_at__isnull=True, due_at__gt=now) & Q(LessThan(F("due_at"), enough))
