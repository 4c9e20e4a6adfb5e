"""The register of requests under the CCPA (11 CCR 7101; policy § 6.7)."""

import uuid

from django.db import models
from django.db.models import F, Q

from dsar.deadlines import REQUEST_TYPES
from dsar.models.tickets import Channel


class RegisterEntry(models.Model):
    """One request of a Californian: when, what for, how it came, when and how it was answered. It names nobody."""

    class Outcome(models.TextChoices):
        OPEN = "open", "Open"
        COMPLIED = "complied", "Complied with"
        PARTIAL = "partial", "Complied with in part"
        DENIED = "denied", "Denied"
        WITHDRAWN = "withdrawn", "Withdrawn by the person"
        ROUTED = "routed", "Passed on to the business it concerns"
        MOVED = "moved", "Answered under another law"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request_id = models.UUIDField(unique=True, editable=False)
    reference = models.CharField(max_length=20)
    type = models.CharField("nature", max_length=24, help_text="A type of request.")
    channel = models.CharField("manner", max_length=8, choices=Channel)
    received_at = models.DateTimeField("received")
    ended_at = models.DateTimeField("answered", null=True)
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.OPEN)
    reasons = models.JSONField("basis of the denial", default=list, help_text="Codes of the refusal’s reasons.")

    class Meta:
        verbose_name_plural = "register of Californian requests"
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="open", ended_at__isnull=True) | (~Q(outcome="open") & Q(ended_at__isnull=False)),
                name="register_ended_with_outcome",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("received_at")),
                name="register_ends_after_receipt",
            ),
        ]
        indexes = [models.Index(fields=["received_at"]), models.Index(fields=["ended_at"])]

    def __str__(self) -> str:
        return self.reference

    @property
    def nature(self) -> str:
        return REQUEST_TYPES.get(self.type, self.type)
