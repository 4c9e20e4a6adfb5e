"""Packages: the copy of a person's data that answers a request for access or portability (policy § 6.1, § 6.4)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from dsar.models.requests import SubjectRequest


class Package(models.Model):
    """One package for one request. The row is the work; the archive is an encrypted file with a key pair of its own."""

    class Kind(models.TextChoices):
        ACCESS = "access", "Access"
        PORTABILITY = "portability", "Portability"

    class State(models.TextChoices):
        WAITING = "waiting", "Waits for a worker"
        RUNNING = "running", "Being made"
        FAILED = "failed", "Failed"
        SEALED = "sealed", "To be reviewed"
        APPROVED = "approved", "Approved"
        DROPPED = "dropped", "Dropped"

    UNDER_WAY = (State.WAITING, State.RUNNING)
    MADE = (State.SEALED, State.APPROVED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="packages")
    kind = models.CharField(max_length=11, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField("asked for")
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)
    rows_planned = models.PositiveBigIntegerField("rows to write", default=0)
    rows_done = models.PositiveBigIntegerField("rows written", default=0)
    as_of = models.DateTimeField("data as of", null=True)
    contents = models.JSONField(default=dict, help_text="Rows and files by category; nothing of what they say.")
    withheld = models.JSONField(default=list, help_text="What is not in it, by category and code, and how much.")
    key_id = models.UUIDField("owner of the key pair", null=True)
    file_key = models.CharField(max_length=64, blank=True, help_text="Written down before the first byte is.")
    file_bytes = models.BigIntegerField("size (bytes)", null=True)
    sha256 = models.CharField("SHA-256 of the archive", max_length=64, blank=True)
    sealed_at = models.DateTimeField("sealed", null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField("decided", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(state__in=["waiting", "running", "failed"]),
                name="package_one_under_way",
            ),
            models.UniqueConstraint(fields=["request"], condition=Q(state="approved"), name="package_one_approved"),
            models.CheckConstraint(
                condition=~Q(state__in=["sealed", "approved"])
                | Q(sealed_at__isnull=False, file_bytes__isnull=False) & ~Q(sha256=""),
                name="package_sealed_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "dropped"]) | Q(decided_at__isnull=False),
                name="package_decided_with_date",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved") | ~Q(decided_by=F("asked_by")), name="package_approved_by_another"
            ),
        ]
        indexes = [
            models.Index(fields=["asked_at"], condition=Q(state__in=["waiting", "running"]), name="package_to_make")
        ]
        permissions = [
            ("take_package", "Can download a package for review"),
            ("approve_package", "Can approve or drop a package"),
        ]

    def __str__(self) -> str:
        return f"package {str(self.pk)[:8]}"

    @property
    def is_there(self) -> bool:
        """Whether its archive can be read: sealed, and not destroyed yet."""
        return self.state in self.MADE and bool(self.file_key)
