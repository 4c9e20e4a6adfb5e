"""Laws that demand that something is kept."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.validators import validate_country


class LegalRetention(models.Model):
    """A named law of a country by which rows of one category are kept, though the policy would delete them.

    It ships disabled. It keeps nothing until two officers activate it with the name of whoever verified it and the
    day; what it says never changes after that: a correction is another row.
    """

    class CountsFrom(models.TextChoices):
        ROW = "row", "The date of the record"
        YEAR = "year", "The end of the year of the record"
        END = "end", "The end of the account"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    country = models.CharField(
        max_length=2, validators=[validate_country], help_text="Of the workspace; of nobody else."
    )
    category = models.CharField(max_length=60, help_text="What the law is about, as the data map names it.")
    law = models.CharField(max_length=200)
    section = models.CharField(max_length=60)
    months = models.PositiveSmallIntegerField("period (months)")
    counts_from = models.CharField("counted from", max_length=4, choices=CountsFrom, default=CountsFrom.ROW)
    note = models.CharField(max_length=300, blank=True)
    verified_by = models.CharField(
        "verified by", max_length=120, blank=True, help_text="Who has read the law and answers for it."
    )
    verified_on = models.DateField("verified on", null=True, blank=True)
    review_on = models.DateField("review on", null=True, blank=True)
    active_since = models.DateTimeField("active since", null=True, editable=False)
    ended_at = models.DateTimeField("ended", null=True, editable=False)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )

    class Meta:
        verbose_name = "law that keeps"
        verbose_name_plural = "laws that keep"
        constraints = [
            models.UniqueConstraint(
                fields=["country", "category", "law", "section"],
                condition=Q(ended_at__isnull=True),
                name="legal_retention_once",
            ),
            models.CheckConstraint(condition=Q(months__gte=1, months__lte=1200), name="legal_retention_has_period"),
            models.CheckConstraint(
                condition=Q(active_since__isnull=True)
                | (~Q(verified_by="") & Q(verified_on__isnull=False, review_on__isnull=False)),
                name="legal_retention_active_only_verified",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(active_since__isnull=False),
                name="legal_retention_ended_was_active",
            ),
        ]
        permissions = [("activate_legalretention", "Can activate or end a law that keeps, with a second officer")]

    def __str__(self) -> str:
        return f"{self.law} {self.section}"

    @property
    def is_active(self) -> bool:
        return self.active_since is not None and self.ended_at is None
