"""What an officer decides about one deletion: to pause it, to let it go on, to try a stopped one again."""

from django.db import transaction

from accounts import evidence
from accounts.models import User
from retention.jobs.moves import State, UnableToMove, move
from retention.models import DeletionJob


def pause(job: DeletionJob, *, user: User) -> None:
    """Stop one deletion at the end of its batch, or before it begins. Raises UnableToMove."""
    with transaction.atomic():
        job = DeletionJob.objects.select_for_update().get(pk=job.pk)
        move(job, State.PAUSED, lease_until=None, stopped_because=f"Paused by {user}.")
        evidence.append_entry("PAUSED", subject=str(job.pk), body={"by": user.pk})


def resume(job: DeletionJob, *, user: User) -> None:
    """Let a paused deletion go on where it was. Raises UnableToMove."""
    _go_on(job, "RESUMED", state=State.PAUSED, user=user)


def retry(job: DeletionJob, *, user: User) -> None:
    """Let a deletion go on that was stopped for a decision. Raises UnableToMove."""
    _go_on(job, "RETRIED", state=State.QUARANTINED, user=user)


def _go_on(job: DeletionJob, word: str, *, state: str, user: User) -> None:
    with transaction.atomic():
        job = DeletionJob.objects.select_for_update().get(pk=job.pk)
        if job.state != state:
            raise UnableToMove(f"This deletion is not “{State(state).label}” any more.")
        again = State.RUNNING if job.intent_sequence else State.PENDING
        move(job, again, attempts=0, lease_until=None, stopped_because="")
        evidence.append_entry(word, subject=str(job.pk), body={"by": user.pk})
