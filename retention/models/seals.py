"""The seal that a restored copy of the database is put under."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Seal(models.Model):
    """A time in which the portal serves nobody, because its database is an old copy: from when it was seen until two officers end it."""

    found_at = models.DateTimeField("found")
    log_size = models.BigIntegerField("entries in the copy", help_text="Of the evidence log, as the copy had it.")
    outside_size = models.BigIntegerField(
        "entries outside", help_text="Of the evidence log, as it was written outside."
    )
    put_back = models.BigIntegerField("entries put back", null=True)
    replayed = models.PositiveIntegerField("deletions done again", default=0)
    replayed_at = models.DateTimeField("replayed", null=True)
    rows_gone = models.JSONField("rows gone again", default=dict, help_text="Rows by model.")
    verified_at = models.DateTimeField("verified", null=True)
    remains = models.JSONField("still there", default=dict, help_text="What the verification has found, by deletion.")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    unsealed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    unsealed_at = models.DateTimeField("unsealed", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["unsealed_at"],
                condition=Q(unsealed_at__isnull=True),
                nulls_distinct=False,
                name="seal_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(unsealed_at__isnull=True)
                | Q(verified_at__isnull=False, asked_by__isnull=False, unsealed_by__isnull=False)
                & ~Q(asked_by=F("unsealed_by")),
                name="seal_ended_by_two_when_verified",
            ),
        ]

        permissions = [("unseal", "Can let the portal go on after a restore, with a second person")]

    def __str__(self) -> str:
        return f"seal {self.pk}"
