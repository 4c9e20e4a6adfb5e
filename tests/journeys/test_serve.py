"""``make run`` as its user has it: started, interrupted, started again, killed, and told where its servers are wrongly."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from callmama_privacy import embedded
from tests.journeys.conftest import environment, free_port, serving, wait_for
from tests.plugin import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.timeout(420), pytest.mark.xdist_group("serve")]
SECRETS = {
    "SECRET_KEY": "b7Xv2k9QmT4zR8wLc5NhJ3pDf6GyAs1Ue0Vi-OqKtY",
    "MASTER_KEY": "Zp4Wn8Rt2Xc6Vb0Lm5Kj9Hg3Fd7Sa1Qe-YuIoPiTrE",
    "ALLOWED_HOSTS": "privacy.example.com",
    "SIGNING_KEY": "s" * 20 + "igning-key-of-a-test-0123456789",
    "EVIDENCE_ORIGIN": "privacy.example.com/evidence",
}


@pytest.fixture(scope="module")
def var(tmp_path_factory):
    """A data folder that lives through the starts of this module; its path has a blank."""
    return tmp_path_factory.mktemp("the portal's data") / "var"


def family_of(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def left_of(var) -> list[str]:
    """Return the command lines that still speak of this data folder, or are of its process groups."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(var) in line or (process.info["environ"] or {}).get("PORTAL_VAR") == str(var):
            found.append(line)
    return found


def run(*arguments: str, var, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(var, **more),
        capture_output=True,
        text=True,
        timeout=120,
    )


def one_line(done: subprocess.CompletedProcess) -> str:
    """Return the only line a command said when it refused."""
    assert done.returncode not in (0, -signal.SIGKILL)
    (line,) = done.stderr.strip().splitlines()
    return line


def test_a_first_start_an_interrupt_and_a_second_start(var):
    with serving(var) as portal:
        family = family_of(portal.process.pid)
        assert {"officer@example.test", "second.officer@example.test", "agent@example.test", "auditor@example.test",
                "security@example.test"} == set(portal.sign_ins)  # fmt: skip
        assert len(set(portal.sign_ins.values())) == 1 and len(portal.sign_ins["agent@example.test"]) >= 20
        with urllib.request.urlopen(f"{portal.url}/admin/login/", timeout=10) as answer:
            assert b"password" in answer.read()
        (calls,) = portal.query("SELECT count(*) FROM telecom_records_calldetailrecord")[0]
        (reference,) = portal.query("SELECT min(reference) FROM dsar_subjectrequest")[0]
    assert len(family) >= 6
    assert [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    assert left_of(var) == []

    with serving(var) as portal:
        assert portal.query("SELECT min(reference) FROM dsar_subjectrequest") == [(reference,)]
        assert portal.query("SELECT count(*) FROM telecom_records_calldetailrecord")[0][0] <= calls
        assert "First start" not in (var.parent / "serve.txt").read_text()
    assert left_of(var) == []


def test_a_killed_supervisor_takes_its_processes_with_it_and_the_next_start_works(var):
    with serving(var) as portal:
        children = [
            process for process in family_of(portal.process.pid) if {"gunicorn", "celery"} & set(process.cmdline())
        ]
        assert len(children) >= 3
        portal.process.kill()
        _, alive = psutil.wait_procs(children, timeout=30)
        assert alive == []
        portal.process.wait()
    with serving(var):
        pass
    assert left_of(var) == []


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        (
            {"DATABASE_URL": "postgres://me:hush-hush@127.0.0.1:9/x"},
            "DATABASE_URL (127.0.0.1:9, database x) cannot be used",
        ),
        (
            {"DATABASE_URL": "mysql://me:hush-hush@127.0.0.1/x"},
            "DATABASE_URL and KEYSTORE_URL must begin with postgres://",
        ),
        ({"BROKER_URL": "redis://:hush-hush@127.0.0.1:9/0"}, "BROKER_URL (127.0.0.1:9) cannot be used"),
        ({"BROKER_URL": "amqp://me:hush-hush@127.0.0.1/"}, "BROKER_URL must begin with one of"),
        ({"PORT": "eighty"}, "PORT must be a number from 1 to 65535"),
        ({"HOST": "203.0.113.9"}, "is not an address of this machine"),
        ({"PORTAL_MODE": "production"}, "DATABASE_URL and BROKER_URL must both be set"),
        ({"PORTAL_MODE": "producton"}, "PORTAL_MODE must be one of demo, test, production"),
    ],
)
def test_a_wrong_setting_is_one_clear_line_without_its_password(var, variables, says):
    line = one_line(run("serve", var=var, **variables))
    assert says in line
    assert "hush-hush" not in line
    stop_at = time.monotonic() + 10
    while left_of(var) and time.monotonic() < stop_at:
        time.sleep(0.1)
    assert left_of(var) == []


@pytest.fixture(scope="module")
def running(var):
    """A portal that was told to use a port that is taken; with it the number of that port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serving(var, PORT=str(port)) as portal:
            yield portal, port


def test_a_taken_port_is_said_and_the_next_one_used(var, running):
    portal, port = running
    assert f"Port {port} is taken" in (var.parent / "serve.txt").read_text()
    assert portal.url.startswith("http://127.0.0.1:") and not portal.url.endswith(f":{port}")
    with urllib.request.urlopen(f"{portal.url}/healthz", timeout=10) as answer:
        assert answer.status == 200
    assert "runs already on this data folder" in one_line(run("serve", var=var, PORT=str(free_port())))


def test_production_refuses_demo_sign_ins(var, running):
    sockets = str(embedded.addresses(var).sockets)
    password = (var / "secrets" / "database_password").read_text()
    servers = {
        "DATABASE_URL": f"postgres://callmama:{password}@/{sockets}/callmama",
        "BROKER_URL": f"redis+socket://{sockets}/valkey.sock",
    }
    other = var.parent / "production"
    said = one_line(run("serve", var=other, PORTAL_MODE="production", **servers, **SECRETS))
    assert "demo sign-ins exist in this database" in said
    said = one_line(run("serve", var=other, PORTAL_MODE="production", **servers, **{**SECRETS, "DEBUG": "1"}))
    assert "DEBUG is on" in said
    said = one_line(
        run("serve", var=other, PORTAL_MODE="production", **servers, **{**SECRETS, "MASTER_KEY": "changeme"})
    )
    assert "MASTER_KEY is missing, short or a default" in said


def test_a_web_server_or_scheduler_that_dies_is_started_again(running):
    portal, _ = running
    for name in ("web", "beat"):
        before = portal.pid_of(name)
        os.killpg(before, signal.SIGKILL)
        wait_for(lambda name=name, before=before: portal.pid_of(name) != before, seconds=30, what=f"{name} is back")

    def answers():
        try:
            with urllib.request.urlopen(f"{portal.url}/healthz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    wait_for(answers, seconds=30, what="the portal answers again")
