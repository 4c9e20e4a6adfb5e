"""Key pairs: random, one per customer and per workspace, the private half wrapped by the key of an epoch.

Storing a file needs only the public half. Destroying a key pair is one update of one row, and makes every file of its
owner unreadable, however many there are; that is the first act of a deletion after INTENT. The row is asked each time,
so a destroyed pair is closed in every process at once. The rows may be in a database of their own (KEYSTORE_URL).
"""

import base64
import datetime as dt
import os
import uuid

import pyrage
from django.utils import timezone

from accounts import epochs
from accounts.epoch_keys import provider
from accounts.models.keys import KeyPair
from accounts.sealing import keyed_hash, seal, unseal

__all__ = [
    "KeyDestroyed", "destroy_keys", "identity_of", "keyed_hash", "random_name", "recipient_of", "retire_at", "seal", "unseal",
]  # fmt: skip


class KeyDestroyed(LookupError):
    """The key pair was destroyed, or never was: what it protected cannot be read."""


def recipient_of(owner: str, owner_id: uuid.UUID) -> str:
    """Return the public half of an owner's key pair, making the pair at first use. Raises KeyDestroyed afterwards."""
    pair = KeyPair.objects.filter(owner=owner, owner_id=owner_id).first()
    if pair is None:
        identity, epoch = pyrage.x25519.Identity.generate(), epochs.current()
        made = KeyPair(owner=owner, owner_id=owner_id, recipient=str(identity.to_public()), epoch=epoch)
        made.wrapped = provider().wrap(epoch.pk, str(identity).encode(), bound_to=epochs.bound_to(made))
        fields = {name: getattr(made, name) for name in ("id", "recipient", "epoch", "wrapped")}
        pair, _ = KeyPair.objects.get_or_create(owner=owner, owner_id=owner_id, defaults=fields)
    if pair.destroyed_at:
        raise KeyDestroyed(f"The key pair of {owner} {owner_id} was destroyed.")
    return pair.recipient


def identity_of(owner: str, owner_id: uuid.UUID) -> pyrage.x25519.Identity:
    """Return the private half of an owner's key pair.

    Raises KeyDestroyed when there is none (any more), and epoch_keys.EpochKeyMissing when its epoch's key is not there.
    """
    pair = KeyPair.objects.filter(owner=owner, owner_id=owner_id).first()
    if pair is None or pair.wrapped is None or pair.epoch_id is None:
        raise KeyDestroyed(f"There is no key of {owner} {owner_id}.")
    secret = provider().unwrap(pair.epoch_id, bytes(pair.wrapped), bound_to=epochs.bound_to(pair))
    return pyrage.x25519.Identity.from_str(secret.decode())


def destroy_keys(owner: str, owner_ids: list[uuid.UUID]) -> int:
    """Destroy the private halves of these owners for good; return how many there were.

    An owner who never had a pair gets the row of a destroyed one, so that none is made afterwards by a late upload. That
    row comes first: it waits for a pair that is being made at this instant, and the update then sees it.
    """
    now = timezone.now()
    KeyPair.objects.bulk_create(
        [KeyPair(owner=owner, owner_id=owner_id, destroyed_at=now) for owner_id in sorted(owner_ids, key=str)],
        ignore_conflicts=True,
    )
    pairs = KeyPair.objects.filter(owner=owner, owner_id__in=owner_ids, destroyed_at__isnull=True)
    return pairs.update(wrapped=None, destroyed_at=now)


def retire_at(owner: str, owner_ids: list[uuid.UUID]) -> dt.datetime | None:
    """Return when the last epoch ends that could open a stray copy of these owners' destroyed keys; None without keys.

    This is a certificate's ``kek_epoch_retires_at``. A backup of the key store opens nothing after it.
    """
    used = KeyPair.objects.filter(owner=owner, owner_id__in=owner_ids, epoch__isnull=False).select_related("epoch")
    found = {pair.epoch_id: pair.epoch for pair in used}
    return max((epochs.retires_at(epoch) for epoch in found.values() if epoch), default=None)


def random_name() -> str:
    """Return a name for a stored file that says nothing."""
    return base64.b32encode(os.urandom(20)).decode().lower()
