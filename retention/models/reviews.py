"""Reviews of what is kept of live accounts."""

from django.conf import settings
from django.db import models

from retention.models.rules import Rule


class Review(models.Model):
    """An officer has looked whether what a rule keeps of live accounts still has a reason (mission P13)."""

    class Outcome(models.TextChoices):
        NEEDED = "needed", "Still needed"
        SHORTER = "shorter", "A shorter period is asked for"
        ERASE = "erase", "Something must be erased"

    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="reviews")
    outcome = models.CharField(max_length=8, choices=Outcome)
    reason = models.CharField(max_length=300)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField("reviewed")
    next_on = models.DateField("next review")

    class Meta:
        indexes = [models.Index(fields=["rule", "-reviewed_at"])]

    def __str__(self) -> str:
        return f"review {self.pk}"
