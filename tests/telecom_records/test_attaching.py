"""Old months from tables that an operator loaded: attached when an import would have made the same rows, or not at all."""

import datetime as dt

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from accounts.models import EvidenceEntry, Workspace
from retention.models import Tombstone
from retention.purge import carry_out
from telecom_records import attaching
from telecom_records.attaching import UnableToAttach, attach_month
from telecom_records.models import CallDetailRecord, NumberAssignment, SmsRecord
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
MONTH = dt.date(2026, 3, 1)
AT = dt.datetime(2026, 3, 10, tzinfo=dt.UTC)
CALLS = "telecom_records_calldetailrecord"


def sql(statement: str, *values) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def alice():
    workspace = factories.make_workspace()
    factories.make_subscription(workspace, expires_at=NOW + 30 * DAY)
    factories.make_assignment(workspace, factories.make_number("+442079460101"), since=NOW - 900 * DAY)
    return workspace


@pytest.fixture
def loaded(alice):
    """A table as an operator loads it: the portal's columns and nothing else, three calls of alice in March."""
    numbers = {"own_number": "+442079460101"}
    calls = factories.make_calls(alice, 3, at=AT, **numbers)
    sql("CREATE TABLE loaded (LIKE telecom_records_calldetailrecord)")
    sql(f"INSERT INTO loaded SELECT * FROM {CALLS} WHERE id = ANY(%s)", [call.pk for call in calls])
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql(f"ALTER TABLE {CALLS} DETACH PARTITION {CALLS}_2026_03")
    sql(f"DROP TABLE {CALLS}_2026_03")
    sql("SET CONSTRAINTS ALL DEFERRED")
    assert not CallDetailRecord.objects.exists()
    return "loaded"


def attach(table: str = "loaded", month: dt.date = MONTH) -> int:
    return attach_month("calls", table, month, now=NOW)


def refused(table: str = "loaded", month: dt.date = MONTH) -> str:
    """Return why the table is refused, having seen that nothing of it came in and that it is as it was."""
    before = sql("SELECT * FROM loaded ORDER BY id")
    with pytest.raises(UnableToAttach) as error, transaction.atomic():
        attach(table, month)
    assert not CallDetailRecord.objects.exists() and not EvidenceEntry.objects.filter(type="MONTH_ATTACHED").exists()
    assert sql("SELECT * FROM loaded ORDER BY id") == before
    return str(error.value)


def test_a_month_is_attached_with_keys_guards_and_ids_of_its_own(alice, loaded):
    other = factories.make_calls(alice, at=NOW - DAY)[0]
    taken = sql("SELECT min(id) FROM loaded")[0][0]
    sql("UPDATE loaded SET id = %s WHERE id = %s", other.pk, taken)
    assert attach() == 3
    calls = CallDetailRecord.objects.filter(started_at__lt=NOW - 2 * DAY)
    assert calls.count() == 3 and set(calls.values_list("workspace", "own_number")) == {(alice.pk, "+442079460101")}
    assert other.pk not in calls.values_list("pk", flat=True)
    kept = sql("SELECT indexdef FROM pg_indexes WHERE tablename = %s", f"{CALLS}_2026_03")
    assert len(kept) == len(sql("SELECT indexdef FROM pg_indexes WHERE tablename = %s", CALLS))
    for statement in ("DELETE FROM {}", "TRUNCATE {}"):
        with pytest.raises(Exception, match="leave only by the door"), transaction.atomic():
            sql(statement.format(f"{CALLS}_2026_03"))
    with pytest.raises(IntegrityError), transaction.atomic():
        sql(f"INSERT INTO {CALLS} SELECT * FROM {CALLS}_2026_03 LIMIT 1")
    entry = EvidenceEntry.objects.get(type="MONTH_ATTACHED")
    assert (entry.subject, entry.body) == (f"{CALLS}_2026_03", {"rows": 3})


def test_what_is_attached_goes_when_its_workspace_expires(alice, loaded):
    attach()
    factories.arm()
    factories.know_for_long()
    alice.subscriptions.update(expires_at=NOW - DAY)
    carry_out(NOW, now=NOW)
    assert not CallDetailRecord.objects.exists()


def test_messages_are_attached_too_by_the_command(alice, capsys):
    sql("CREATE TABLE loaded (LIKE telecom_records_smsrecord)")
    made = factories.make_message(alice, at=NOW - DAY)
    sql("INSERT INTO loaded SELECT * FROM telecom_records_smsrecord")
    sql("UPDATE loaded SET sent_at = %s, own_number = '+442079460101'", AT)
    call_command("attach_month", "--table", "loaded", "--month", "2026-03", "--of", "messages")
    assert "2026-03: 1 messages attached." in capsys.readouterr().out
    assert SmsRecord.objects.exclude(pk=made.pk).get().sent_at == AT


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("DELETE FROM loaded", "loaded is empty"),
        ("ALTER TABLE loaded DROP COLUMN status", "status is missing"),
        ("ALTER TABLE loaded ADD COLUMN note text", "note is not a column"),
        ("ALTER TABLE loaded ALTER COLUMN billed_s TYPE bigint", "billed_s is bigint and must be integer"),
        ("ALTER TABLE loaded SET UNLOGGED", "no ordinary, logged table"),
        ("CREATE INDEX ON loaded (id)", "must be plain, and has an index"),
        ("ALTER TABLE loaded ADD CHECK (id > 0)", "must be plain, and has a constraint"),
        ("CREATE TABLE child () INHERITS (loaded)", "must be plain, and has a parent or child"),
        ("ALTER TABLE loaded ALTER COLUMN source_key DROP NOT NULL; UPDATE loaded SET source_key = NULL", "3 rows have no source_key"),
        ("UPDATE loaded SET started_at = '2026-04-01 00:00+00' WHERE id = (SELECT min(id) FROM loaded)",
         "One row is of another month"),
        ("UPDATE loaded SET started_at = '2026-02-28 23:59:59.999999+00'", "3 rows are of another month"),
        ("UPDATE loaded SET status = 'gone'", "3 rows have an unknown status"),
        ("UPDATE loaded SET own_number = '020 7946 0101'", "3 rows have no number in international form"),
        ("INSERT INTO loaded SELECT * FROM loaded LIMIT 1", "One row is there twice"),
        ("UPDATE loaded SET source_id = 0", "3 rows name a source_id that is not there"),
        ("UPDATE loaded SET workspace_id = gen_random_uuid()", "3 rows name a workspace_id that is not there"),
        ("UPDATE loaded SET own_number = '+442079460102'", "3 rows are of workspaces that did not have the number then"),
    ],
)  # fmt: skip
def test_a_table_that_no_import_would_have_made_is_refused_whole(loaded, change, says):
    sql(change)
    assert says in refused()


def test_a_month_that_is_there_cannot_be_there_twice(alice, loaded):
    factories.make_message(alice)
    assert "no table nowhere" in refused("nowhere")
    assert "is a table of the portal" in refused("accounts_person")
    assert "before 2000 or in the future" in refused(month=dt.date(2031, 1, 1))
    attach()
    sql("CREATE TABLE second (LIKE telecom_records_calldetailrecord)")
    with pytest.raises(CommandError, match="March 2026 is there already.* The table is as it was"):
        call_command("attach_month", "--table", "second", "--month", "2026-03")


def test_rows_of_a_number_that_somebody_else_had_then_are_refused(alice, loaded):
    bob = factories.make_workspace()
    sql("UPDATE loaded SET workspace_id = %s WHERE id = (SELECT min(id) FROM loaded)", bob.pk)
    assert refused() == "One row is of a workspace that did not have the number then."


def test_an_erased_customers_rows_do_not_come_back_and_the_next_owners_do(alice, loaded):
    bob = factories.make_workspace()
    factories.make_subscription(bob, expires_at=NOW + 30 * DAY)
    NumberAssignment.objects.filter(workspace=alice).update(window=(NOW - 900 * DAY, AT + DAY))
    factories.make_assignment(bob, alice.number_assignments.get().number, since=AT + DAY)
    factories.arm()
    factories.know_for_long()
    alice.subscriptions.update(expires_at=NOW - DAY)
    carry_out(NOW, now=NOW)
    assert Workspace.objects.get(pk=alice.pk).state == "emptied" and Tombstone.objects.exists()
    assert "3 rows are of customers whose data was deleted" in refused()
    sql("UPDATE loaded SET workspace_id = %s, started_at = started_at + interval '2 days'", bob.pk)
    assert attach() == 3


def test_whoever_is_erased_while_the_table_is_checked_does_not_come_back(alice, loaded, monkeypatch):
    check = attaching._prepare

    def prepare(cursor, table):
        check(cursor, table)
        Workspace.objects.filter(pk=alice.pk).update(state=Workspace.State.EMPTYING)

    monkeypatch.setattr(attaching, "_prepare", prepare)
    assert "is being deleted" in refused()
    monkeypatch.setattr(attaching, "_erasures", iter([(1, None), (2, None)]).__next__)
    monkeypatch.setattr(attaching, "_prepare", check)
    assert "was deleted" in refused()
