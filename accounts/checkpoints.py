"""Signed checkpoints of the evidence log, written outside the database together with a copy of its entries.

The copy always reaches the checkpoint's size before the checkpoint is written, so that what a checkpoint speaks of can
be read outside. A log that does not go on from what was written outside before is not signed: an old copy of the
database was restored, or somebody changed it. That is told on every page until it is put right.
"""

import datetime as dt
import itertools
import logging
from collections.abc import Sequence

from django.db import connection, transaction

from accounts import evidence, outside, signing
from accounts.models import Checkpoint, EvidenceEntry, OutsideState, User
from accounts.signing import Note

log = logging.getLogger(__name__)

LOCK = 0x4348504B  # a number only checkpoints use in pg_advisory_xact_lock
COPY, CHECKPOINTS = "evidence", "checkpoints"  # the files outside
COPY_AT_ONCE = 1_000
EVERY = dt.timedelta(hours=1)
URGENT = ("DONE",)  # after these a checkpoint is written at once: their certificates wait for it
STALE = dt.timedelta(hours=3)
NAG_AFTER = dt.timedelta(days=7)  # without anybody having taken a checkpoint away


class Inconsistent(RuntimeError):
    """The log does not go on from what was written outside; the message says how, for the officer."""


def write_if_due() -> Checkpoint | None:
    """Write a checkpoint when the last one is an hour old, or a deletion was done since; return it, or None.

    Whatever stands against it is remembered for every page, and cleared when it is over.
    """
    try:
        made = write() if _is_due() else None
        if made is None:
            _look()
    except (Inconsistent, outside.Damaged, outside.UnableToWrite) as error:
        log.error("evidence: no checkpoint was written: %s", type(error).__name__)
        _remember(str(error))
        return None
    _remember("")
    return made


def write() -> Checkpoint:
    """Copy the new entries outside, then sign and write a checkpoint over them; return it.

    Raises Inconsistent, outside.Damaged, outside.UnableToWrite. What was copied stays copied; the next call goes on there.
    """
    _announce_key()
    with transaction.atomic():
        _lock()
        size, root = _look()
        if _root_at(size) != root:
            raise Inconsistent("The evidence log does not fit its own tree: an entry was changed or is missing.")
        _copy_entries(size)
        note = signing.sign_checkpoint(size, root, _database_time())
        outside.append(CHECKPOINTS, {"checkpoint": note.text})
        return _store(note)


def last_outside() -> Note | None:
    """Return the last checkpoint that was written outside, or None. Raises outside.Damaged, Inconsistent."""
    line = outside.last(CHECKPOINTS)
    return read_line(line) if line else None


def covering(sequence: int) -> Checkpoint | None:
    """Return the first checkpoint over a log that has the entry ``sequence``, or None while there is none."""
    return Checkpoint.objects.filter(size__gte=sequence).order_by("size", "at", "pk").first()


def take(user: User) -> Checkpoint:
    """Return the newest checkpoint to somebody who takes it away, writing a fresh one first; it is remembered who.

    Raises as ``write``. A checkpoint in somebody's own hands is what a rewritten log is found by.
    """
    made = write()
    with transaction.atomic():
        made.taken_by, made.taken_at = user, _database_time()
        made.save(update_fields=["taken_by", "taken_at"])
        evidence.append_entry("CHECKPOINT_TAKEN", subject=str(made.pk), body={"size": made.size, "by": user.pk})
    return made


def fault() -> str:
    """Return what the last look outside has found wrong, in words, or an empty text."""
    return OutsideState.objects.values_list("fault", flat=True).first() or ""


def nobody_took_one(now: dt.datetime) -> bool:
    """Return whether no checkpoint was taken away for NAG_AFTER, although the log is older than that."""
    first = EvidenceEntry.objects.order_by("sequence").first()
    if first is None or now - first.at < NAG_AFTER:
        return False
    return not Checkpoint.objects.filter(taken_at__gt=now - NAG_AFTER).exists()


def _is_due() -> bool:
    last = Checkpoint.objects.order_by("-at").first()
    if last is None or _database_time() - last.at >= EVERY:
        return True
    return EvidenceEntry.objects.filter(sequence__gt=last.size, type__in=URGENT).exists()


def _look() -> tuple[int, bytes]:
    """Compare the log with the last checkpoint outside; return its size and root now. Raises Inconsistent."""
    size, root = evidence.tree_now()
    last = last_outside()
    if last is None:
        if Checkpoint.objects.exists():
            raise Inconsistent(
                "The checkpoints that were written outside the database are not there any more. Bring the folder back, or "
                "begin a new one: manage.py write_checkpoint --new-place."
            )
        return size, root
    if last.size > size:
        raise Inconsistent(
            f"The evidence log is shorter than it was on {signing.words_of(last.at)}: {size:,} entries now, {last.size:,} then. "
            "An old copy of the database was restored, or entries were removed."
        )
    if _root_at(last.size) != last.root:
        raise Inconsistent(
            f"The evidence log is not the one that was signed on {signing.words_of(last.at)}: an entry before it was changed."
        )
    return size, root


def _root_at(size: int) -> bytes:
    try:
        return evidence.root_at(size)
    except LookupError as error:
        raise Inconsistent(f"Entries of the evidence log are missing: {error}") from error


def _copy_entries(size: int) -> None:
    """Bring the copy outside up to ``size`` entries. Raises Inconsistent when it tells of other entries than the log."""
    last = outside.last(COPY)
    copied = last["sequence"] if last else 0
    if last:
        same = EvidenceEntry.objects.filter(sequence=copied).first()
        if same is None or evidence.as_dict(same) != last:
            raise Inconsistent(
                f"Entry {copied:,} stands outside the database and is another one, or none, in it. An old copy of the database "
                "was restored, or the log was changed."
            )
    new = itertools.takewhile(lambda entry: entry.sequence <= size, evidence.entries_after(copied))
    for chunk in iter(lambda: list(itertools.islice(new, COPY_AT_ONCE)), []):
        for number, entry in enumerate(chunk, copied + 1):
            if entry.sequence != number or evidence.leaf_of(entry) != bytes(entry.leaf):
                raise Inconsistent(f"Entry {number:,} of the evidence log was changed, or is missing.")
        outside.append(COPY, *(evidence.as_dict(entry) for entry in chunk))
        copied = chunk[-1].sequence


def _announce_key() -> None:
    """Write the public key into the log before it signs for the first time: that it was changed can be seen."""
    public = signing.public_key().hex()
    if _known_key() == public:
        return
    with transaction.atomic():
        _lock()
        known = _known_key()
        if known == public:
            return
        body = {"public": public, **({"replaces": signing.key_id(bytes.fromhex(known))} if known else {})}
        evidence.append_entry("SIGNING_KEY", subject=signing.key_id(), body=body)


def _known_key() -> str | None:
    logged = EvidenceEntry.objects.filter(type="SIGNING_KEY").order_by("-sequence")
    return logged.values_list("body__public", flat=True).first()


def public_keys() -> list[bytes]:
    """Return the public keys that have signed for this log, the one in use first."""
    logged = (
        EvidenceEntry.objects.filter(type="SIGNING_KEY").order_by("-sequence").values_list("body__public", flat=True)
    )
    return list(dict.fromkeys([signing.public_key(), *(bytes.fromhex(public) for public in logged)]))


def begin_new_place() -> None:
    """Begin a new folder outside, because the old one is lost for good: said in the log, and alarming to an auditor."""
    with transaction.atomic():
        _lock()
        if outside.last(CHECKPOINTS) is None:
            evidence.append_entry("OUTSIDE_LOST", subject="outside", body={"checkpoints": Checkpoint.objects.count()})
            last = Checkpoint.objects.order_by("-at").first()
            if last:
                outside.append(CHECKPOINTS, {"checkpoint": last.note})


def read_line(line: dict, keys: Sequence[bytes] | None = None) -> Note:
    """Return the checkpoint of a line outside. Raises Inconsistent when it is none, or not signed by a key of this log."""
    try:
        note = signing.read_checkpoint(line["checkpoint"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Inconsistent(
            "The last line of the checkpoints outside the database is no checkpoint of this log."
        ) from error
    if not any(signing.has_signed(public, note) for public in keys or public_keys()):
        raise Inconsistent("A checkpoint outside the database is not signed by a key of this log.")
    return note


def _store(note: Note) -> Checkpoint:
    return Checkpoint.objects.create(size=note.size, root=note.root, at=note.at, note=note.text)


def _remember(words: str) -> None:
    OutsideState.objects.update_or_create(pk=1, defaults={"looked_at": _database_time(), "fault": words[:300]})


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _database_time() -> dt.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
