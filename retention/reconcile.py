"""The file store and the rows of its files, compared in both directions (security.md, fault 21).

A file without a row was left by a crash between the two, or by somebody else's hand. It is reported when it is older than
a day, and destroyed only by two officers. A row without a file is data that should be there and is not: an alarm, and never
mended by deleting the row. Both sides come in the order of their keys and are merged, so that ten million files take no more
memory than ten.
"""

import datetime as dt
import hashlib
import itertools
import logging
from collections.abc import Iterable, Iterator

from django.db import transaction
from django.db.models.functions import Collate

from accounts import approvals, evidence, files
from accounts.models import StoredFile
from accounts.stores import Found
from retention import deletion
from retention.models import FileCheck, FileFinding

log = logging.getLogger(__name__)

DESTROY = "destroy_stray_files"
TARGET = "stray_files"
GRACE = dt.timedelta(hours=24)  # a file younger than this may be waiting for its row to be committed
BATCH = 1_000
MOST_FINDINGS = 10_000  # written down one by one; a store that is not mounted would make one of every row
Kind, End = FileFinding.Kind, FileFinding.End


def check_files(now: dt.datetime) -> FileCheck:
    """Compare the store with the rows, write down what does not fit, and end what fits again; return the figures.

    A store that does not answer ends the check without touching any finding: nothing is known then.
    """
    check = FileCheck.objects.create(began_at=now)
    try:
        _compare(check, now)
    except files.UnableToAsk as error:
        check.failed = str(error)[:200]
        log.error("files: the store could not be compared with its rows: %s", error)
    else:
        _end_what_fits(now)
    check.ended_at = now
    check.save()
    if check.missing:
        log.error("files: %s rows have no file", check.missing)
    return check


def _compare(check: FileCheck, now: dt.datetime) -> None:
    rows = StoredFile.objects.order_by(Collate("key", "C")).values_list("key", "created_at").iterator(BATCH)
    aside: list[Found] = []
    strays: list[Found] = []
    missing: list[str] = []

    def flush(*, whole: bool) -> None:
        if aside and (whole or len(aside) >= BATCH):
            strays.extend(_without_row(aside))
            aside.clear()
        if strays and (whole or len(strays) >= BATCH):
            check.stray += _record(Kind.STRAY, {found.key: found.stored_at for found in strays}, now)
            strays.clear()
        if missing and (whole or len(missing) >= BATCH):
            check.missing += _record(Kind.MISSING, dict.fromkeys(_really_missing(missing)), now)
            missing.clear()

    def in_order() -> Iterator[Found]:
        for found in files.store().walk():
            check.files += 1
            if found.finished and found.is_ours:
                yield found
            elif found.stored_at <= now - GRACE:
                aside.append(found)
                flush(whole=False)

    row = next(rows, None)
    check.rows = int(row is not None)
    for key, same in itertools.groupby(in_order(), key=lambda found: found.key):
        found = next(same)
        while row and row[0] < key:
            missing.append(row[0])
            row = next(rows, None)
            check.rows += int(row is not None)
        if row and row[0] == key:
            row = next(rows, None)
            check.rows += int(row is not None)
        elif found.stored_at <= now - GRACE:
            strays.append(found)
        flush(whole=False)
    while row:
        missing.append(row[0])
        row = next(rows, None)
        check.rows += int(row is not None)
        flush(whole=False)
    flush(whole=True)


def _without_row(found: Iterable[Found]) -> list[Found]:
    """Return those whose key has no row: of a file that is in order, an unfinished part is nobody's business."""
    things = list(found)
    known = set(StoredFile.objects.filter(pk__in=[thing.key for thing in things]).values_list("pk", flat=True))
    return [thing for thing in things if thing.key not in known]


def _really_missing(keys: list[str]) -> list[str]:
    """Look again: a row that was read first may have gone with its file meanwhile, by the door."""
    still = set(StoredFile.objects.filter(pk__in=keys).values_list("pk", flat=True))
    return sorted(still - {key for key in still if _opens(key)})


def _opens(key: str) -> bool:
    try:
        files.store().open(key).close()
    except FileNotFoundError:
        return False
    return True


def _record(kind: str, things: dict[str, dt.datetime | None], now: dt.datetime) -> int:
    """Write findings down, or that they were seen again; return how many there are."""
    names = [name[:300] for name in things]
    open_ones = FileFinding.objects.filter(kind=kind, ended_at__isnull=True)
    open_ones.filter(key__in=names).update(seen_at=now)
    room = max(0, MOST_FINDINGS - open_ones.count())
    known = set(open_ones.filter(key__in=names).values_list("key", flat=True))
    FileFinding.objects.bulk_create(
        [
            FileFinding(kind=kind, key=name[:300], stored_at=stored_at, found_at=now, seen_at=now)
            for name, stored_at in list(things.items())
            if name[:300] not in known
        ][:room],
        ignore_conflicts=True,
    )
    return len(things)


def _end_what_fits(now: dt.datetime) -> None:
    """End the findings that a whole comparison has not seen again. A name that is not ours is forgotten with it."""
    over = FileFinding.objects.filter(ended_at__isnull=True, seen_at__lt=now)
    over.exclude(key__regex=r"^[A-Za-z0-9]+$").update(key="", ended_at=now, end=End.GONE)
    over.update(ended_at=now, end=End.GONE)


def open_strays():
    """Return the files without a row that can be destroyed and that nobody has agreed to destroy yet."""
    strays = FileFinding.objects.filter(kind=Kind.STRAY, ended_at__isnull=True, agreed_at__isnull=True)
    return strays.filter(key__regex=r"^[A-Za-z0-9]+$").order_by("key")


def ask_to_destroy(*, user, now: dt.datetime) -> approvals.Approval:
    """Ask a second officer to destroy the files without a row that are known now. Raises approvals.UnableToApprove."""
    count = open_strays().count()
    if not count:
        raise approvals.UnableToApprove("There is no file without a row that could be destroyed.")
    summary = f"Destroy {count:,} files without a row"
    return approvals.ask(DESTROY, target=TARGET, summary=summary, user=user, now=now)


def _facts(target: str) -> dict:
    digest = hashlib.sha256()
    count = 0
    for key in open_strays().values_list("key", flat=True).iterator(BATCH):
        digest.update(f"{key}\n".encode())
        count += 1
    return {"files": count, "names": digest.hexdigest()}


def _agree(target: str, requested_by, decided_by, now: dt.datetime) -> None:
    count = open_strays().update(agreed_at=now)
    evidence.append_entry(
        "STRAY_FILES_AGREED", subject=TARGET, body={"files": count, "by": [requested_by.pk, decided_by.pk]}
    )


def destroy_agreed(now: dt.datetime) -> int:
    """Destroy the files that two officers agreed on, batch by batch; return how many went.

    Looked at once more: a file that has a row by now is in order and stays. Raises deletion.UnableToDelete; what was
    destroyed until then is written down, and the next call goes on.
    """
    gone = 0
    while batch := _destroy_batch(now):
        gone += batch
    return gone


def _destroy_batch(now: dt.datetime) -> int:
    with transaction.atomic():
        agreed = FileFinding.objects.filter(kind=Kind.STRAY, ended_at__isnull=True, agreed_at__isnull=False)
        batch = list(agreed.select_for_update(skip_locked=True).order_by("key")[:BATCH])
        if not batch:
            return 0
        keys = [finding.key for finding in batch]
        in_order = set(StoredFile.objects.filter(pk__in=keys).values_list("pk", flat=True))
        deletion.destroy_strays([key for key in keys if key not in in_order])
        ids = [finding.pk for finding in batch if finding.key not in in_order]
        FileFinding.objects.filter(pk__in=ids).update(ended_at=now, end=End.DESTROYED)
        FileFinding.objects.filter(pk__in=[finding.pk for finding in batch]).exclude(pk__in=ids).update(
            ended_at=now, end=End.GONE
        )
        evidence.append_entry("STRAY_FILES_DESTROYED", subject=TARGET, body={"files": len(ids)})
    return len(batch)


def register() -> None:
    """Make the destruction of stray files known to four eyes; called once at start."""
    approvals.register(
        approvals.Action(DESTROY, "Destroy files without a row", "retention.destroy_filefinding", _facts, _agree)
    )
