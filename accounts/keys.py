"""Key pairs: random, one per customer and per workspace, the private half wrapped by the master key.

Storing a file needs only the public half. Destroying a key pair is one update of one row, and makes every file of its
owner unreadable, however many there are; that is the first act of a deletion after INTENT.
"""

import base64
import functools
import hashlib
import hmac
import os
import uuid

import pyrage
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils import timezone

from accounts.models.keys import KeyPair

NONCE_BYTES = 12


class KeyDestroyed(LookupError):
    """The key pair was destroyed, or never was: what it protected cannot be read."""


@functools.lru_cache
def _master_key(secret: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=b"callmama-privacy", info=purpose.encode()).derive(secret.encode())


def seal(plain: bytes, *, purpose: str, bound_to: str) -> bytes:
    """Encrypt a small secret under the master key for one purpose, bound to the id of its row."""
    nonce = os.urandom(NONCE_BYTES)
    cipher = AESGCM(_master_key(settings.MASTER_KEY, purpose))
    return nonce + cipher.encrypt(nonce, plain, bound_to.encode())


def unseal(sealed: bytes, *, purpose: str, bound_to: str) -> bytes:
    """Undo ``seal``. Raises cryptography's InvalidTag when anything differs."""
    cipher = AESGCM(_master_key(settings.MASTER_KEY, purpose))
    return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())


def keyed_hash(text: str, *, purpose: str) -> bytes:
    """Return 16 bytes that recognise ``text`` again without telling it (HMAC-SHA-256 under the master key).

    A plain hash of a telephone number is no protection: all numbers of a country are tried in minutes (security.md, 51).
    """
    return hmac.digest(_master_key(settings.MASTER_KEY, purpose), text.encode(), hashlib.sha256)[:16]


def recipient_of(owner: str, owner_id: uuid.UUID) -> str:
    """Return the public half of an owner's key pair, making the pair at first use. Raises KeyDestroyed afterwards."""
    pair = KeyPair.objects.filter(owner=owner, owner_id=owner_id).first()
    if pair is None:
        identity = pyrage.x25519.Identity.generate()
        pair_id = uuid.uuid4()
        pair, _ = KeyPair.objects.get_or_create(
            owner=owner,
            owner_id=owner_id,
            defaults={
                "id": pair_id,
                "recipient": str(identity.to_public()),
                "wrapped": seal(str(identity).encode(), purpose="key pairs", bound_to=str(pair_id)),
            },
        )
    if pair.destroyed_at:
        raise KeyDestroyed(f"The key pair of {owner} {owner_id} was destroyed.")
    return pair.recipient


def identity_of(owner: str, owner_id: uuid.UUID) -> pyrage.x25519.Identity:
    """Return the private half of an owner's key pair. Raises KeyDestroyed when there is none (any more)."""
    pair = KeyPair.objects.filter(owner=owner, owner_id=owner_id).first()
    if pair is None or pair.wrapped is None:
        raise KeyDestroyed(f"There is no key of {owner} {owner_id}.")
    secret = unseal(bytes(pair.wrapped), purpose="key pairs", bound_to=str(pair.pk))
    return pyrage.x25519.Identity.from_str(secret.decode())


def destroy_keys(owner: str, owner_ids: list[uuid.UUID]) -> int:
    """Destroy the private halves of these owners for good; return how many there were."""
    return KeyPair.objects.filter(owner=owner, owner_id__in=owner_ids, destroyed_at__isnull=True).update(
        wrapped=None, destroyed_at=timezone.now()
    )


def random_name() -> str:
    """Return a name for a stored file that says nothing."""
    return base64.b32encode(os.urandom(20)).decode().lower()
