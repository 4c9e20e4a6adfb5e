"""Legal holds."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Workspace


class Hold(models.Model):
    """A reason why a workspace's data must stay although its time is over. It stops every path of deletion."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="holds")
    reason = models.CharField(max_length=300, help_text="In words that another officer understands.")
    authority = models.CharField(max_length=200, help_text="The law, order or claim it rests on.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="holds_owned")
    review_on = models.DateField("review on", help_text="When somebody must ask whether it is still needed.")
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    placed_at = models.DateTimeField("placed", editable=False)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    lifted_at = models.DateTimeField("lifted", null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(lifted_by__isnull=True, lifted_at__isnull=True)
                | Q(lifted_by__isnull=False, lifted_at__isnull=False),
                name="hold_lifted_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["workspace"], condition=Q(lifted_at__isnull=True), name="hold_active")]
        permissions = [("lift_hold", "Can lift a hold, with a second officer")]

    def __str__(self) -> str:
        return f"hold {str(self.pk)[:8]}"

    @property
    def reference(self) -> str:
        return f"{self.placed_at:%Y}-{str(self.pk)[:8]}"

    @property
    def is_active(self) -> bool:
        return self.lifted_at is None
