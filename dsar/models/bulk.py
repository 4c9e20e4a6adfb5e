"""One thing done to many requests, and what came of each."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from dsar.models.requests import SubjectRequest


class BulkAction(models.Model):
    """What is done to many requests at once: chosen once, done by the workers one by one. It names nobody outside."""

    class Kind(models.TextChoices):
        OWNER = "owner", "Give them an owner"
        WATCH = "watch", "Let somebody watch them"
        RECEIPT = "receipt", "Confirm receipt by letter"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    target = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["asked_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="receipt", target__isnull=True) | (~Q(kind="receipt") & Q(target__isnull=False)),
                name="bulk_action_target",
            ),
        ]

    def __str__(self) -> str:
        return f"bulk action {str(self.pk)[:8]}"


class BulkItem(models.Model):
    """One request of such an action: done, or why not."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Not done"

    action = models.ForeignKey(BulkAction, on_delete=models.PROTECT, related_name="items")
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    result = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "request"], name="bulk_item_once")]
        indexes = [models.Index(fields=["action"], condition=Q(state="waiting"), name="bulk_item_waiting")]

    def __str__(self) -> str:
        return f"item {self.pk}"
