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
import redis

from callmama_privacy import embedded
from callmama_privacy.celery import app

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
        self.killed = 0

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
    def kill_a_child(self) -> None:
        """SIGKILL one process of a pool; the worker makes another."""
        children = [
            child
            for worker, _ in self.workers.values()
            if worker.poll() is None
            for child in self._children(worker.pid)
        ]
        if children:
            with contextlib.suppress(psutil.NoSuchProcess):
                self.chance.choice(children).kill()
                self.killed += 1

    def kill_a_worker(self) -> None:
        """SIGKILL a worker with its whole pool, and start it again."""
        name = self.chance.choice(sorted(self.workers))
        self.stop_worker(name, again=True)

    def stop_worker(self, name: str, *, again: bool = False) -> None:
        worker, arguments = self.workers.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        self.killed += 1
        if again:
            self.start_worker(name, *arguments)

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

    def fill_the_disk(self, seconds: float) -> None:
        """Let no process of PostgreSQL write beyond the first half of a log segment, as on a full disk; then give space."""
        limit = 8 << 20
        stop_at = time.monotonic() + seconds
        while time.monotonic() < stop_at:
            for pid in self._postgres_pids():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            time.sleep(0.05)
        for pid in self._postgres_pids():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self._start_servers()

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
        for beat in self.beats:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(beat.pid, signal.SIGKILL)
            beat.wait()
        for name in list(self.workers):
            self.stop_worker(name)
        for hold in self.holds:
            hold.release()
