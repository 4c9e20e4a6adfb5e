"""The checker of the faults is checked: it is silent when all is well, and says what was broken when something was."""

import random

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts import evidence, files, keys
from accounts.models import Credit, KeyPair, Person, Workspace
from retention import deletion, jobs
from retention.deletion import open_door
from retention.models import DeletionJob
from retention.purge import carry_out
from telecom_records.models import CallDetailRecord, Recording
from tests import factories
from tests.chaos import checker, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(tmp_path):
    cast, told, _ = world.make(10, calls=4, chance=random.Random(3), folder=tmp_path)
    world.expire(told, cast.due)
    return cast, told


def to_the_end() -> None:
    now = timezone.now()
    while carry_out(now, now=now):
        DeletionJob.objects.update(lease_until=None)  # those that wait for another workspace of the same person


def codes(wrong: list[str]) -> set[str]:
    return {line.split(":")[0] for line in wrong}


def through_the_door(rows) -> None:
    with transaction.atomic(), open_door():
        rows._raw_delete(rows.db)


def test_before_anything_begins_nothing_is_wrong_but_that_nothing_went(made):
    _, told = made
    assert checker.check_running(told) == []
    assert codes(checker.check_quiet(told)) == {"I6", "I7"}


def test_a_deletion_without_faults_keeps_every_promise(made):
    cast, told = made
    assert {row[0] for row in told.goes} >= {
        "accounts.Person",
        "telecom_records.Number",
        "dsar.TicketMessage",
        "file",
        "key",
    }
    to_the_end()
    assert checker.check_quiet(told) == []
    assert not Workspace.objects.filter(pk__in=cast.held + cast.staying, state=Workspace.State.EMPTIED).exists()


def test_something_gone_before_its_intent_is_seen(made):
    cast, told = made
    through_the_door(Credit.objects.filter(workspace=cast.due[0]))
    assert codes(checker.check_running(told)) == {"I2"}


def test_a_key_destroyed_before_its_intent_is_seen(made):
    cast, told = made
    keys.destroy_keys(KeyPair.Owner.WORKSPACE, [cast.due[0]])
    assert "I2" in codes(checker.check_running(told))


@pytest.mark.parametrize("group", ["held", "staying"])
def test_something_lost_that_should_stay_is_seen_at_once(made, group):
    cast, told = made
    through_the_door(CallDetailRecord.objects.filter(workspace=getattr(cast, group)[0]))
    assert codes(checker.check_running(told)) == {"I3"}


def test_a_file_of_somebody_else_that_is_gone_or_swapped_is_seen(made):
    cast, told = made
    stays = Recording.objects.filter(workspace=cast.staying[0]).order_by("pk")
    mine = next(one for one in stays if ("telecom_records.Recording", str(one.pk)) not in told.takers)
    content = told.before.digests[(checker.FILE, f"telecom_records.Recording {mine.pk}")]
    yours = next(
        one for one in stays if told.before.digests[(checker.FILE, f"telecom_records.Recording {one.pk}")] != content
    )
    Recording.objects.filter(pk=mine.pk).update(file_key=yours.file_key)
    assert "I3" in codes(checker.check_running(told))
    Recording.objects.filter(pk=mine.pk).update(file_key=mine.file_key)
    assert checker.check_running(told) == []
    files.store().delete(mine.file_key)
    assert "I3" in codes(checker.check_running(told))


def test_a_row_that_was_changed_is_seen(made):
    cast, told = made
    to_the_end()
    Person.objects.filter(memberships__workspace=cast.staying[0]).update(name="Somebody else")
    assert codes(checker.check_quiet(told)) == {"I3"}


def test_something_left_is_seen(made, monkeypatch):
    _, told = made
    real = deletion.destroy_batch
    monkeypatch.setattr(
        deletion,
        "destroy_batch",
        lambda entry, *rest, **options: (0, 0) if entry.model == "accounts.Credit" else real(entry, *rest, **options),
    )
    to_the_end()
    assert codes(checker.check_quiet(told)) == {"I6", "I7"}


def test_somebody_who_comes_back_is_seen(made):
    _, told = made
    person = Person.objects.filter(memberships__workspace__in=made[0].due).first()
    to_the_end()
    factories.make_person(outside_id=person.outside_id)
    assert codes(checker.check_running(told)) == {"I8"}


def test_a_key_that_comes_back_is_seen(made):
    cast, told = made
    pair = KeyPair.objects.get(owner=KeyPair.Owner.WORKSPACE, owner_id=cast.due[0])
    to_the_end()
    KeyPair.objects.filter(pk=pair.pk).update(wrapped=pair.wrapped, destroyed_at=None)
    assert "I7" in codes(checker.check_quiet(told))


def test_a_second_done_is_seen(made):
    _, told = made
    to_the_end()
    job = DeletionJob.objects.filter(state=jobs.State.DONE, workspace__isnull=False).first()
    with transaction.atomic():
        evidence.append_entry("DONE", subject=str(job.pk), body={"destroyed": {}, "remains": 0})
    assert codes(checker.check_quiet(told)) == {"I1", "I4"}


def test_a_false_count_is_seen(made):
    _, told = made
    to_the_end()
    job = DeletionJob.objects.filter(state=jobs.State.DONE, workspace__isnull=False).first()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_evidenceentry DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE accounts_evidenceentry SET body = jsonb_set(body, '{destroyed,files}', '1') WHERE sequence = %s",
            [job.done_sequence],
        )
    assert codes(checker.check_quiet(told)) == {"I4", "I5"}
