"""Traffic: one row per call leg or message *as one customer sees it*.

Both tables are range partitions by month (``telecom_records/partitions.py``). In the database the key of a row is
(workspace, instant, id); Django is told that it is ``id``, which a sequence keeps unique.
"""

from django.db import models

from accounts.models import Workspace


class Direction(models.TextChoices):
    OUTBOUND = "outbound", "Outgoing"
    INBOUND = "inbound", "Incoming"
    INTERNAL = "internal", "Internal"


class CallDetailRecord(models.Model):
    """A call of one customer. A call between two of our customers is two rows, one for each."""

    class Status(models.TextChoices):
        ANSWERED = "answered", "Answered"
        NO_ANSWER = "no_answer", "No answer"
        BUSY = "busy", "Busy"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="call_records", db_index=False)
    own_number = models.CharField(max_length=16)
    other_party = models.CharField(max_length=64, blank=True)
    other_party_kind = models.CharField(max_length=14, default="e164")
    direction = models.CharField(max_length=8, choices=Direction)
    started_at = models.DateTimeField("started")
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    duration_s = models.DecimalField("duration (s)", max_digits=12, decimal_places=3, null=True)
    talk_s = models.DecimalField("talk time (s)", max_digits=12, decimal_places=3, null=True)
    billed_s = models.PositiveIntegerField("billed (s)", null=True)
    status = models.CharField(max_length=12, choices=Status)
    cost = models.DecimalField(max_digits=18, decimal_places=8, null=True)
    currency = models.CharField(max_length=3, blank=True)
    source = models.ForeignKey("ImportSource", on_delete=models.PROTECT, related_name="+", db_index=False)
    source_key = models.CharField(max_length=160)
    call_group = models.CharField(max_length=160, blank=True)
    time_source = models.CharField(max_length=24)
    row_hash = models.BinaryField()
    revision = models.PositiveSmallIntegerField(default=0)
    run = models.ForeignKey(
        "ImportRun", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False, null=True
    )

    class Meta:
        verbose_name = "call record"
        permissions = [("export_calldetailrecord", "Can export call records")]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "source", "source_key", "own_number", "started_at"], name="cdr_once"
            ),
        ]
        indexes = [
            models.Index(fields=["started_at", "id"], name="cdr_started"),
            models.Index(fields=["own_number", "started_at"], name="cdr_own_number"),
            models.Index(fields=["other_party", "started_at"], name="cdr_other_party"),
            models.Index(fields=["workspace", "started_at"], include=["direction", "talk_s"], name="cdr_workspace"),
            models.Index(fields=["id"], name="cdr_id"),
        ]

    def __str__(self) -> str:
        return f"call {self.pk}"


class SmsRecord(models.Model):
    """A text message of one customer, without its text."""

    class Status(models.TextChoices):
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        UNDELIVERED = "undelivered", "Undelivered"
        FAILED = "failed", "Failed"
        RECEIVED = "received", "Received"
        UNKNOWN = "unknown", "Unknown"

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="sms_records", db_index=False)
    own_number = models.CharField(max_length=16)
    other_party = models.CharField(max_length=64, blank=True)
    other_party_kind = models.CharField(max_length=14, default="e164")
    direction = models.CharField(max_length=8, choices=Direction)
    sent_at = models.DateTimeField("sent")
    status = models.CharField(max_length=12, default="sent", choices=Status)
    segments = models.PositiveSmallIntegerField("parts", null=True)
    cost = models.DecimalField(max_digits=18, decimal_places=8, null=True)
    currency = models.CharField(max_length=3, blank=True)
    source = models.ForeignKey("ImportSource", on_delete=models.PROTECT, related_name="+", db_index=False)
    source_key = models.CharField(max_length=160)
    time_source = models.CharField(max_length=24)
    row_hash = models.BinaryField()
    revision = models.PositiveSmallIntegerField(default=0)
    run = models.ForeignKey(
        "ImportRun", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False, null=True
    )

    class Meta:
        verbose_name = "message"
        permissions = [("export_smsrecord", "Can export messages")]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "source", "source_key", "own_number", "sent_at"], name="sms_once"
            ),
        ]
        indexes = [
            models.Index(fields=["sent_at", "id"], name="sms_sent"),
            models.Index(fields=["own_number", "sent_at"], name="sms_own_number"),
            models.Index(fields=["other_party", "sent_at"], name="sms_other_party"),
            models.Index(fields=["workspace", "sent_at"], name="sms_workspace"),
            models.Index(fields=["id"], name="sms_id"),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"
