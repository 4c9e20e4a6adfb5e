"""A file of records into the portal, against the plain COPY of the same rows, already clean, into the same table.

And against what people would use instead: django-import-export, ``bulk_create`` and a loop over ``get_or_create``, on
fewer rows and told as a factor of the time for each row.
"""

import csv
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path

import tablib
from django.db import connection
from django.utils import timezone
from import_export import resources

from bench import invented
from bench.databases import copy_database, drop_databases, prepared
from bench.environment import ROOT, VAR
from bench.telling import figure, median, seconds
from telecom_records.models import CallDetailRecord, ImportRun, ImportSource, NumberAssignment
from telecom_records.staging import KINDS

ROUNDS = 2
WORKSPACES = 100
TEMPLATE = "bench_imports"
FEW = 5_000  # for those that take many times as long
FILES = VAR / "files"
INSTANTS = ("started_at", "answered_at", "ended_at")
HEADER = [
    "call_id", "started_at", "answered_at", "ended_at", "from", "to", "duration_seconds", "talk_seconds", "billed_seconds",
    "status", "cost", "currency",
]  # fmt: skip


def customers() -> None:
    """A hundred customers with a number each, for as long as the calls go back."""
    now = timezone.now()
    invented.make_months(now)
    invented.make_workspaces(WORKSPACES, name="caller", ends="now() + interval '90 days'")
    invented.make_numbers(WORKSPACES, name="caller")
    ImportSource.objects.create(name="bench-switch")
    ImportSource.objects.create(name="bench-provider")


def calls(count: int) -> Iterator[tuple[int, str, str, dt.datetime]]:
    """Yield number, caller, dialled and start of calls in the order of a switch's log: by time, over a year."""
    until = timezone.now().replace(microsecond=0)
    step = 360 * 24 * 3600 / count
    for n in range(count):
        other = f"+4470090{n * 7919 % 100_000:05d}"
        mine = f"+442079460{n % WORKSPACES:03d}"
        started = until - dt.timedelta(seconds=int((count - n) * step) + 60)
        yield (n, mine, other, started) if n % 3 else (n, other, mine, started)


def write_csv(path: Path, count: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for n, caller, dialled, started in calls(count):
            answered, ended = started + dt.timedelta(seconds=3), started + dt.timedelta(seconds=63)
            writer.writerow(
                [f"bench-{n}", started.isoformat(), answered.isoformat(), ended.isoformat(), caller, dialled, 63, 60, 60, "answered", "0.0125", "USD"]
            )  # fmt: skip


def write_json(path: Path, count: int) -> None:
    """A bulk export of Twilio: one call a line."""
    with path.open("w") as file:
        for n, caller, dialled, started in calls(count):
            ended = format_datetime(started + dt.timedelta(seconds=63))
            call = {
                "sid": f"CA{n:032x}", "parent_call_sid": None, "from": caller, "to": dialled, "status": "completed",
                "start_time": format_datetime(started), "end_time": ended, "duration": "63", "price": "-0.0125", "price_unit": "USD",
                "direction": "outbound-api",
            }  # fmt: skip
            file.write(json.dumps(call) + "\n")


def imported(path: Path, source: str) -> tuple[float, float]:
    """Return the seconds of ``manage.py import_cdrs``, start of the process included, and the most memory it took, in MB."""
    began = time.perf_counter()
    command = [sys.executable, "manage.py", "import_cdrs", str(path), "--source", source, "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    run = ImportRun.objects.latest("created_at")
    assert status == 0 and run.inserted == run.read > 0, run.accounting
    return took, usage.ru_maxrss / 1024


def copied(path: Path) -> float:
    """Return the seconds of COPY of the records that the import made, in the file's order, into the empty table."""
    columns = ", ".join((*KINDS["calls"].key, *KINDS["calls"].values, "revision"))

    def copy() -> None:
        with connection.cursor() as cursor, path.open("rb") as file, cursor.copy(f"COPY {invented.CALLS} ({columns}) FROM STDIN") as target:  # fmt: skip
            while block := file.read(1 << 16):
                target.write(block)

    return seconds(copy)


def write_clean(path: Path) -> None:
    columns = ", ".join((*KINDS["calls"].key, *KINDS["calls"].values, "revision"))
    with connection.cursor() as cursor, path.open("wb") as file:  # noqa: SIM117
        with cursor.copy(f"COPY (SELECT {columns} FROM {invented.CALLS} ORDER BY started_at, id) TO STDOUT") as source:
            for block in source:
                file.write(block)


def measure(rows: int) -> list[dict]:
    FILES.mkdir(parents=True, exist_ok=True)
    prepared(TEMPLATE, customers)
    found = []
    for name, write, source in (("csv", write_csv, "bench-switch"), ("json", write_json, "bench-provider")):
        path, clean = FILES / f"calls.{name}", FILES / f"clean-{name}.copy"
        write(path, rows)
        took, plain, peaks = [], [], []
        for _ in range(ROUNDS if rows <= 1_000_000 else 1):
            copy_database(TEMPLATE)
            for figures_, value in zip((took, peaks), imported(path, source), strict=True):
                figures_.append(value)
            if not plain:
                write_clean(clean)
            copy_database(TEMPLATE)
            plain.append(copied(clean))
        against = (
            f"COPY of the same records into the same table (median {median(plain):.1f} s; import {median(took):.1f} s)"
        )
        found += [
            figure(
                f"import_vs_copy_{name}", median(plain) / median(took), "× rows/s", against=against, rows=rows,
                rounds=[round(copy / run, 3) for copy, run in zip(plain, took, strict=True)],
            ),
            figure(f"import_peak_mb_{name}", max(peaks), "MB", against="300 MB", rows=rows),
        ]  # fmt: skip
        path.unlink()
        clean.unlink()
        if name == "csv":
            found += against_others(median(took) / rows)
    drop_databases(TEMPLATE)
    return found


def against_others(ours: float) -> list[dict]:
    """What the same calls cost by other means, as factors of the ``ours`` seconds that a row takes here.

    Both are given what the import has to find out for itself: clean values, and whose each call is.
    """
    found = []
    for name, act, what in (
        (
            "import_vs_import_export",
            by_import_export,
            "django-import-export: a resource of the model, its key as import id",
        ),
        (
            "import_vs_bulk_create",
            by_bulk_create,
            "csv.DictReader and bulk_create(ignore_conflicts) in batches of 1,000",
        ),
    ):
        copy_database(TEMPLATE)
        rows = clean_rows(FEW)
        each = seconds(lambda act=act, rows=rows: act(rows)) / FEW
        assert CallDetailRecord.objects.count() == FEW
        found.append(figure(name, each / ours, "× time for a row", against=what, rows=FEW))
    return found


def clean_rows(count: int) -> list[dict[str, str]]:
    """Return calls as text, as a CSV would hold them, with the workspaces already found."""
    path = FILES / "few.csv"
    write_csv(path, count)
    owners = dict(NumberAssignment.objects.values_list("number__e164", "workspace_id"))
    source = ImportSource.objects.get(name="bench-switch")
    with path.open() as file:
        return [
            {
                "workspace": str(owners[row["from"] if row["from"] in owners else row["to"]]),
                "own_number": row["from"] if row["from"] in owners else row["to"],
                "other_party": row["to"] if row["from"] in owners else row["from"],
                "direction": "outbound" if row["from"] in owners else "inbound",
                "source": str(source.pk), "source_key": row["call_id"], "started_at": row["started_at"],
                "answered_at": row["answered_at"], "ended_at": row["ended_at"], "duration_s": row["duration_seconds"],
                "talk_s": row["talk_seconds"], "billed_s": row["billed_seconds"], "status": row["status"],
                "cost": row["cost"], "currency": row["currency"],
            }
            for row in csv.DictReader(file)
        ]  # fmt: skip


def by_import_export(rows: list[dict[str, str]]) -> None:
    class Calls(resources.ModelResource):
        class Meta:
            model = CallDetailRecord
            import_id_fields = ("workspace", "source", "source_key", "own_number", "started_at")
            fields = tuple(rows[0])

    as_it_reads = [{**row, **{name: row[name][:19].replace("T", " ") for name in INSTANTS}} for row in rows]
    data = tablib.Dataset(*(list(row.values()) for row in as_it_reads), headers=list(rows[0]))
    result = Calls().import_data(data, raise_errors=True)
    assert not result.has_errors()


def by_bulk_create(rows: list[dict[str, str]]) -> None:
    calls = (
        CallDetailRecord(
            workspace_id=row.pop("workspace"), source_id=row.pop("source"),
            **{name: dt.datetime.fromisoformat(row.pop(name)) for name in INSTANTS}, **row,
        )
        for row in (dict(row) for row in rows)
    )  # fmt: skip
    CallDetailRecord.objects.bulk_create(calls, batch_size=1_000, ignore_conflicts=True)
