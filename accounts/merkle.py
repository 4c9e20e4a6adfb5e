"""The Merkle tree of RFC 6962 (section 2.1): its root, and short proofs that it holds an entry and only ever grew.

Pure: bytes in, bytes out. A *leaf* here is the 32-byte leaf hash. ``subtree(start, end)`` stands for the hash of the
leaves ``start`` to ``end`` (end excluded); a proof asks only for whole subtrees, so that whoever stores some of them
need not read every leaf. A *frontier* is the list of the whole subtrees that a tree of some size consists of, largest
first: one for each 1 in the size's binary digits, so at most 40 for a million million entries.
"""

import hashlib
from collections.abc import Callable, Sequence

Subtree = Callable[[int, int], bytes]


def hash_leaf(data: bytes) -> bytes:
    """Return the leaf hash of an entry: SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes; that of an empty tree is SHA-256 of nothing."""
    frontier: list[bytes] = []
    for size, leaf in enumerate(leaves):
        frontier = grow(frontier, size, leaf)
    return root_of(frontier)


def grow(frontier: Sequence[bytes], size: int, leaf: bytes) -> list[bytes]:
    """Return the frontier after the next leaf of a tree that has ``size`` of them."""
    grown = [*frontier]
    while size & 1:
        leaf = hash_node(grown.pop(), leaf)
        size >>= 1
    return [*grown, leaf]


def root_of(frontier: Sequence[bytes]) -> bytes:
    """Return the root of the tree that a frontier stands for."""
    if not frontier:
        return hashlib.sha256().digest()
    result = frontier[-1]
    for left in reversed(frontier[:-1]):
        result = hash_node(left, result)
    return result


def over(leaves: Sequence[bytes]) -> Subtree:
    """Return the subtrees of leaves that are all at hand."""
    return lambda start, end: root(leaves[start:end])


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Return the audit path of leaf ``index`` (from 0) in a tree of ``size`` leaves, from the leaf up (section 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}.")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Return the proof that the tree of ``new`` leaves begins with that of ``old`` (section 2.1.2)."""
    if not 0 < old <= new:
        raise ValueError(f"A tree of {new} leaves cannot have grown out of one of {old}.")
    start, end, is_whole, proof = 0, new, True, []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(start, middle))
            start, is_whole = middle, False
    if not is_whole:
        proof.append(subtree(start, end))
    return proof[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that an audit path leads to (RFC 9162, section 2.1.3.2). Raises ValueError for a path of another length."""
    if not 0 <= index < size:
        raise ValueError(f"A tree of {size} leaves has no leaf {index}.")
    result, node, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            raise ValueError("The path is too long.")
        if node & 1 or node == last:
            result = hash_node(sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = hash_node(result, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ValueError("The path is too short.")
    return result


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether the proof shows that the newer tree begins with the older one (RFC 9162, section 2.1.4.2)."""
    if old == new:
        return old_root == new_root and not proof
    if not 0 < old < new or not proof:
        return False
    path = [*proof] if old & (old - 1) else [old_root, *proof]
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            older, newer = hash_node(sibling, older), hash_node(sibling, newer)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            newer = hash_node(newer, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and older == old_root and newer == new_root


def _split(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
