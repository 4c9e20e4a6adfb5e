"""The evidence log: what was done, in the same transaction as the doing, without anything personal.

Every entry is a leaf of an RFC 6962 tree and a link of a chain; the sequence has no gaps, because the number is given
under a lock that is held until the transaction ends. Append last in a transaction: the lock serialises workers.
The tree's frontier is stored, so that an append reads nothing of the log but one row.
"""

import dataclasses
import datetime as dt
import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from accounts import merkle
from accounts.models.evidence import EvidenceEntry, EvidenceTile, EvidenceTree

APPEND_LOCK = 0x43414C4C  # a number only this log uses in pg_advisory_xact_lock
GENESIS = b"\x00" * 32
HASH_BYTES = 32
TILE = 256  # entries under one stored subtree; a power of two
READ_AT_ONCE = 2_000
LONGEST_TEXT = 120

APPEND = """
WITH grown AS (UPDATE accounts_evidencetree SET size = %s, chain = %s, frontier = %s WHERE id = 1)
INSERT INTO accounts_evidenceentry (sequence, at, type, subject, body, leaf, chain) VALUES """
ENTRY = "(%s, %s, %s, %s, %s::jsonb, %s, %s)"  # one way to the server, because the lock is held: entries and the tree

CODE = re.compile(r"[A-Za-z0-9_.:/+\-§>=]*")  # one word: a space would let a name or a sentence in
INSTANT_OR_DAY = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9](T[0-9:.]+(Z|[+-][0-9:]+))?")
LIKE_A_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}(?![0-9])|^[0-9][0-9.\-/]{6,18}$")
LARGEST_INTEGER = 2**53 - 1  # what every program reads alike (RFC 8785)


class UnsafeEvidence(ValueError):
    """The entry holds something that could be personal: evidence carries ids, codes, counts and hashes only."""


@dataclasses.dataclass(frozen=True)
class Check:
    """What a look through the whole log has found: its size, its root, and the first entry that does not fit, if any."""

    size: int
    root: bytes
    broken: int | None

    @property
    def is_sound(self) -> bool:
        return self.broken is None


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return the canonical JSON of ``value``: sorted keys, no spaces, no floats (a subset of RFC 8785)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON of ``value``, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def leaf_hash(*, sequence: int, at: dt.datetime, type: str, subject: str, body: Mapping[str, Any]) -> bytes:
    """Return the leaf of an entry: SHA-256(0x00 ‖ canonical JSON), RFC 6962 section 2.1."""
    return merkle.hash_leaf(canonical(_as_dict(sequence, at, type, subject, body)))


def as_dict(entry: EvidenceEntry) -> dict[str, Any]:
    """Return what the leaf of an entry is the hash of; the same in the database, outside of it, and in a bundle."""
    return _as_dict(entry.sequence, entry.at, entry.type, entry.subject, entry.body)


def leaf_of(entry: EvidenceEntry) -> bytes:
    """Return the leaf that an entry must have, from its own words; its column may say something else."""
    return merkle.hash_leaf(canonical(as_dict(entry)))


def _as_dict(sequence: int, at: dt.datetime, type: str, subject: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"sequence": sequence, "at": rfc3339(at), "type": type, "subject": subject, "body": body}


def chain_hash(previous: bytes, leaf: bytes) -> bytes:
    """Return the chain value after ``leaf``: SHA-256(previous ‖ leaf)."""
    return hashlib.sha256(previous + leaf).digest()


def rfc3339(instant: dt.datetime) -> str:
    """Return an aware instant as RFC 3339 in UTC with microseconds."""
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def append_entry(type: str, *, subject: str, body: Mapping[str, Any] | None = None) -> EvidenceEntry:
    """Append one entry, dated by the database's clock, and return it.

    Must run inside a transaction, so that the entry and what it tells of are one. Raises UnsafeEvidence when a text
    is not a code (one word without spaces), and TransactionManagementError outside a transaction.
    """
    (entry,) = append_entries([(type, subject, body or {})])
    return entry


def append_entries(told: Sequence[tuple[str, str, Mapping[str, Any]]]) -> list[EvidenceEntry]:
    """Append entries of these types, subjects and bodies in this order, all with one instant; otherwise as ``append_entry``."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Evidence is appended in the transaction it tells of.")
    for _, subject, body in told:
        _refuse_free_text(subject, dict(body))
    if not told:
        return []
    at = _lock()
    tree = _tree()
    size, chain, frontier = tree.size, bytes(tree.chain), _split(bytes(tree.frontier))
    entries, tiles = [], []
    for type, subject, body in told:
        leaf = leaf_hash(sequence=size + 1, at=at, type=type, subject=subject, body=body)
        chain, before, frontier = chain_hash(chain, leaf), frontier, merkle.grow(frontier, size, leaf)
        size += 1
        entries.append(
            EvidenceEntry(sequence=size, at=at, type=type, subject=subject, body=dict(body), leaf=leaf, chain=chain)
        )
        if size % TILE == 0:
            tiles.append(EvidenceTile(number=size // TILE - 1, root=_tile(before, leaf)))
    values: list[Any] = [
        value
        for entry in entries
        for value in (entry.sequence, at, entry.type, entry.subject, json.dumps(entry.body, ensure_ascii=False),
                      entry.leaf, entry.chain)
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(APPEND + ", ".join([ENTRY] * len(entries)), [size, chain, b"".join(frontier), *values])
    EvidenceTile.objects.bulk_create(tiles)
    return entries


def tree_now() -> tuple[int, bytes]:
    """Return the size of the log and the root of its tree, as the stored frontier has them."""
    tree = EvidenceTree.objects.filter(pk=1).first()
    return (tree.size, merkle.root_of(_split(bytes(tree.frontier)))) if tree else (0, merkle.root_of([]))


def root_at(size: int) -> bytes:
    """Return the root that the tree had when the log had ``size`` entries, from the entries as they are now."""
    return stored_subtrees()(0, size) if size else merkle.root_of([])


def stored_subtrees() -> merkle.Subtree:
    """Return the subtrees of the log, for proofs: put together from tiles where they are whole, from leaves elsewhere.

    Keeps what it has looked up, so that many proofs over one tree cost little more than one.
    """

    @functools.cache
    def subtree(start: int, end: int) -> bytes:
        whole = range(start // TILE, end // TILE) if start % TILE == 0 else range(0)
        tiles = EvidenceTile.objects.filter(number__in=whole).order_by("number").values_list("root", flat=True)
        blocks = [bytes(root) for root in tiles] if whole else []
        if len(blocks) != len(whole):
            blocks, whole = [], range(0)
        read = start + len(whole) * TILE
        leaves = EvidenceEntry.objects.filter(sequence__gt=read, sequence__lte=end).order_by("sequence")
        rest = [bytes(leaf) for leaf in leaves.values_list("leaf", flat=True)]
        if len(rest) != end - read:
            raise LookupError(f"The log has no entries {read + 1} to {end}.")
        return merkle.root([*blocks, merkle.root(rest)] if blocks and rest else blocks or rest)

    return subtree


def entries_after(sequence: int) -> Iterator[EvidenceEntry]:
    """Yield the entries after ``sequence`` in order, without holding them all in memory."""
    while page := list(EvidenceEntry.objects.filter(sequence__gt=sequence).order_by("sequence")[:READ_AT_ONCE]):
        yield from page
        sequence = page[-1].sequence


def check_log() -> Check:
    """Look through the whole log: every entry against its leaf, the chain, the tiles, and the stored frontier."""
    frontier: list[bytes] = []
    previous, size = GENESIS, 0
    tiles = dict(EvidenceTile.objects.values_list("number", "root"))
    for entry in entries_after(0):
        leaf = leaf_of(entry)
        chain = chain_hash(previous, leaf)
        if entry.sequence != size + 1 or bytes(entry.leaf) != leaf or bytes(entry.chain) != chain:
            return Check(size, merkle.root_of(frontier), broken=entry.sequence)
        if entry.sequence % TILE == 0 and bytes(tiles.get(size // TILE, b"")) != _tile(frontier, leaf):
            return Check(size, merkle.root_of(frontier), broken=entry.sequence)
        frontier = merkle.grow(frontier, size, leaf)
        previous, size = chain, size + 1
    root = merkle.root_of(frontier)
    return Check(size, root, broken=None if tree_now() == (size, root) else size + 1)


def broken_entry() -> int | None:
    """Return the sequence of the first entry that does not fit, or None when the whole log is sound."""
    return check_log().broken


def _lock() -> dt.datetime:
    """Take the log for the rest of the transaction and return the database's time after that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() FROM pg_advisory_xact_lock(%s)", [APPEND_LOCK])
        return cursor.fetchone()[0]


def _tree() -> EvidenceTree:
    """Return the state of the tree, making it from the entries where there is none yet."""
    return EvidenceTree.objects.filter(pk=1).first() or build_tree()


def build_tree() -> EvidenceTree:
    """Make the state of the tree from the entries, where there is none yet or entries were put back; return it."""
    frontier: list[bytes] = []
    size, chain = 0, GENESIS
    for entry in entries_after(0):
        leaf = bytes(entry.leaf)
        if entry.sequence % TILE == 0:
            made = {"root": _tile(frontier, leaf)}
            EvidenceTile.objects.get_or_create(number=entry.sequence // TILE - 1, defaults=made)
        frontier = merkle.grow(frontier, size, leaf)
        size, chain = entry.sequence, bytes(entry.chain)
    state = {"size": size, "chain": chain, "frontier": b"".join(frontier)}
    return EvidenceTree.objects.update_or_create(pk=1, defaults=state)[0]


def _tile(frontier: list[bytes], leaf: bytes) -> bytes:
    """Return the root over the TILE entries that ``leaf`` completes, from the frontier before it."""
    (tile,) = merkle.grow(frontier[-(TILE - 1).bit_length() :], TILE - 1, leaf)
    return tile


def _split(frontier: bytes) -> list[bytes]:
    return [frontier[at : at + HASH_BYTES] for at in range(0, len(frontier), HASH_BYTES)]


def _refuse_free_text(*values: Any) -> None:
    for value in values:
        if isinstance(value, Mapping):
            _refuse_free_text(*value.keys(), *value.values())
        elif isinstance(value, list | tuple):
            _refuse_free_text(*value)
        elif isinstance(value, str):
            if len(value) > LONGEST_TEXT or not CODE.fullmatch(value) or _like_a_number(value):
                raise UnsafeEvidence("Evidence holds codes, ids, counts and hashes; this text could be personal.")
        elif isinstance(value, int):
            if abs(value) > LARGEST_INTEGER:
                raise UnsafeEvidence("Evidence holds no integer that some programs would round.")
        elif value is not None:
            raise UnsafeEvidence("Evidence holds no floats and no dates: their text differs between programs.")


def _like_a_number(text: str) -> bool:
    """Return whether a text could be a telephone number, with or without its plus."""
    return bool(LIKE_A_NUMBER.search(text)) and not INSTANT_OR_DAY.fullmatch(text)
