"""The portal as its users have it: started by its own command, with web server, worker and beat, on servers of its own."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from callmama_privacy import embedded
from tests.plugin import ROOT

START_SECONDS = 150


class Portal:
    """A running portal: its address, its sign-ins, its database, its processes."""

    def __init__(self, var: Path, process: subprocess.Popen, output: str):
        self.var, self.process = var, process
        self.url = re.search(r"http://\S+?(?=/?\s)", output)[0]
        self.sign_ins = {email: password for email, password in re.findall(r"(\S+@example\.test)\s+(\S+)", output)}

    def query(self, statement: str, *values):
        where = embedded.addresses(self.var)
        with psycopg.connect(
            host=str(where.sockets), port=5432, user="callmama", dbname="callmama", password=where.password
        ) as db:
            return db.execute(statement, values).fetchall()

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment(self.var),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def pid_of(self, name: str) -> int:
        return int((self.var / "run" / f"{name}.pid").read_text())


def environment(var: Path, **more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PORTAL_", "DATABASE_", "BROKER_", "PYTEST"))
    }
    return {**kept, "PORTAL_MODE": "demo", "PORTAL_VAR": str(var), "PYTHONUNBUFFERED": "1", **more}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, *, seconds: float, what: str, every: float = 0.2):
    """Return the first true result of ``condition``; fail when it does not come."""
    stop_at = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > stop_at:
            pytest.fail(f"After {seconds} seconds still not: {what}")
        time.sleep(every)
    return result


@contextlib.contextmanager
def serving(var: Path, **more: str):
    """Run ``manage.py serve`` for the length of the block; it must end by itself on Ctrl-C."""
    log = var.parent / "serve.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"], cwd=ROOT, env=environment(var, **{"PORT": str(free_port()), **more}),
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(
            lambda: "Ctrl-C ends" in log.read_text() or process.poll() is not None,
            seconds=START_SECONDS,
            what="the portal is ready",
        )
        assert process.poll() is None, log.read_text()
        yield Portal(var, process, log.read_text())
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


@pytest.fixture(scope="session")
def portal(tmp_path_factory):
    """A portal with the demo's data, deleting in small batches so that something can happen in between."""
    with serving(
        tmp_path_factory.mktemp("journey") / "var", RETENTION_BATCH_ROWS="20", RETENTION_TICK_SECONDS="3"
    ) as running:
        yield running


@pytest.fixture
def sign_in(portal, chromium):
    """Sign in as one of the staff with a browser window of one's own."""
    contexts = []

    def sign_in(email: str):
        contexts.append(chromium.new_context(base_url=portal.url, viewport={"width": 1440, "height": 900}))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.goto("/")
        page.fill("input[name=username]", email)
        page.fill("input[name=password]", portal.sign_ins[email])
        page.click("[type=submit]")
        page.wait_for_url("**/admin/")
        return page

    yield sign_in
    for context in contexts:
        context.close()
