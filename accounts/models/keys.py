"""Key pairs for stored files, and the epochs of the keys that wrap them. Both may live in a database of their own."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone


class KeyEpoch(models.Model):
    """A span of time whose key wraps the private halves made or wrapped anew in it. The key itself is not in here."""

    class State(models.TextChoices):
        CURRENT = "current", "Current"
        KEPT = "kept", "Kept"
        PENDING = "pending", "Will be destroyed"
        DESTROYED = "destroyed", "Destroyed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=9, choices=State, default=State.CURRENT)
    proof = models.BinaryField(help_text="Its number, wrapped: opens as long as the key can be used.")
    began_at = models.DateTimeField("began", default=timezone.now)
    ended_at = models.DateTimeField("ended", null=True)
    destroy_after = models.DateTimeField("destroyed after", null=True)
    destroyed_at = models.DateTimeField("destroyed", null=True)

    class Meta:
        verbose_name = "key epoch"
        permissions = [("rotate_keyepoch", "Can begin a new key epoch"), ("prune_keyepoch", "Can destroy a key epoch")]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="current"), name="keyepoch_one_current"),
            models.CheckConstraint(
                condition=Q(state="destroyed", destroyed_at__isnull=False)
                | (~Q(state="destroyed") & Q(destroyed_at__isnull=True)),
                name="keyepoch_destroyed_with_date",
            ),
            models.CheckConstraint(
                condition=~Q(state="pending") | Q(destroy_after__isnull=False), name="keyepoch_pending_with_date"
            ),
        ]

    def __str__(self) -> str:
        return f"Epoch {self.number}"


class KeyPair(models.Model):
    """The age key pair of a customer or a workspace. Without the private half its files cannot be read by anybody."""

    class Owner(models.TextChoices):
        WORKSPACE = "workspace", "Workspace"
        PERSON = "person", "Person"
        IMPORT = "import", "Import"
        KEEPER = "keeper", "Hold or law"
        PACKAGE = "package", "Package for a data subject"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.CharField(max_length=10, choices=Owner)
    owner_id = models.UUIDField()
    recipient = models.CharField("public half", max_length=80, help_text="Empty: destroyed before there was one.")
    wrapped = models.BinaryField("private half, wrapped by the key of its epoch", null=True)
    epoch = models.ForeignKey(
        KeyEpoch, on_delete=models.PROTECT, null=True, related_name="pairs", help_text="The one that wrapped it last."
    )
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
            models.CheckConstraint(
                condition=Q(wrapped__isnull=True) | Q(epoch__isnull=False), name="keypair_wrapped_in_an_epoch"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
