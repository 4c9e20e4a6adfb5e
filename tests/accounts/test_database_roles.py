"""The database's own roles: the web server adds to the log and cannot change it, whatever its code does."""

import contextlib
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from accounts import checkpoints, database_roles, evidence
from accounts.models import EvidenceEntry, Person, Workspace
from retention.holds import place_hold
from retention.models import DeletionJob
from retention.purge import carry_out
from telecom_records.imports import import_file
from telecom_records.partitions import ensure_month, month_of
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
LOG = "accounts_evidenceentry"


@pytest.fixture(scope="module")
def administrator():
    """The embedded server's administrator, who alone may make roles."""
    if settings.DATABASE_URL:
        pytest.skip("Only the embedded server has an administrator that the suite may be.")
    where = settings.EMBEDDED
    with psycopg.connect(
        host=str(where.sockets), port=5432, user="postgres", password=where.password, dbname="postgres", autocommit=True
    ) as connected:
        yield connected


@pytest.fixture(scope="module")
def prefix(administrator, django_db_setup) -> Iterator[str]:
    """The prefix of roles that belong to this database: roles are the whole server's."""
    name = connection.settings_dict["NAME"]
    roles = [sql.Identifier(f"{name}_{role}") for role in database_roles.NAMES]
    for role in roles:
        administrator.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        administrator.execute(sql.SQL("GRANT {} TO callmama").format(role))
    yield name
    for role in roles:
        administrator.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture(autouse=True)
def roles_are_ready(db, prefix):
    call_command("make_database_roles", prefix=prefix)


@contextlib.contextmanager
def role(name: str):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f'SET LOCAL ROLE "{name}"')
        yield
        cursor.execute("RESET ROLE")


def is_denied(statement: str) -> bool:
    """Return whether the database denies it by permission, before any trigger has a say."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        assert error.__cause__.sqlstate == "42501", error
        return "append-only" not in str(error) and "by the door" not in str(error)
    return False


@pytest.mark.parametrize("name", ["web", "worker", "auditor"])
@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {LOG} SET subject = 'x'",
        f"DELETE FROM {LOG}",
        f"TRUNCATE {LOG}",
        f"ALTER TABLE {LOG} DISABLE TRIGGER USER",
        f"DROP TABLE {LOG}",
        "SET session_replication_role = replica",
        "UPDATE accounts_evidencetile SET root = ''",
        "TRUNCATE accounts_evidencetree",
        "TRUNCATE accounts_person",
    ],
)
def test_nobody_but_the_owner_can_change_the_log(prefix, name, statement):
    evidence.append_entry("TEST", subject="x")
    with role(f"{prefix}_{name}"):
        assert is_denied(statement)
    assert EvidenceEntry.objects.count() == 1


def test_the_owner_is_not_denied_by_permission(prefix):
    """Near miss: the statements are right, and it is the role that is denied."""
    assert not is_denied("TRUNCATE accounts_evidencetree")


def test_the_web_server_appends_places_holds_and_writes_checkpoints(prefix):
    workspace = factories.make_customer(expires_at=NOW + DAY)
    officer = factories.make_user()
    with role(f"{prefix}_web"):
        evidence.append_entry("TEST", subject="x")
        place_hold(
            workspace=workspace, reason="Dispute", authority="Order 1", owner=officer, review_on=NOW.date() + DAY, user=officer,
            now=NOW,
        )  # fmt: skip
        checkpoints.take(officer)
        assert evidence.check_log().is_sound


@pytest.mark.parametrize("table", ["accounts_person", "accounts_credit", "telecom_records_calldetailrecord"])
def test_the_web_server_cannot_delete_from_a_table_with_personal_data(prefix, table):
    factories.make_customer()
    with role(f"{prefix}_web"):
        assert is_denied(f"DELETE FROM {table}")


def test_the_worker_deletes_by_the_door_and_not_without_it(prefix):
    factories.arm()
    workspace = factories.make_customer()
    with role(f"{prefix}_worker"):
        with pytest.raises(DatabaseError, match="by the door"), transaction.atomic():
            Person.objects.all()._raw_delete("default")
        (job,) = carry_out(NOW, now=NOW)
    assert job.state == DeletionJob.State.DONE
    workspace.refresh_from_db()
    assert workspace.state == Workspace.State.EMPTIED


def test_an_auditor_reads_the_proof_and_nothing_personal(prefix):
    factories.make_customer()
    evidence.append_entry("TEST", subject="x")
    with role(f"{prefix}_auditor"):
        assert evidence.check_log().size == 1
        assert DeletionJob.objects.count() == 0
        for table in (
            "accounts_person",
            "accounts_workspace",
            "telecom_records_calldetailrecord",
            "dsar_ticketmessage",
        ):
            assert is_denied(f"SELECT * FROM {table}")
        assert is_denied("INSERT INTO accounts_evidencetile VALUES (1, '')")


@pytest.mark.parametrize("wrong", ["", "a b", "x; DROP", "Portal"])
def test_a_prefix_that_is_none_is_refused(wrong):
    with pytest.raises(CommandError, match="--prefix"):
        call_command("make_database_roles", prefix=wrong)


def test_an_owner_who_may_not_make_roles_is_told_what_an_administrator_must_run():
    with pytest.raises(CommandError, match='CREATE ROLE "nobody_web" NOLOGIN; CREATE ROLE "nobody_worker" NOLOGIN'):
        call_command("make_database_roles", prefix="nobody")


def test_a_worker_imports_a_file_into_months_that_are_there_and_the_web_server_makes_no_tables(prefix, tmp_path):
    alice = factories.make_workspace()
    factories.make_assignment(alice, factories.make_number("+442079460101"))
    source, path = factories.make_source("switch"), tmp_path / "calls.csv"
    path.write_text(f"call_id,started_at,from,to\na,{(NOW - DAY).isoformat()},+442079460101,+442079460871\n")
    ensure_month("telecom_records_calldetailrecord", month_of(NOW - DAY))
    with role(f"{prefix}_web"):
        assert is_denied("CREATE TABLE import_stage_x (a int)")
    with role(f"{prefix}_worker"):
        run = import_file(path, source=source, now=NOW)
    assert (run.state, run.inserted) == ("done", 1)
