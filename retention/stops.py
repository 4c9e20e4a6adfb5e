"""Stopping every deletion at once: by an officer, or by the portal itself when its clock cannot be right."""

import datetime as dt

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists

from accounts import evidence
from accounts.models import User
from retention.models import EngineStop, Slot

MAX_SKEW = dt.timedelta(minutes=5)  # between this machine's clock and the database's
LONGEST_GAP = dt.timedelta(hours=26)  # without a tick; after more, somebody says that the time is right
TICK = "find_due"


class UnableToStop(ValueError):
    """The stop cannot be made or ended; the message says why, for the officer."""


def active_stop() -> EngineStop | None:
    """Return the stop that is in force, or None when deletions may go on."""
    return EngineStop.objects.filter(ended_at__isnull=True).first()


def is_stopped() -> Exists:
    """Return the question whether a stop is in force, to be asked in the same statement as another."""
    return Exists(EngineStop.objects.filter(ended_at__isnull=True))


def stop(kind: str, *, reason: str, user: User | None, now: dt.datetime) -> EngineStop:
    """Stop every deletion at the end of its batch. Raises UnableToStop when they are stopped already."""
    try:
        with transaction.atomic():
            made = EngineStop.objects.create(kind=kind, reason=reason, began_by=user, began_at=now)
            evidence.append_entry(
                "STOPPED", subject=str(made.pk), body={"kind": kind, **({"by": user.pk} if user else {})}
            )
    except IntegrityError as error:
        raise UnableToStop("Deletions are stopped already.") from error
    return made


def go_on(stop_id: int, *, user: User, now: dt.datetime) -> None:
    """End a stop: what came due meanwhile goes now. Raises UnableToStop when it has ended already.

    Whoever ends one that the clock caused confirms that ``now`` is right; ticks are measured from it.
    """
    with transaction.atomic():
        if not EngineStop.objects.filter(pk=stop_id, ended_at__isnull=True).update(ended_by=user, ended_at=now):
            raise UnableToStop("This stop has ended already.")
        if EngineStop.objects.get(pk=stop_id).kind == EngineStop.Kind.CLOCK:
            believed_no_more = Slot.objects.filter(name=TICK)
            believed_no_more._raw_delete(believed_no_more.db)  # type: ignore[attr-defined]
            Slot.objects.create(name=TICK, at=now)
        evidence.append_entry("WENT_ON", subject=str(stop_id), body={"by": user.pk})


def clock_is_right(now: dt.datetime) -> bool:
    """Return whether ``now`` can be believed; where it cannot, every deletion is stopped until an officer confirms it.

    The time is compared with the database's and with the last tick. A clock that has jumped ahead would delete what is
    not due; one that has gone back would leave what is (security.md, faults 17 and 18).
    """
    stopped = active_stop()
    if stopped and stopped.kind == EngineStop.Kind.CLOCK:
        return False
    why = _fault_of_clock(now)
    if why and not stopped:
        stop(EngineStop.Kind.CLOCK, reason=why, user=None, now=now)
    return not why


def _fault_of_clock(now: dt.datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        skew = abs(now - cursor.fetchone()[0])
    if skew > MAX_SKEW:
        return f"The clock of this machine and the database's are {_words(skew)} apart."
    last = Slot.objects.filter(name=TICK).order_by("-at").values_list("at", flat=True).first()
    if last and now < last - MAX_SKEW:
        return f"The clock is {_words(last - now)} behind the last time that deletions ran."
    if last and now > last + LONGEST_GAP:
        return f"Nothing ran for {_words(now - last)}. Either the portal was off, or the clock has jumped: is it right?"
    return ""


def _words(span: dt.timedelta) -> str:
    hours = span / dt.timedelta(hours=1)
    return (
        f"{round(hours / 24):,} days"
        if hours > 48
        else f"{round(hours)} hours"
        if hours > 2
        else f"{round(hours * 60)} minutes"
    )
