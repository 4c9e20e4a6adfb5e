"""The portal's real processes, as ``manage.py serve`` starts them: workers, beat, web server."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from bench.environment import ROOT, VAR
from callmama_privacy.celery import app

CELERY = [sys.executable, "-m", "celery", "-A", "callmama_privacy"]


def wait_until(condition: Callable[[], object], *, seconds: float, what: str, every: float = 0.1) -> None:
    stop_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > stop_at:
            raise TimeoutError(f"After {seconds:.0f} s still not: {what}")
        time.sleep(every)


@contextlib.contextmanager
def _running(name: str, command: list[str]) -> Iterator[subprocess.Popen]:
    with (VAR / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def workers(count: int) -> Iterator[subprocess.Popen]:
    """A worker with ``count`` processes, ready to take messages; what an earlier measurement left is thrown away."""
    app.control.purge()
    command = [*CELERY, "worker", "--concurrency", str(count), "--loglevel", "WARNING", "--without-gossip"]
    with _running("worker", [*command, "--without-mingle", "--hostname", "bench@%h"]) as process:
        wait_until(lambda: app.control.ping(timeout=1), seconds=90, what="the worker answers")
        yield process


@contextlib.contextmanager
def beat() -> Iterator[subprocess.Popen]:
    with _running("beat", [*CELERY, "beat", "--loglevel", "WARNING", "--pidfile="]) as process:
        yield process


@contextlib.contextmanager
def web() -> Iterator[int]:
    """The web server as ``make run`` has it; yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "callmama_privacy.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "2",
               "--worker-class", "gthread", "--threads", "4", "--no-control-socket"]  # fmt: skip

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    with _running("web", command):
        wait_until(answers, seconds=60, what="the web server answers")
        yield port


def peak_mb(process: subprocess.Popen) -> float:
    """Return the largest resident memory that one process of a worker has had so far, in MB (Linux, VmHWM)."""
    parent = psutil.Process(process.pid)
    return max(_high_water_kb(pid) for pid in [parent.pid, *(child.pid for child in parent.children())]) / 1024


def _high_water_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0
