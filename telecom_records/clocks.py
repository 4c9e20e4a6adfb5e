"""When a record's own time is over (policy § 2.2, § 2.5, § 5.2). ``now`` is aware; a period counts from the row's instant."""

import datetime as dt
from typing import Any

from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, Value
from django.db.models.lookups import LessThanOrEqual

from accounts.clocks import sole_workspaces
from accounts.recording_cap import POLICY_DAYS
from accounts.verdicts import data_map
from retention.due import past_rows

ONE_DAY = Value(dt.timedelta(days=1), output_field=DurationField())
ONE_HOUR = dt.timedelta(hours=1)
LONGEST_WITHOUT_OWNER = dt.timedelta(days=POLICY_DAYS)  # nobody has raised the cap for who is not known


def session_is_over(now: dt.datetime, period: dt.timedelta) -> Q:
    """A free-tool session that has ended, or began a whole period ago."""
    return Q(ended_at__lte=now) | Q(started_at__lte=now - period)


def call_waited_in_vain(now: dt.datetime, period: dt.timedelta) -> Q:
    """A call of nobody that has waited a whole period for its assignment, or whose import is undone."""
    return Q(received_at__lte=now - period) | Q(run__undone_at__lte=now)


def recording_waited_in_vain(now: dt.datetime, period: dt.timedelta) -> Q:
    """A recording of no known call that has waited a whole period, or that no customer could keep any more."""
    return Q(received_at__lte=now - period) | Q(started_at__lte=now - LONGEST_WITHOUT_OWNER)


def subscriber_recording_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """A customer's recording whose chosen number of days is over, or that is older than the cap."""
    chosen = ExpressionWrapper(F("keep_days") * ONE_DAY, output_field=DurationField())
    since = ExpressionWrapper(Value(now) - F("started_at"), output_field=DurationField())
    return Q(kind="subscriber") & (Q(started_at__lte=now - period) | Q(LessThanOrEqual(chosen, since)))


def diagnostic_recording_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """A recording made to find a fault whose troubleshooting has ended, or that is older than the period."""
    return Q(kind="diagnostic") & (Q(started_at__lte=now - period) | Q(troubleshooting_ended_at__lte=now))


def number_subscription_ended(now: dt.datetime, period: dt.timedelta) -> Q:
    """The assignment of a non-VoIP number that ended a period ago, unless the number has another customer since."""
    assignments = data_map()["telecom_records.NumberAssignment"].model_class._default_manager
    in_use = Q(ends_at__isnull=True) | Q(ends_at__gt=now - period)
    return Q(number__is_voip=False, ends_at__lte=now - period) & ~Q(
        Exists(assignments.filter(in_use, number=OuterRef("number")))
    )


def number_is_nobodys(now: dt.datetime, period: dt.timedelta) -> Q:
    """A non-VoIP number that was rented out and of which no assignment is left but such as go now."""
    entry = data_map()["telecom_records.NumberAssignment"]
    age = entry.age("number_expiry")
    assert age is not None
    of_number = entry.model_class._default_manager.filter(number=OuterRef("pk"))
    stays = of_number.exclude(pk__in=past_rows(entry, age, now=now).values("pk"))
    return Q(is_voip=False, had_customer=True) & ~Q(Exists(stays))


def assignment_is_long_over(now: dt.datetime, period: dt.timedelta) -> Q:
    """An assignment that ended a whole period ago: the number went back to the pool at its end."""
    return Q(ends_at__lte=now - period)


def upload_was_left(now: dt.datetime, period: dt.timedelta) -> Q:
    """An import whose file is still there: a period after it came in, or an hour after the import ended."""
    at_work = Q(lease_until__gt=now)
    return (Q(created_at__lte=now - period) | Q(finished_at__lte=now - ONE_HOUR)) & ~Q(file_key="") & ~at_work


def file_name_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """An import that came in a whole period ago and still says what its file was called."""
    return Q(created_at__lte=now - period) & ~Q(file_name="")


def call_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """A call that began a whole period ago."""
    return Q(started_at__lte=now - period)


def message_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """A message that was sent a whole period ago."""
    return Q(sent_at__lte=now - period)


def usage_is_old(now: dt.datetime, period: dt.timedelta) -> Q:
    """A record of device or usage that was made a whole period ago."""
    return Q(occurred_at__lte=now - period)


def call_was_brought_by_mistake(now: dt.datetime, period: dt.timedelta) -> Q:
    """A call that an import brought which is undone."""
    return _of_undone_imports(now, "calls", "started_at")


def message_was_brought_by_mistake(now: dt.datetime, period: dt.timedelta) -> Q:
    """A message that an import brought which is undone."""
    return _of_undone_imports(now, "messages", "sent_at")


def _of_undone_imports(now: dt.datetime, kind: str, instant: str) -> Q:
    """Return the condition import by import, so that it is found by the index of instants, and asks nothing without one."""
    runs = data_map()["telecom_records.ImportRun"].model_class._default_manager
    undone = runs.filter(kind=kind, undone_at__lte=now, undone_whole_at__isnull=True)
    condition = Q(pk__in=[])
    for run_id, first, last in undone.values_list("pk", "first_at", "last_at"):
        condition |= Q(**{"run_id": run_id, f"{instant}__range": (first, last)})
    return condition


def calls_of(people: Any) -> Q:
    """A call or a recording of a number, in the time in which one of these people had it."""
    return _on_a_number_of(people, "started_at")


def messages_of(people: Any) -> Q:
    """A message of such a number."""
    return _on_a_number_of(people, "sent_at")


def _on_a_number_of(people: Any, instant: str) -> Q:
    """Return the condition number by number, so that it is found by the index of numbers, and asks nothing without people.

    A number that names nobody in a workspace that only these people are in is theirs.
    """
    assignments = data_map()["telecom_records.NumberAssignment"].model_class._default_manager
    theirs = Q(person__in=people) | Q(person__isnull=True, workspace__in=sole_workspaces(people))
    condition = Q(pk__in=[])
    for workspace_id, e164, window in assignments.filter(theirs).values_list("workspace", "number__e164", "window"):
        until = Q(**{f"{instant}__lt": window.upper}) if window.upper else Q()
        condition |= until & Q(**{"workspace": workspace_id, "own_number": e164, f"{instant}__gte": window.lower})
    return condition


# The same of one row: when its time is over, or None while nothing dates it.


def session_goes_at(session, period: dt.timedelta) -> dt.datetime | None:
    return earliest(session.ended_at, session.started_at + period)


def waiting_call_goes_at(call, period: dt.timedelta) -> dt.datetime | None:
    return call.received_at + period


def waiting_recording_goes_at(recording, period: dt.timedelta) -> dt.datetime | None:
    last = recording.started_at + LONGEST_WITHOUT_OWNER if recording.started_at else None
    return earliest(recording.received_at + period, last)


def subscriber_recording_goes_at(recording, period: dt.timedelta) -> dt.datetime | None:
    if recording.kind != "subscriber":
        return None
    chosen = dt.timedelta(days=recording.keep_days) if recording.keep_days is not None else period
    return recording.started_at + min(chosen, period)


def diagnostic_recording_goes_at(recording, period: dt.timedelta) -> dt.datetime | None:
    if recording.kind != "diagnostic":
        return None
    return earliest(recording.troubleshooting_ended_at, recording.started_at + period)


def number_assignment_goes_at(assignment, period: dt.timedelta) -> dt.datetime | None:
    """Of a non-VoIP number: when its subscription ends; another assignment of the number, still running, keeps it."""
    if assignment.number.is_voip or assignment.ends_at is None:
        return None
    others = [other.ends_at for other in assignment.number.assignments.all()]
    return None if None in others else max(filter(None, others)) + period


def number_goes_at(number, period: dt.timedelta) -> dt.datetime | None:
    """A non-VoIP number: when the last of its assignments ends."""
    ends = [assignment.ends_at for assignment in number.assignments.all()]
    if number.is_voip or not number.had_customer or not ends or None in ends:
        return None
    return max(filter(None, ends)) + period


def past_assignment_goes_at(assignment, period: dt.timedelta) -> dt.datetime | None:
    return assignment.ends_at + period if assignment.ends_at else None


def upload_goes_at(run, period: dt.timedelta) -> dt.datetime | None:
    if not run.file_key:
        return None
    return earliest(run.finished_at + ONE_HOUR if run.finished_at else None, run.created_at + period)


def file_name_goes_at(run, period: dt.timedelta) -> dt.datetime | None:
    return run.created_at + period if run.file_name else None


def call_goes_at(call, period: dt.timedelta) -> dt.datetime | None:
    return call.started_at + period


def message_goes_at(message, period: dt.timedelta) -> dt.datetime | None:
    return message.sent_at + period


def usage_goes_at(usage, period: dt.timedelta) -> dt.datetime | None:
    return usage.occurred_at + period


def earliest(*instants: dt.datetime | None) -> dt.datetime | None:
    return min((instant for instant in instants if instant), default=None)
