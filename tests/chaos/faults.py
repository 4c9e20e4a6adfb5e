"""What happens to a world beside kills. Each method is one fault; its docstring is what the run says when it happens."""

import datetime as dt
import time
import uuid
from collections.abc import Callable

from django.db import connections, transaction
from django.utils import timezone

from accounts import approvals, checkpoints, epochs, evidence
from accounts.models import KeyEpoch, KeyPair, Subscription, Workspace
from retention import restore, stops
from retention.holds import UnableToHold, place_hold
from retention.models import DeletionJob, Seal
from retention.unsealing import ask_to_unseal
from telecom_records.models import Recording
from tests.backup import Backup
from tests.chaos import checker, world
from tests.chaos.places import REPLAY, STAY
from tests.chaos.processes import wait_until
from tests.chaos.steady import steady

State = DeletionJob.State
GROWING_OLD = 3  # workspaces whose recordings come due at once, for a hold that comes while they go


class Faults:
    """The faults of a run (``tests/chaos/run.py``), which has the world, its processes and what goes on between."""

    def all_faults(self) -> list[Callable[[], None]]:
        faults = [
            self.postgres_stops, self.broker_is_lost, self.disk_is_full, self.store_is_bad, self.clock_jumps, self.keys_rotate,
            self.hold_is_placed, self.hold_comes_mid_batch, self.customer_renews, self.old_files_come_again, self.old_dump_is_restored,
        ]  # fmt: skip
        return [*faults, self.store_is_away] if self.service else faults

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
        self.counts["writes refused by a full disk"] += self.processes.fill_the_disk(2)

    def store_is_bad(self) -> None:
        """a worker's file store fails, says yes and does nothing, or does not answer"""
        self.processes.start_worker("worker-store", "--bad-store")
        self.go_on_for(8)
        self.processes.stop_worker("worker-store")

    def store_is_away(self) -> None:
        """the S3 service is away for three seconds"""
        self.service.be_away(3)

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

    # --- Holds and renewals ---------------------------------------------------------------------------------------
    def hold_is_placed(self) -> None:
        """an officer places a hold while deletions run"""
        workspace_id = self.chance.choice(self.at_their_end())
        if steady(lambda: self.place_hold(workspace_id)):
            self.world.spare(workspace_id)

    def at_their_end(self) -> list[uuid.UUID]:
        """Return the workspaces whose time was over last, or will be next."""
        place = len(self.cast.due) - len(self.to_expire)
        return self.cast.due[max(0, place - 3) : place + 2]

    def place_hold(self, workspace_id: uuid.UUID) -> bool:
        officer, now = self.cast.officers[0], timezone.now()
        try:
            place_hold(
                workspace=Workspace.objects.get(pk=workspace_id), reason="a claim", authority="a court", owner=officer,
                user=officer, review_on=now.date() + dt.timedelta(days=30), now=now,
            )  # fmt: skip
        except UnableToHold as error:
            self.say(f"workspace {workspace_id} is not held: {error}")
            self.counts["holds too late"] += 1
            return False
        self.say(f"workspace {workspace_id} is held")
        self.counts["holds in time"] += 1
        return True

    def hold_comes_mid_batch(self) -> None:
        """an officer places a hold in the middle of a batch that takes rows of the same workspace"""
        chosen, self.untouched = self.untouched[:GROWING_OLD], self.untouched[GROWING_OLD:]
        recordings = Recording.objects.filter(workspace__in=chosen)
        steady(lambda: world.grow_old(self.world, recordings.values_list("pk", flat=True)))
        self.processes.places.withdraw()
        self.processes.places.order(STAY)
        try:
            wait_until(self.somebody_stays, seconds=40, what="a batch of recordings is under way")
        except TimeoutError:
            self.processes.places.withdraw()
            return
        if self.chance.random() < 0.5:  # what the batch has destroyed so far must be what is gone
            self.processes.kill_who_stays()
        (last,) = steady(lambda: recordings.order_by("-pk").values_list("workspace", flat=True)[:1]) or chosen[:1]
        steady(lambda: self.hold_what_is_left(last))

    def somebody_stays(self) -> bool:
        self.processes.revive()
        steady(self.decide)
        return self.processes.places.who_stays() is not None

    def hold_what_is_left(self, workspace_id: uuid.UUID) -> None:
        """Place the hold, and note in the same transaction what it has come in time for."""
        with transaction.atomic():
            if not self.place_hold(workspace_id):
                return
            left = Recording.objects.filter(workspace=workspace_id).values_list("pk", flat=True)
            rows = [row for pk in left for row in checker.recording_and_file(pk)]
        self.counts["rows held mid-batch"] += sum(row in self.world.takers for row in rows)
        self.world.spare_rows(rows)

    def customer_renews(self) -> None:
        """a customer renews at the last moment"""
        for workspace_id in self.chance.sample(self.at_their_end(), 2):
            if steady(lambda pk=workspace_id: self._renew(pk)):
                self.say(f"workspace {workspace_id} is renewed")
                self.counts["renewed in time"] += 1
                self.world.spare(workspace_id)
                self.to_expire = [pk for pk in self.to_expire if pk != workspace_id]

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

    # --- Keys -----------------------------------------------------------------------------------------------------
    def keys_rotate(self) -> None:
        """the epoch of the keys changes again and again while keys are destroyed, and old epochs are destroyed"""
        officer = self.cast.officers[0]
        destroyed = KeyPair.objects.filter(destroyed_at__isnull=False)
        before = steady(destroyed.count)
        for _ in range(4):
            steady(lambda: epochs.rotate(now=timezone.now(), user=officer))
            self.processes.send("accounts.tasks.wrap_keys_anew")
            stop_at = time.monotonic() + 1.5
            while time.monotonic() < stop_at:
                self.counts["keys wrapped anew"] += steady(lambda: epochs.rewrap(seconds=0.5))[0]
                self.between()
        self.counts["keys destroyed meanwhile"] += steady(destroyed.count) - before
        for epoch in steady(lambda: list(KeyEpoch.objects.filter(state=KeyEpoch.State.KEPT).order_by("number"))):
            steady(lambda epoch=epoch: self._prune(epoch))
        later = timezone.now() + dt.timedelta(days=365)
        self.counts["epochs destroyed"] += steady(lambda: epochs.destroy_due(later))

    def _prune(self, epoch: KeyEpoch) -> None:
        if epochs.why_not_prune(epoch):
            return
        first, second = self.cast.officers
        asked = epochs.ask_to_prune(epoch, user=first, now=timezone.now())
        approvals.decide(asked.pk, user=second, agree=True, now=timezone.now())

    # --- What was there before comes again --------------------------------------------------------------------------
    def old_files_come_again(self) -> None:
        """the files by which everybody came are imported again"""
        begun = steady(lambda: list(Workspace.objects.exclude(state__in=Workspace.INTACT).values_list("pk", flat=True)))
        for workspace_id in self.chance.sample(begun, min(8, len(begun))):
            for resource, dataset in self.old_files.customers[workspace_id]:
                result = steady(lambda make=resource, rows=dataset: make().import_data(rows, raise_errors=False))
                self.counts["rows of old customer files refused"] += len(result.invalid_rows) + len(result.row_errors())
            self.between()
        run = steady(lambda: world.import_calls(self.old_files, now=timezone.now()))
        self.counts["calls of old files refused"] += run.rejected
        if run.inserted or run.revised or run.unattributed:
            self.wrong.append(f"I8: an old file brought calls: {run.accounting}")

    def old_dump_is_restored(self) -> None:
        """the machine goes, and an old dump of the database is restored"""
        backup = Backup(self.var)
        steady(checkpoints.write)
        steady(backup.take)
        self.go_on_for(6)
        held = self.chance.choice(self.at_their_end())
        was_held = steady(lambda: self.place_hold(held))
        if was_held:
            self.world.spare(held)
        steady(checkpoints.write)  # what is done after this is in no copy of the log
        self.go_on_for(4)
        self.processes.stop_everybody()
        self.processes.bury()
        done = steady(DeletionJob.objects.filter(state=State.DONE).count)
        steady(backup.restore)
        self.counts["deletions undone by a dump"] += done - steady(DeletionJob.objects.filter(state=State.DONE).count)
        self.start()
        wait_until(lambda: steady(restore.current) is not None, seconds=40, what="the restored copy is sealed")
        size = steady(evidence.tree_now)[0]
        time.sleep(3)  # more than a tick
        if steady(evidence.tree_now)[0] != size:
            self.wrong.append("sealed: something was done before the deletions since the dump were done again")
        self.processes.places.order(REPLAY)
        self.ask_again_at = 0.0
        wait_until(self._is_replayed, seconds=120, what="the deletions since the dump are done again", every=0.5)
        self.processes.places.withdraw()
        seal = Seal.objects.get(unsealed_at__isnull=True)
        self.counts["deletions replayed"] += seal.replayed
        if was_held:
            steady(lambda: self.place_hold(held))
        wait_until(lambda: steady(lambda: self._unseal(seal.pk)), seconds=60, what="two officers end the seal", every=1)

    def _is_replayed(self) -> bool:
        """Ask for the replay, twice at once, and again when those who carry it out may have been killed."""
        self.processes.revive()
        self.processes.bury()
        if time.monotonic() > self.ask_again_at:
            for _ in range(2):
                self.processes.send("retention.tasks.replay_erasures")
            self.ask_again_at = time.monotonic() + 8
        return steady(lambda: Seal.objects.get(unsealed_at__isnull=True).verified_at) is not None

    def _unseal(self, seal_id: int) -> bool:
        """Let two officers end the seal. A second replay that verifies once more voids what they were asked."""
        first, second = self.cast.officers
        try:
            asked = ask_to_unseal(Seal.objects.get(pk=seal_id), user=first, now=timezone.now())
            approvals.decide(asked.pk, user=second, agree=True, now=timezone.now())
        except approvals.UnableToApprove:
            return False
        return True
