"""Stored files: encrypted in the age format before they touch a disk or leave the machine, under names that say nothing.

Where the encrypted bytes are is the business of ``accounts/stores.py``; what they must be is in their rows.
"""

import contextlib
import hashlib
import io
import os
import threading
import uuid
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyrage
from django.db import transaction

from accounts import keys
from accounts.models.files import StoredFile
from accounts.stores import LocalFolder, UnableToAsk, UnableToStore, store

__all__ = [
    "FileChanged", "LocalFolder", "UnableToAsk", "UnableToStore", "decrypt_to", "put_encrypted", "read_encrypted",
    "reencrypt", "store", "stream",
]  # fmt: skip


class FileChanged(ValueError):
    """The bytes in the store are not the ones that were stored: changed, cut off, or those of another file."""


class Measured:
    """A file that is read or written through here, its bytes counted and hashed. Without a file, writes go nowhere."""

    def __init__(self, file: BinaryIO | None = None):
        self.file, self.size, self.sha256 = file, 0, hashlib.sha256()
        self.failed: Exception | None = None

    def write(self, data: bytes) -> int:
        try:
            if self.file:
                self.file.write(data)
        except OSError as error:
            self.failed = error
            raise
        return self._count(data)

    def read(self, size: int = -1) -> bytes:
        assert self.file is not None
        try:
            data = self.file.read(size)
        except Exception as error:  # pyrage would turn it into a fault of the file
            self.failed = error
            raise
        self._count(data)
        return data

    def flush(self) -> None:
        pass

    def _count(self, data: bytes) -> int:
        self.size += len(data)
        self.sha256.update(data)
        return len(data)


def put_encrypted(source: BinaryIO, *, owner: str, owner_id: uuid.UUID, key: str = "") -> str:
    """Encrypt ``source`` to its owner's key, store it with its row and return its key.

    Whoever must find what a killed process left gives the ``key`` (``keys.random_name()``), having written it down.

    The file is there before its row: a crash in between, or a rollback of the caller's transaction, leaves a file
    without a row, which the reconcile finds, and never a row without a file. Raises UnableToStore, keys.KeyDestroyed.
    """
    try:
        recipient = pyrage.x25519.Recipient.from_str(keys.recipient_of(owner, owner_id))
    except OSError as error:  # the very first file of an installation makes a key, and there is no room for it
        raise UnableToStore(f"The key could not be stored: {error.strerror or error}") from error
    key = key or keys.random_name()
    encrypted = Measured()

    def write(file: BinaryIO) -> None:
        encrypted.file = file
        try:
            pyrage.encrypt_io(source, encrypted, [recipient])
        except pyrage.EncryptError as error:
            raise encrypted.failed or OSError(str(error)) from error
        if encrypted.failed:  # pyrage says nothing when the last write of a file fails
            raise encrypted.failed

    store().put(key, write)
    try:
        StoredFile.objects.create(
            key=key, owner=owner, owner_id=owner_id, size=encrypted.size, sha256=encrypted.sha256.hexdigest()
        )
    except BaseException:
        store().delete(key)
        raise
    return key


def decrypt_to(target: Any, key: str) -> None:
    """Write the plain bytes of a stored file to ``target``, in pieces.

    Raises keys.KeyDestroyed, FileNotFoundError, and FileChanged when the bytes in the store are not those of the row:
    what ``target`` holds then must not be used.
    """
    row = _row_of(key)
    _decrypt(row, keys.identity_of(row.owner, row.owner_id), target)


def read_encrypted(key: str) -> bytes:
    """Return the plain bytes of a small stored file. Raises as ``decrypt_to``."""
    target = io.BytesIO()
    decrypt_to(target, key)
    return target.getvalue()


def stream(key: str, *, chunk_bytes: int = 256 * 1024) -> Iterator[bytes]:
    """Yield the plain bytes of a stored file in pieces, whatever its size; they touch no disk.

    Raises as ``decrypt_to``, at the end when the bytes in the store are not those of the row: what was yielded until
    then must not be used. A reader who stops early ends the decryption.
    """
    row = _row_of(key)
    identity = keys.identity_of(row.owner, row.owner_id)
    reading, writing = os.pipe()
    failures: list[Exception] = []

    def decrypt() -> None:
        try:
            with open(writing, "wb") as plain:
                _decrypt(row, identity, plain)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=decrypt, daemon=True)
    thread.start()
    with open(reading, "rb", buffering=0) as plain:  # closed early, it ends the thread
        while piece := plain.read(chunk_bytes):
            yield piece
    thread.join()
    if failures:
        raise failures[0]


def reencrypt(key: str, *, owner: str, owner_id: uuid.UUID) -> str:
    """Store the same plain bytes again under another owner's key and return the new file's key; the old file stays.

    The bytes go from one cipher to the other through a pipe, never to a disk. Then the new file is read back with the
    new owner's key, and its plain bytes are compared by SHA-256 with what came out of the old one. Raises as
    ``decrypt_to`` and ``put_encrypted``, and FileChanged when they differ; then nothing new is left.
    """
    row = _row_of(key)
    identity = keys.identity_of(row.owner, row.owner_id)
    reading, writing = os.pipe()
    was, failures = Measured(), []

    def decrypt() -> None:
        try:
            with open(writing, "wb") as plain:
                was.file = plain
                _decrypt(row, identity, was)
        except Exception as error:  # raised below, by the thread that the caller knows
            failures.append(error)

    thread = threading.Thread(target=decrypt)
    thread.start()
    new_key = ""
    try:
        with transaction.atomic():
            try:
                with open(reading, "rb") as plain:
                    new_key = put_encrypted(plain, owner=owner, owner_id=owner_id)
            finally:
                thread.join()  # a closed pipe ends it, if this side failed
            if failures:
                raise failures[0]
            copy = Measured()
            decrypt_to(copy, new_key)
            if (copy.size, copy.sha256.digest()) != (was.size, was.sha256.digest()):
                raise FileChanged(f"The copy of {key} does not hold what the original does.")
    except BaseException:
        if new_key:
            store().delete(new_key)
        raise
    return new_key


def _row_of(key: str) -> StoredFile:
    row = StoredFile.objects.filter(pk=key).first()
    if row is None:
        raise FileNotFoundError(f"There is no stored file {key}.")
    return row


def _decrypt(row: StoredFile, identity: pyrage.x25519.Identity, target: Any) -> None:
    with contextlib.closing(store().open(row.key)) as file:
        encrypted = Measured(file)
        try:
            pyrage.decrypt_io(encrypted, target, [identity])
        except (pyrage.DecryptError, OSError) as error:
            if encrypted.failed:
                raise UnableToAsk(f"The file store broke off: {type(encrypted.failed).__name__}.") from error
            if getattr(error, "errno", None):  # the target cannot be written
                raise
            raise FileChanged(f"The file {row.key} is damaged, or not encrypted to the key of its row.") from error
        if (encrypted.size, encrypted.sha256.hexdigest()) != (row.size, row.sha256):
            raise FileChanged(f"The file {row.key} holds other bytes than were stored.")
