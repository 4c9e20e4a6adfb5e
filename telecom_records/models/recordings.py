"""Call recordings (policy § 2.2, § 5.2)."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Workspace
from accounts.models.billing import RECORDING_DAYS_CEILING


class Recording(models.Model):
    """The sound of a call: a subscriber's own, or one made to find a fault. The audio is an encrypted file."""

    class Kind(models.TextChoices):
        SUBSCRIBER = "subscriber", "Subscriber recording"
        DIAGNOSTIC = "diagnostic", "Diagnostic recording"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="recordings")
    kind = models.CharField(max_length=10, choices=Kind)
    call = models.ForeignKey(
        "CallDetailRecord",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="recordings",
        db_constraint=False,
    )
    started_at = models.DateTimeField("started")
    duration_s = models.DecimalField("duration (s)", max_digits=12, decimal_places=3, null=True)
    own_number = models.CharField(max_length=16, blank=True)
    other_party = models.CharField(max_length=64, blank=True)
    content_type = models.CharField(max_length=60)
    keep_days = models.PositiveSmallIntegerField("kept for (days)", null=True)
    ticket_reference = models.CharField("ticket", max_length=24, blank=True)
    troubleshooting_ended_at = models.DateTimeField("troubleshooting ended", null=True, editable=False)
    file_key = models.CharField(max_length=120)
    file_bytes = models.BigIntegerField("size (bytes)")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="subscriber", keep_days__range=(1, RECORDING_DAYS_CEILING)) | Q(kind="diagnostic"),
                name="recording_subscriber_keeps_days",
            ),
            models.CheckConstraint(
                condition=Q(kind="subscriber") | (Q(kind="diagnostic") & ~Q(ticket_reference="")),
                name="recording_diagnostic_has_ticket",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "started_at"]),
            models.Index(fields=["started_at"]),
            models.Index(fields=["ticket_reference"]),
            models.Index(fields=["own_number", "started_at"], name="recording_own_number"),
            models.Index(fields=["other_party", "started_at"], name="recording_other_party"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
