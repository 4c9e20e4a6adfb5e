"""Where in a deletion a worker's process is, and orders to die there: so that kills fall where they can do harm.

The run and the workers share a folder. A process writes down where it is (``at/<pid>``); an order names a place
(``orders/<place>~<count>``), and the first process that comes there takes it (a rename, so only one does) and ends itself by
SIGKILL: at that statement, with its transaction open or just committed, as it would be from outside with good luck.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

INSIDE = [
    "before keys",  # the INTENT is written, the keys can still be used
    "after keys",
    "within a batch",  # rows and files are destroyed, their transaction is open
    "between batches",
    "before DONE",
    "within DONE",  # the receipt is written, its transaction is open
]
IN_BATCHES = ["within a batch", "between batches"]  # where a mistaken engine shows that it is one
REPLAY = "within a replay"  # of a restored copy, a batch of it
STAY = "stay in a batch"  # an order to wait there instead
STAY_SECONDS = 1.5


class Places:
    """The folder as the run sees it."""

    def __init__(self, folder: Path):
        self.at, self.orders, self.taken = (folder / name for name in ("at", "orders", "taken"))
        for path in (self.at, self.orders, self.taken):
            path.mkdir(parents=True, exist_ok=True)
        self.count = 0

    def order(self, place: str) -> None:
        self.count += 1
        (self.orders / f"{place}~{self.count}").touch()

    def waiting(self) -> int:
        return len(os.listdir(self.orders))

    def withdraw(self) -> None:
        for path in list(self.orders.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def fallen(self) -> list[tuple[str, str]]:
        """Return the place and the deletion of each process that has carried out an order since the last call."""
        found = []
        for path in list(self.taken.iterdir()):
            place = path.name.split("~")[0]
            if place != STAY:
                found.append((place, self.of(path.suffix[1:])[1]))
            path.unlink()
        return found

    def who_stays(self) -> int | None:
        """Return the process that waits in a batch, as it was told to; None while there is none."""
        return next((int(path.suffix[1:]) for path in self.taken.iterdir() if path.name.startswith(STAY)), None)

    def of(self, pid: int | str) -> tuple[str, str]:
        """Return where a process is, or was when it died: the place, or an empty text, and the deletions it has in hand."""
        try:
            place, job = (self.at / str(pid)).read_text().split("\n")
        except (OSError, ValueError):
            return "", ""
        return place, job


class Marks:
    """The folder as a process of a worker sees it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.job = ""  # the deletion in hand; several that begin together, with commas

    def arrive(self, place: str) -> None:
        """Write down where this process is, and do what is ordered there."""
        with contextlib.suppress(OSError):  # the disk is full
            (self.folder / "at" / str(os.getpid())).write_text(f"{place}\n{self.job}")
        if place and self._takes_order(place):
            os.kill(os.getpid(), signal.SIGKILL)

    def stay(self) -> None:
        """Wait where it is, when that is ordered."""
        if self._takes_order(STAY):
            time.sleep(STAY_SECONDS)

    def _takes_order(self, place: str) -> bool:
        for name in os.listdir(self.folder / "orders"):
            if name.startswith(f"{place}~"):
                with contextlib.suppress(OSError):
                    os.rename(self.folder / "orders" / name, self.folder / "taken" / f"{name}.{os.getpid()}")
                    return True
        return False


def put_in_marks(folder: Path) -> None:
    """Let every process of this worker say where it is. After a mistaken engine was put in, so that it is marked, too."""
    from accounts.models import KeyPair
    from retention import deletion, jobs
    from retention.upstream import notices

    marks = Marks(folder)

    def in_hand(act: Callable) -> Callable:
        def marked(job_id, **options):
            marks.job = str(job_id)
            marks.arrive("")
            try:
                return act(job_id, **options)
            finally:
                marks.job = ""
                marks.arrive("")

        return marked

    def has_keys(*scopes) -> bool:
        owners = [pk for scope in scopes for pk in (scope.workspace, *scope.leaving.get("accounts.Person", [])) if pk]
        return KeyPair.objects.filter(owner_id__in=owners, wrapped__isnull=False).exists()

    def destroy_keys(job_id, scope, **options):
        if has_keys(scope):
            marks.arrive("before keys")
        gone = real_keys(job_id, scope, **options)
        marks.arrive("after keys")
        return gone

    def destroy_keys_of_many(begun, **options):
        begun = list(begun)
        marks.job = ",".join(str(job.pk) for job in begun)
        if has_keys(*(jobs.scope_of(job) for job in begun)):
            marks.arrive("before keys")
        real_many(begun, **options)
        if begun:
            marks.arrive("after keys")
        marks.job = ""
        marks.arrive("")

    def run_batch(*arguments):
        rows = real_run(*arguments)
        if rows:
            marks.arrive("between batches")
        return rows

    def destroy_batch(entry, scope, *arguments, **options):
        found = real_batch(entry, scope, *arguments, **options)
        if found[0]:
            marks.arrive("within a batch" if marks.job else REPLAY)
            if scope.workspace is None:
                marks.stay()
        return found

    def destroy_left(left):
        marks.arrive("between batches" if marks.job else REPLAY)  # the rows are gone, their files are not
        count = real_left(left)
        marks.arrive("within a batch" if marks.job else REPLAY)
        return count

    def finish(job_id, **options):
        marks.arrive("before DONE")
        real_finish(job_id, **options)

    def release_notices(*arguments, **options):
        marks.arrive("within DONE")
        return real_notices(*arguments, **options)

    real_keys, real_run, real_batch = jobs.destroy_keys, jobs.run_batch, deletion.destroy_batch
    real_left, deletion.destroy_left = deletion.destroy_left, destroy_left
    real_finish, real_notices = jobs.finish, notices.release_notices
    real_many, jobs.destroy_keys_of_many = jobs.destroy_keys_of_many, destroy_keys_of_many
    jobs.run_job = in_hand(jobs.run_job)
    jobs.destroy_keys, jobs.run_batch, jobs.finish = destroy_keys, run_batch, finish
    deletion.destroy_batch, notices.release_notices = destroy_batch, release_notices
