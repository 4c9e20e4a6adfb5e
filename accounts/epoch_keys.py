"""Where the keys of epochs are: behind four small functions, so that a KMS or Vault's transit fits as well as a folder.

``make`` an epoch's key, ``wrap`` and ``unwrap`` a secret with it, ``destroy`` it for good. Nothing else of the portal
sees such a key. They must not be kept with the key store or its backups: a copy of the key store that got away opens
only as long as the keys of its epochs exist (docs/decisions/0006-keys-and-their-backups.md).
"""

import os
import time
import uuid
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from accounts import sealing

KEY_BYTES = 32
NONCE_BYTES = 12
CACHE_SECONDS = 60
PURPOSE = "key epochs"

_cache: dict[tuple[Path, uuid.UUID], tuple[bytes, float]] = {}  # the key, and until when it may be used without a look


class EpochKeyMissing(LookupError):
    """The key of this epoch was destroyed, or is not where the portal looks for it: what it wrapped stays closed."""


class FolderOfEpochKeys:
    """Epoch keys in a folder, a file each, sealed by the master key: neither the folder nor MASTER_KEY opens anything alone."""

    def __init__(self, root: Path):
        self.root = root

    def make(self, epoch_id: uuid.UUID) -> None:
        """Make and store a random key for a new epoch. Raises FileExistsError when it has one."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        sealed = sealing.seal(os.urandom(KEY_BYTES), purpose=PURPOSE, bound_to=str(epoch_id))
        draft = self.root / f".{uuid.uuid4().hex}"
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, self._path(epoch_id))
        finally:
            draft.unlink(missing_ok=True)
        self._sync()

    def wrap(self, epoch_id: uuid.UUID, plain: bytes, *, bound_to: str) -> bytes:
        """Encrypt a small secret (AES-256-GCM), bound to the epoch and to ``bound_to``. Raises EpochKeyMissing."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self._key(epoch_id)).encrypt(nonce, plain, f"{epoch_id}|{bound_to}".encode())

    def unwrap(self, epoch_id: uuid.UUID, wrapped: bytes, *, bound_to: str) -> bytes:
        """Undo ``wrap``. Raises EpochKeyMissing, and cryptography's InvalidTag when anything differs."""
        cipher = AESGCM(self._key(epoch_id))
        return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], f"{epoch_id}|{bound_to}".encode())

    def destroy(self, epoch_id: uuid.UUID) -> None:
        """Destroy the key for good; one that is not there is fine. Other processes forget it within CACHE_SECONDS."""
        path = self._path(epoch_id)
        if path.exists():
            path.chmod(0o600)
            with path.open("r+b") as file:  # worth little on a modern disk, and costs nothing
                file.write(os.urandom(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink(missing_ok=True)
            self._sync()
        _cache.pop((self.root, epoch_id), None)

    def _path(self, epoch_id: uuid.UUID) -> Path:
        return self.root / str(uuid.UUID(str(epoch_id)))

    def _key(self, epoch_id: uuid.UUID) -> bytes:
        key, until = _cache.get((self.root, epoch_id), (b"", 0.0))
        if time.monotonic() < until:
            return key
        _cache.pop((self.root, epoch_id), None)
        try:
            key = sealing.unseal(self._path(epoch_id).read_bytes(), purpose=PURPOSE, bound_to=str(epoch_id))
        except FileNotFoundError as error:
            raise EpochKeyMissing(f"There is no key of epoch {epoch_id} in EPOCH_KEYS_ROOT.") from error
        except InvalidTag as error:
            raise EpochKeyMissing(f"The key of epoch {epoch_id} does not open with this MASTER_KEY.") from error
        _cache[self.root, epoch_id] = (key, time.monotonic() + CACHE_SECONDS)
        return key

    def _sync(self) -> None:
        folder = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def provider() -> FolderOfEpochKeys:
    """Return where the settings keep the keys of epochs."""
    return FolderOfEpochKeys(settings.EPOCH_KEYS_ROOT)
