"""A package of a person with a million calls, against the plain COPY of the same rows."""

import time

from django.db import connection
from django.utils import timezone

from accounts.models import User
from bench import invented
from bench.databases import copy_database, drop_databases, prepared
from bench.processes import peak_mb, workers
from bench.telling import figure, median, seconds
from dsar.models import Package, SubjectRequest
from dsar.packages import states
from dsar.packages.tasks import build_package
from dsar.services import register_request

ROWS = 1_000_000
SMALL = 20_000
ROUNDS = 3
TEMPLATE = "bench_packages"


def two_people() -> None:
    """One with a million calls over twelve months, half of them incoming, one with few, among a hundred others."""
    now = timezone.now()
    invented.make_months(now)
    for name, count in (("many", 1), ("few", 1), ("other", 100)):
        invented.make_workspaces(count, name=name, ends="now() + interval '90 days'")
        invented.make_people(name=name, count=count)
    invented.make_calls(ROWS // 20, name="other", of=100, until=now)
    invented.make_calls(SMALL, name="few", until=now)
    invented.make_calls(ROWS, name="many", until=now)
    invented.run(f"UPDATE {invented.CALLS} SET direction = 'inbound' WHERE id %% 2 = 0")


def measure(rows: int) -> list[dict]:
    """Make packages by a real worker, and copy the same rows, in turns; then a small package for its memory alone."""
    prepared(TEMPLATE, two_people)
    copy_database(TEMPLATE)
    officer = User.objects.create_user("officer@example.test", name="Officer")
    made, copied = [], []
    with workers(1) as worker:
        by_the_worker("few", officer)
        small = peak_mb(worker)
        for _ in range(ROUNDS):
            copied.append(seconds(by_copy))
            made.append(by_the_worker("many", officer))
        large = peak_mb(worker)
    bytes_ = Package.objects.order_by("-asked_at").values_list("file_bytes", flat=True).first()
    connection.close()
    drop_databases(TEMPLATE)
    against = f"COPY (the shown columns of the same calls) TO STDOUT (median {median(copied):.1f} s; package {median(made):.1f} s)"
    return [
        figure(
            "package_ratio", median(copied) / median(made), "× rows/s", against=against, rows=ROWS,
            rounds=[round(copy / package, 3) for copy, package in zip(copied, made, strict=True)], archive_bytes=bytes_,
        ),
        figure("package_peak_mb", large, "MB", against=f"{small:.0f} MB with {SMALL:,} calls", rows=ROWS),
    ]  # fmt: skip


def by_copy() -> None:
    columns = (
        "workspace_id, own_number, other_party, direction, started_at, answered_at, ended_at, duration_s, talk_s, billed_s,"
        " status, cost, currency"
    )
    owner = invented.workspace("many").pk
    with connection.cursor() as cursor:
        statement = f"COPY (SELECT {columns} FROM {invented.CALLS} WHERE workspace_id = %s) TO STDOUT"
        with cursor.copy(statement, [owner]) as copy:
            for _ in copy:
                pass
        assert cursor.rowcount == ROWS


def by_the_worker(name: str, officer: User) -> float:
    """Return the seconds from a worker's wake-up call to the sealed package: masked, CSV and JSON, zipped, encrypted."""
    now = timezone.now()
    request = register_request(
        SubjectRequest(type="access", regime="policy_default", received_at=now, workspace=invented.workspace(name)),
        user=officer,
        now=now,
    )
    package = states.ask(request.pk, user=officer, now=now)
    began = time.perf_counter()
    build_package.delay(str(package.pk))
    while Package.objects.filter(pk=package.pk, state__in=Package.UNDER_WAY, problem="").exists():
        time.sleep(0.02)
    took = time.perf_counter() - began
    package.refresh_from_db()
    assert package.state == Package.State.SEALED, package.problem
    return took
