"""The append-only log of what was done. The database refuses to change or remove an entry."""

from django.db import models


class EvidenceEntry(models.Model):
    """One thing that happened, in codes, ids, counts and hashes: nothing about a person is in here."""

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    type = models.CharField(max_length=30)
    subject = models.CharField(max_length=64, db_index=True, help_text="The opaque id of what it is about.")
    body = models.JSONField()
    leaf = models.BinaryField(help_text="SHA-256 of 0x00 and the canonical entry (RFC 6962, section 2.1).")
    chain = models.BinaryField(help_text="SHA-256 of the previous chain value and this leaf.")

    class Meta:
        verbose_name_plural = "evidence log"

    def __str__(self) -> str:
        return f"{self.sequence} {self.type}"
