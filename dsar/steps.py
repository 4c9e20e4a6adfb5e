"""Steps: work for a request that the portal does by itself. None is lost, none is stuck: it is done, or stands on the page.

A step is claimed by a conditional update with a lease, tried again with growing pauses, and stopped after the last
attempt: then the owner is told and an officer tries again. Every fault stands in the trail of the request. An attempt
that was killed half way is made again when its lease is over, so a step must bear being done twice.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q

from accounts import evidence
from accounts.models import User
from dsar.models import RequestStep, SubjectRequest
from dsar.outbox import UnableToSend
from dsar.trail import tell

log = logging.getLogger(__name__)
State = RequestStep.State
LEASE = dt.timedelta(minutes=5)
PAUSES = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 30, 120))  # between five attempts
AT_ONCE = 100


class StepFailed(ValueError):
    """A step could not be done now; the message is for the officer and names nobody."""


class UnableToRetry(ValueError):
    """The step is not one that has failed."""


@dataclass(frozen=True)
class Kind:
    """What a step does. `run` takes the step and the instant, outside a transaction; it raises StepFailed or UnableToSend."""

    code: str
    title: str
    run: Callable[[RequestStep, dt.datetime], None]


KINDS: dict[str, Kind] = {}
ALARMS: list[Callable[[RequestStep, dt.datetime], None]] = []  # called, after the commit, for a step that has stopped


def register_kind(kind: Kind) -> None:
    KINDS[kind.code] = kind


def title_of(step: RequestStep) -> str:
    return KINDS[step.kind].title if step.kind in KINDS else step.kind


def plan_step(
    request: SubjectRequest, kind: str, *, about: str = "", now: dt.datetime, at: dt.datetime | None = None
) -> RequestStep:
    """Plan a step, in the transaction that makes it necessary; at once unless `at` says when."""
    return RequestStep.objects.create(request=request, kind=kind, about=about, next_at=at or now, planned_at=now)


def to_run(now: dt.datetime) -> list[uuid.UUID]:
    """Return the steps whose attempt is due, and those whose worker is gone."""
    waits = Q(state=State.WAITING, next_at__lte=now) | Q(state=State.RUNNING, lease_until__lte=now)
    return list(RequestStep.objects.filter(waits).order_by("next_at").values_list("pk", flat=True)[:AT_ONCE])


def run_step(step_id: uuid.UUID, *, now: dt.datetime) -> RequestStep | None:
    """Make one attempt; return the step, None when somebody else has it."""
    waits = Q(state=State.WAITING, next_at__lte=now) | Q(state=State.RUNNING, lease_until__lte=now)
    claimed = RequestStep.objects.filter(waits, pk=step_id).update(
        state=State.RUNNING, lease_until=now + LEASE, attempts=F("attempts") + 1
    )
    if claimed != 1:
        return None
    step = RequestStep.objects.select_related("request__owner").get(pk=step_id)
    try:
        KINDS[step.kind].run(step, now)
    except (StepFailed, UnableToSend) as error:
        _failed(step, str(error), now)
    except Exception as error:  # whatever it was: it must not be lost
        log.exception("step %s of request %s failed", step.kind, step.request_id)
        _failed(step, f"an unforeseen fault ({type(error).__name__})", now)
    else:
        _end(step, State.DONE, now)
    return step


def retry_step(step_id: uuid.UUID, *, user: User, now: dt.datetime) -> RequestStep:
    """Let a stopped step be tried again from the start; what failed before stays in the trail. Raises UnableToRetry."""
    with transaction.atomic():
        step = RequestStep.objects.select_for_update().select_related("request").get(pk=step_id)
        if step.state != State.STOPPED:
            raise UnableToRetry("Only a step that has failed can be tried again.")
        step.state, step.attempts, step.next_at, step.ended_at, step.retried_by = State.WAITING, 0, now, None, user
        step.save(update_fields=["state", "attempts", "next_at", "ended_at", "retried_by"])
        tell(step.request, "step_retried", f"{title_of(step)}: tried again.", user=user, now=now)
    return step


def drop_steps(request: SubjectRequest, kind: str, *, about: str | None = None, now: dt.datetime) -> None:
    """Drop what is planned or stopped of a kind, because it is needed no more."""
    steps = RequestStep.objects.filter(request=request, kind=kind, state__in=[State.WAITING, State.STOPPED])
    if about is not None:
        steps = steps.filter(about=about)
    steps.update(state=State.DROPPED, ended_at=now)


def _failed(step: RequestStep, fault: str, now: dt.datetime) -> None:
    last = step.attempts > len(PAUSES)
    with transaction.atomic():
        again = "" if last else " It is tried again."
        tell(step.request, "step_failed", f"{title_of(step)}: {fault}.{again}", user=None, now=now)
        if not last:
            step.state, step.lease_until, step.fault = State.WAITING, None, fault[:200]
            step.next_at = now + PAUSES[step.attempts - 1]
            step.save(update_fields=["state", "lease_until", "fault", "next_at"])
            return
        step.fault = fault[:200]
        _end(step, State.STOPPED, now)
        evidence.append_entry("STEP_STOPPED", subject=str(step.request_id), body={"step": step.kind})
        transaction.on_commit(lambda: _alarm(step, now))


def _end(step: RequestStep, state: str, now: dt.datetime) -> None:
    step.state, step.lease_until, step.ended_at = state, None, now
    step.save(update_fields=["state", "lease_until", "ended_at", "fault"])


def _alarm(step: RequestStep, now: dt.datetime) -> None:
    log.error("step %s of request %s has stopped", step.kind, step.request_id)
    for alarm in ALARMS:
        alarm(step, now)
