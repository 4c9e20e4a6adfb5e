"""The embedded servers: shared, left cleanly, found again, and never mistaken for somebody else's process."""

import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from callmama_privacy import embedded
from tests.plugin import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("servers")]


def servers_of(var: Path) -> list[psutil.Process]:
    """Return the server processes of a data folder, found by their command line."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if str(var / "postgres") in line or str(var / "valkey") in line:
            found.append(process)
    return found


@pytest.fixture
def where(tmp_path):
    """The addresses of a data folder whose path is long and has blanks."""
    folder = tmp_path / "a folder with blanks" / ("deep" * 20) / "var"
    found = embedded.addresses(folder)
    yield found
    with embedded.start(found, durable=False):
        pass
    found.sockets.rmdir()


def answers(where: embedded.Addresses) -> bool:
    return embedded._postgres_answers(where) and embedded._valkey_answers(where)


def holder(where: embedded.Addresses) -> subprocess.Popen:
    """Start another process that uses the same servers until it is ended."""
    code = (
        "import sys, time; from pathlib import Path; from callmama_privacy import embedded;"
        "hold = embedded.start(embedded.addresses(Path(sys.argv[1])), durable=False); print('here', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(where.var_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "here\n"
    return process


def test_the_last_one_to_leave_stops_the_servers_and_the_data_stays(where):
    with embedded.start(where, durable=False):
        with embedded.start(where, durable=False):
            assert answers(where)
        assert answers(where)
        with embedded._connect(where, "callmama", "callmama") as database:
            database.execute("CREATE TABLE kept AS SELECT 1 AS value")
    assert not answers(where)
    assert servers_of(where.var_dir) == []
    with embedded.start(where, durable=False), embedded._connect(where, "callmama", "callmama") as database:
        assert database.execute("SELECT value FROM kept").fetchone() == (1,)


def test_a_killed_user_neither_keeps_the_servers_nor_stops_them(where):
    other = holder(where)
    with embedded.start(where, durable=False):
        other.kill()
        other.wait()
        assert answers(where)
    assert not answers(where)


def test_killed_servers_start_again_and_a_number_used_again_by_a_stranger_is_left_alone(where):
    with embedded.start(where, durable=False):
        for process in servers_of(where.var_dir):
            process.kill()
            process.wait(10)
        stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        lock = where.var_dir / "postgres" / "postmaster.pid"
        lock.write_text("\n".join([str(stranger.pid), *lock.read_text().split("\n")[1:]]))
        try:
            with embedded.start(where, durable=False):
                assert answers(where)
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


def test_the_password_is_asked_for_and_stands_in_no_command_line(where):
    with embedded.start(where, durable=False):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=str(where.sockets), user="callmama", dbname="callmama", password="wrong")
        lines = " ".join(" ".join(process.cmdline()) for process in servers_of(where.var_dir))
        assert where.password not in lines
        assert (where.var_dir / "secrets" / "database_password").stat().st_mode & 0o777 == 0o600
        assert where.sockets.stat().st_mode & 0o777 == 0o700


def test_data_of_another_version_is_told_and_left_as_it_is(where):
    with embedded.start(where, durable=False):
        pass
    version = where.var_dir / "postgres" / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(embedded.UnableToStart, match="made by PostgreSQL 15, and this is 18"):
        embedded.start(where, durable=False)
    assert servers_of(where.var_dir) == []
    version.write_text("18\n")


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path):
    where = embedded.addresses(tmp_path / "var")
    where.sockets.symlink_to(tmp_path)
    try:
        with pytest.raises((embedded.UnableToStart), match="belongs to somebody else|cannot start"):
            embedded.start(where, durable=False)
    finally:
        where.sockets.unlink()


PLACES = [Path(sys.executable).resolve(), Path(sys.base_prefix).resolve()]
PYTHON_FOR_ALL = all(folder.stat().st_mode & 0o001 for place in PLACES for folder in place.parents)


@pytest.mark.skipif(os.getuid() != 0 or not PYTHON_FOR_ALL, reason="needs root, and a Python that other users may run")
def test_a_normal_user_has_servers_too(tmp_path):
    user = pwd.getpwnam("games")
    var = Path("/tmp") / f"callmama-user-{os.getpid()}"
    var.mkdir()
    os.chown(var, user.pw_uid, user.pw_gid)
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; from callmama_privacy import embedded\n"
        "where = embedded.addresses(Path(sys.argv[1]))\n"
        "with embedded.start(where, durable=False): print(embedded._postgres_answers(where), embedded._valkey_answers(where))\n"
        "where.sockets.rmdir()"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, str(var), str(ROOT)], user=user.pw_uid, group=user.pw_gid, extra_groups=[],
            cwd="/", capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": str(var)},
        )  # fmt: skip
        assert done.stdout == "True True\n", done.stderr
    finally:
        subprocess.run(["rm", "-r", str(var)], check=True)


def test_a_command_ended_by_a_signal_leaves_no_server(tmp_path):
    var = tmp_path / "var"
    environment = {**os.environ, "PORTAL_MODE": "test", "PORTAL_VAR": str(var)}
    command = [sys.executable, "manage.py", "shell", "-c", "print('here', flush=True); import time; time.sleep(600)"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "here" in line:
            break
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    stop_at = time.monotonic() + 10
    while servers_of(var) and time.monotonic() < stop_at:
        time.sleep(0.1)
    assert servers_of(var) == []
