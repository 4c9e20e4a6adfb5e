"""A key store in a database of its own: nothing of it in the other one, and whatever breaks between the two is repeated."""

import contextlib
import io
import multiprocessing
import os
import signal
import uuid

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, router, transaction

from accounts import epochs, files, keys
from accounts import key_store as key_store_module
from accounts.models import EvidenceEntry, KeyEpoch, KeyPair, Workspace
from retention import deletion, jobs
from retention.models import DeletionJob
from retention.purge import carry_out
from tests import factories
from tests.factories import NOW
from tests.retention.state import everything, lost
from tests.retention.test_expiry import ids_of

pytestmark = pytest.mark.django_db(transaction=True)


def make_database(name: str, *, template: str = "template1") -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


@contextlib.contextmanager
def key_store_in(name: str):
    """Use a database of the same server as the key store."""
    connections.settings["keystore"] = {**connection.settings_dict, "NAME": name}
    settings.KEYSTORE_DATABASE = "keystore"
    try:
        yield
    finally:
        connections["keystore"].close()
        del connections["keystore"]
        del connections.settings["keystore"]
        settings.KEYSTORE_DATABASE = "default"


@pytest.fixture(scope="module")
def migrated(django_db_setup, django_db_blocker):
    """Return the name of a database with the tables of a key store, to be copied."""
    with django_db_blocker.unblock():
        name = f"{connection.settings_dict['NAME']}_migrated_keys"
        make_database(name)
        with key_store_in(name):
            call_command("migrate", database="keystore", verbosity=0, interactive=False)
        yield name
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def key_store(migrated, transactional_db, django_db_blocker):
    """Put the key store into a second database of the same server for one test.

    Unblocked once more: Django's test case would refuse a database that was not there when it began.
    """
    with django_db_blocker.unblock():
        name = f"{connection.settings_dict['NAME']}_keys"
        make_database(name, template=migrated)
        with key_store_in(name):
            yield "keystore"
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def rows(alias: str, table: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def tables(alias: str) -> set[str]:
    return set(connections[alias].introspection.table_names())


def test_the_key_store_holds_keys_and_nothing_else(key_store):
    factories.make_customer()
    assert tables(key_store) == {"accounts_keypair", "accounts_keyepoch", "django_migrations"}
    assert (rows(key_store, "accounts_keypair"), rows(key_store, "accounts_keyepoch")) == (2, 1)
    assert rows("default", "accounts_keypair") == rows("default", "accounts_keyepoch") == 0
    assert not router.allow_migrate("default", "accounts", model_name="keypair")


def test_everything_of_an_expired_workspace_goes_over_two_databases(key_store):
    factories.arm()
    alice, bob = factories.make_customer(), factories.make_customer(expires_at=None)
    recording, others = alice.recordings.get(), bob.recordings.get()
    expected, before = ids_of(alice), everything()
    assert files.read_encrypted(recording.file_key) == b"RIFF....WAVE"
    (job,) = carry_out(NOW, now=NOW)
    assert job.state == DeletionJob.State.DONE
    assert lost(before, everything()) == expected
    with pytest.raises(keys.KeyDestroyed):
        keys.identity_of("workspace", alice.pk)
    assert files.read_encrypted(others.file_key) == b"RIFF....WAVE"


def test_a_key_destroyed_before_the_main_commit_failed_is_gone_and_the_repeat_goes_on(key_store, monkeypatch):
    factories.arm()
    alice = factories.make_customer()
    expected, before = ids_of(alice), everything()
    real = deletion.keys.destroy_keys

    def destroy_and_fail(owner, owner_ids):
        real(owner, owner_ids)
        raise DatabaseError("the connection to the customers' database is lost")

    jobs.schedule_due(NOW)
    job_id = DeletionJob.objects.get().pk
    with monkeypatch.context() as patch:
        patch.setattr(deletion.keys, "destroy_keys", destroy_and_fail)
        job = jobs.run_job(job_id, now=NOW)
    assert job.state == DeletionJob.State.RUNNING and job.intent_sequence
    with pytest.raises(keys.KeyDestroyed):
        keys.identity_of("workspace", alice.pk)
    assert lost(before, everything()) == {}
    carry_out(NOW, now=NOW)
    assert DeletionJob.objects.get().state == DeletionJob.State.DONE
    assert lost(before, everything()) == expected
    for kind in ("INTENT", "DONE"):
        assert EvidenceEntry.objects.filter(type=kind).count() == 1


def _run_and_be_killed(job_id) -> None:
    real = deletion.keys.destroy_keys

    def destroy_and_die(owner, owner_ids):
        real(owner, owner_ids)
        os.kill(os.getpid(), signal.SIGKILL)

    deletion.keys.destroy_keys = destroy_and_die
    jobs.run_job(job_id, now=NOW)


def test_a_worker_killed_between_the_two_databases_is_followed_by_one_that_ends_the_job(key_store):
    factories.arm()
    alice = factories.make_customer()
    expected, before = ids_of(alice), everything()
    jobs.schedule_due(NOW)
    job_id = DeletionJob.objects.get().pk
    connections.close_all()
    worker = multiprocessing.get_context("fork").Process(target=_run_and_be_killed, args=(job_id,))
    worker.start()
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL
    assert KeyPair.objects.get(owner="workspace", owner_id=alice.pk).wrapped is None
    assert lost(before, everything()) == {}
    DeletionJob.objects.update(lease_until=None)
    carry_out(NOW, now=NOW)
    assert DeletionJob.objects.get().state == DeletionJob.State.DONE
    assert lost(before, everything()) == expected
    for kind in ("INTENT", "DONE"):
        assert EvidenceEntry.objects.filter(type=kind).count() == 1


def test_no_key_is_destroyed_when_intent_cannot_be_written(key_store, monkeypatch):
    factories.arm()
    alice = factories.make_customer()

    def refuse(*_, **__):
        raise DatabaseError("no")

    jobs.schedule_due(NOW)
    with monkeypatch.context() as patch:
        patch.setattr("accounts.evidence.append_entries", refuse)
        jobs.run_job(DeletionJob.objects.get().pk, now=NOW)
    assert Workspace.objects.get(pk=alice.pk).state == "hidden", "its time is over, and nothing of it was touched"
    assert files.read_encrypted(alice.recordings.get().file_key) == b"RIFF....WAVE"


def test_a_pair_made_in_a_transaction_that_was_rolled_back_is_used_by_the_next_upload(key_store):
    owner = uuid.uuid4()
    with pytest.raises(RuntimeError), transaction.atomic():
        files.put_encrypted(io.BytesIO(b"words"), owner="person", owner_id=owner)
        raise RuntimeError
    pair = KeyPair.objects.get()
    key = files.put_encrypted(io.BytesIO(b"words"), owner="person", owner_id=owner)
    assert KeyPair.objects.get() == pair
    assert files.read_encrypted(key) == b"words"


def test_epochs_change_and_end_over_two_databases(key_store):
    from accounts import approvals

    first_officer, second_officer = (factories.make_user(email=f"{name}@example.test") for name in ("mina", "otto"))
    key = files.put_encrypted(io.BytesIO(b"words"), owner="person", owner_id=uuid.uuid4())
    for _ in range(2):
        epochs.rotate(now=NOW, user=first_officer)
        assert epochs.rewrap(seconds=60) == (1, 0)
    first = KeyEpoch.objects.get(number=1)
    asked = epochs.ask_to_prune(first, user=first_officer, now=NOW)
    approvals.decide(asked.pk, user=second_officer, agree=True, now=NOW)
    assert epochs.destroy_due(NOW + 7 * factories.DAY) == 1
    assert KeyEpoch.objects.get(number=1).state == "destroyed"
    assert EvidenceEntry.objects.filter(type="KEY_EPOCH_DESTROYED").count() == 1
    assert files.read_encrypted(key) == b"words"


def test_an_agreement_that_was_rolled_back_ends_no_epoch(key_store, monkeypatch):
    """The key store has committed “pending”, the approval beside it has not: nobody has agreed."""
    from accounts import approvals

    first_officer, second_officer = (factories.make_user(email=f"{name}@example.test") for name in ("mina", "otto"))
    keys.recipient_of("person", uuid.uuid4())
    for _ in range(2):
        epochs.rotate(now=NOW, user=first_officer)
        epochs.rewrap(seconds=60)
    asked = epochs.ask_to_prune(KeyEpoch.objects.get(number=1), user=first_officer, now=NOW)

    def fail(type, **_):
        raise DatabaseError("lost")

    with monkeypatch.context() as patch, pytest.raises(DatabaseError):
        patch.setattr("accounts.evidence.append_entry", fail)
        approvals.decide(asked.pk, user=second_officer, agree=True, now=NOW)
    assert KeyEpoch.objects.get(number=1).state == "pending"
    assert epochs.destroy_due(NOW + 8 * factories.DAY) == 0
    assert KeyEpoch.objects.get(number=1).state == "kept"


def test_rows_of_the_key_store_leave_by_no_door(key_store):
    keys.recipient_of("person", uuid.uuid4())
    for statement in ("DELETE FROM accounts_keypair", "TRUNCATE accounts_keypair CASCADE"):
        with (
            pytest.raises(DatabaseError, match="only by the door"),
            transaction.atomic(using=key_store),
            connections[key_store].cursor() as cursor,
        ):
            cursor.execute(statement)


def test_keys_that_were_left_in_the_first_database_stop_the_start(key_store):
    from callmama_privacy import servers

    assert not key_store_module.left_behind()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_keypair (id, owner, owner_id, recipient, created_at, destroyed_at)"
            " VALUES (gen_random_uuid(), 'person', gen_random_uuid(), '', now(), now())"
        )
    assert key_store_module.left_behind()
    with pytest.raises(servers.UnableToReach, match="still in the first one"), servers.ready(migrate=True):
        pass


def test_one_database_leaves_nothing_behind():
    keys.recipient_of("person", uuid.uuid4())
    assert not key_store_module.left_behind()
