"""The evidence log. Rows are only ever added; the database refuses to change or remove an entry."""

from django.db import models
from django.db.models import Q


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


class EvidenceTree(models.Model):
    """The state of the Merkle tree over the log: one row, changed with every entry in the same transaction."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)
    chain = models.BinaryField(help_text="The chain value of the last entry.")
    frontier = models.BinaryField(
        help_text="The whole subtrees that the tree consists of, largest first, 32 bytes each."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="evidence_one_tree")]

    def __str__(self) -> str:
        return f"tree of {self.size}"


class EvidenceTile(models.Model):
    """The root over 256 entries in a row, so that a proof need not read the whole log."""

    number = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()

    def __str__(self) -> str:
        return f"tile {self.number}"
