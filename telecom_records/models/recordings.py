"""Call recordings (policy § 2.2, § 5.2)."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Workspace
from accounts.models.billing import RECORDING_DAYS_CEILING


class Recording(models.Model):
    """The sound of a call: a subscriber's own, or one made to find a fault. The audio is an encrypted file.

    A recording that its provider's list told of waits for its sound with an empty ``file_key``. The name that its file came
    with is never kept: it holds numbers.
    """

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
    source = models.ForeignKey("ImportSource", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    source_recording_id = models.CharField("id at the source", max_length=64, blank=True)
    started_at = models.DateTimeField("started")
    duration_s = models.DecimalField("duration (s)", max_digits=12, decimal_places=3, null=True)
    own_number = models.CharField(max_length=16, blank=True)
    other_party = models.CharField(max_length=64, blank=True)
    content_type = models.CharField(max_length=60, blank=True)
    channels = models.PositiveSmallIntegerField(null=True)
    sha256 = models.CharField("SHA-256 of the sound", max_length=64, blank=True)
    keep_days = models.PositiveSmallIntegerField("kept for (days)", null=True)
    ticket_reference = models.CharField("ticket", max_length=24, blank=True)
    troubleshooting_ended_at = models.DateTimeField("troubleshooting ended", null=True, editable=False)
    file_key = models.CharField(max_length=120, blank=True)
    file_bytes = models.BigIntegerField("size (bytes)", default=0)

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
            models.UniqueConstraint(
                fields=["workspace", "source", "source_recording_id"],
                condition=~Q(source_recording_id=""),
                name="recording_once_by_id",
            ),
            models.UniqueConstraint(
                fields=["workspace", "source", "sha256"],
                condition=Q(source_recording_id="") & ~Q(sha256=""),
                name="recording_once_by_sound",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "started_at"]),
            models.Index(fields=["started_at"]),
            models.Index(fields=["ticket_reference"]),
            models.Index(fields=["own_number", "started_at"], name="recording_own_number"),
            models.Index(fields=["other_party", "started_at"], name="recording_other_party"),
            models.Index(fields=["source", "source_recording_id"], name="recording_source_id"),
            models.Index(fields=["source", "sha256"], name="recording_sound"),
        ]
        permissions = [
            ("play_recording", "Can listen to recordings"),
            ("import_recordings", "Can add recordings and say which call they are of"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def has_sound(self) -> bool:
        """Whether the sound is here, and not only the word of a provider's list that it will come."""
        return bool(self.file_key)


class WaitingRecording(models.Model):
    """A recording of which it is not known whose call it is: sealed, for a few days, until the call or an officer tells."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey("ImportSource", on_delete=models.PROTECT, related_name="+")
    source_recording_id = models.CharField("id at the source", max_length=64, blank=True)
    kind = models.CharField(max_length=10, choices=Recording.Kind)
    ticket_reference = models.CharField("ticket", max_length=24, blank=True)
    started_at = models.DateTimeField("started", null=True)
    duration_s = models.DecimalField("duration (s)", max_digits=12, decimal_places=3, null=True)
    channels = models.PositiveSmallIntegerField(null=True)
    content_type = models.CharField(max_length=60, blank=True)
    sha256 = models.CharField("SHA-256 of the sound", max_length=64, blank=True)
    file_key = models.CharField(max_length=120, blank=True)
    file_bytes = models.BigIntegerField("size (bytes)", default=0)
    sealed = models.BinaryField(help_text="The numbers and the call's id that came with it, encrypted.")
    received_at = models.DateTimeField("came in", db_index=True)
    tried_at = models.DateTimeField("last looked for its call", null=True)
    set_aside_at = models.DateTimeField("of no call here", null=True)

    class Meta:
        verbose_name = "recording without a call"
        verbose_name_plural = "recordings without a call"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_recording_id"],
                condition=~Q(source_recording_id=""),
                name="waiting_recording_once_by_id",
            ),
            models.UniqueConstraint(
                fields=["source", "sha256"],
                condition=Q(source_recording_id="") & ~Q(sha256=""),
                name="waiting_recording_once_by_sound",
            ),
        ]

    def __str__(self) -> str:
        return f"recording without a call {str(self.pk)[:8]}"
