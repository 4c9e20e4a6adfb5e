"""Business clients: for whom Callmama processes data, and what was agreed (policy § 2.4)."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.models.customers import Workspace
from accounts.validators import refuse_card_numbers


class Held(models.TextChoices):
    """What Callmama may hold on behalf of a client. Traffic, billing, fraud and identity documents are always its own."""

    RECORDINGS = "recordings", "Call recordings"
    CONTACTS = "contacts", "Contact lists"
    CONVERSATIONS = "conversations", "Conversations"


def everything_held() -> list[str]:
    return list(Held.values)


class BusinessClient(models.Model):
    """What was agreed with the business that has a workspace, and who of them is written to. It goes with the workspace."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.OneToOneField(Workspace, on_delete=models.PROTECT, related_name="client")
    contact_name = models.CharField("contact", max_length=200, blank=True, validators=[refuse_card_numbers])
    contact_email = models.EmailField(
        "requests go to", help_text="Where requests about data that we hold for them are sent."
    )
    processor_for = models.JSONField(
        "we are processor for",
        default=everything_held,
        blank=True,
        help_text="Of the rest Callmama is controller itself: a purpose of its own ends that it only acts for the client.",
    )
    forward_days = models.PositiveSmallIntegerField(
        "forward within (working days)", default=2, validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text="Two, unless the contract has a term of its own.",
    )  # fmt: skip
    may_be_named = models.BooleanField(
        "may be named to the person", default=True, help_text="Off where the contract forbids it and no law demands it."
    )
    dpa_signed_on = models.DateField(
        "data processing agreement signed", null=True, blank=True, help_text="Empty: none is on file."
    )
    notice_confirmed_on = models.DateField(
        "notice confirmed", null=True, blank=True, help_text="When they confirmed that they tell their customers of us."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(forward_days__range=(1, 10)), name="client_forward_days"),
            models.CheckConstraint(condition=Q(processor_for__contained_by=Held.values), name="client_processor_for"),
        ]

    def __str__(self) -> str:
        return f"client {self.workspace_id}"
