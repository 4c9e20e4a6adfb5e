"""Key pairs for stored files."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone


class KeyPair(models.Model):
    """The age key pair of a customer or a workspace. Without the private half its files cannot be read by anybody."""

    class Owner(models.TextChoices):
        WORKSPACE = "workspace", "Workspace"
        PERSON = "person", "Person"
        IMPORT = "import", "Import"
        KEEPER = "keeper", "Hold or law"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.CharField(max_length=10, choices=Owner)
    owner_id = models.UUIDField()
    recipient = models.CharField("public half", max_length=80)
    wrapped = models.BinaryField("private half, wrapped by the master key", null=True)
    created_at = models.DateTimeField(default=timezone.now)
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "owner_id"], name="keypair_one_per_owner"),
            models.CheckConstraint(
                condition=Q(wrapped__isnull=False, destroyed_at__isnull=True)
                | Q(wrapped__isnull=True, destroyed_at__isnull=False),
                name="keypair_destroyed_is_gone",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
