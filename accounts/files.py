"""Stored files: encrypted in the age format before they touch the disk, under names that say nothing.

One small port (put, open, delete, list, exists) with the local folder behind it; another store is another class with
the same five methods.
"""

import io
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyrage
from django.conf import settings

from accounts import keys


class UnableToStore(OSError):
    """The file could not be stored; nothing of it is left."""


class LocalFolder:
    """Files in a folder of their own, two levels deep, readable by the portal's user only."""

    def __init__(self, root: Path):
        self.root = root

    def _path(self, key: str) -> Path:
        if not key.isalnum():
            raise ValueError("A file key has letters and digits only.")
        return self.root / key[:2] / key

    def put(self, key: str, write) -> None:
        """Store under ``key`` what ``write(file)`` writes: whole, or not at all. Raises UnableToStore."""
        path = self._path(key)
        draft = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise UnableToStore(f"The file could not be stored: {error.strerror or error}") from error

    def open(self, key: str) -> BinaryIO:
        """Return the stored bytes as a file. Raises FileNotFoundError."""
        return self._path(key).open("rb")

    def delete(self, key: str) -> None:
        """Remove the file; one that is not there is fine."""
        self._path(key).unlink(missing_ok=True)

    def exists(self, key: str) -> bool:
        return self._path(key).exists()

    def list(self) -> Iterator[str]:
        """Yield the key of every stored file, unfinished ones included."""
        for path in self.root.glob("??/*"):
            yield path.stem


def store() -> LocalFolder:
    """Return the store that the settings name."""
    return LocalFolder(settings.FILES_ROOT)


def put_encrypted(source: BinaryIO, *, owner: str, owner_id: uuid.UUID) -> str:
    """Encrypt ``source`` to its owner's key, store it and return its key. Raises UnableToStore, keys.KeyDestroyed."""
    recipient = pyrage.x25519.Recipient.from_str(keys.recipient_of(owner, owner_id))
    key = keys.random_name()
    store().put(key, lambda file: pyrage.encrypt_io(source, file, [recipient]))
    return key


def decrypt_to(target: BinaryIO, key: str, *, owner: str, owner_id: uuid.UUID) -> None:
    """Write the plain bytes of a stored file to ``target``. Raises keys.KeyDestroyed, FileNotFoundError."""
    identity = keys.identity_of(owner, owner_id)
    with store().open(key) as file:
        pyrage.decrypt_io(file, target, [identity])


def read_encrypted(key: str, *, owner: str, owner_id: uuid.UUID) -> bytes:
    """Return the plain bytes of a small stored file. Raises as ``decrypt_to``."""
    target = io.BytesIO()
    decrypt_to(target, key, owner=owner, owner_id=owner_id)
    return target.getvalue()
