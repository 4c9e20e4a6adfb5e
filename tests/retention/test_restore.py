"""A restored copy of the database serves nobody until every deletion since then is done again, verified, and released by two."""

import json

import pytest
from django.core.management import call_command
from django.db import transaction

from accounts import approvals, checkpoints, evidence, files, keys, outside
from accounts.models import EvidenceEntry, KeyPair, Membership, Person
from accounts.roles import AUDITOR, SUPPORT_AGENT
from accounts.verdicts import Goes, data_map
from retention import jobs, restore, tasks
from retention.models import DeletionJob, Rule, RuleVersion, Tombstone
from retention.purge import carry_out
from retention.unsealing import ask_to_unseal
from tests import factories
from tests.backup import Backup
from tests.factories import DAY, NOW
from tests.retention.state import everything

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
TOKEN = "Zanzibarquux"


@pytest.fixture
def backup(tmp_path):
    yield Backup(tmp_path)
    restore.forget()


@pytest.fixture(autouse=True)
def armed(transactional_db):
    for key in ("workspace_expiry", "kyc_image", "subscriber_recording"):
        Rule.objects.update_or_create(pk=key, defaults={"state": "armed", "armed_at": NOW})


def customer(**fields):
    """Return a customer whose person carries the token, with everything."""
    workspace = factories.make_customer(**fields)
    Person.objects.filter(memberships__workspace=workspace).update(name=TOKEN)
    return workspace


def customers_data() -> dict[str, set]:
    """Return the state of everything that goes one day: without the portal's own books, which only grow."""
    books = {entry.model for entry in data_map().values() if entry.goes is Goes.KEEP}
    books |= {"axes.AccessLog", "sessions.Session"}  # of the test's own sign-ins
    return {name: ids for name, ids in everything().items() if name not in books}


def tokens() -> int:
    return Person.objects.filter(name__contains=TOKEN).count()


def test_a_restored_copy_is_sealed_replayed_verified_and_released_by_two_people(backup, client):
    first, second, agent = (
        factories.make_user(), factories.make_user(), factories.make_user(SUPPORT_AGENT)
    )  # fmt: skip
    alice, bob = customer(), factories.make_customer(expires_at=NOW + 30 * DAY)
    recording = factories.make_recording(bob)
    checkpoints.write()
    backup.take()

    done = carry_out(NOW + 29 * DAY, now=NOW + 29 * DAY)
    assert {job.rule_id for job in done} >= {"workspace_expiry", "subscriber_recording"}
    assert {job.state for job in done} == {"done"}
    assert tokens() == 0 and not files.store().exists(recording.file_key)
    after_deletion = customers_data()
    old = checkpoints.write()
    size, root = old.size, bytes(old.root)
    log = [evidence.as_dict(entry) for entry in evidence.entries_after(0)]

    backup.restore()
    assert tokens() == 1, "the copy brings the person back, or this test proves nothing"
    assert keys.identity_of(KeyPair.Owner.WORKSPACE, alice.pk)
    client.force_login(agent)
    answer = client.get("/admin/")
    assert answer.status_code == 503 and "sealed" in answer.content.decode()
    assert client.get("/healthz").status_code == 503
    tasks.find_due()
    assert not DeletionJob.objects.filter(state="running").exists()
    with pytest.raises(approvals.UnableToApprove, match="done again and verified"):
        ask_to_unseal(restore.current(), user=first, now=NOW)

    seal = restore.replay(restore.current(), now=NOW + 30 * DAY)

    assert (seal.put_back, seal.replayed, seal.remains) == (size - seal.log_size, len(done), {})
    assert seal.verified_at == NOW + 30 * DAY
    assert tokens() == 0
    after_replay = customers_data()
    assert after_replay == after_deletion
    with pytest.raises(keys.KeyDestroyed):
        keys.identity_of(KeyPair.Owner.WORKSPACE, alice.pk)
    assert [evidence.as_dict(entry) for entry in evidence.entries_after(0)][: len(log)] == log
    assert evidence.broken_entry() is None
    assert evidence.root_at(size) == root
    assert (
        EvidenceEntry.objects.filter(type="INTENT").count()
        == EvidenceEntry.objects.filter(type="DONE").count()
        == len(done)
    )
    assert set(DeletionJob.objects.values_list("state", flat=True)) == {"done"}
    assert Tombstone.objects.filter(job__workspace=alice).exists()

    asked = ask_to_unseal(seal, user=first, now=NOW)
    with pytest.raises(approvals.UnableToApprove):
        approvals.decide(asked.pk, user=first, agree=True, now=NOW)
    assert client.get("/admin/").status_code == 503
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    assert client.get("/admin/").status_code == 200
    assert checkpoints.write().size > size
    assert list(EvidenceEntry.objects.filter(subject=f"seal-{seal.pk}").order_by("sequence").values_list("type", flat=True)) == [
        "RESTORE_SEALED", "RESTORE_VERIFIED", "RESTORE_UNSEALED",
    ]  # fmt: skip


def test_a_replay_that_is_interrupted_finishes_at_the_next_call(backup, monkeypatch):
    for _ in range(3):
        customer()
    checkpoints.write()
    backup.take()
    carry_out(NOW, now=NOW)
    checkpoints.write()
    backup.restore()

    calls = iter(range(1000))
    whole = restore.destroy_again

    def dies(erasure, *, now):
        if next(calls) == 1:
            raise RuntimeError("killed")
        return whole(erasure, now=now)

    monkeypatch.setattr(restore, "destroy_again", dies)
    with pytest.raises(RuntimeError):
        restore.replay(restore.current(), now=NOW)
    assert tokens() == 2 and restore.current().verified_at is None
    seal = restore.replay(restore.current(), now=NOW)
    assert (tokens(), seal.replayed, seal.verified_at) == (0, 3, NOW)
    assert EvidenceEntry.objects.filter(type="REPLAYED").count() == 3
    assert EvidenceEntry.objects.filter(type="RESTORE_SEALED").count() == 1


def test_what_a_shorter_period_had_deleted_goes_again_though_the_copy_does_not_know_the_period(backup):
    officer, other = factories.make_user(), factories.make_user()
    bob = factories.make_customer(expires_at=NOW + 300 * DAY)
    consent = factories.make_consent(bob.memberships.get().person, purpose="data_sharing", withdrawn_at=NOW - 10 * DAY)
    Rule.objects.update_or_create(pk="withdrawn_consent", defaults={"state": "armed", "armed_at": NOW})
    checkpoints.write()
    backup.take()
    RuleVersion.objects.create(
        rule_id="withdrawn_consent", number=1, period=5 * DAY, effective_at=NOW - DAY, asked_by=officer, approved_by=other,
        approved_at=NOW - 2 * DAY,
    )  # fmt: skip
    assert [job.state for job in carry_out(NOW, now=NOW) if job.rule_id == "withdrawn_consent"] == ["done"]
    checkpoints.write()
    backup.restore()
    assert type(consent).objects.filter(pk=consent.pk).exists()
    seal = restore.replay(restore.current(), now=NOW)
    assert not type(consent).objects.filter(pk=consent.pk).exists()
    assert seal.verified_at


def test_a_deletion_whose_evidence_was_not_written_outside_yet_is_done_again_all_the_same(backup):
    customer()
    checkpoints.write()
    backup.take()
    evidence_before = outside.last(checkpoints.COPY)["sequence"]
    with_one_more()
    checkpoints.write()
    carry_out(NOW, now=NOW)
    backup.restore()
    assert outside.last(checkpoints.COPY)["sequence"] == evidence_before + 1
    seal = restore.replay(restore.current(), now=NOW)
    assert (tokens(), seal.replayed, seal.put_back) == (0, 1, 1)
    job = DeletionJob.objects.get()
    assert job.state == "cancelled" and "replay" in job.stopped_because


def with_one_more():
    with transaction.atomic():
        evidence.append_entry("TEST", subject="one", body={})


def test_a_copy_on_which_the_portal_has_worked_already_is_not_put_right_by_guessing(backup):
    customer()
    checkpoints.write()
    backup.take()
    carry_out(NOW, now=NOW)
    checkpoints.write()
    backup.restore()
    with_one_more()
    with pytest.raises(restore.UnableToRestore, match="restore the backup again"):
        restore.replay(restore.current(), now=NOW)
    assert tokens() == 1
    assert restore.is_sealed()


def test_nothing_is_destroyed_when_it_cannot_be_written_outside(monkeypatch):
    alice = customer()
    before = customers_data()

    def full(name, *lines):
        raise outside.UnableToWrite("the disk is full")

    monkeypatch.setattr(outside, "append", full)
    jobs.schedule_due(NOW)
    (job_id,) = jobs.runnable()
    job = jobs.run_job(job_id, now=NOW)
    assert job.state == "running"
    after = customers_data()
    assert after == before
    assert keys.identity_of(KeyPair.Owner.WORKSPACE, alice.pk)
    monkeypatch.undo()
    assert jobs.run_job(job_id, now=NOW).state == "done"


def test_the_list_outside_holds_nothing_personal():
    alice = customer()
    person = alice.memberships.get().person
    numbers = list(alice.number_assignments.values_list("number__e164", flat=True))
    carry_out(NOW, now=NOW)
    text = (outside._path("erasures")).read_text()
    assert str(alice.pk) in text and str(person.pk) in text
    for secret in (TOKEN, person.email, person.phone, alice.outside_id, *numbers, *(number[1:] for number in numbers)):
        assert secret not in text


@pytest.mark.parametrize("role", [AUDITOR, SUPPORT_AGENT])
def test_only_those_who_may_end_a_seal_see_its_page(client, role):
    client.force_login(factories.make_user(role))
    assert client.get("/admin/retention/restore/").status_code == 403
    assert client.post("/admin/retention/restore/replay/").status_code == 403


def test_the_command_says_what_it_would_do_and_then_does_it(backup, capsys):
    call_command("replay_erasures")
    assert "no restored copy" in capsys.readouterr().out
    customer()
    checkpoints.write()
    backup.take()
    carry_out(NOW, now=NOW)
    checkpoints.write()
    backup.restore()
    call_command("replay_erasures")
    assert tokens() == 1
    call_command("replay_erasures", "--commit", "--json")
    report = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (report["replayed"], report["left"], report["remains"], report["verified"]) == (1, 0, {}, True)
    assert tokens() == 0


def test_a_deletion_that_the_copy_knows_as_begun_is_ended_before_later_ones_take_a_part_of_it(backup):
    """Somebody has two workspaces. The second deletion takes her, with her place in the first one, which must be over by then."""
    first, second = customer(), customer(expires_at=NOW + DAY)
    shared = second.memberships.get().person
    Membership.objects.create(workspace=first, person=shared, since=NOW - 50 * DAY)
    jobs.schedule_due(NOW)
    (job_id,) = jobs.runnable()
    assert jobs.begin([job_id], now=NOW)
    checkpoints.write()
    backup.take()
    with_one_more()
    checkpoints.write()
    done = carry_out(NOW, now=NOW) + carry_out(NOW + 2 * DAY, now=NOW + 2 * DAY)
    assert {job.workspace_id for job in done if job.state == "done"} == {first.pk, second.pk}
    backup.restore()
    seal = restore.replay(restore.current(), now=NOW + 3 * DAY)
    assert seal.verified_at
    while (job := jobs.run_job(job_id, now=NOW + 3 * DAY)) and job.state == "running":
        pass
    job = DeletionJob.objects.get(pk=job_id)
    assert (job.state, job.stopped_because) == ("done", "")
    assert job.destroyed == job.planned
    assert EvidenceEntry.objects.filter(subject=str(job_id), type__in=["INTENT", "DONE"]).count() == 2
    first.refresh_from_db()
    assert first.state == "emptied"
