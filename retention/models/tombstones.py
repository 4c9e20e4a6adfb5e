"""What is remembered of what was deleted."""

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models

from accounts.models import Workspace


class Tombstone(models.Model):
    """A number and the time in which a customer had it, so that a late file does not bring an erased customer's calls back.

    With a workspace, only the number went: calls of that time are the workspace's as long as it lives.
    """

    number_hash = models.BinaryField("keyed hash of the number", db_index=True)
    window = DateTimeRangeField()
    erased_at = models.DateTimeField()
    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, related_name="tombstones", null=True, verbose_name="still belongs to"
    )
    job = models.ForeignKey("DeletionJob", on_delete=models.PROTECT, related_name="tombstones")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number_hash", "window"], name="tombstone_once")]

    def __str__(self) -> str:
        return f"tombstone {self.pk}"


class ErasedPerson(models.Model):
    """The customer number of somebody who was erased, by keyed hash: an old file or feed does not bring them back."""

    id_hash = models.BinaryField("keyed hash of the customer number", db_index=True)
    erased_at = models.DateTimeField()
    for_good = models.BooleanField("may not return", default=False)
    job = models.ForeignKey("DeletionJob", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "erased people"
        constraints = [models.UniqueConstraint(fields=["job", "id_hash"], name="erased_person_once")]

    def __str__(self) -> str:
        return f"erased person {self.pk}"
