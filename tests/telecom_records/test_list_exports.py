"""A list as a file: what the list shows and no more, masked as the list is, and written down; nothing goes on unread."""

import csv
import io

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connection, transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.masking import mask, mask_sql
from accounts.models import AccessLogEntry
from accounts.roles import AUDITOR, PRIVACY_OFFICER, SUPPORT_AGENT
from retention.restrictions import restrict
from telecom_records.models import CallDetailRecord
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.test_rules import set_version
from tests.telecom_records.many import make_many

pytestmark = pytest.mark.django_db(transaction=True)
CALLS = reverse("admin:telecom_records_calldetailrecord_changelist")
EXPORT = reverse("admin:telecom_records_calldetailrecord_export")
WHY = {"reason": "Police report 7, lost calls", "ticket": "T-2026-0007"}
HEADER = [
    "Workspace", "Your number", "Other party", "Direction", "Started", "Answered", "Ended", "Duration in seconds",
    "Talk time in seconds", "Billed seconds", "Status", "Cost", "Currency",
]  # fmt: skip


@pytest.fixture
def workspace():
    found = factories.make_workspace(outside_id="=W-1")
    factories.make_person(found)
    factories.make_subscription(found, expires_at=NOW + 300 * DAY)
    return found


@pytest.fixture
def officer(client):
    user = factories.make_user(PRIVACY_OFFICER)
    client.force_login(user)
    return user


def export(client, address: str = "", **values) -> list[list[str]]:
    response = client.post(EXPORT + address, {**WHY, **values})
    assert response.status_code == 200, response.content
    return list(csv.reader(io.StringIO(response.getvalue().decode())))


def test_a_file_has_the_titles_of_the_data_map_and_every_row_newest_first_and_no_formula(client, officer, workspace):
    factories.make_calls(workspace, 1, at=NOW - 40 * DAY, other_party="@SUM(A1)", cost="0.05", currency="GBP")
    factories.make_calls(workspace, 1, at=NOW - 2 * DAY, other_party='say "hi", bob', other_party_kind="sip_uri")
    rows = export(client)
    assert rows[0] == HEADER
    assert rows[1:] == [
        ["'=W-1", "'+442079460100", 'say "hi", bob', "outbound", "2026-11-21 12:00:00+00", "", "", "60.000", "55.000",
         "", "answered", "", ""],
        ["'=W-1", "'+442079460100", "'@SUM(A1)", "outbound", "2026-10-14 12:00:00+00", "", "", "60.000", "55.000",
         "", "answered", "0.05000000", "GBP"],
    ]  # fmt: skip


def test_a_file_is_written_down_with_its_reason_and_its_rows_and_its_name_says_nothing(client, officer, workspace):
    factories.make_calls(workspace, 3, other_party="+442079467002")
    factories.make_calls(workspace, 2)
    response = client.post(f"{EXPORT}?q=%2B442079467002", WHY)
    assert len(response.getvalue().splitlines()) == 4
    entry = AccessLogEntry.objects.get(action="export")
    assert (entry.user, entry.of, entry.rows) == (officer, "telecom_records.CallDetailRecord", 3)
    assert (entry.reason, entry.ticket) == (WHY["reason"], WHY["ticket"])
    assert response["Content-Disposition"].startswith('attachment; filename="call-records-20')
    assert response["Content-Type"] == "text/csv; charset=utf-8" and "no-store" in response["Cache-Control"]


def test_without_a_reason_nothing_is_sent_or_written_down(client, officer, workspace):
    factories.make_calls(workspace, 1)
    response = client.post(EXPORT, {"reason": " ", "ticket": ""})
    assert response.status_code == 400 and b"+442079460100" not in response.content
    assert not AccessLogEntry.objects.filter(action="export").exists()


def test_the_filters_of_the_list_are_those_of_the_file(client, officer, workspace):
    (late,) = factories.make_calls(workspace, 1, own_number="+442079467002", other_party="+442079467002")
    (early,) = factories.make_calls(workspace, 1, other_party="+442079467002", at=NOW - 3 * DAY)
    factories.make_calls(workspace, 1, own_number="+442079467002", status="busy", at=NOW - DAY)
    factories.make_calls(factories.make_workspace(), 1, own_number="+442079467002")
    rows = export(client, "?q=%2B442079467002&account=%3DW-1&status__exact=answered")
    assert [row[4] for row in rows[1:]] == ["2026-11-21 12:00:00+00", "2026-11-20 12:00:00+00"]
    page = client.get(f"{EXPORT}?q=%2B442079467002&status__exact=busy").content.decode()
    assert "+442079467002" in page and "busy" in page
    assert export(client, "?account=W-NONE") == [HEADER]


def test_what_no_page_may_show_is_in_no_file(client, officer, workspace):
    (kept,) = factories.make_calls(workspace, 1)
    hidden = factories.make_workspace(state="hidden")
    restricted = factories.make_customer(expires_at=NOW + 300 * DAY)
    factories.make_calls(hidden, 1)
    request = factories.make_request(officer, type="restriction", workspace=restricted)
    person = restricted.memberships.get().person
    with transaction.atomic():
        restrict(person, ground="contested", request_id=request.pk, user=officer, now=NOW)
    factories.make_calls(workspace, 1, at=NOW - 800 * DAY)
    rows = export(client)
    assert {row[0] for row in rows[1:]} == {"'=W-1"} and len(rows) == 3  # the old one: no period is in force
    set_version("call_record", 365 * DAY)
    factories.arm("call_record")
    assert len(export(client)) == 2


def test_who_sees_numbers_masked_gets_them_masked(client, workspace):
    user = factories.make_user(None)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_calldetailrecord", "export_calldetailrecord"])
    )
    client.force_login(user)
    factories.make_calls(workspace, 1, other_party="someone@sip.example")
    response = client.post(EXPORT, WHY)
    text = response.getvalue().decode()
    assert "442079460100" not in text and "someone" not in text
    (row,) = list(csv.reader(io.StringIO(text)))[1:]
    assert row[:3] == ["'=W-1", "'+44 ••• 100", "s•••@sip.example"]


@pytest.mark.parametrize("role", [SUPPORT_AGENT, AUDITOR, None])
def test_who_may_not_export_is_refused_and_offered_nothing(client, workspace, role):
    user = factories.make_user(role)
    user.user_permissions.add(Permission.objects.get(codename="view_calldetailrecord"))
    client.force_login(user)
    assert "/export/" not in client.get(CALLS).content.decode()
    assert client.get(EXPORT).status_code == client.post(EXPORT, WHY).status_code == 403


def test_an_officer_is_offered_the_file_of_what_is_listed(client, officer, workspace):
    assert "/calldetailrecord/export/?status__exact=busy" in client.get(f"{CALLS}?status__exact=busy").content.decode()


def test_a_file_leaves_no_word_for_the_next_page(client, officer, workspace):
    factories.make_source("london", country="GB")
    assert "each number" in client.get(f"{EXPORT}?q=020 7946 0123").content.decode()
    export(client, "?q=020 7946 0123")
    export(client, "?q=%2B44")
    assert not list(get_messages(client.get("/admin/").wsgi_request))


def test_messages_are_exported_too(client, officer, workspace):
    factories.make_message(workspace)
    response = client.post(reverse("admin:telecom_records_smsrecord_export"), WHY)
    rows = list(csv.reader(io.StringIO(response.getvalue().decode())))
    assert rows[0][:5] == ["Workspace", "Your number", "Other party", "Direction", "Sent"]
    assert rows[1][1:3] == ["'+442079460100", "'+442079460199"]


def test_a_reader_who_goes_away_ends_the_query_and_what_was_sent_is_written_down(client, officer, workspace):
    make_many(40_000, [workspace], until=NOW)
    response = client.post(EXPORT, WHY)
    blocks = iter(response.streaming_content)
    first, second = next(blocks), next(blocks)
    assert first.startswith(b'"Workspace"') and len(second) < 8192
    assert len(copying()) == 1
    response.close()
    assert copying() == []
    assert 0 < AccessLogEntry.objects.get(action="export").rows < CallDetailRecord.objects.count()


def copying() -> list[tuple]:
    """Return the connections that are reading a file out of the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY (SELECT%'")
        return cursor.fetchall()


VALUES = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES | VALUES.map("+{}".format) | VALUES.map("a@{}".format))
def test_the_database_masks_as_the_pages_do(value):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {mask_sql('v')} FROM (SELECT %s::text AS v) t", [value])
        assert cursor.fetchone()[0] == mask(value)
