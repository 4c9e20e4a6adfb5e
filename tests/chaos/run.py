"""One run: a world, processes, faults one after the other while workers are killed all the time, then the check."""

import argparse
import json
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from django.db import connections, transaction
from django.utils import timezone

from retention import jobs, runs, stops
from retention.due import due_workspaces
from retention.models import DeletionJob
from tests.chaos import checker, world
from tests.chaos.faults import Faults
from tests.chaos.places import IN_BATCHES, INSIDE
from tests.chaos.processes import Processes, wait_until
from tests.chaos.steady import deadlocks, steady

State = DeletionJob.State
CHECK_EVERY = 4.0  # seconds between two looks while everything runs
QUIET_SECONDS = 150
AT_RANDOM = 1 / 4  # of all kills; the others are ordered at a place within a deletion
AT_ONCE = 4  # deletions under way at least
PATIENCE = 25  # turns without a kill, after which one falls at random: nobody may be within a deletion


class Run(Faults):
    """What happens to one world. ``service`` is the S3 service that has its files (``tests/chaos/bucket.py``), or None."""

    def __init__(self, var: Path, chosen: argparse.Namespace, service=None):
        self.service = service
        self.var, self.chosen, self.chance = var, chosen, random.Random(chosen.seed)
        self.began = time.monotonic()
        self.wrong: list[str] = []
        self.counts: Counter = Counter()
        self.processes = Processes(var, chance=self.chance)
        self.next_check, self.patience = 0.0, PATIENCE
        self.aimed = self.at_random = 0
        self.hit: dict[str, int] = {}
        self.places_left: list[str] = []
        self.faults: list[Callable[[], None]] = []
        self.to_expire: list[uuid.UUID] = []  # of the due, whose time is not over yet

    @property
    def kills(self) -> int:
        """Return how many kills there were, but for those of workers that a fault stops."""
        return self.aimed + self.at_random

    def run(self) -> None:
        self.cast, self.world, self.old_files = world.make(
            self.chosen.workspaces, calls=25, chance=self.chance, folder=self.var
        )
        self.untouched, self.to_expire = list(self.cast.staying), list(self.cast.due)
        self.say(
            f"made {len(self.cast.due)} workspaces that go and {len(self.cast.staying) + len(self.cast.held)} that stay"
        )
        self.start()
        for _ in range(0 if self.chosen.broken else self.chosen.rounds):
            self.faults += self.chance.sample(self.all_faults(), len(self.all_faults()))
        pause = self.chosen.kills / (len(self.faults) + 1)
        while self.kills < self.chosen.kills or self.faults:
            self.between()
            if self.faults and self.kills >= pause * (self.counts["faults"] + 1):
                fault = self.faults.pop()
                self.counts["faults"] += 1
                self.say(f"{self.kills} killed; now: {fault.__doc__}")
                self.expire(len(self.to_expire) // (2 * len(self.faults) + 2) or 1)
                fault()
            if self.chosen.broken and self.wrong:
                return
        self.expire(len(self.to_expire))
        self.until_quiet()
        self.wrong += steady(lambda: checker.check_quiet(self.world))
        self.hit = steady(self.deletions_hit)

    def deletions_hit(self) -> dict[str, int]:
        """Return in how many deletions a worker was killed, and how many of them were taken up again and came to their end."""
        hit = {one for place, jobs in self.processes.killed if place in INSIDE for one in jobs.split(",")}
        ended = {job for job, kinds in checker.receipts().kinds.items() if kinds["DONE"] or kinds["REPLAYED"]}
        return {"deletions hit": len(hit), "taken up again and done": len(hit & ended)}

    def start(self) -> None:
        arguments = ["--broken", self.chosen.broken] if self.chosen.broken else []
        for name in ("worker-a", "worker-b")[: 1 if self.chosen.broken else 2]:
            self.processes.start_worker(name, *arguments)
        for name in ("beat-a", "beat-b")[: 1 if self.chosen.broken else 2]:
            self.processes.start_beat(name)

    def say(self, line: str) -> None:
        print(f"{time.monotonic() - self.began:4.0f} s: {line}", file=sys.stderr, flush=True)

    def between(self) -> None:
        """What goes on all the time: kills, second messages for jobs under way, and a look at the invariants."""
        time.sleep(self.chance.uniform(0.02, 0.2))
        self.kill()
        if self.chance.random() < 0.2:
            ids = steady(lambda: list(DeletionJob.objects.filter(state=State.RUNNING).values_list("pk", flat=True)[:3]))
            for job_id in ids * 2:
                self.processes.send("retention.tasks.run_deletion", str(job_id))
        self.processes.revive()
        steady(self.keep_busy)
        steady(self.decide)
        if time.monotonic() > self.next_check:
            self.look()

    def expire(self, count: int) -> None:
        """Let the time of some more workspaces be over."""
        now, self.to_expire = self.to_expire[:count], self.to_expire[count:]
        steady(lambda: world.expire(self.world, now))

    def keep_busy(self) -> None:
        """See that there are always deletions to be killed in, and some left for the faults that are to come."""
        free = len(self.to_expire) - 2 * len(self.faults)
        if free > 0 and DeletionJob.objects.filter(state__in=[State.PENDING, State.RUNNING]).count() < AT_ONCE:
            self.expire(min(free, AT_ONCE))

    def kill(self) -> None:
        """Keep an order out to die at a place within a deletion, each place in its turn; some kills fall at random."""
        places = self.processes.places
        fallen = self.processes.bury()
        self.aimed += fallen
        self.patience = PATIENCE if fallen else self.patience - 1
        if self.kills >= self.chosen.kills:
            places.withdraw()
        elif self.at_random < AT_RANDOM * (self.kills + 1) or not self.patience:
            self.at_random += 1
            self.patience = PATIENCE
            self.processes.kill_a_worker() if self.chance.random() < 0.1 else self.processes.kill_a_child()
        elif not places.waiting():
            aims = IN_BATCHES if self.chosen.broken else INSIDE
            self.places_left = self.places_left or self.chance.sample(aims, len(aims))
            places.order(self.places_left.pop())

    def go_on_for(self, seconds: float) -> None:
        stop_at = time.monotonic() + seconds
        while time.monotonic() < stop_at:
            self.between()

    def decide(self) -> None:
        """What officers do with what waits for them: they let runs go on that the breaker stopped, and deletions."""
        for run in runs.stopped_runs():
            with transaction.atomic():
                runs.go_on(str(run.pk), *self.cast.officers, timezone.now())
            self.counts["runs let go on"] += 1
        for job in DeletionJob.objects.filter(state=State.QUARANTINED):
            jobs.retry(job, user=self.cast.officers[0])
            self.counts["stopped deletions let go on"] += 1

    def look(self) -> None:
        began = time.monotonic()
        found = set(steady(lambda: checker.check_running(self.world))) - set(self.wrong)
        if found:
            self.say(f"{len(found)} things are wrong")
            self.wrong += sorted(found)
        self.counts["looks"] += 1
        took = time.monotonic() - began
        self.next_check = began + took + max(CHECK_EVERY, 2 * took)

    # --- The end --------------------------------------------------------------------------------------------------
    def until_quiet(self) -> None:
        """Wait until nothing is due and no deletion is open."""
        self.say(f"{self.kills} killed; now waiting until nothing is under way")
        self.processes.places.withdraw()

        def quiet() -> bool:
            self.processes.revive()
            self.processes.bury()
            self.decide()
            if time.monotonic() > self.next_check:
                self.look()
            open_jobs = DeletionJob.objects.exclude(state__in=[State.DONE, State.CANCELLED, State.HELD])
            kept = DeletionJob.objects.filter(state=State.HELD).values("workspace")
            due = due_workspaces(timezone.now()).exclude(pk__in=kept)
            return not open_jobs.exists() and not due.exists()

        try:
            wait_until(lambda: steady(quiet), seconds=QUIET_SECONDS, what="nothing is under way", every=0.5)
        except TimeoutError as error:
            stop = f"all is stopped: {found.reason}" if (found := steady(stops.active_stop)) else "nothing is stopped"
            self.wrong.append(f"I6: {error}; {stop}")


def run(var: Path, chosen: argparse.Namespace, service=None) -> int:
    """Run once; print what was found as a JSON line; return the exit code."""
    began = time.monotonic()
    act = Run(var, chosen, service)
    try:
        act.run()
    finally:
        connections.close_all()
        act.processes.end()
    for line in act.wrong[:40]:
        print(line, file=sys.stderr)
    inside = [(place, job) for place, job in act.processes.killed if place in INSIDE]
    told = {
        "figure": "chaos_violations", "value": len(act.wrong), "unit": "violations", "against": "none",
        "rows": len(act.world.before.digests), "killed": len(act.processes.killed), "killed inside a deletion": len(inside),
        "where": dict(Counter(place for place, _ in inside)), **act.hit,
        "seconds": round(time.monotonic() - began), "seed": chosen.seed, "files": "bucket" if service else "folder", **act.counts, "deadlocks": len(deadlocks),
        "kinds": sorted({line.split(":")[0] for line in act.wrong}),
    }  # fmt: skip
    print(json.dumps(told), flush=True)
    return 1 if act.wrong else 0
