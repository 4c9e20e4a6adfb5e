"""What happens while real workers purge: how long two take against one, how pages answer, how much memory they need."""

import http.client
import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from accounts.models import User
from accounts.roles import PRIVACY_OFFICER
from bench import invented
from bench.databases import copy_database, drop_databases, prepared
from bench.processes import peak_mb, wait_until, web, workers
from bench.telling import figure, median, p95
from callmama_privacy.static_files import collect_if_changed
from retention import jobs
from retention.models import DeletionJob
from retention.tasks import run_deletion

ROWS = 1_000_000
WORKSPACES = 8
TEMPLATE = "bench_under_way"
ROUNDS = 3
IDLE_REQUESTS = 300
LONGEST = 900


def eight_workspaces() -> None:
    """A million calls of eight expired workspaces, and fifty thousand of a hundred that stay."""
    now = timezone.now()
    invented.make_months(now)
    invented.make_workspaces(WORKSPACES, name="due", ends="now() - interval '1 minute'")
    invented.make_workspaces(100, name="stays", ends="now() + interval '90 days'")
    for name, count in (("due", WORKSPACES), ("stays", 100)):
        invented.make_people(name=name, count=count)
    invented.make_calls(ROWS // 20, name="stays", of=100, until=now)
    invented.make_calls(ROWS, name="due", of=WORKSPACES, until=now)
    invented.arm("workspace_expiry")


def send_all() -> None:
    """What the tick does: a job for each, and a message to the workers."""
    jobs.schedule_due(timezone.now())
    for job_id in jobs.runnable():
        run_deletion.delay(str(job_id))


def all_done() -> bool:
    done = DeletionJob.objects.filter(state=DeletionJob.State.DONE).count()
    assert not DeletionJob.objects.filter(state=DeletionJob.State.QUARANTINED).exists(), "a deletion was stopped"
    return done == WORKSPACES


def _purge(count: int) -> tuple[float, float]:
    """Let ``count`` worker processes empty the eight workspaces; return the seconds and the peak memory in MB."""
    copy_database(TEMPLATE)
    with workers(count) as process:
        began = time.perf_counter()
        send_all()
        wait_until(all_done, seconds=LONGEST, what="everything is deleted", every=0.02)
        return time.perf_counter() - began, peak_mb(process)


def two_workers(rows: int) -> list[dict]:
    """Measure one and two workers in turns over copies of the same database."""
    prepared(TEMPLATE, eight_workspaces)
    one, two = [], []
    for _ in range(ROUNDS):
        one.append(_purge(1))
        two.append(_purge(2))
    drop_databases(TEMPLATE)
    alone, both = median([seconds for seconds, _ in one]), median([seconds for seconds, _ in two])
    return [
        figure(
            "purge_two_workers", alone / both, "× speed",
            against=f"one worker, {WORKSPACES} workspaces (median of {ROUNDS}: {alone:.1f} s and {both:.1f} s)", rows=ROWS,
        ),
        figure("purge_peak_mb", max(peak for _, peak in one + two), "MB", against="under 300 MB a process", rows=ROWS),
    ]  # fmt: skip


def signed_in_officer() -> dict[str, str]:
    """Return the headers of a privacy officer's browser."""
    user, _ = User.objects.get_or_create(email="bench@example.test", defaults={"name": "Bench", "is_staff": True})
    user.groups.add(Group.objects.get(name=PRIVACY_OFFICER))
    session = SessionStore()
    session.update(
        {SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[1],
         HASH_SESSION_KEY: user.get_session_auth_hash()}
    )  # fmt: skip
    session.create()
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}"}


class Pages:
    """An officer who opens one page after the other."""

    def __init__(self, port: int):
        self.headers = signed_in_officer()
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        stays = invented.workspace("stays").pk
        self.paths = [
            "/admin/", f"/admin/accounts/workspace/{stays}/change/", "/admin/accounts/workspace/",
            "/admin/telecom_records/calldetailrecord/", "/admin/retention/deletionjob/",
        ]  # fmt: skip

    def open(self, while_: Callable[[int], bool]) -> list[float]:
        """Open pages in turn for as long as ``while_(opened)``; return how long each took, in ms."""
        times: list[float] = []
        while while_(len(times)):
            path = self.paths[len(times) % len(self.paths)]
            began = time.perf_counter()
            self.connection.request("GET", path, headers=self.headers)
            answer = self.connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status == 200, f"{path} answers {answer.status}"
        return times


def pages(rows: int) -> list[dict]:
    """Measure pages while nothing is deleted, then during a purge by one worker and by two."""
    collect_if_changed()
    prepared(TEMPLATE, eight_workspaces)
    told = []
    for count in (1, 2):
        copy_database(TEMPLATE)
        with web() as port, workers(count):
            officer = Pages(port)
            officer.open(lambda opened: opened < 30)  # the first ones compile templates
            idle = p95(officer.open(lambda opened: opened < IDLE_REQUESTS))
            send_all()
            busy = officer.open(lambda opened: opened % 5 != 0 or not all_done())
        name = "page_p95_during_purge" if count == 1 else "page_p95_during_purge_by_two"
        told.append(
            figure(name, p95(busy) / idle, "× idle", against=f"at most {count + 1} (p95 of {len(busy)} pages during, {IDLE_REQUESTS} idle)", rows=ROWS)
        )  # fmt: skip
    drop_databases(TEMPLATE)
    return told
