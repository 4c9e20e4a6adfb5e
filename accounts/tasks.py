"""What the workers do for the evidence."""

from celery import shared_task

from accounts import checkpoints


@shared_task
def write_checkpoint() -> None:
    """Write a checkpoint outside the database when one is due. A second one by another scheduler is harmless."""
    checkpoints.write_if_due()
