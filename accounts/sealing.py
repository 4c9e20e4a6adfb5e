"""What MASTER_KEY does, and all it does: it seals small secrets of the portal's own, and keys hashes.

It never changes: a keyed hash must recognise tomorrow what it saw today. What must be destroyed one day (the keys of
stored files) is random and wrapped by epochs that come and go (``accounts/epochs.py``); it only seals their keys.
"""

import functools
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE_BYTES = 12


@functools.lru_cache
def _key_for(secret: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=b"callmama-privacy", info=purpose.encode()).derive(secret.encode())


def seal(plain: bytes, *, purpose: str, bound_to: str) -> bytes:
    """Encrypt a small secret under the master key for one purpose, bound to the id of its row."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(_key_for(settings.MASTER_KEY, purpose)).encrypt(nonce, plain, bound_to.encode())


def unseal(sealed: bytes, *, purpose: str, bound_to: str) -> bytes:
    """Undo ``seal``. Raises cryptography's InvalidTag when anything differs."""
    cipher = AESGCM(_key_for(settings.MASTER_KEY, purpose))
    return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())


def keyed_hash(text: str, *, purpose: str) -> bytes:
    """Return 16 bytes that recognise ``text`` again without telling it (HMAC-SHA-256 under the master key).

    A plain hash of a telephone number is no protection: all numbers of a country are tried in minutes (security.md, 51).
    """
    return hmac.digest(_key_for(settings.MASTER_KEY, purpose), text.encode(), hashlib.sha256)[:16]
