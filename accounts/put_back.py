"""Putting the evidence log back from its copy outside, after an old copy of the database was restored.

The entries come back exactly: same numbers, instants and leaves, so that every checkpoint that was ever signed still
fits the log.
"""

import datetime as dt
import itertools

from django.db import connection, transaction

from accounts import evidence, merkle, outside
from accounts.checkpoints import COPY, last_outside
from accounts.models import EvidenceEntry

AT_ONCE = 1_000


class UnableToPutBack(RuntimeError):
    """The log in the database does not go over into the copy outside; the message says where. Nothing was changed."""


def difference() -> str:
    """Return in words how the log differs from its copy outside, or an empty text while it goes on from it.

    Reads one row and the last line of the copy, so that it can be asked often.
    """
    last = outside.last(COPY)
    if last is None:
        return ""
    size, _ = evidence.tree_now()
    if size < last["sequence"]:
        return f"The evidence log has {size:,} entries, and {last['sequence']:,} were written outside the database."
    entry = EvidenceEntry.objects.filter(sequence=last["sequence"]).first()
    if entry is None or evidence.as_dict(entry) != last:
        return f"Entry {last['sequence']:,} of the evidence log is another one than was written outside the database."
    return ""


def put_back() -> int:
    """Add the entries that only the copy outside has; return how many. All or none.

    Raises UnableToPutBack when the two logs part before that, or the result does not fit the last checkpoint.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [evidence.APPEND_LOCK])
        before, _ = evidence.tree_now()
        last = EvidenceEntry.objects.order_by("-sequence").first()
        lines = outside.lines(COPY)
        if last:
            same = next((line for line in lines if line["sequence"] == last.sequence), None)
            if same != evidence.as_dict(last):
                raise UnableToPutBack(
                    f"Entry {last.sequence:,}, the last one of this database, is not in the copy outside, or is another one "
                    "there. The portal has worked on this copy already, or the log was changed: restore the backup again."
                )
        expected, chain = before + 1, bytes(last.chain) if last else evidence.GENESIS
        for chunk in iter(lambda: list(itertools.islice(lines, AT_ONCE)), []):
            made = []
            for line in chunk:
                if line["sequence"] != expected:
                    raise UnableToPutBack(f"The copy outside has no entry {expected:,}.")
                leaf = merkle.hash_leaf(evidence.canonical(line))
                chain = evidence.chain_hash(chain, leaf)
                made.append(
                    EvidenceEntry(
                        sequence=expected,
                        at=dt.datetime.fromisoformat(line["at"]),
                        type=line["type"],
                        subject=line["subject"],
                        body=line["body"],
                        leaf=leaf,
                        chain=chain,
                    )
                )
                expected += 1
            EvidenceEntry.objects.bulk_create(made)
        evidence.build_tree()
        checkpoint = last_outside()
        if checkpoint and (checkpoint.size >= expected or evidence.root_at(checkpoint.size) != checkpoint.root):
            raise UnableToPutBack("What was put back does not fit the last checkpoint that was signed.")
    return expected - 1 - before
