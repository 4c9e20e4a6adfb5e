"""What the workers do for keys, files and the evidence."""

from celery import shared_task
from django.utils import timezone

from accounts import checkpoints, epochs, previews

TURN_SECONDS = 30


@shared_task
def keep_epochs() -> None:
    """Begin a new epoch when the current one is old, wrap keys by it, and destroy epochs whose waiting is over.

    Two beats do no harm: one process at a time begins an epoch, and a pair is exchanged against the bytes that were read.
    """
    now = timezone.now()
    epochs.rotate(now=now)
    wrap_keys_anew()
    epochs.destroy_due(now)


@shared_task
def wrap_keys_anew() -> None:
    """Carry the change of epoch on, and ask for the next turn as long as one gets somewhere."""
    done, left = epochs.rewrap(seconds=TURN_SECONDS)
    if done and left:
        wrap_keys_anew.delay()


@shared_task
def write_checkpoint() -> None:
    """Write a checkpoint outside the database when one is due. A second one by another scheduler is harmless."""
    checkpoints.write_if_due()


@shared_task
def sweep_uploads() -> None:
    """Remove what uploads left behind. Twice at once does no harm."""
    previews.sweep(timezone.now())
