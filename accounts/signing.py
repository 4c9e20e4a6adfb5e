"""Signatures of the evidence: Ed25519, in the form of C2SP signed notes and checkpoints.

A checkpoint is four lines (origin, size, root in Base64, time), an empty line and the signature. The key is made from
``SIGNING_KEY``, which is no other secret's: whoever can read the database and the files still cannot sign. The public
half is published in the portal as one line, ``origin+id+key``, as C2SP writes verifier keys.
"""

import base64
import dataclasses
import datetime as dt
import functools
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from accounts.evidence import canonical, rfc3339

ED25519 = b"\x01"  # the algorithm's number in C2SP signed notes
CERTIFICATE = b"callmama-certificate/1\n"  # before what is signed, so that no signature passes for another kind


@dataclasses.dataclass(frozen=True)
class Note:
    """A signed checkpoint: the log of ``origin`` had ``size`` entries and this root at ``at``."""

    size: int
    root: bytes
    at: dt.datetime
    text: str  # the whole note, signature included


@functools.lru_cache
def _private_key(secret: str) -> Ed25519PrivateKey:
    seed = HKDF(algorithm=SHA256(), length=32, salt=b"callmama-privacy", info=b"evidence").derive(secret.encode())
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key() -> bytes:
    """Return the public half of the key in use, 32 bytes."""
    return _private_key(settings.SIGNING_KEY).public_key().public_bytes_raw()


def key_id(public: bytes | None = None) -> str:
    """Return the id of a public key, eight hexadecimal digits: the same key under another origin has another."""
    return _key_hash(public or public_key()).hex()


def verifier_key(public: bytes | None = None) -> str:
    """Return the line by which others check our signatures: origin+id+key."""
    public = public or public_key()
    return f"{settings.EVIDENCE_ORIGIN}+{key_id(public)}+{base64.b64encode(ED25519 + public).decode()}"


def sign_checkpoint(size: int, root: bytes, at: dt.datetime) -> Note:
    """Return the signed note that the log has ``size`` entries and this root at ``at`` (aware)."""
    text = f"{settings.EVIDENCE_ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n{rfc3339(at)}\n"
    signature = _key_hash(public_key()) + _private_key(settings.SIGNING_KEY).sign(text.encode())
    signed = f"{text}\n— {settings.EVIDENCE_ORIGIN} {base64.b64encode(signature).decode()}\n"
    return Note(size=size, root=root, at=at, text=signed)


def read_checkpoint(text: str) -> Note:
    """Return what a note says, without looking at its signature. Raises ValueError when it is no checkpoint of this log."""
    lines = text.split("\n")
    if len(lines) != 7 or lines[0] != settings.EVIDENCE_ORIGIN or lines[4] or lines[6]:
        raise ValueError("This is no checkpoint of this log.")
    root, at = base64.b64decode(lines[2], validate=True), dt.datetime.fromisoformat(lines[3])
    return Note(size=int(lines[1]), root=root, at=at, text=text)


def has_signed(public: bytes, note: Note) -> bool:
    """Return whether the key has signed the checkpoint."""
    message, _, line = note.text.partition("\n\n")
    try:
        signature = base64.b64decode(line.split()[2], validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], f"{message}\n".encode())
    except (IndexError, ValueError, InvalidSignature):
        return False
    return signature[:4] == _key_hash(public)


def words_of(instant: dt.datetime) -> str:
    """Return an instant as people write it, in UTC."""
    return f"{instant.astimezone(dt.UTC):%-d %b %Y %H:%M} UTC"


def sign_certificate(certificate: dict) -> str:
    """Return the signature of a certificate's canonical JSON, in Base64."""
    return base64.b64encode(_private_key(settings.SIGNING_KEY).sign(CERTIFICATE + canonical(certificate))).decode()


def _key_hash(public: bytes) -> bytes:
    return hashlib.sha256(settings.EVIDENCE_ORIGIN.encode() + b"\n" + ED25519 + public).digest()[:4]
