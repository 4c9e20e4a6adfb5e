"""The evidence log. Rows are only ever added; the database refuses to change or remove an entry."""

from django.conf import settings
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
        indexes = [models.Index(fields=["sequence"], condition=Q(type="SIGNING_KEY"), name="evidence_signing_keys")]

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


class Checkpoint(models.Model):
    """A signed checkpoint as it was written outside the database; the file there is the one that counts."""

    size = models.BigIntegerField("entries")
    root = models.BinaryField()
    at = models.DateTimeField("signed")
    note = models.TextField("signed note")
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    taken_at = models.DateTimeField("taken away", null=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["size", "at"]), models.Index(fields=["taken_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(taken_by__isnull=True, taken_at__isnull=True)
                | Q(taken_by__isnull=False, taken_at__isnull=False),
                name="checkpoint_taken_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"checkpoint of {self.size}"

    @property
    def root_start(self) -> str:
        return bytes(self.root).hex()[:16]


class OutsideState(models.Model):
    """Whether the database and what was written outside of it still tell the same; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    looked_at = models.DateTimeField()
    fault = models.CharField(
        max_length=300, blank=True, help_text="Why no checkpoint is written; empty when all is well."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="evidence_one_outside")]

    def __str__(self) -> str:
        return "outside"
