"""Who wants no marketing, by keyed hash: a memory that survives the customer (policy § 6.6)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class OptOut(models.Model):
    """An address whose owner wants no marketing: a keyed hash, from which no address can be read.

    It does not lead to a person, so that it outlives them. It ends when the number is given to somebody else.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        PHONE = "phone", "Telephone number"

    class Channel(models.TextChoices):
        WEBSITE = "website", "Website"
        APP = "app", "App"
        EMAIL = "email", "E-mail"
        TICKET = "ticket", "Ticket system"
        CHAT = "chat", "Chat"
        PHONE = "phone", "Telephone or WhatsApp"
        LETTER = "letter", "Letter"
        FILE = "file", "Imported file"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=5, choices=Kind)
    address_hash = models.BinaryField("keyed hash of the address", editable=False)
    asked_at = models.DateTimeField("asked")
    channel = models.CharField(max_length=8, choices=Channel)
    request_id = models.UUIDField("request", null=True, editable=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    recorded_at = models.DateTimeField(editable=False)
    is_ours = models.BooleanField("one of our numbers", default=False, editable=False)
    holder = models.UUIDField(
        null=True, editable=False, help_text="The opaque id of the workspace that had the number; none had: empty."
    )
    ended_at = models.DateTimeField("ended", null=True, editable=False)

    class Meta:
        verbose_name = "marketing opt-out"
        constraints = [
            models.UniqueConstraint(
                fields=["address_hash"], condition=Q(ended_at__isnull=True), name="opt_out_once_per_address"
            ),
            models.CheckConstraint(condition=Q(asked_at__lte=F("recorded_at")), name="opt_out_not_from_the_future"),
        ]
        indexes = [
            models.Index(fields=["address_hash"]),
            models.Index(fields=["asked_at"]),
        ]
        permissions = [("take_marketing_list", "Can take the list of those who may receive marketing")]

    def __str__(self) -> str:
        return f"opt-out {str(self.pk)[:8]}"
