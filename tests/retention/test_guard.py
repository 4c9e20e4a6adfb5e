"""What the database itself refuses, whoever asks."""

import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts import evidence
from accounts.models import AccessLogEntry, EvidenceEntry, Workspace
from accounts.verdicts import Goes, data_map
from dsar.models import OptOut
from retention.deletion import open_door
from retention.guard import PARTITIONS
from telecom_records.models import CallDetailRecord
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def refused(statement: str, *values) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else TRUNCATE fails for another reason
            cursor.execute(statement, values)
    except DatabaseError as error:
        return "leave only by the door" in str(error) or "append-only" in str(error)
    return False


def test_every_table_with_personal_data_refuses_delete_and_truncate():
    factories.correct(factories.make_customer())
    factories.make_california(factories.make_user())
    OptOut.objects.create(kind="phone", address_hash=b"x" * 32, channel="letter", asked_at=NOW, recorded_at=NOW)
    factories.make_tool_session()
    factories.make_waiting_recording(factories.make_source())
    factories.make_notice()
    factories.make_letter(factories.make_request(factories.make_user()), factories.make_user())
    factories.make_feed().deliveries.create(nonce="n" * 16, received_at=NOW)
    factories.make_intake().deliveries.create(nonce="n" * 16, received_at=NOW)
    AccessLogEntry.objects.create(user=factories.make_user(), action="look", of="accounts.Person", at=NOW)
    for entry in data_map().values():
        if entry.goes is Goes.KEEP or not entry.guarded or entry.model == "telecom_records.WaitingCall":
            continue
        table = entry.model_class._meta.db_table
        assert entry.model_class._default_manager.exists(), f"{entry.model} needs a row, or this proves nothing"
        assert refused(f"DELETE FROM {table}"), table
        assert refused(f"TRUNCATE {table} CASCADE"), table


def test_a_partition_named_directly_refuses_too():
    workspace = factories.make_workspace()
    factories.make_calls(workspace)
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS, ["telecom_records_calldetailrecord"])
        (partition,) = [name for (name,) in cursor.fetchall() if name.endswith("2026_11")]
    assert refused(f"DELETE FROM {partition}")
    assert refused(f"TRUNCATE {partition}")
    assert refused(f"WITH gone AS (DELETE FROM {partition} RETURNING 1) SELECT count(*) FROM gone")


def test_a_call_cannot_be_moved_to_another_month():
    (call,) = factories.make_calls(factories.make_workspace())
    factories.make_calls(factories.make_workspace(), at=NOW - dt.timedelta(days=60))
    assert refused(
        "UPDATE telecom_records_calldetailrecord SET started_at = started_at - interval '60 days' WHERE workspace_id = %s",
        call.workspace_id,
    )


def test_the_orm_cannot_delete_either():
    workspace = factories.make_workspace()
    with pytest.raises(DatabaseError, match="only by the door"), transaction.atomic():
        workspace.delete()
    assert Workspace.objects.filter(pk=workspace.pk).exists()


def test_the_door_closes_with_its_block():
    factories.make_calls(factories.make_workspace())
    with transaction.atomic():
        with open_door():
            pass
        assert refused("DELETE FROM telecom_records_calldetailrecord")
    with transaction.atomic(), open_door():
        CallDetailRecord.objects.all()._raw_delete("default")
    assert not CallDetailRecord.objects.exists()


def test_the_evidence_refuses_every_change():
    with transaction.atomic():
        evidence.append_entry("RULE_ARMED", subject="x")
    table = "accounts_evidenceentry"
    with transaction.atomic(), open_door():
        for statement in (f"UPDATE {table} SET type = 'X'", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            assert refused(statement), statement
    assert EvidenceEntry.objects.count() == 1


@pytest.mark.parametrize("state", ["emptying", "emptied"])
def test_an_emptied_workspace_takes_nothing_new(state):
    workspace = factories.make_workspace(name="", country="", state=state, emptied_at=NOW)
    with pytest.raises(IntegrityError, match="the workspace is emptied"), transaction.atomic():
        factories.make_calls(workspace)
    with pytest.raises(IntegrityError, match="the workspace is emptied"), transaction.atomic():
        factories.make_subscription(workspace)


def test_a_new_partition_is_guarded_at_once():
    factories.make_calls(factories.make_workspace(), at=dt.datetime(2013, 5, 5, tzinfo=dt.UTC))
    assert refused("DELETE FROM telecom_records_calldetailrecord_2013_05")
    assert refused("TRUNCATE telecom_records_calldetailrecord_2013_05")
