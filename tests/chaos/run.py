"""One run: a world, processes, faults one after the other while workers are killed all the time, then the check."""

import argparse
import datetime as dt
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections, transaction
from django.utils import timezone

from accounts.models import Subscription, Workspace
from callmama_privacy import servers
from retention import jobs, runs, stops
from retention.due import due_workspaces
from retention.holds import UnableToHold, place_hold
from retention.models import DeletionJob
from tests.chaos import checker, world
from tests.chaos.processes import Processes, wait_until

Answer = TypeVar("Answer")
State = DeletionJob.State
CHECK_EVERY = 4.0  # seconds between two looks while everything runs
QUIET_SECONDS = 150


def steady(act: Callable[[], Answer], *, seconds: float = 60) -> Answer:
    """Do something in the database, again while it is away: the faults are for the portal, not for this."""
    stop_at = time.monotonic() + seconds
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError):
            connections.close_all()
            if time.monotonic() > stop_at:
                raise
            time.sleep(0.2)


class Run:
    """What happens to one world."""

    def __init__(self, var: Path, chosen: argparse.Namespace):
        self.var, self.chosen, self.chance = var, chosen, random.Random(chosen.seed)
        self.wrong: list[str] = []
        self.counts: Counter = Counter()
        self.processes = Processes(var, chance=self.chance)
        self.next_check = 0.0

    def run(self) -> None:
        servers.apply_migrations()
        began = time.monotonic()
        spread = max(5.0, self.chosen.kills * 0.25)
        self.cast, self.world = world.make(self.chosen.workspaces, spread=spread, calls=25, chance=self.chance)
        self.say(
            f"made {len(self.cast.due)} workspaces that go and {len(self.cast.staying) + len(self.cast.held)} that stay in {time.monotonic() - began:.0f} s"
        )
        self.start()
        faults = self.faults() * self.chosen.rounds
        self.chance.shuffle(faults)
        pause = self.chosen.kills / (len(faults) + 1)
        while self.processes.killed < self.chosen.kills or faults:
            self.between()
            if faults and self.processes.killed >= pause * (self.counts["faults"] + 1):
                fault = faults.pop()
                self.counts["faults"] += 1
                self.say(f"{self.processes.killed} killed; now: {fault.__doc__}")
                fault()
        self.until_quiet()
        self.wrong += steady(lambda: checker.check_quiet(self.world))

    def start(self) -> None:
        arguments = ["--broken", self.chosen.broken] if self.chosen.broken else []
        for name in ("worker-a", "worker-b"):
            self.processes.start_worker(name, *arguments)
        for name in ("beat-a", "beat-b"):
            self.processes.start_beat(name)

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def between(self) -> None:
        """What goes on all the time: kills, second messages for jobs under way, and a look at the invariants."""
        time.sleep(self.chance.uniform(0.02, 0.3))
        if self.processes.killed < self.chosen.kills:
            self.processes.kill_a_worker() if self.chance.random() < 0.02 else self.processes.kill_a_child()
        if self.chance.random() < 0.3:
            ids = steady(lambda: list(DeletionJob.objects.filter(state=State.RUNNING).values_list("pk", flat=True)[:3]))
            for job_id in ids * 2:
                self.processes.send("retention.tasks.run_deletion", str(job_id))
        self.processes.revive()
        steady(self.decide)
        if time.monotonic() > self.next_check:
            self.look()

    def decide(self) -> None:
        """What officers do with what waits for them: they let runs go on that the breaker stopped, and deletions."""
        for run in runs.stopped_runs():
            with transaction.atomic():
                runs.go_on(str(run.pk), *self.cast.officers, timezone.now())
            self.counts["runs let go on"] += 1
        for job in DeletionJob.objects.filter(state=State.QUARANTINED):
            jobs.retry(job, user=self.cast.officers[0])
            self.counts["deletions tried again"] += 1

    def look(self) -> None:
        found = steady(lambda: checker.check_running(self.world))
        self.counts["looks"] += 1
        self.wrong += [line for line in found if line not in self.wrong]
        self.next_check = time.monotonic() + CHECK_EVERY

    # --- Faults ---------------------------------------------------------------------------------------------------
    def faults(self) -> list[Callable[[], None]]:
        if self.chosen.broken:
            return []
        return [
            self.postgres_stops, self.broker_is_lost, self.disk_is_full, self.store_fails, self.store_lies,
            self.store_hangs, self.clock_jumps, self.hold_is_placed, self.hold_is_placed, self.customer_renews,
        ]  # fmt: skip

    def postgres_stops(self) -> None:
        """PostgreSQL is stopped at once"""
        connections.close_all()
        self.processes.stop_postgres_at_once()

    def broker_is_lost(self) -> None:
        """the broker is killed, and everything in it is lost"""
        self.processes.lose_the_broker()

    def disk_is_full(self) -> None:
        """the disk is full for two seconds"""
        connections.close_all()
        self.processes.fill_the_disk(2)

    def store_fails(self) -> None:
        """a worker's file store fails"""
        self._with_store("fails")

    def store_lies(self) -> None:
        """a worker's file store says yes and does nothing"""
        self._with_store("lies")

    def store_hangs(self) -> None:
        """a worker's file store does not answer"""
        self._with_store("hangs")

    def _with_store(self, fault: str) -> None:
        self.processes.start_worker("worker-store", "--store", fault)
        stop_at = time.monotonic() + 8
        while time.monotonic() < stop_at:
            self.between()
        self.processes.stop_worker("worker-store")

    def clock_jumps(self) -> None:
        """a worker's clock is ten years ahead"""
        for name in ("worker-a", "worker-b"):
            self.processes.stop_worker(name)
        self.processes.start_worker("worker-ahead", "--clock-ahead", "3650")
        try:
            wait_until(lambda: steady(stops.active_stop) is not None, seconds=40, what="the wrong clock is noticed")
        except TimeoutError as error:
            self.wrong.append(f"clock: {error}")
        self.look()
        self.processes.stop_worker("worker-ahead")
        for name in ("worker-a", "worker-b"):
            self.processes.start_worker(name)
        if stop := steady(stops.active_stop):
            steady(lambda: stops.go_on(stop.pk, user=self.cast.officers[0], now=timezone.now()))

    def hold_is_placed(self) -> None:
        """an officer places a hold while deletions run"""
        workspace = Workspace.objects.get(pk=self.chance.choice(self.cast.due))
        officer, now = self.cast.officers[0], timezone.now()
        try:
            steady(
                lambda: place_hold(
                    workspace=workspace, reason="a claim", authority="a court", owner=officer, user=officer,
                    review_on=now.date() + dt.timedelta(days=30), now=now,
                )
            )  # fmt: skip
        except UnableToHold:
            self.counts["holds too late"] += 1
            return
        self.counts["holds in time"] += 1
        self.world.spare(workspace.pk)

    def customer_renews(self) -> None:
        """a customer renews at the last moment"""
        for workspace_id in self.chance.sample(self.cast.due, 3):
            if steady(lambda pk=workspace_id: self._renew(pk)):
                self.counts["renewed in time"] += 1
                self.world.spare(workspace_id)

    def _renew(self, workspace_id) -> bool:
        with transaction.atomic():
            workspace = Workspace.objects.select_for_update().get(pk=workspace_id)
            if workspace.state not in Workspace.INTACT:
                return False
            for subscription in Subscription.objects.filter(workspace=workspace):
                subscription.expires_at = timezone.now() + dt.timedelta(days=365)
                subscription.save()
                self.world.changed.add(("accounts.Subscription", str(subscription.pk)))
        return True

    # --- The end --------------------------------------------------------------------------------------------------
    def until_quiet(self) -> None:
        """Wait until nothing is due and no deletion is open."""
        self.say(f"{self.processes.killed} killed; now waiting until nothing is under way")

        def quiet() -> bool:
            self.processes.revive()
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
            self.wrong.append(f"I6: {error}")


def run(var: Path, chosen: argparse.Namespace) -> int:
    """Run once; print what was found as a JSON line; return the exit code."""
    began = time.monotonic()
    act = Run(var, chosen)
    try:
        act.run()
    finally:
        connections.close_all()
        act.processes.end()
    for line in act.wrong[:40]:
        print(line, file=sys.stderr)
    told = {
        "figure": "chaos_violations", "value": len(act.wrong), "unit": "violations", "against": "none",
        "rows": len(act.world.before.digests), "killed": act.processes.killed, "seconds": round(time.monotonic() - began),
        "seed": chosen.seed, **act.counts, "kinds": sorted({line.split(":")[0] for line in act.wrong}),
    }  # fmt: skip
    print(json.dumps(told), flush=True)
    return 1 if act.wrong else 0
