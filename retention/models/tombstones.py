"""What is remembered of what was deleted."""

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models


class Tombstone(models.Model):
    """A number and the time in which an erased customer had it, so that a late file does not bring the calls back."""

    number_hash = models.BinaryField("keyed hash of the number", db_index=True)
    window = DateTimeRangeField()
    erased_at = models.DateTimeField()
    job = models.ForeignKey("DeletionJob", on_delete=models.PROTECT, related_name="tombstones")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number_hash", "window"], name="tombstone_once")]

    def __str__(self) -> str:
        return f"tombstone {self.pk}"
