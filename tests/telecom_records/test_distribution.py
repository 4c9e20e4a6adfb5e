"""The large tables distribute by ``workspace_id``: it is in every key, and reading them joins nothing that lies elsewhere.

docs/scale.md says what this proves, and what only a Citus server could.
"""

import datetime as dt

import pytest
from django.db import connection
from django.db.models import F

from accounts.models import Workspace
from accounts.verdicts import data_map
from retention.conformance import conformance
from retention.purge import carry_out, preview
from telecom_records import remainder
from telecom_records.imports import import_file, source_for
from telecom_records.late import take_up
from telecom_records.models import CallDetailRecord, Recording
from tests import factories
from tests.factories import DAY, NOW
from tests.joins import watched
from tests.retention.test_clocks import hold
from tests.telecom_records.test_imports import HEADER, OURS, THEIRS, line

pytestmark = pytest.mark.django_db
CALLS, RECORDINGS = "telecom_records_calldetailrecord", "telecom_records_recording"
LARGE = {entry.model_class._meta.db_table for entry in data_map().values() if entry.partitioned_by} | {RECORDINGS}
# Copied to every node; none of them grows with the calls.
REFERENCE = {
    "accounts_workspace", "accounts_person", "accounts_membership", "accounts_personerasure", "accounts_restriction",
    "accounts_childfinding",
    "telecom_records_importsource", "telecom_records_number", "telecom_records_numberassignment",
}  # fmt: skip
KEYS = """
SELECT ind.indrelid::regclass::text, ind.indexrelid::regclass::text, array_agg(a.attname::text)
FROM pg_index ind JOIN pg_attribute a ON a.attrelid = ind.indrelid AND a.attnum = ANY(ind.indkey)
WHERE (ind.indisunique OR ind.indisexclusion) AND ind.indrelid = ANY(%s::regclass[]) GROUP BY 1, 2 ORDER BY 1, 2
"""
REFERENCES = """
SELECT con.conname, con.conrelid::regclass::text, con.confrelid::regclass::text, array_agg(a.attname::text)
FROM pg_constraint con JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = ANY(con.conkey)
WHERE con.contype = 'f' AND con.conparentid = 0 AND (con.conrelid = ANY(%s::regclass[]) OR con.confrelid = ANY(%s::regclass[]))
GROUP BY 1, 2, 3
"""


def asked(statement: str, *values) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def test_every_key_of_the_large_tables_has_the_workspace_in_it():
    keys = asked(KEYS, sorted(LARGE))
    assert {table for table, _, _ in keys} == LARGE, "each has a key"
    assert [index for _, index, columns in keys if "workspace_id" not in columns] == []


def test_every_reference_of_the_large_tables_is_to_a_copy_on_every_node_and_none_is_to_them():
    wrong = [
        name
        for name, table, target, columns in asked(REFERENCES, sorted(LARGE), sorted(LARGE))
        if target not in REFERENCE and not (target in LARGE and "workspace_id" in columns) or table not in LARGE
    ]
    assert wrong == []


@pytest.fixture
def customers(tmp_path):
    """Two customers with calls, messages, visits and recordings, the last of their calls by an import."""
    alice, bob = factories.make_customer(expires_at=NOW + 30 * DAY), factories.make_customer(expires_at=NOW - DAY)
    for workspace in (alice, bob):
        call = workspace.call_records.first()
        recording = factories.make_recording(workspace)
        type(recording).objects.filter(pk=recording.pk).update(call=call)
    return alice, bob


def test_the_watch_sees_a_join_without_the_workspace_and_is_content_with_one_that_has_it(customers):
    inbound = Recording.objects.filter(call__direction="outbound")
    with watched(LARGE) as joins:
        assert inbound.filter(call__workspace=F("workspace")).count() == 2
    assert joins.apart == {} and len(joins.seen) == 1
    with watched(LARGE) as joins:
        assert inbound.count() == 2
    assert list(joins.apart.values()) == [frozenset({CALLS, RECORDINGS})]


def test_importing_joins_no_two_large_tables_without_the_workspace(customers, tmp_path):
    alice, _ = customers
    factories.make_assignment(alice, factories.make_number(OURS))
    path = tmp_path / "calls.csv"
    path.write_text(HEADER + line("a", OURS, THEIRS) + line("b", "+442079460171", THEIRS))
    with watched(LARGE) as joins:
        import_file(path, source=source_for("pbx"), now=NOW)
        path.write_text(HEADER + line("a", OURS, THEIRS, cost="9"))
        import_file(path, source=source_for("pbx"), now=NOW)
        take_up(factories.make_assignment(alice, factories.make_number("+442079460171")))
    assert CallDetailRecord.objects.filter(source__name="pbx").count() == 2
    assert joins.apart == {} and any("UPDATE" in text for text in joins.seen)
    assert {other for _, other in joins.beside} <= REFERENCE | {"again"}, "which is the rows of the import"


def test_pages_searches_and_figures_join_no_two_large_tables_without_the_workspace(customers, client):
    alice, _ = customers
    officer = factories.make_user()
    request = factories.make_request(officer, workspace=alice)
    client.force_login(officer)
    number = alice.call_records.first().own_number
    pages = [
        *(f"/admin/telecom_records/{model}/?q={q}" for model in ("calldetailrecord", "smsrecord", "recording", "usagerecord")
          for q in ("", number.replace("+", "%2B"))),
        f"/admin/accounts/workspace/{alice.pk}/change/", f"/admin/accounts/person/{alice.memberships.get().person.pk}/change/",
        f"/admin/dsar/subjectrequest/{request.pk}/change/", "/admin/retention/due/", "/admin/retention/console/",
        "/admin/calls/figures/", "/admin/",
    ]  # fmt: skip
    with watched(LARGE) as joins:
        for page in pages:
            assert client.get(page).status_code == 200, page
        remainder.close_month(dt.date(2026, 8, 1), now=NOW)
        conformance(NOW)
        preview(NOW)
    assert len(joins.seen) > 20
    assert joins.apart == {}
    assert {other for _, other in joins.beside} <= REFERENCE


def test_a_deletion_reads_its_rows_again_by_their_ids_and_a_hold_finds_calls_by_their_recordings(customers):
    """What does not distribute as it is, so that docs/scale.md stays true: nothing but these two."""
    alice, bob = customers
    factories.arm()
    factories.know_for_long()
    hold(alice)
    with watched(LARGE) as joins:
        carry_out(NOW, now=NOW)
    assert Workspace.objects.get(pk=bob.pk).state == "emptied"
    assert {tables for tables in joins.apart.values() if len(tables) > 1} <= {frozenset({CALLS, RECORDINGS})}
