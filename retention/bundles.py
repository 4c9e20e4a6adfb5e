"""Bundles for an auditor: entries of the evidence log with what proves them, checked by ``accounts/verify_evidence.py``."""

import json
from collections.abc import Iterable, Iterator, Sequence

from accounts import checkpoints, evidence, merkle, outside, signing, verify_evidence
from accounts.models import Checkpoint, EvidenceEntry
from accounts.signing import Note
from retention.certificates import UnableToCertify, as_text, certificate_of
from retention.models import DeletionJob

EARLIER_SHOWN = 100  # earlier checkpoints in a bundle of some deletions; those of --since come besides


def bundle(
    checkpoint: Checkpoint, *, jobs: Iterable[DeletionJob] | None = None, since: Sequence[Note] = ()
) -> Iterator[str]:
    """Yield a bundle under ``checkpoint`` as JSON text, piece by piece: the whole log, or what it says of some deletions.

    Of some deletions, each entry comes with its proof, and so do the earlier checkpoints (the last EARLIER_SHOWN, those
    somebody has taken away, those of ``since``, and those of the certificates): that the log has grown out of them.
    A deletion that has no certificate is in the bundle without one.
    """
    whole = jobs is None
    chosen = _done_jobs(checkpoint) if jobs is None else list(jobs)
    certificates, notes = [], []
    for job in chosen:
        try:
            made = certificate_of(job)
        except UnableToCertify:
            continue
        certificates.append(as_text(made).rstrip())
        notes.append(signing.read_checkpoint(made["checkpoint"]))
    entries = _all_entries(checkpoint) if whole else _entries_of(chosen, checkpoint)
    earlier = _earlier(checkpoint, [*notes, *since], whole=whole)
    subtree = evidence.stored_subtrees()
    keys = [signing.verifier_key(public) for public in checkpoints.public_keys()]
    head = {
        "format": verify_evidence.FORMAT,
        "scope": "all" if whole else "deletions",
        "public_keys": keys,
        "checkpoint": checkpoint.note,
        "earlier": [
            {
                "checkpoint": note.text,
                **(
                    {}
                    if whole
                    else {"consistency": _hex(merkle.consistency_proof(note.size, checkpoint.size, subtree))}
                ),
            }
            for note in earlier
        ],
    }
    yield _text(head)[:-1]
    yield ',\n"certificates":['
    yield ",\n".join(certificates)
    yield '],\n"entries":['
    proofs: dict[str, list[str]] = {}
    for number, entry in enumerate(entries):
        if not whole:
            path = merkle.inclusion_proof(entry.sequence - 1, checkpoint.size, subtree)
            proofs[str(entry.sequence)] = _hex(path)
        yield ("," if number else "") + "\n" + _text(evidence.as_dict(entry))
    yield "\n]"
    yield "}\n" if whole else f',\n"proofs":{_text(proofs)}}}\n'


def notes_of(text: str) -> list[Note]:
    """Return the checkpoints of a file that somebody kept: one note, or JSON lines. Raises ValueError."""
    if text.lstrip().startswith("{"):
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        return [signing.read_checkpoint(str(line.get("checkpoint"))) for line in lines]
    return [signing.read_checkpoint(text)]


def _done_jobs(checkpoint: Checkpoint) -> Iterator[DeletionJob]:
    done = DeletionJob.objects.filter(state=DeletionJob.State.DONE, done_sequence__lte=checkpoint.size)
    return done.select_related("rule").order_by("done_sequence").iterator()


def _all_entries(checkpoint: Checkpoint) -> Iterator[EvidenceEntry]:
    return EvidenceEntry.objects.filter(sequence__lte=checkpoint.size).order_by("sequence").iterator()


def _entries_of(jobs: Iterable[DeletionJob], checkpoint: Checkpoint) -> list[EvidenceEntry]:
    """Return what the log says of these deletions, and how their rules were armed."""
    jobs = list(jobs)
    about = EvidenceEntry.objects.filter(sequence__lte=checkpoint.size)
    own = about.filter(subject__in=[str(job.pk) for job in jobs])
    armed = about.filter(subject__in={job.rule_id for job in jobs}, type="RULE_ARMED")
    return sorted([*own, *armed], key=lambda entry: entry.sequence)


def _earlier(checkpoint: Checkpoint, others: Sequence[Note], *, whole: bool) -> list[Note]:
    """Return earlier checkpoints, one of each size, in order. Of the whole log: all that were written outside."""
    if whole:
        found = [signing.read_checkpoint(line["checkpoint"]) for line in outside.lines(checkpoints.CHECKPOINTS)]
    else:
        before = Checkpoint.objects.filter(size__gt=0).order_by("-at")
        rows = [*before[:EARLIER_SHOWN], *before.filter(taken_at__isnull=False)]
        found = [signing.read_checkpoint(row.note) for row in rows]
    by_size = {note.size: note for note in [*others, *found] if 0 < note.size < checkpoint.size}
    return [by_size[size] for size in sorted(by_size)]


def _hex(nodes: Iterable[bytes]) -> list[str]:
    return [node.hex() for node in nodes]


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
