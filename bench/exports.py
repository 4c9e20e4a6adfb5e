"""The export of a list of calls against COPY of the same columns, and against what one would write with the ORM."""

import csv
import io

from django.db import connection

from accounts.exporting import Export, exported_columns
from accounts.masking import mask
from accounts.portal_admin import masked_columns, shown
from bench import invented
from bench.lists import CALLS, fill, officer
from bench.telling import figure, median, seconds
from telecom_records.models import CallDetailRecord

ROUNDS = 3
BY_ORM = 200_000  # rows are enough to see how slow it is
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def measure(rows: int) -> list[dict]:
    """Measure in turns: COPY, the export in clear and masked; then the first bytes of it, and some rows by the ORM."""
    fill(rows)
    copied, clear, masked = [], [], []
    for _ in range(ROUNDS if rows <= 5_000_000 else 1):
        copied.append(seconds(lambda: _by_copy(rows)))
        clear.append(seconds(lambda: _by_export(rows, set())))
        masked.append(seconds(lambda: _by_export(rows, masked_columns(CallDetailRecord))))
    by_orm = seconds(_by_orm) / BY_ORM
    first = _first_byte_ms()
    connection.close()
    copy = median(copied)
    return [
        figure(
            "export_vs_copy_to", copy / median(masked), "× rows/s", rows=rows, clear=round(copy / median(clear), 3),
            against=f"COPY (the same columns) TO STDOUT: {copy:.1f} s; masked {median(masked):.1f} s, wanted at least 0.5",
        ),
        figure(
            "export_vs_orm_iterator", by_orm / (median(masked) / rows), "× rows/s", rows=rows,
            against=f"values_list().iterator() with csv.writer, masked in Python, of {BY_ORM:,} rows",
        ),
        figure("export_first_byte_ms", first, "ms", against="under 300 ms, the first row of the whole list", rows=rows),
    ]  # fmt: skip


def _by_copy(rows: int) -> None:
    columns = ", ".join(
        column.name if column.name != "workspace" else "workspace_id" for column in exported_columns(CallDetailRecord)
    )
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY (SELECT {columns} FROM {invented.CALLS}) TO STDOUT (FORMAT csv)") as copy:
            for _ in copy:
                pass
        assert cursor.rowcount == rows


def _by_export(rows: int, masked: set[str]) -> None:
    export = Export([shown(CallDetailRecord.objects.all())], dated_by="started_at", masked=masked)
    for _ in export.blocks():
        pass
    assert export.rows == rows


def _by_orm() -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    names = [column.expression for column in exported_columns(CallDetailRecord)]
    found = shown(CallDetailRecord.objects.order_by("-started_at", "-pk"))[:BY_ORM]
    for row in found.values_list(*names).iterator(chunk_size=5000):
        values = [mask(value) if place in (1, 2) else value for place, value in enumerate(row)]
        writer.writerow([f"'{each}" if isinstance(each, str) and each.startswith(FORMULA) else each for each in values])


def _first_byte_ms() -> float:
    client = officer()

    def first_row() -> None:
        response = client.post(f"{CALLS}export/", {"reason": "Measured"})
        blocks = iter(response.streaming_content)
        assert next(blocks).startswith(b'"Workspace"') and next(blocks)
        response.close()

    first_row()
    return median([seconds(first_row) for _ in range(5)]) * 1000
