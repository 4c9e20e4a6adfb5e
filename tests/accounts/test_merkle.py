"""The tree of RFC 6962: its roots by three implementations, and every proof of every tree up to 65 entries."""

import hashlib
import subprocess

import pytest

from accounts import merkle
from accounts.merkle import consistency_proof, grow, inclusion_proof, is_consistent, over, root, root_from_inclusion

REFERENCE = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
REFERENCE_ROOTS = {  # the test vectors of the implementation that came with RFC 6962
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
LARGEST = 65
LEAVES = [merkle.hash_leaf(bytes([number])) for number in range(LARGEST)]


def plain_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, word for word and nothing of ours."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + plain_root(leaves[:half]) + plain_root(leaves[half:])).digest()


def openssl(data: bytes) -> bytes:
    return subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=data, capture_output=True, check=True).stdout


@pytest.mark.parametrize(("size", "expected"), REFERENCE_ROOTS.items())
def test_the_roots_are_those_of_the_reference(size, expected):
    assert root([merkle.hash_leaf(data) for data in REFERENCE[:size]]).hex() == expected


def test_openssl_comes_to_the_same_root():
    leaves = [openssl(b"\x00" + data) for data in REFERENCE]
    while len(leaves) > 1:
        leaves = [openssl(b"\x01" + left + right) for left, right in zip(leaves[::2], leaves[1::2], strict=True)]
    assert leaves[0].hex() == REFERENCE_ROOTS[8]


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_the_stored_frontier_comes_to_the_root_of_the_definition(size):
    frontier: list[bytes] = []
    for number in range(size):
        frontier = grow(frontier, number, LEAVES[number])
    assert merkle.root_of(frontier) == plain_root(LEAVES[:size])
    assert len(frontier) == size.bit_count()


def test_every_inclusion_proof_leads_to_the_root_and_to_no_other_leaf_place_or_length():
    for size in range(1, LARGEST + 1):
        subtree, expected = over(LEAVES[:size]), plain_root(LEAVES[:size])
        for index in range(size):
            path = inclusion_proof(index, size, subtree)
            assert root_from_inclusion(LEAVES[index], index, size, path) == expected
            assert root_from_inclusion(hashlib.sha256(b"other").digest(), index, size, path) != expected
            if size > 1:
                assert _root_or_none(LEAVES[index], (index + 1) % size, size, path) != expected
            for wrong in (path[:-1], [*path, bytes(32)]):
                if wrong != path:
                    assert _root_or_none(LEAVES[index], index, size, wrong) != expected
            for at in range(len(path)):
                bent = [*path[:at], bytes(32), *path[at + 1 :]]
                assert _root_or_none(LEAVES[index], index, size, bent) != expected


def _root_or_none(*args):
    try:
        return root_from_inclusion(*args)
    except ValueError:
        return None


def test_every_consistency_proof_holds_and_no_bent_one_does():
    for new in range(1, LARGEST + 1):
        subtree, new_root = over(LEAVES[:new]), plain_root(LEAVES[:new])
        for old in range(1, new + 1):
            old_root = plain_root(LEAVES[:old])
            proof = consistency_proof(old, new, subtree)
            assert is_consistent(old, old_root, new, new_root, proof)
            assert not is_consistent(old, bytes(32), new, new_root, proof)
            assert not is_consistent(old, old_root, new, bytes(32), proof)
            assert not is_consistent(old, old_root, new, new_root, [*proof, bytes(32)])
            if proof:
                assert not is_consistent(old, old_root, new, new_root, proof[:-1])
                for at in range(len(proof)):
                    bent = [*proof[:at], bytes(32), *proof[at + 1 :]]
                    assert not is_consistent(old, old_root, new, new_root, bent)


def test_a_log_that_was_written_anew_is_not_consistent_with_what_it_was():
    rewritten = [hashlib.sha256(b"rewritten").digest(), *LEAVES[1:40]]
    for old in range(1, 40):
        proof = consistency_proof(old, 40, over(rewritten))
        assert not is_consistent(old, plain_root(LEAVES[:old]), 40, plain_root(rewritten), proof)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_a_leaf_that_is_not_in_the_tree_has_no_proof(index, size):
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_proof(index, size, over(LEAVES))


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_a_tree_cannot_have_grown_out_of_a_larger_or_an_empty_one(old, new):
    with pytest.raises(ValueError, match="cannot have grown"):
        consistency_proof(old, new, over(LEAVES))
