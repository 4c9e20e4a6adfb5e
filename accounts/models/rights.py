"""What was decided about a person at their own request: that their data is erased, or that it is restricted (policy § 6.2, § 6.3)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models.customers import Person


class PersonErasure(models.Model):
    """That two officers granted a person's request for erasure: of which categories; codes that stay when the person is gone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="erasures")
    subject = models.UUIDField(
        help_text="The person's opaque id, by which its deletions are found when the person is gone."
    )
    request = models.UUIDField(help_text="The request that it answers.")
    categories = models.JSONField(help_text="Models of the data map whose rows of the person go.")
    decided_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="When nothing of it was left, or what is kept was told.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(ended_at__isnull=True, person__isnull=False), name="erasure_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"erasure {str(self.pk)[:8]}"


class Restriction(models.Model):
    """That a person's data is only stored, and used for their own requests and for claims, until it is lifted (Art. 18 GDPR)."""

    class Ground(models.TextChoices):
        ACCURACY = "accuracy", "They contest that it is right (18(1)(a))"
        UNLAWFUL = "unlawful", "It is unlawful, and they want no erasure (18(1)(b))"
        CLAIMS = "claims", "They need it for a legal claim (18(1)(c))"
        OBJECTION = "objection", "They object, and the grounds are weighed (18(1)(d))"

    INSTEAD_OF_ERASURE = (Ground.UNLAWFUL, Ground.CLAIMS)  # it must not be deleted meanwhile either

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="restrictions", verbose_name="customer"
    )
    request = models.UUIDField(help_text="The request that it answers.")
    ground = models.CharField(max_length=9, choices=Ground)
    began_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    began_at = models.DateTimeField("restricted since")
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    ended_at = models.DateTimeField("lifted", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request"], condition=Q(ended_at__isnull=True), name="restriction_once_for_a_request"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("began_at")),
                name="restriction_ends_after_it_began",
            ),
        ]
        indexes = [models.Index(fields=["person"], condition=Q(ended_at__isnull=True), name="restriction_in_force")]

    def __str__(self) -> str:
        return f"restriction {str(self.pk)[:8]}"
