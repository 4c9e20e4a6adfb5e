"""When a record's own time is over (policy § 2.2, § 2.5, § 5.2). ``now`` is aware; a period counts from the row's instant."""

import datetime as dt

from django.db.models import DurationField, ExpressionWrapper, F, Q, Value
from django.db.models.lookups import LessThanOrEqual

ONE_DAY = Value(dt.timedelta(days=1), output_field=DurationField())


def session_is_over(now: dt.datetime, period: dt.timedelta) -> Q:
    """A free-tool session that has ended, or began a whole period ago."""
    return Q(ended_at__lte=now) | Q(started_at__lte=now - period)


def call_waited_in_vain(now: dt.datetime, period: dt.timedelta) -> Q:
    """A call of nobody that has waited a whole period for its assignment."""
    return Q(received_at__lte=now - period)


def subscriber_recording_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """A customer's recording whose chosen number of days is over, or that is older than the cap."""
    chosen = ExpressionWrapper(F("keep_days") * ONE_DAY, output_field=DurationField())
    since = ExpressionWrapper(Value(now) - F("started_at"), output_field=DurationField())
    return Q(kind="subscriber") & (Q(started_at__lte=now - period) | Q(LessThanOrEqual(chosen, since)))


def diagnostic_recording_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """A recording made to find a fault whose troubleshooting has ended, or that is older than the period."""
    return Q(kind="diagnostic") & (Q(started_at__lte=now - period) | Q(troubleshooting_ended_at__lte=now))


def usage_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """A record of device or usage that was made a whole period ago."""
    return Q(occurred_at__lte=now - period)
