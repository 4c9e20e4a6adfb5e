"""Parts of a request: what of it Callmama answers itself, and what a client of ours decides about (policy § 2.4)."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import Workspace
from accounts.models.clients import Held
from dsar.models.requests import SubjectRequest


class RequestPart(models.Model):
    """One part: who decides about it, by when it must be passed on, and what became of it. It names nobody."""

    class Role(models.TextChoices):
        PROCESSOR = "processor", "A client decides"
        CONTROLLER = "controller", "Our own"

    class Own(models.TextChoices):
        """What Callmama always holds for its own purposes."""

        TRAFFIC = "traffic", "Traffic"
        BILLING = "billing", "Billing"
        FRAUD = "fraud", "Fraud prevention"
        IDENTITY = "identity", "Identity documents"

    class Answer(models.TextChoices):
        THEIRS = "theirs", "The client answers the person"
        INSTRUCTED = "instructed", "The client has instructed us, and it is done"
        NOTHING = "nothing", "The client has nothing of this person"
        OURS = "ours", "Answered with the request"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="parts")
    role = models.CharField(max_length=10, choices=Role)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="request_parts", null=True)
    categories = ArrayField(models.CharField(max_length=13, choices=[*Held.choices, *Own.choices]))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    due_on = models.DateField("pass on by", null=True, help_text="Of our own part: the date of the request.")
    due_at = models.DateTimeField(null=True)
    forwarded_at = models.DateTimeField("passed on", null=True)
    forwarded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    mail = models.UUIDField("mail to the client", null=True)
    letter = models.UUIDField("letter to the person", null=True)
    answer = models.CharField(max_length=10, choices=Answer, blank=True)
    answered_at = models.DateTimeField("answered", null=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "workspace"], condition=Q(role="processor"), name="part_once_a_client"
            ),
            models.UniqueConstraint(fields=["request"], condition=Q(role="controller"), name="part_of_ours_once"),
            models.CheckConstraint(
                condition=Q(role="processor", workspace__isnull=False, due_on__isnull=False, due_at__isnull=False)
                | Q(role="controller", workspace__isnull=True, due_on__isnull=True, due_at__isnull=True, forwarded_at__isnull=True),
                name="part_of_a_client_or_of_ours",
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, answer="") | (Q(answered_at__isnull=False) & ~Q(answer="")),
                name="part_answered_somehow",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"part {str(self.pk)[:8]}"

    @property
    def waits(self) -> bool:
        """Whether it is still to be passed on to its client."""
        return self.role == self.Role.PROCESSOR and self.forwarded_at is None and self.answered_at is None
