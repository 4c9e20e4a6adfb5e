"""The evidence log: what was done, in the same transaction as the doing, without anything personal.

Every entry is a leaf of an RFC 6962 tree and a link of a chain; the sequence has no gaps, because the number is given
under a lock that is held until the transaction ends. Append last in a transaction: the lock serialises workers.
"""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

from accounts.models.evidence import EvidenceEntry

APPEND_LOCK = 0x43414C4C  # a number only this log uses in pg_advisory_xact_lock
GENESIS = b"\x00" * 32
SAFE_TEXT = re.compile(r"^[A-Za-z0-9 _.:/+\-–§,()=>#]*$")


class UnsafeEvidence(ValueError):
    """The entry holds something that could be personal: evidence carries ids, codes, counts and hashes only."""


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return the canonical JSON of ``value``: sorted keys, no spaces, no floats (a subset of RFC 8785)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def leaf_hash(*, sequence: int, at: dt.datetime, type: str, subject: str, body: Mapping[str, Any]) -> bytes:
    """Return the leaf of an entry: SHA-256(0x00 ‖ canonical JSON), RFC 6962 section 2.1."""
    entry = {"sequence": sequence, "at": rfc3339(at), "type": type, "subject": subject, "body": body}
    return hashlib.sha256(b"\x00" + canonical(entry)).digest()


def chain_hash(previous: bytes, leaf: bytes) -> bytes:
    """Return the chain value after ``leaf``: SHA-256(previous ‖ leaf)."""
    return hashlib.sha256(previous + leaf).digest()


def rfc3339(instant: dt.datetime) -> str:
    """Return an aware instant as RFC 3339 in UTC with microseconds."""
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def append_entry(type: str, *, subject: str, body: Mapping[str, Any] | None = None) -> EvidenceEntry:
    """Append one entry, dated by the database's clock, and return it.

    Must run inside a transaction, so that the entry and what it tells of are one. Raises UnsafeEvidence when a text
    is not made of codes, and TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Evidence is appended in the transaction it tells of.")
    body = dict(body or {})
    _refuse_free_text(subject, body)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [APPEND_LOCK])
        cursor.execute("SELECT clock_timestamp()")
        at = cursor.fetchone()[0]
    last = EvidenceEntry.objects.order_by("-sequence").values_list("sequence", "chain").first()
    sequence, previous = (last[0] + 1, bytes(last[1])) if last else (1, GENESIS)
    leaf = leaf_hash(sequence=sequence, at=at, type=type, subject=subject, body=body)
    return EvidenceEntry.objects.create(
        sequence=sequence, at=at, type=type, subject=subject, body=body, leaf=leaf, chain=chain_hash(previous, leaf)
    )


def broken_entry() -> int | None:
    """Return the sequence of the first entry that does not fit the chain, or None when the whole log is sound."""
    previous, expected = GENESIS, 1
    for entry in EvidenceEntry.objects.order_by("sequence").iterator():
        leaf = leaf_hash(sequence=entry.sequence, at=entry.at, type=entry.type, subject=entry.subject, body=entry.body)
        chain = chain_hash(previous, leaf)
        if entry.sequence != expected or bytes(entry.leaf) != leaf or bytes(entry.chain) != chain:
            return entry.sequence
        previous, expected = chain, expected + 1
    return None


def _refuse_free_text(*values: Any) -> None:
    for value in values:
        if isinstance(value, Mapping):
            _refuse_free_text(*value.keys(), *value.values())
        elif isinstance(value, list | tuple):
            _refuse_free_text(*value)
        elif isinstance(value, float):
            raise UnsafeEvidence("Evidence holds no floats: their text differs between programs.")
        elif isinstance(value, str) and (len(value) > 120 or not SAFE_TEXT.match(value) or _has_number(value)):
            raise UnsafeEvidence("Evidence holds codes, ids, counts and hashes; this text could be personal.")


def _has_number(text: str) -> bool:
    return bool(re.search(r"\+[1-9][0-9]{6,14}(?![0-9])", text))
