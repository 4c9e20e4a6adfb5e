"""The portal's real processes on servers of their own: started, killed, stopped without warning, and started again."""

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import redis

from callmama_privacy import embedded
from callmama_privacy.celery import app
from tests.chaos.places import Places

ROOT = Path(__file__).resolve().parents[2]


def wait_until(condition, *, seconds: float, what: str, every: float = 0.2) -> None:
    """Wait for ``condition``. Raises TimeoutError, which says what did not come."""
    stop_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > stop_at:
            raise TimeoutError(f"After {seconds:.0f} seconds still not: {what}")
        time.sleep(every)


class Processes:
    """Workers and beats of one data folder, and its two servers."""

    def __init__(self, var: Path, *, chance: random.Random):
        self.var, self.where, self.chance = var, embedded.addresses(var), chance
        self.workers: dict[str, tuple[subprocess.Popen, list[str]]] = {}
        self.beats: list[subprocess.Popen] = []
        self.holds = [embedded.start(self.where)]
        self.places = Places(var / "places")
        self.killed: list[tuple[str, str]] = []  # of each: its place in a deletion, and which one; or empty texts

    def start_worker(self, name: str, *arguments: str) -> None:
        self.workers[name] = (self._spawn(name, "-m", "tests.chaos.worker", *arguments), list(arguments))

    def start_beat(self, name: str) -> None:
        self.beats.append(
            self._spawn(name, "-m", "celery", "-A", "callmama_privacy", "beat", "--loglevel", "WARNING", "--pidfile=")
        )

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen:
        with (self.var / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    # --- Faults ---------------------------------------------------------------------------------------------------
    def bury(self) -> int:
        """Count those who have carried out an order to die; return how many there are since the last call."""
        fallen = self.places.fallen()
        self.killed += fallen
        return len(fallen)

    def kill_a_child(self) -> None:
        """SIGKILL one process of a pool; the worker makes another."""
        children = [child for name in self.workers for child in self._pool(name)]
        if children:
            self._kill(self.chance.choice(children))

    def kill_who_stays(self) -> None:
        """SIGKILL the process that waits in a batch."""
        if pid := self.places.who_stays():
            with contextlib.suppress(psutil.NoSuchProcess):
                self._kill(psutil.Process(pid))

    def kill_a_worker(self) -> None:
        """SIGKILL a worker with its whole pool, and start it again."""
        self.stop_worker(self.chance.choice(sorted(self.workers)), again=True)

    def stop_worker(self, name: str, *, again: bool = False) -> None:
        for child in self._pool(name):
            self._kill(child)
        worker, arguments = self.workers.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        if again:
            self.start_worker(name, *arguments)

    def stop_everybody(self) -> None:
        """SIGKILL all workers and beats, as when the machine goes."""
        for name in list(self.workers):
            self.stop_worker(name)
        for beat in self.beats:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(beat.pid, signal.SIGKILL)
            beat.wait()
        self.beats.clear()

    def _pool(self, name: str) -> list[psutil.Process]:
        worker, _ = self.workers[name]
        return self._children(worker.pid) if worker.poll() is None else []

    def _kill(self, child: psutil.Process) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
            self.killed.append(self.places.of(child.pid))

    def revive(self) -> None:
        """Start again what has ended by itself, as any supervisor does."""
        for name, (worker, arguments) in list(self.workers.items()):
            if worker.poll() is not None:
                self.start_worker(name, *arguments)
        for place, beat in enumerate(self.beats):
            if beat.poll() is not None:
                del self.beats[place]
                self.start_beat(f"beat-again-{place}")
                return

    def stop_postgres_at_once(self) -> None:
        """PostgreSQL's immediate shutdown: no checkpoint, every connection cut, recovery at the next start."""
        self._signal_postgres(signal.SIGQUIT)
        self._start_servers()

    def fill_the_disk(self, seconds: float) -> int:
        """Let PostgreSQL write no file beyond where its log stands now, and the workers none at all; then give space.

        Return how many writes PostgreSQL says that it could not do.
        """
        log = self.var / "postgres.log"
        told = log.stat().st_size
        with psycopg.connect(**self._superuser()) as connection:
            wal = connection.execute("SELECT file_offset FROM pg_walfile_name_offset(pg_current_wal_insert_lsn())")
            limit = max(wal.fetchone()[0], told + (1 << 16))  # type: ignore[index]  # it must be able to complain
        self._limit_files(limit, 0)
        time.sleep(seconds)
        self._limit_files(resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        self._start_servers()
        return log.read_bytes()[told:].count(b"File too large")

    def _superuser(self) -> dict:
        return {"host": str(self.where.sockets), "port": 5432, "user": "postgres", "password": self.where.password, "dbname": "postgres"}  # fmt: skip

    def _limit_files(self, postgres: int, workers: int) -> None:
        """Set how large a file may become by the hand of each process, in bytes; those that they start take it over."""
        pids = [worker.pid for worker, _ in self.workers.values()]
        for name in self.workers:
            pids += [child.pid for child in self._pool(name)]
        _limit(pids, workers)
        helper = os.fork()  # PostgreSQL may run as somebody else, whose limits only that user may set
        if helper == 0:
            status = 1
            try:
                if user := embedded._server_user():
                    os.setgroups([])
                    os.setgid(user[1])
                    os.setuid(user[0])
                _limit(self._postgres_pids(), postgres)
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(helper, 0)[1] == 0, "The limits of PostgreSQL's processes could not be set."

    def lose_the_broker(self) -> None:
        """SIGKILL Valkey and throw away what it had: every message is lost."""
        with contextlib.suppress(redis.RedisError, OSError):
            pid = embedded._valkey(self.where).info("server")["process_id"]
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, seconds=10, what="Valkey is gone")  # fmt: skip
        shutil.rmtree(self.var / "valkey", ignore_errors=True)
        self.where.broker_socket.unlink(missing_ok=True)
        self._start_servers()

    def _start_servers(self) -> None:
        for attempt in range(5):
            try:
                self.holds.append(embedded.start(self.where))
                return
            except embedded.UnableToStart:
                if attempt == 4:
                    raise
                time.sleep(0.5)

    def _postgres_pids(self) -> list[int]:
        pid = embedded._postgres_process(self.var / "postgres")
        return [pid, *(child.pid for child in self._children(pid))] if pid else []

    def _signal_postgres(self, number: int) -> None:
        pid = embedded._postgres_process(self.var / "postgres")
        if pid:
            os.kill(pid, number)
            wait_until(lambda: embedded._postgres_process(self.var / "postgres") is None, seconds=30, what="PostgreSQL is gone")  # fmt: skip

    @staticmethod
    def _children(pid: int) -> list[psutil.Process]:
        try:
            return psutil.Process(pid).children()
        except psutil.NoSuchProcess:
            return []

    def send(self, task: str, *arguments: str) -> None:
        """Put a message on the broker, as a worker or beat would."""
        with contextlib.suppress(Exception):
            app.send_task(task, args=arguments)

    def end(self) -> None:
        """End every process, the servers last."""
        self.stop_everybody()
        for hold in self.holds:
            hold.release()


def _limit(pids: list[int], size: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
