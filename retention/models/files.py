"""What was found when the file store was compared with the rows of its files."""

from django.db import models
from django.db.models import Q


class FileCheck(models.Model):
    """One comparison of the file store with the rows of stored files, in both directions."""

    began_at = models.DateTimeField("began")
    ended_at = models.DateTimeField("ended", null=True)
    files = models.BigIntegerField("things in the store", default=0)
    rows = models.BigIntegerField("rows", default=0)
    stray = models.BigIntegerField("without a row", default=0)
    missing = models.BigIntegerField("rows without a file", default=0)
    failed = models.CharField("it could not be done", max_length=200, blank=True)

    class Meta:
        verbose_name = "file check"

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M}"


class FileFinding(models.Model):
    """A file without a row, or a row without its file. The name in the store is nobody's; one that is not ours may say something, and goes when it ends."""

    class Kind(models.TextChoices):
        STRAY = "stray", "File without a row"
        MISSING = "missing", "Row without a file"

    class End(models.TextChoices):
        GONE = "gone", "In order again"
        DESTROYED = "destroyed", "Destroyed by two officers"

    kind = models.CharField(max_length=8, choices=Kind)
    key = models.CharField("name in the store", max_length=300, blank=True)
    stored_at = models.DateTimeField("stored", null=True)
    found_at = models.DateTimeField("first seen")
    seen_at = models.DateTimeField("last seen")
    agreed_at = models.DateTimeField("two officers agreed", null=True)
    ended_at = models.DateTimeField("ended", null=True)
    end = models.CharField("how it ended", max_length=9, choices=End, blank=True)

    class Meta:
        verbose_name = "file finding"
        permissions = [("destroy_filefinding", "Can have files without a row destroyed")]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(ended_at__isnull=True), name="filefinding_one_open"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end="") | (Q(ended_at__isnull=False) & ~Q(end="")),
                name="filefinding_ended_somehow",
            ),
        ]

    def __str__(self) -> str:
        return f"finding {self.pk}"

    @property
    def is_ours(self) -> bool:
        """Return whether the name is one that the portal gives; nothing else is ever destroyed."""
        return self.key.isalnum() and self.key.isascii()
