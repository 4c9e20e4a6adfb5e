"""Permanent suspensions for fraud (policy § 5.2)."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models.customers import Workspace
from accounts.validators import refuse_card_numbers


class Suspension(models.Model):
    """That a workspace is suspended for good, why, and whether two officers keep it as evidence. It goes with the workspace."""

    class Code(models.TextChoices):
        PAYMENT = "payment", "Payment fraud"
        IDENTITY = "identity", "False identity"
        TRAFFIC = "traffic", "Fraudulent traffic"
        SPAM = "spam", "Spam or scam calls"
        OTHER = "other", "Another breach of the terms"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="suspensions")
    code = models.CharField("kind of fraud", max_length=10, choices=Code)
    reason = models.TextField(
        help_text="In words that another officer understands. It goes with the workspace; the evidence has the kind only.",
        validators=[refuse_card_numbers],
    )
    suspended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    suspended_at = models.DateTimeField("suspended", editable=False)
    lifted_at = models.DateTimeField("found wrong", null=True, editable=False)
    stays = models.BooleanField("stays as evidence", default=False, editable=False)
    categories = ArrayField(
        models.CharField(max_length=60), default=list, editable=False,
        help_text="Models of the data map that stay; none: everything stays.",
    )  # fmt: skip
    authority = models.CharField(max_length=200, blank=True, editable=False, validators=[refuse_card_numbers])
    review_on = models.DateField(null=True, editable=False)
    decided_at = models.DateTimeField("decided by two officers", null=True, editable=False)

    class Meta:
        verbose_name = "suspension for fraud"
        verbose_name_plural = "suspensions for fraud"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(lifted_at__isnull=True), name="suspended_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True) | Q(lifted_at__isnull=True), name="suspension_decided_or_lifted"
            ),
        ]
        permissions = [("decide_suspension", "Can decide what goes of a suspended workspace, with a second officer")]

    def __str__(self) -> str:
        return f"suspension {str(self.pk)[:8]}"

    @property
    def state(self) -> str:
        if self.lifted_at:
            return "Found wrong"
        return "Decided" if self.decided_at else "To be decided"
