"""python -m tests.chaos.worker [--clock-ahead DAYS] [--bad-store] [--broken VARIANT]: the real worker, with a fault in it.

The faults are put in before the pool's processes are made, so every one of them has them. The broken variants are engines
with a mistake that somebody could make; the checker must catch each (tests/chaos/test_faults.py).
"""

import argparse
import datetime as dt
import os
import random
import sys
import time
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts import files  # noqa: E402
from accounts.stores import Store  # noqa: E402
from callmama_privacy.celery import app  # noqa: E402
from retention import jobs  # noqa: E402
from retention.jobs import batches, key_destruction, leases  # noqa: E402
from tests.chaos.broken import BROKEN  # noqa: E402
from tests.chaos.places import put_in_marks  # noqa: E402

LEASE = dt.timedelta(seconds=2)  # instead of 30: a killed worker's job is free sooner, and two workers meet more often
LONGEST_TASK = 8  # seconds, instead of 45: a store that hangs is left sooner
HANG_SECONDS = 20


class FaultyStore:
    """The store, one time in three not as it should be: it fails, it says yes and does nothing, or it does not answer."""

    def __init__(self, real: Store):
        self.real = real

    def __getattr__(self, name: str):
        return getattr(self.real, name)

    def delete(self, *keys: str) -> None:
        fault = random.choice(["fails", "lies", "hangs"]) if keys and random.random() < 1 / 3 else ""
        if fault == "fails":
            raise files.UnableToAsk("The store answers 503.")
        if fault == "hangs":
            time.sleep(HANG_SECONDS)
        if fault != "lies":
            self.real.delete(*keys)


def put_in_bad_store() -> None:
    real = files.store
    files.store = lambda: FaultyStore(real())


def put_clock_ahead(days: int) -> None:
    real = timezone.now
    timezone.now = lambda: real() + dt.timedelta(days=days)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clock-ahead", type=int, default=0, metavar="DAYS")
    parser.add_argument("--bad-store", action="store_true")
    parser.add_argument("--broken", choices=sorted(BROKEN))
    parser.add_argument("--concurrency", default="2")
    chosen = parser.parse_args()
    for module in (jobs, leases, batches, key_destruction):
        module.LEASE = LEASE
    app.conf.task_soft_time_limit, app.conf.task_time_limit = LONGEST_TASK, LONGEST_TASK + 4
    if chosen.clock_ahead:
        put_clock_ahead(chosen.clock_ahead)
    if chosen.bad_store:
        put_in_bad_store()
    if chosen.broken:
        BROKEN[chosen.broken]()
    put_in_marks(Path(settings.VAR_DIR) / "places")
    app.worker_main(
        ["worker", "--concurrency", chosen.concurrency, "--loglevel", "WARNING", "--without-gossip", "--without-mingle",
         "--hostname", f"chaos-{os.getpid()}@%h"]
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
