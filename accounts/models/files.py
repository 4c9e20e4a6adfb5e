"""What is in the file store."""

from django.db import models
from django.utils import timezone

from accounts.models.keys import KeyPair


class StoredFile(models.Model):
    """One encrypted file in the store: whose key opens it, and what its bytes must be. It goes with the file."""

    key = models.CharField("file", primary_key=True, max_length=64, editable=False)
    owner = models.CharField("opened by the key of", max_length=10, choices=KeyPair.Owner)
    owner_id = models.UUIDField("id of the owner")
    size = models.BigIntegerField("size (bytes)")
    sha256 = models.CharField("SHA-256 of the encrypted bytes", max_length=64)
    created_at = models.DateTimeField("stored", default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["owner", "owner_id"]), models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return self.key
