"""Identity documents (policy § 2.1, Know Your Customer)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.customers import Person, Workspace
from accounts.validators import validate_country


class KycDocument(models.Model):
    """A customer's identity document: what it is and what was decided; the image is an encrypted file."""

    class Type(models.TextChoices):
        PASSPORT = "passport", "Passport"
        IDENTITY_CARD = "identity_card", "Identity card"
        DRIVING_LICENCE = "driving_licence", "Driving licence"
        PROOF_OF_ADDRESS = "proof_of_address", "Proof of address"

    class Result(models.TextChoices):
        PENDING = "pending", "Not decided"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="kyc_documents")
    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, related_name="kyc_documents", null=True, blank=True
    )
    type = models.CharField(max_length=20, choices=Type)
    issuing_country = models.CharField(max_length=2, validators=[validate_country])
    expires_on = models.DateField(null=True, blank=True)
    provider = models.CharField("outside provider", max_length=80, blank=True)
    result = models.CharField(max_length=10, choices=Result, default=Result.PENDING)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    decided_at = models.DateTimeField("decided", null=True, blank=True)
    received_at = models.DateTimeField("received", default=timezone.now)
    file_key = models.CharField(max_length=120, blank=True, editable=False)
    file_bytes = models.PositiveIntegerField("size of the image (bytes)", default=0, editable=False)

    class Meta:
        verbose_name = "identity document"
        constraints = [
            models.CheckConstraint(
                condition=Q(result="pending", decided_at__isnull=True)
                | (~Q(result="pending") & Q(decided_at__isnull=False)),
                name="kyc_decided_with_date",
                violation_error_message="A decision needs its date, and a date needs a decision.",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
