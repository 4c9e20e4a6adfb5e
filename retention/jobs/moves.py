"""The states of a deletion and the moves between them: the only way in which a job changes its state."""

import logging

from accounts import evidence
from retention.models import DeletionJob

log = logging.getLogger(__name__)
State = DeletionJob.State

MOVES: dict[str, set[str]] = {
    State.PENDING: {State.RUNNING, State.HELD, State.PAUSED, State.CANCELLED, State.QUARANTINED},
    State.HELD: {State.PENDING, State.CANCELLED},
    State.PAUSED: {State.PENDING, State.RUNNING, State.CANCELLED},
    State.RUNNING: {State.DONE, State.PAUSED, State.QUARANTINED},
    State.QUARANTINED: {State.PENDING, State.RUNNING, State.CANCELLED},
    State.DONE: set(),
    State.CANCELLED: set(),
}


class UnableToMove(ValueError):
    """The job is not in a state from which this move is allowed."""


def move(job: DeletionJob, state: str, **fields) -> None:
    """Bring a locked job into another state and save what goes with it. Raises UnableToMove."""
    if state not in MOVES[job.state]:
        raise UnableToMove(f"A deletion cannot go from “{job.get_state_display()}” to “{State(state).label}”.")
    job.state = state
    for name, value in fields.items():
        setattr(job, name, value)
    job.save(update_fields=["state", *fields])


def quarantine(job: DeletionJob, why: str, body: dict) -> None:
    """Stop a locked job for a decision and say so in the evidence. ``why`` is for the officer, ``body`` holds codes."""
    move(job, State.QUARANTINED, stopped_because=why, lease_until=None)
    evidence.append_entry("QUARANTINED", subject=str(job.pk), body=body)
    log.error("deletion %s: stopped for a decision", job.pk)
