"""The worker's turn: a package from its row to a sealed archive, or nothing.

A killed worker leaves no half of it. The name of the file and the key pair it is encrypted to stand in the row before
the first byte is written; whoever takes the package on destroys that key and that file, and begins again. Why not parts
that are kept: docs/decisions/0008-packages.md.

Two threads: one reads the database in a transaction that sees one instant, masks, formats and compresses into a pipe; the
other takes from the pipe, encrypts and stores, and renews the lease while bytes come. So no clear byte touches a disk,
and memory is a pipe and a few blocks, whatever the size.
"""

import datetime as dt
import logging
import os
import threading
import time
import uuid
from typing import Any

from django.db import connection, connections, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts import evidence, files, keys
from accounts.models import KeyPair
from dsar.models import Package
from dsar.packages import contents
from dsar.packages.parties import KEY_BYTES, Parties
from dsar.packages.subject import Subject, UnableToCollect
from dsar.trail import tell
from retention import keeping
from retention.deletion import discard_file
from retention.request_holds import release_request_hold

log = logging.getLogger(__name__)

State = Package.State
LEASE = dt.timedelta(seconds=60)
BEAT_SECONDS = 5.0
MOST_ATTEMPTS = 3
SORT_MEMORY = "64MB"  # of the database, so that a month's rows are put in order without a file


class LeaseLost(RuntimeError):
    """Another worker has taken the package on, or an officer has dropped it."""


class _Incoming:
    """The archive as it comes out of the pipe: measured, the lease renewed, and never taken for whole when it is not."""

    def __init__(self, package: Package, pipe: int, writer: "_Writer", progress: contents.Progress):
        self._package, self._writer, self._progress = package, writer, progress
        self._file = open(pipe, "rb", buffering=0)  # noqa: SIM115  closed by close()
        self.measured = files.Measured(self._file)
        self._beaten_at = time.monotonic()
        self.failed: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            data = self.measured.read(size)
            if not data:
                self._writer.finish()
            if not data or time.monotonic() - self._beaten_at > BEAT_SECONDS:
                self._beat()
        except BaseException as error:  # pyrage would turn it into a fault of the file
            self.failed = error
            raise
        return data

    def _beat(self) -> None:
        renewed = _mine(self._package).update(lease_until=Now() + LEASE, rows_done=self._progress.rows)
        if not renewed:
            raise LeaseLost(f"{self._package} is in other hands.")
        self._beaten_at = time.monotonic()

    def close(self) -> None:
        self._file.close()


class _Writer(threading.Thread):
    """Writes the archive into the pipe, on a connection of its own."""

    def __init__(self, pipe: int, write: Any):
        super().__init__(daemon=True)
        self._pipe, self._write = pipe, write
        self.made: contents.Made | None = None
        self._failure: BaseException | None = None

    def run(self) -> None:
        try:
            with open(self._pipe, "wb") as out, transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                    cursor.execute("SET LOCAL work_mem = %s", [SORT_MEMORY])
                self.made = self._write(out)
        except BaseException as error:  # raised by finish(), in the thread that stores
            self._failure = error
        finally:
            connections.close_all()

    def finish(self) -> None:
        """Wait for the end, and raise what went wrong: an archive that was cut off must not be stored."""
        self.join()
        if self._failure:
            raise self._failure


def to_build() -> list[uuid.UUID]:
    """Return the ids of packages that no worker has in hand, oldest first."""
    waiting = Package.objects.filter(_free(), state__in=Package.UNDER_WAY)
    return list(waiting.order_by("asked_at", "pk").values_list("pk", flat=True)[:20])


def build(package_id: uuid.UUID, *, now: dt.datetime, key: bytes | None = None) -> Package | None:
    """Make a package of the data as of ``now`` (aware); return it as it then is, or None when others have it in hand.

    ``key`` is the key of the pseudonyms, random and kept nowhere unless given.
    """
    package = _claim(package_id)
    if package is None or package.state != State.RUNNING:
        return package
    try:
        _leave_nothing(package)
        subject = Subject.of(package.request, as_of=now)
        _mine(package).update(as_of=now, key_id=uuid.uuid4(), file_key=keys.random_name(), rows_done=0)
        package.refresh_from_db()
        made, archive = _write(package, subject, Parties.by_settings(key or os.urandom(KEY_BYTES)))
        return _seal(package, made, archive, now=now)
    except LeaseLost:
        log.warning("%s: given up, it is in other hands", package)
        _discard(package)
        return None
    except Exception as error:
        log.error("%s: attempt %s failed: %s", package, package.attempts, _words(error))
        return _fail(package, error)


def _claim(package_id: uuid.UUID) -> Package | None:
    taken = Package.objects.filter(_free(), pk=package_id, state__in=Package.UNDER_WAY).update(
        state=State.RUNNING, lease_until=Now() + LEASE, attempts=F("attempts") + 1
    )
    if not taken:
        return None
    package = Package.objects.select_related("request").get(pk=package_id)
    if package.attempts > MOST_ATTEMPTS:
        return _fail(package, RuntimeError(f"The worker was stopped {MOST_ATTEMPTS} times while it made the package."))
    return package


def _free() -> Q:
    return Q(lease_until__isnull=True) | Q(lease_until__lt=Now())


def _mine(package: Package):
    """Return the row if it is still this attempt's."""
    return Package.objects.filter(pk=package.pk, state=State.RUNNING, attempts=package.attempts)


def _write(package: Package, subject: Subject, parties: Parties) -> tuple[contents.Made, files.Measured]:
    """Write, encrypt and store the archive; return what is in it and its measure. Raises LeaseLost, and whatever failed."""
    assert package.key_id, "the key is chosen before anything is written"
    progress = contents.Progress()
    reading, writing = os.pipe()

    def write(out: Any) -> contents.Made:
        return contents.write(out, package=package, subject=subject, parties=parties, progress=progress)

    writer = _Writer(writing, write)
    incoming = _Incoming(package, reading, writer, progress)
    writer.start()
    try:
        files.put_encrypted(incoming, owner=KeyPair.Owner.PACKAGE, owner_id=package.key_id, key=package.file_key)  # type: ignore[arg-type]
    except Exception:
        if incoming.failed:  # the encryption says only that reading failed
            raise incoming.failed from None
        raise
    finally:
        incoming.close()  # ends the writer, if this side failed
        writer.join()
    assert writer.made, "a writer that failed is told when the pipe ends"
    return writer.made, incoming.measured


def _seal(package: Package, made: contents.Made, archive: files.Measured, *, now: dt.datetime) -> Package | None:
    """Close the package: from now on it holds what was asked for, and the request need not keep the data any more."""
    with transaction.atomic():
        keeping.against_deletions()  # before any row, as whoever releases a hold does
        sealed = _mine(package).update(
            state=State.SEALED,
            sealed_at=now,
            lease_until=None,
            problem="",
            contents=made.contents,
            withheld=made.withheld,
            rows_done=F("rows_planned"),
            file_bytes=archive.size,
            sha256=archive.sha256.hexdigest(),
        )
        if not sealed:
            raise LeaseLost(f"{package} is in other hands.")
        rows = sum(counts["rows"] for counts in made.contents.values())
        tell(package.request, "package", f"Package made: {rows:,} rows.", user=None, now=now)
        body = {
            "request": str(package.request_id),
            "rows": rows,
            "bytes": archive.size,
            "sha256": archive.sha256.hexdigest(),
        }
        release_request_hold(package.request_id, now=now)
        evidence.append_entry("PACKAGE_SEALED", subject=str(package.pk), body=body)
    log.info("%s: sealed, %s rows, %s bytes", package, rows, archive.size)
    package.refresh_from_db()
    return package


def _leave_nothing(package: Package) -> None:
    """Destroy what an earlier attempt left: its key first, then the file or what there is of it."""
    if package.file_key:
        _discard(package)
        _mine(package).update(file_key="", key_id=None)
        package.refresh_from_db()


def _discard(package: Package) -> None:
    if package.file_key and package.key_id:
        discard_file(package.file_key, owner=KeyPair.Owner.PACKAGE, owner_id=package.key_id)


def _fail(package: Package, error: BaseException) -> Package:
    """Free the package for another attempt, or stop it with the reason: an officer retries it, nothing of it is lost."""
    is_final = package.attempts >= MOST_ATTEMPTS or isinstance(error, UnableToCollect)
    _discard(package)
    _mine(package).update(
        state=State.FAILED if is_final else State.WAITING,
        lease_until=None if is_final else Now() + LEASE / 2,
        problem=_words(error)[:300],
        file_key="",
        key_id=None,
    )
    if is_final:
        log.error("%s: stopped, an officer must look: %s", package, type(error).__name__)
    package.refresh_from_db()
    return package


def _words(error: BaseException) -> str:
    """Return what an officer is told: our own words, or the kind of fault; never a value of somebody's row."""
    if isinstance(error, UnableToCollect | files.UnableToStore | files.UnableToAsk | RuntimeError):
        return str(error)
    diagnosis = getattr(error.__cause__, "diag", None)
    return f"It failed: {getattr(diagnosis, 'message_primary', '') or type(error).__name__}."
