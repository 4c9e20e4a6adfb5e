"""Which figures there are, and how they are told."""

import json
import sys
import time
from collections.abc import Callable

from django.conf import settings

from bench import (
    conformance,
    deadlines,
    due,
    exports,
    imports,
    lists,
    packages,
    purge,
    requests,
    under_way,
    unreadable,
)
from bench.databases import EMPTY, drop_databases, keep_database
from bench.environment import VAR
from callmama_privacy import embedded, servers

Measure = Callable[[int], list[dict]]
# The name of a figure and what measures it; some are measured together.
MEASURES: dict[str, Measure] = {
    "purge_vs_batched_delete": purge.against_a_loop,
    "due_scan_ms": due.scan,
    "due_scan_growth": due.scan,
    "conformance_20m_s": conformance.measure,
    "purge_two_workers": under_way.two_workers,
    "purge_peak_mb": under_way.two_workers,
    "page_p95_during_purge": under_way.pages,
    "deadlines_10k_s": deadlines.measure,
    "queue_page_p95_ms": requests.measure,
    "request_page_p95_ms": requests.measure,
    "deadlines_vs_library": deadlines.measure,
    "unreadable_after_s": unreadable.measure,
    "package_ratio": packages.measure,
    "package_peak_mb": packages.measure,
    "import_vs_copy": imports.measure,
    "import_peak_mb": imports.measure,
    "import_vs_import_export": imports.measure,
    "import_vs_bulk_create": imports.measure,
    "cdr_list_20m_p95_ms": lists.measure,
    "cdr_list_growth_1m_20m": lists.measure,
    "number_search_20m_p95_ms": lists.measure,
    "customer_page_20m_p95_ms": lists.measure,
    "export_vs_copy_to": exports.measure,
    "export_vs_orm_iterator": exports.measure,
    "export_first_byte_ms": exports.measure,
}


def measure(names: list[str], *, rows: int) -> int:
    """Measure each named figure once; print it and append it to bench.jsonl. Returns the exit code."""
    wanted = list(dict.fromkeys(MEASURES[name] for name in names))
    with servers.ready(migrate=False):
        _fresh_start()
        for act in wanted:
            began = time.monotonic()
            for figure in act(rows):
                line = json.dumps(figure, ensure_ascii=False)
                print(line, flush=True)
                with (VAR.parent / "bench.jsonl").open("a") as file:
                    file.write(line + "\n")
            print(f"  {time.monotonic() - began:,.0f} s", file=sys.stderr)
        drop_databases(EMPTY)
    return 0


def _fresh_start() -> None:
    """Make an empty, migrated database, to be copied by each measurement."""
    drop_databases(embedded.DATABASE, EMPTY)
    with embedded._connect(settings.EMBEDDED, "postgres", "postgres") as connection:
        embedded._make_database(connection, settings.EMBEDDED.password)
    servers.apply_migrations()
    keep_database(EMPTY)
