"""Stopping everything: by an officer, in the middle of a deletion, and by a clock that cannot be right."""

import datetime as dt

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import EvidenceEntry, Subscription, Workspace
from accounts.roles import AUDITOR
from retention import jobs, stops, tasks
from retention.models import DeletionJob, EngineStop, Slot
from retention.purge import carry_out
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def woken(monkeypatch):
    """The jobs that a tick woke a worker for; no worker is there."""
    ids: list[str] = []
    monkeypatch.setattr(tasks.run_deletion, "delay", ids.append)
    return ids


def pause(officer, now) -> EngineStop:
    return stops.stop(EngineStop.Kind.OFFICER, reason="A feed looks wrong", user=officer, now=now)


def test_while_stopped_nothing_is_found_and_nothing_runs_and_then_everything_goes(officer, now, woken):
    factories.arm()
    workspace = factories.make_customer(expires_at=now - MINUTE)
    stop = pause(officer, now)
    tasks.find_due()
    assert not DeletionJob.objects.exists() and woken == []
    jobs.schedule_due(now)
    assert jobs.run_job(DeletionJob.objects.get(workspace=workspace).pk, now=now) is None
    stops.go_on(stop.pk, user=officer, now=now)
    carry_out(now, now=now)
    workspace.refresh_from_db()
    assert workspace.state == Workspace.State.EMPTIED
    assert list(EvidenceEntry.objects.filter(type__in=["STOPPED", "WENT_ON"]).order_by("sequence").values_list("type", flat=True)) == [
        "STOPPED", "WENT_ON",
    ]  # fmt: skip


def test_a_stop_takes_hold_between_two_batches_and_the_rest_follows_afterwards(officer, now, settings, monkeypatch):
    settings.RETENTION_BATCH_ROWS = 2
    factories.arm()
    workspace = factories.make_customer(expires_at=now - MINUTE, calls=10)
    jobs.schedule_due(now)
    job = DeletionJob.objects.get(workspace=workspace)
    run_batch, seen = jobs.run_batch, []

    def batch_then_stop(job_id, entry, scope):
        rows = run_batch(job_id, entry, scope)
        if rows and not seen:
            seen.append(pause(officer, now))
        return rows

    monkeypatch.setattr(jobs, "run_batch", batch_then_stop)
    job = jobs.run_job(job.pk, now=now)
    assert (job.state, job.lease_until) == (DeletionJob.State.RUNNING, None)
    assert 0 < job.rows_destroyed < job.rows_planned
    assert jobs.run_job(job.pk, now=now) is None
    stops.go_on(seen[0].pk, user=officer, now=now)
    job = jobs.run_job(job.pk, now=now)
    assert (job.state, job.destroyed) == (DeletionJob.State.DONE, job.planned)


def test_one_stop_at_a_time_and_it_ends_once(officer, now):
    stop = pause(officer, now)
    with pytest.raises(stops.UnableToStop, match="already"):
        pause(officer, now)
    stops.go_on(stop.pk, user=officer, now=now)
    with pytest.raises(stops.UnableToStop, match="ended already"):
        stops.go_on(stop.pk, user=officer, now=now)
    assert stops.active_stop() is None


@pytest.mark.parametrize(
    ("last", "now_is", "says"),
    [
        (None, dt.timedelta(days=3650), "3,650 days apart"),
        (None, -6 * MINUTE, "6 minutes apart"),
        (-27 * HOUR, dt.timedelta(0), "Nothing ran for 27 hours"),
        (9 * MINUTE, dt.timedelta(0), "9 minutes behind"),
    ],
)
def test_a_clock_that_cannot_be_right_stops_everything_and_deletes_nothing(now, woken, monkeypatch, last, now_is, says):
    factories.arm()
    factories.make_customer(expires_at=now - MINUTE)
    factories.make_customer(expires_at=now + 300 * DAY)
    if last is not None:
        Slot.objects.create(name=stops.TICK, at=now + last)
    monkeypatch.setattr(tasks.timezone, "now", lambda: now + now_is)
    tasks.find_due()
    assert not DeletionJob.objects.exists() and woken == []
    stop = EngineStop.objects.get()
    assert stop.kind == EngineStop.Kind.CLOCK and says in stop.reason
    tasks.find_due()
    assert EngineStop.objects.count() == 1


@pytest.mark.parametrize("last", [None, -25 * HOUR, 4 * MINUTE, dt.timedelta(0)])
def test_a_clock_that_may_be_right_stops_nothing(now, woken, last):
    factories.arm()
    factories.make_customer(expires_at=now - MINUTE)
    if last is not None:
        Slot.objects.create(name=stops.TICK, at=now + last - 15 * dt.timedelta(seconds=1))
    tasks.find_due()
    assert len(woken) == 1 and not EngineStop.objects.exists()


def test_an_officers_word_that_the_time_is_right_lets_deletions_go_on(officer, now, woken):
    factories.arm()
    factories.make_customer(expires_at=now - MINUTE)
    Slot.objects.create(name=stops.TICK, at=now + 300 * DAY)
    tasks.find_due()
    stops.go_on(EngineStop.objects.get().pk, user=officer, now=now - MINUTE)
    tasks.find_due()
    assert len(woken) == 1 and stops.active_stop() is None


def test_a_clock_fault_behind_an_officers_stop_is_found_when_that_one_ends(officer, now, woken):
    stop = pause(officer, now)
    Slot.objects.create(name=stops.TICK, at=now - 27 * HOUR)
    tasks.find_due()
    stops.go_on(stop.pk, user=officer, now=now)
    tasks.find_due()
    assert stops.active_stop().kind == EngineStop.Kind.CLOCK


def test_the_command_does_not_delete_while_stopped(officer, now):
    factories.arm()
    workspace = factories.make_customer(expires_at=now - MINUTE)
    pause(officer, now)
    with pytest.raises(CommandError, match="A feed looks wrong"):
        call_command("purge_expired", "--commit")
    workspace.refresh_from_db()
    assert workspace.state == Workspace.State.ACTIVE


def test_an_officer_stops_from_the_admin_every_page_says_so_and_an_auditor_cannot(client, officer):
    client.force_login(officer)
    client.post("/admin/retention/enginestop/add/", {"reason": "A feed looks wrong"})
    stop = stops.active_stop()
    assert (stop.kind, stop.began_by) == (EngineStop.Kind.OFFICER, officer)
    for url in ("/admin/", "/admin/accounts/person/", "/admin/retention/due/"):
        assert "Every deletion is stopped: A feed looks wrong" in client.get(url).content.decode()
    assert client.get("/admin/retention/enginestop/add/").status_code == 403
    client.force_login(factories.make_user(AUDITOR))
    assert client.post(f"/admin/retention/enginestop/{stop.pk}/go_on/", {"_form_submitted": "True"}).status_code in (
        403,
        302,
    )
    assert stops.active_stop() == stop
    client.force_login(officer)
    client.post(f"/admin/retention/enginestop/{stop.pk}/go_on/", {"_form_submitted": "True"})
    assert stops.active_stop() is None


def test_a_customer_who_renews_before_her_turn_is_not_lost_to_a_worker_whose_clock_is_ahead():
    factories.arm()
    workspace = factories.make_customer(expires_at=NOW - DAY)
    jobs.schedule_due(NOW)
    Subscription.objects.filter(workspace=workspace).update(expires_at=NOW + 365 * DAY)
    job = jobs.run_job(DeletionJob.objects.get().pk, now=NOW + 3650 * DAY)
    assert job.state == DeletionJob.State.CANCELLED
    assert Workspace.objects.get(pk=workspace.pk).state in Workspace.INTACT


def test_a_worker_whose_clock_is_ahead_carries_nothing_on_and_stops_everything(monkeypatch):
    factories.arm()
    workspace = factories.make_customer(expires_at=NOW - DAY)
    jobs.schedule_due(NOW)
    ahead = timezone.now() + 3650 * DAY
    monkeypatch.setattr("retention.tasks.timezone.now", lambda: ahead)
    tasks.run_deletion(str(DeletionJob.objects.get().pk))
    assert Workspace.objects.get(pk=workspace.pk).state in Workspace.INTACT
    assert stops.active_stop().kind == EngineStop.Kind.CLOCK
