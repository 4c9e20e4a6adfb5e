"""Web server, worker and scheduler as three processes that live and end together."""

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings

PR_SET_PDEATHSIG = 1
PORTS_TRIED = 50
START_SECONDS = 60
STOP_SECONDS = 12  # then they are killed: every job survives that (retention/jobs/)
MAX_BACKOFF_SECONDS = 30


class UnableToServe(RuntimeError):
    """The portal cannot start here; the message is one line for the person at the terminal."""


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Be the only portal on this data folder. Raises UnableToServe."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnableToServe(
                "The portal runs already on this data folder. Stop it first, or set PORTAL_VAR."
            ) from error
        yield


def free_port(host: str, wanted: str) -> int:
    """Return ``wanted`` or the next port that nobody has. Raises UnableToServe."""
    if not wanted.isdigit() or not 0 < int(wanted) < 65536:
        raise UnableToServe(f"PORT must be a number from 1 to 65535, not “{wanted}”.")
    for port in range(int(wanted), min(int(wanted) + PORTS_TRIED, 65536)):
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family[0], socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(family[4])
        except socket.gaierror as error:
            raise UnableToServe(f"HOST “{host}” is not an address of this machine.") from error
        except PermissionError:
            continue
        except OSError as error:
            if error.errno == 99:
                raise UnableToServe(f"HOST “{host}” is not an address of this machine.") from error
            continue
        return port
    raise UnableToServe(f"No port is free from {wanted} to {int(wanted) + PORTS_TRIED - 1}.")


class Supervisor:
    """Starts the three processes, starts one again that dies, and ends all of them on Ctrl-C."""

    def __init__(self, host: str, port: int, *, tell: Callable[[str], None], ready: Callable[[], None]):
        self.host, self.port, self.tell, self.ready = host, port, tell, ready
        self.children: dict[str, subprocess.Popen] = {}
        self.failures: dict[str, int] = {}
        self.start_at: dict[str, float] = {}
        self.stopping = 0

    def commands(self) -> dict[str, list[str]]:
        bind = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        celery = [sys.executable, "-m", "celery", "-A", "callmama_privacy"]
        return {
            "web": [sys.executable, "-m", "gunicorn", "callmama_privacy.wsgi", "--bind", bind, "--workers", "2",
                    "--worker-class", "gthread", "--threads", "4", "--timeout", "60", "--graceful-timeout", "5", "--no-control-socket"],
            "worker": [*celery, "worker", "--concurrency", "2", "--loglevel", "WARNING", "--without-gossip",
                       "--without-mingle", "--hostname", f"portal-{os.getpid()}@%h"],
            "beat": [*celery, "beat", "--loglevel", "WARNING", "--pidfile="],
        }  # fmt: skip

    def run(self) -> None:
        """Serve until a signal comes. Raises UnableToServe when the web server does not come up."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        try:
            for name in self.commands():
                self._start(name)
            if self._wait_until_ready():
                self.ready()
            while not self.stopping:
                self._watch()
                time.sleep(0.3)
        finally:
            self._stop_all()

    def _on_signal(self, *_: object) -> None:
        self.stopping += 1
        if self.stopping == 1:
            self.tell("\nEnding …")

    def _start(self, name: str) -> None:
        log_folder, run_folder = settings.VAR_DIR / "log", settings.VAR_DIR / "run"
        log_folder.mkdir(parents=True, exist_ok=True)
        parent = os.getpid()

        def die_with_parent() -> None:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # the parent died before the line above
                os._exit(1)

        with (log_folder / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                self.commands()[name], cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                process_group=0, preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )  # fmt: skip
        self.children[name], self.start_at[name] = child, time.monotonic()
        (run_folder / f"{name}.pid").write_text(str(child.pid))

    def _watch(self) -> None:
        for name, child in list(self.children.items()):
            if child.poll() is None:
                if time.monotonic() - self.start_at[name] > MAX_BACKOFF_SECONDS:
                    self.failures[name] = 0
                continue
            failures = self.failures.get(name, 0)
            if time.monotonic() - self.start_at[name] < min(2**failures, MAX_BACKOFF_SECONDS):
                continue
            self.failures[name] = failures + 1
            self.tell(
                f"The {name} process ended ({child.returncode}); starting it again. Log: {settings.VAR_DIR / 'log' / name}.log"
            )
            self._start(name)

    def _wait_until_ready(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(
            self.host, f"[{self.host}]" if ":" in self.host else self.host
        )
        stop_at = time.monotonic() + START_SECONDS
        while time.monotonic() < stop_at and not self.stopping:
            if self.children["web"].poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://{host}:{self.port}/healthz", timeout=2):
                    return True
            except urllib.error.HTTPError:
                return True  # it answers; in production it redirects to https or wants its own host name
            except OSError:
                time.sleep(0.2)
        if self.stopping:
            return False
        log = settings.VAR_DIR / "log" / "web.log"
        last = log.read_text(errors="replace").strip().splitlines()[-1:] or [""]
        raise UnableToServe(f"The web server did not start: {last[0]} (log: {log})")

    def _stop_all(self) -> None:
        for child in reversed(self.children.values()):
            if child.poll() is None:
                child.terminate()
        stop_at = time.monotonic() + STOP_SECONDS
        while any(child.poll() is None for child in self.children.values()):
            if time.monotonic() > stop_at or self.stopping > 1:
                break
            time.sleep(0.1)
        for name, child in self.children.items():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # what is left of the group, if anything
            child.wait()
            (settings.VAR_DIR / "run" / f"{name}.pid").unlink(missing_ok=True)
