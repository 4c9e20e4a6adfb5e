"""Four eyes."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Approval(models.Model):
    """A request of one officer that another one must agree to, bound to exactly what was asked."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Approved and done"
        REFUSED = "refused", "Refused"
        VOID = "void", "Void: what was asked has changed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    action = models.CharField(max_length=40)
    target = models.CharField(max_length=64, help_text="The opaque id of what it is about.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the facts as they were when it was asked.")
    summary = models.CharField(max_length=300)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals_requested"
    )
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="approvals_decided"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(state="void") | ~Q(decided_by=F("requested_by")),
                name="approval_by_another_person",
            ),
            models.UniqueConstraint(
                fields=["action", "target"], condition=Q(state="waiting"), name="approval_one_waiting_per_target"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
