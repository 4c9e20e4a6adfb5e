#!/usr/bin/env python3
"""Check the evidence of a Callmama privacy portal, without the portal.

    python3 verify_evidence.py BUNDLE PUBLIC_KEY [OLD_CHECKPOINT]

BUNDLE          the file of manage.py export_evidence or of the page “Evidence state”, or one certificate (JSON)
PUBLIC_KEY      a file with the published line or lines origin+id+key. Get it another way than the bundle, or keep your own.
OLD_CHECKPOINT  one or more checkpoints that you kept earlier. Without one, nobody can tell whether the log was written
                anew by somebody who has the signing key: keep each one that you are given.

Ends with PASS (exit 0), FAIL (exit 1) or UNKNOWN (exit 2, something needed is missing). Needs Python 3.10 or newer and
the package “cryptography”, nothing else. What is checked follows RFC 6962 (trees and proofs) and C2SP (signed notes).
"""

import base64
import hashlib
import json
import re
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    CAN_CHECK_SIGNATURES = True
except ImportError:
    CAN_CHECK_SIGNATURES = False

FORMAT, CERTIFICATE = "callmama-evidence/1", "callmama-certificate/1"
PASS, FAIL, UNKNOWN = 0, 1, 2
WORDS = {PASS: "PASS", FAIL: "FAIL", UNKNOWN: "UNKNOWN"}


class Wrong(Exception):
    """Something is not as it was signed: FAIL."""


class CannotTell(Exception):
    """Something needed is missing or unreadable: UNKNOWN."""


# --- Hashes and proofs (RFC 6962, section 2.1; RFC 9162, sections 2.1.3.2 and 2.1.4.2) ---------------------------


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def leaf_of(entry):
    return hashlib.sha256(b"\x00" + canonical(entry)).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows leaf by leaf; ``root`` is that of what it has so far."""

    def __init__(self):
        self.size, self.stack = 0, []

    def add(self, leaf):
        self.stack.append((1, leaf))
        while len(self.stack) > 1 and self.stack[-2][0] == self.stack[-1][0]:
            (count, left), (_, right) = self.stack[-2:]
            self.stack[-2:] = [(2 * count, node(left, right))]
        self.size += 1

    def root(self):
        if not self.stack:
            return hashlib.sha256().digest()
        result = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            result = node(left, result)
        return result


def root_by_path(leaf, index, size, path):
    if not 0 <= index < size:
        raise Wrong("an entry's number is larger than the log")
    result, at, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            raise Wrong("a proof is too long")
        if at % 2 or at == last:
            result = node(sibling, result)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            result = node(result, sibling)
        at, last = at // 2, last // 2
    if last:
        raise Wrong("a proof is too short")
    return result


def grew(old, old_root, new, new_root, proof):
    if old == new:
        return old_root == new_root and not proof
    if not 0 < old < new or not proof:
        return False
    if old & (old - 1) == 0:
        proof = [old_root] + proof
    at, last = old - 1, new - 1
    while at % 2:
        at, last = at // 2, last // 2
    older = newer = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            older, newer = node(sibling, older), node(sibling, newer)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            newer = node(newer, sibling)
        at, last = at // 2, last // 2
    return last == 0 and (older, newer) == (old_root, new_root)


# --- Signatures (C2SP signed notes) -------------------------------------------------------------------------------


class Keys:
    """The public keys that the reader trusts."""

    def __init__(self, text):
        self.lines = [line.strip() for line in text.splitlines() if line.strip()]
        self.by_hash = {}
        for line in self.lines:
            try:
                origin, number, data = line.split("+", 2)
                raw = base64.b64decode(data, validate=True)
                key_hash = hashlib.sha256(origin.encode() + b"\n" + raw).digest()[:4]
            except ValueError:
                raise CannotTell("the public key is not a line origin+id+key") from None
            if raw[:1] != b"\x01" or len(raw) != 33 or key_hash.hex() != number:
                raise CannotTell("the public key is damaged, or of another kind than Ed25519")
            self.by_hash[origin, key_hash] = raw[1:]
        if not self.by_hash:
            raise CannotTell("there is no public key")

    def check(self, origin, key_hash, signature, message, what):
        if not CAN_CHECK_SIGNATURES:
            raise CannotTell("the package “cryptography” is not installed: pip install cryptography")
        if (origin, key_hash) not in self.by_hash:
            raise Wrong(f"{what} is signed by a key that you did not give ({key_hash.hex()})")
        try:
            Ed25519PublicKey.from_public_bytes(self.by_hash[origin, key_hash]).verify(signature, message)
        except InvalidSignature:
            raise Wrong(f"the signature of {what} is wrong") from None


class Checkpoint:
    """A signed note: origin, size, root, time."""

    def __init__(self, note, keys, what="the checkpoint"):
        lines = note.split("\n") if isinstance(note, str) else []
        if len(lines) != 7 or lines[4] or lines[6] or not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]):
            raise Wrong(f"{what} is not a signed note of four lines")
        self.origin, self.size, self.at, self.note = lines[0], int(lines[1]), lines[3], note
        self.root = unbase64(lines[2], what)
        signature = re.fullmatch(r"— (\S+) (\S+)", lines[5])
        if not signature or signature[1] != self.origin:
            raise Wrong(f"{what} is not signed by its origin")
        raw = unbase64(signature[2], what)
        keys.check(self.origin, raw[:4], raw[4:], ("\n".join(lines[:4]) + "\n").encode(), what)


def unbase64(text, what):
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise Wrong(f"{what} holds something that is not Base64") from None
    if base64.b64encode(raw).decode() != text:
        raise Wrong(f"{what} holds Base64 with loose ends")
    return raw


def hashes(texts, what):
    if not isinstance(texts, list) or not all(isinstance(t, str) and re.fullmatch("[0-9a-f]{64}", t) for t in texts):
        raise Wrong(f"{what} is not a list of hashes")
    return [bytes.fromhex(text) for text in texts]


# --- What the entries tell ----------------------------------------------------------------------------------------


def check_deletions(entries, say):
    """Check every deletion among the entries: one INTENT, then at most one DONE, of the same things and counts."""
    intents: dict = {}
    dones: dict = {}
    for entry in entries:
        for kind, found in (("INTENT", intents), ("DONE", dones)):
            if entry["type"] == kind:
                if entry["subject"] in found:
                    raise Wrong(f"deletion {entry['subject']} has more than one {kind}")
                found[entry["subject"]] = entry
    for job, done in dones.items():
        if job not in intents:
            raise Wrong(f"deletion {job} has a DONE and no INTENT")
        check_pair(job, intents[job], done)
    say(f"{len(dones)} deletions done, each with one INTENT before it, of the same things and counts")
    if unfinished := len(intents) - len(dones):
        say(f"{unfinished} deletions begun and not done yet")


def check_pair(job, intent, done):
    before, after = intent["body"], done["body"]
    if not intent["sequence"] < done["sequence"] or after.get("intent") != intent["sequence"]:
        raise Wrong(f"deletion {job}: DONE does not follow its INTENT")
    if not before.get("manifest") or before["manifest"] != after.get("manifest"):
        raise Wrong(f"deletion {job}: what was done is not what was intended")
    if after.get("remains") != 0:
        raise Wrong(f"deletion {job}: something remained")
    planned, gone, others = dict(before["planned"]), dict(after["destroyed"]), after.get("not_by_this_job")
    if (
        others is not None
    ):  # rows whose own time was over: some may have been kept, or gone with their workspace, meanwhile
        planned.pop("files", None), gone.pop("files", None)
        gone = {name: gone.get(name, 0) + others.get(name, 0) for name in set(gone) | set(others)}
    if {name: count for name, count in gone.items() if count} != {
        name: count for name, count in planned.items() if count
    }:
        raise Wrong(f"deletion {job}: the counts differ")


def check_four_eyes(entries, say):
    """Check that nobody approved what they had asked for."""
    asked, checked = {}, 0
    for entry in entries:
        by = entry["body"].get("by")
        if entry["type"] == "APPROVAL_ASKED":
            asked[entry["subject"]] = by
        pair = [asked.get(entry["subject"]), by] if entry["type"] == "APPROVAL_GIVEN" else by
        if isinstance(pair, list):
            checked += 1
            if len(pair) != 2 or pair[0] == pair[1]:
                raise Wrong(f"entry {entry['sequence']}: asked for and approved by the same person")
    say(f"{checked} decisions of two people, none of one person alone")


# --- Bundles and certificates -------------------------------------------------------------------------------------


def check_entry(entry):
    if not isinstance(entry, dict) or set(entry) != {"sequence", "at", "type", "subject", "body"}:
        raise Wrong("an entry has other fields than an entry has")
    if type(entry["sequence"]) is not int or not isinstance(entry["body"], dict):
        raise Wrong("an entry's number or body is of another kind")
    return entry


def check_paths(entries, proofs, head, what):
    """Check that every entry is in the tree of a checkpoint, each by its own proof, and that there is no other proof."""
    if not isinstance(proofs, dict) or set(proofs) != {str(entry["sequence"]) for entry in entries}:
        raise Wrong(f"{what}: not every entry has its proof")
    for entry in entries:
        path = hashes(proofs[str(entry["sequence"])], "a proof")
        if root_by_path(leaf_of(entry), entry["sequence"] - 1, head.size, path) != head.root:
            raise Wrong(f"{what}: entry {entry['sequence']} is not in the log, or was changed")


def check_certificate(certificate, keys):
    """Check one certificate by itself; return its checkpoint and its entries."""
    job = str(certificate.get("deletion"))
    what = f"the certificate of {job}"
    signed = {name: value for name, value in certificate.items() if name != "signature"}
    if signed.get("format") != CERTIFICATE:
        raise CannotTell(f"{what} is of a kind that this program does not know")
    head = Checkpoint(signed.get("checkpoint"), keys, f"the checkpoint of {what}")
    line = next((line for line in keys.lines if line.split("+")[:2] == [head.origin, str(signed.get("key"))]), None)
    if line is None:
        raise Wrong(f"{what} is signed by a key that you did not give")
    message = (CERTIFICATE + "\n").encode() + canonical(signed)
    keys.check(
        head.origin, bytes.fromhex(line.split("+")[1]), unbase64(certificate.get("signature"), what), message, what
    )
    entries = [check_entry(entry) for entry in signed["evidence"]]
    check_paths(entries, signed["proofs"], head, what)
    own = [entry for entry in entries if entry["subject"] == job]
    if [entry["type"] for entry in own if entry["type"] in ("INTENT", "DONE")] != ["INTENT", "DONE"]:
        raise Wrong(f"{what} does not hold one INTENT and then one DONE")
    check_deletions(own, lambda words: None)
    check_four_eyes(entries, lambda words: None)
    intent, done = (next(entry for entry in own if entry["type"] == kind) for kind in ("INTENT", "DONE"))
    if signed.get("manifest") != intent["body"]["manifest"] or signed.get("destroyed") != done["body"]["destroyed"]:
        raise Wrong(f"{what} says something else than its evidence")
    return head, entries


def check_bundle(bundle, keys, old, say):
    head = Checkpoint(bundle.get("checkpoint"), keys)
    say(f"the checkpoint of {head.at} over {head.size} entries is signed by a key that you trust")
    if not isinstance(bundle.get("public_keys"), list) or not set(bundle["public_keys"]) <= set(keys.lines):
        raise Wrong("the bundle names a public key that you did not give")
    entries = [check_entry(entry) for entry in bundle["entries"]]
    if [entry["sequence"] for entry in entries] != sorted({entry["sequence"] for entry in entries}):
        raise Wrong("the entries are not in order")
    earlier = [Checkpoint(item["checkpoint"], keys, "an earlier checkpoint") for item in bundle["earlier"]]
    whole = bundle.get("scope") == "all"
    wanted = {point.size for point in [*earlier, *old]}
    if whole:
        roots = roots_over(entries, wanted | {head.size})
        if len(entries) != head.size or roots[head.size] != head.root:
            raise Wrong("the entries are not those of the checkpoint: one was changed, added or left out")
        say(f"all {head.size} entries are the ones that were signed, none changed, added or left out")
    elif bundle.get("scope") == "deletions":
        check_paths(entries, bundle["proofs"], head, "the bundle")
        say(f"{len(entries)} entries of the bundle are in the log and unchanged")
        roots = {head.size: head.root}
        for item, point in zip(bundle["earlier"], earlier, strict=True):
            if not grew(point.size, point.root, head.size, head.root, hashes(item["consistency"], "a proof")):
                raise Wrong(f"the log did not grow out of the checkpoint of {point.at}")
            roots[point.size] = point.root
    else:
        raise CannotTell("the bundle is of a scope that this program does not know")
    for point in [*earlier, *old]:
        compare(point, head, roots)
    say(f"the log grew out of {len(earlier)} earlier checkpoints in the bundle and {len(old)} of your own")
    check_deletions(entries, say)
    check_four_eyes(entries, say)
    by_number = {entry["sequence"]: entry for entry in entries}
    for certificate in bundle["certificates"]:
        point, theirs = check_certificate(certificate, keys)
        compare(point, head, roots)
        for entry in theirs:
            if by_number.get(entry["sequence"]) != entry:
                raise Wrong(f"the certificate of {certificate['deletion']} has other evidence than the bundle")
    say(f"{len(bundle['certificates'])} certificates are signed, and say what the log says")


def roots_over(entries, sizes):
    tree, roots = Tree(), {}
    if 0 in sizes:
        roots[0] = tree.root()
    for number, entry in enumerate(entries, 1):
        if entry["sequence"] != number:
            raise Wrong(f"entry {number} is missing")
        tree.add(leaf_of(entry))
        if number in sizes:
            roots[number] = tree.root()
    return roots


def compare(point, head, roots):
    if point.origin != head.origin:
        raise Wrong("a checkpoint is of another log")
    if point.size > head.size:
        raise Wrong(f"the log is shorter than on {point.at}: {head.size} entries now, {point.size} then")
    if point.size not in roots:
        raise CannotTell(f"the bundle proves nothing about the checkpoint of {point.at}: export it with --since")
    if roots[point.size] != point.root:
        raise Wrong(f"the log was written anew: it is not the one of {point.at}")


def read_old(text, keys):
    """Return the checkpoints of a file: a note as it is, or JSON lines that hold one under “checkpoint”."""
    notes = []
    if text.lstrip().startswith("{"):
        for line in text.splitlines():
            if line.strip():
                notes.append(json.loads(line).get("checkpoint"))
    else:
        notes.append(text)
    return [Checkpoint(note, keys, "your own checkpoint") for note in notes]


def no_doubles(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise Wrong("a name stands twice in the same place")
    return dict(pairs)


def verify(bundle_text, key_text, old_text="", *, say=lambda words: None):
    """Return PASS, FAIL or UNKNOWN, and tell ``say`` what was found, one sentence at a time."""
    try:
        keys = Keys(key_text)
        try:
            bundle = json.loads(bundle_text, object_pairs_hook=no_doubles)
        except ValueError:
            raise CannotTell("the bundle is not JSON") from None
        old = read_old(old_text, keys) if old_text.strip() else []
        kind = bundle.get("format") if isinstance(bundle, dict) else None
        if kind == CERTIFICATE:
            head, _ = check_certificate(bundle, keys)
            say(f"the certificate is signed, and its evidence is in the log of {head.size} entries of {head.at}")
            for point in old:
                compare(point, head, {head.size: head.root})
        elif kind == FORMAT:
            check_bundle(bundle, keys, old, say)
        else:
            raise CannotTell("this is neither a bundle nor a certificate")
    except Wrong as why:
        say(f"FAIL: {why}")
        return FAIL
    except CannotTell as why:
        say(f"UNKNOWN: {why}")
        return UNKNOWN
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        say(f"FAIL: the file is not made as it should be ({type(error).__name__}: {error})")
        return FAIL
    if not old:
        say("no older checkpoint was given: whether the log was written anew before this one cannot be told")
    return PASS


def main(arguments):
    if len(arguments) not in (2, 3) or any(name in ("-h", "--help") for name in arguments):
        print(__doc__.strip())
        return UNKNOWN
    try:
        texts = []
        for name in arguments:
            with open(name, encoding="utf-8") as file:
                texts.append(file.read())
    except (OSError, UnicodeDecodeError) as error:
        print(f"UNKNOWN: {error}")
        return UNKNOWN
    result = verify(*texts, say=print)
    print(WORDS[result])
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
