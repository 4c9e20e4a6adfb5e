"""Lists of traffic: every row once, newest first, whatever is between two pages, and never a table read to find a page."""

import functools
import re
from html import unescape
from unittest import mock
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import keyset
from accounts.models import AccessLogEntry
from accounts.roles import PRIVACY_OFFICER
from telecom_records.models import CallDetailRecord, ImportSource
from tests import factories
from tests.factories import DAY, NOW
from tests.telecom_records.many import TABLE, make_many

pytestmark = pytest.mark.django_db
CALLS = reverse("admin:telecom_records_calldetailrecord_changelist")


@pytest.fixture
def workspace():
    found = factories.make_workspace(outside_id="W-MINE")
    factories.make_person(found)
    factories.make_subscription(found, expires_at=NOW + 300 * DAY)
    return found


@pytest.fixture
def officer(client):
    user = factories.make_user(PRIVACY_OFFICER)
    client.force_login(user)
    return user


@pytest.fixture
def reader(client):
    """Somebody who may see calls, and no number in clear."""
    user = factories.make_user(None)
    user.user_permissions.add(Permission.objects.get(codename="view_calldetailrecord"))
    client.force_login(user)
    return user


def shown(response) -> list[int]:
    return [row.pk for row in response.context["cl"].result_list]


def link(response, rel: str) -> str:
    """Return where a page's link leads, or nothing."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', response.content.decode())
    return unescape(found[1]) if found else ""


def walk(client, address: str, rel: str) -> list[list[int]]:
    """Return the rows of each page, from ``address`` on along ``rel``."""
    pages = []
    while address:
        response = client.get(CALLS + address)
        pages.append(shown(response))
        address = link(response, rel)
        assert len(pages) < 30
    return pages


def in_order() -> list[int]:
    return list(CallDetailRecord.objects.order_by("-started_at", "-id").values_list("pk", flat=True))


def test_every_call_is_on_one_page_also_where_many_begin_at_one_instant(client, officer, workspace):
    factories.make_calls(workspace, 40, at=NOW - 2 * DAY)
    factories.make_calls(workspace, 30, at=NOW - 40 * DAY)
    down = walk(client, "?", "next")
    assert [len(page) for page in down] == [25, 25, 20]
    assert sum(down, []) == in_order()
    last = client.get(CALLS + link(client.get(CALLS + link(client.get(CALLS), "next")), "next"))
    assert "The end: nothing older." in last.content.decode()
    up = walk(client, link(last, "prev"), "prev")
    assert up[0] == down[1] and up[-1] == down[0]


def test_a_call_that_comes_in_between_moves_no_page(client, officer, workspace):
    factories.make_calls(workspace, 40)
    older = link(client.get(CALLS), "next")
    before = shown(client.get(CALLS + older))
    factories.make_calls(workspace, 10, at=NOW - DAY)
    assert shown(client.get(CALLS + older)) == before


@pytest.mark.parametrize("changed", [lambda code: code[:-1] + ("A" if code[-1] != "A" else "B"), lambda code: "x"])
def test_an_address_that_was_changed_gives_the_first_page_and_says_so(client, officer, workspace, changed):
    factories.make_calls(workspace, 30)
    first = client.get(CALLS)
    code = unquote(link(first, "next").split("after=")[1])
    response = client.get(CALLS, {"after": changed(code)})
    assert shown(response) == shown(first)
    assert "damaged" in response.content.decode()
    assert len(shown(client.get(CALLS, {"after": code}))) == 5


def test_a_place_of_another_list_is_refused(client, officer, workspace):
    factories.make_calls(workspace, 1)
    code = keyset.Place(NOW, 7).code()
    response = client.get(reverse("admin:telecom_records_recording_changelist"), {"after": code})
    assert response.status_code == 200 and "is of another list" in response.content.decode()


def test_a_page_looks_so_far_and_no_further_and_the_next_one_goes_on(client, officer, workspace):
    factories.make_calls(workspace, 8, at=NOW - DAY)
    (wanted,) = factories.make_calls(workspace, 1, at=NOW - 2 * DAY, status="busy")
    factories.make_calls(workspace, 8, at=NOW - 3 * DAY)
    (older,) = factories.make_calls(workspace, 1, at=NOW - 4 * DAY, status="busy")
    with mock.patch.object(keyset, "LOOK", 5):
        first = client.get(CALLS, {"status__exact": "busy"})
        assert shown(first) == [] and "Look further back" in first.content.decode()
        pages = walk(client, "?status__exact=busy", "next")
        assert sum(pages, []) == [wanted.pk, older.pk]
        lowest = client.get(CALLS, {"status__exact": "busy", "after": keyset.Place(NOW - 5 * DAY).code()})
        assert sum(walk(client, link(lowest, "prev"), "prev"), []) == [older.pk, wanted.pk]


@pytest.mark.parametrize(
    "typed",
    ["020 7946 0123", "+44 (0)20 7946-0123", "0044 20 7946 0123", "tel:+442079460123", "442079460123", "+442079460123"],
)
def test_a_number_is_found_in_any_notation_on_either_side_and_once(client, officer, workspace, typed):
    factories.make_source("pbx", country="GB")
    (own,) = factories.make_calls(workspace, 1, own_number="+442079460123", at=NOW - 3 * DAY)
    (other,) = factories.make_calls(workspace, 1, other_party="+442079460123")
    (both,) = factories.make_calls(
        workspace, 1, own_number="+442079460123", other_party="+442079460123", at=NOW - 4 * DAY
    )
    factories.make_calls(workspace, 5)
    assert shown(client.get(CALLS, {"q": typed})) == [other.pk, own.pk, both.pk]
    assert shown(client.get(CALLS, {"own": typed})) == [own.pk, both.pk]
    assert shown(client.get(CALLS, {"other": typed})) == [other.pk, both.pk]


def test_a_national_number_is_read_by_the_chosen_source(client, officer, workspace):
    french = ImportSource.objects.create(name="paris", country="FR")
    factories.make_source("pbx", country="GB")
    (call,) = factories.make_calls(workspace, 1, other_party="+33199001234")
    CallDetailRecord.objects.filter(pk=call.pk).update(source=french)
    assert shown(client.get(CALLS, {"q": "01 99 00 12 34", "source__id__exact": french.pk})) == [call.pk]
    british = ImportSource.objects.get(name="pbx")
    assert shown(client.get(CALLS, {"q": "01 99 00 12 34", "source__id__exact": british.pk})) == []


def test_extensions_and_accounts_are_found_and_a_part_of_a_number_is_refused_with_a_word(client, officer, workspace):
    (call,) = factories.make_calls(workspace, 1, other_party="7002", other_party_kind="extension")
    factories.make_calls(factories.make_workspace(), 2, other_party="+442079467002")
    assert shown(client.get(CALLS, {"q": "7002"})) == [call.pk]
    assert shown(client.get(CALLS, {"q": "W-MINE"})) == [call.pk]
    assert shown(client.get(CALLS, {"account": "W-MINE"})) == [call.pk]
    assert shown(client.get(CALLS, {"account": "W-NONE"})) == []
    refused = client.get(CALLS, {"q": "+4420"})
    assert shown(refused) == [] and "is no whole number" in refused.content.decode()
    refused = client.get(CALLS, {"other": "+4420"})
    assert shown(refused) == [] and "is no whole number" in refused.content.decode()


def test_last_digits_are_enough_within_one_workspace_for_those_who_see_numbers_in_clear(client, officer, workspace):
    (call,) = factories.make_calls(workspace, 1, other_party="+442079467002")
    factories.make_calls(factories.make_workspace(), 2, other_party="+442079467002")
    factories.make_calls(workspace, 1)
    assert shown(client.get(CALLS, {"q": "67002", "account": "W-MINE"})) == [call.pk]


def test_who_sees_numbers_masked_finds_a_whole_one_and_reads_out_no_part(client, reader, workspace):
    (call,) = factories.make_calls(workspace, 1, other_party="+442079467002")
    factories.make_calls(workspace, 1)
    found = client.get(CALLS, {"q": "+442079467002"})
    assert shown(found) == [call.pk]
    rows = re.search(r'<table[^>]*id="result_list".*?</table>', found.content.decode(), re.DOTALL)[0]
    assert "+442079467002" not in rows and "+44 ••• 002" in rows
    assert shown(client.get(CALLS, {"q": "67002", "account": "W-MINE"})) == []
    assert client.get(CALLS, {"other_party__endswith": "7002"}).status_code == 400


def test_filters_are_combined_and_what_pages_may_not_show_is_on_none(client, officer, workspace):
    hidden = factories.make_workspace(outside_id="W-HIDDEN", state="hidden")
    (call,) = factories.make_calls(workspace, 1, status="busy", direction="inbound", own_number="+442079460123")
    factories.make_calls(workspace, 1, status="busy", direction="outbound", own_number="+442079460123")
    factories.make_calls(workspace, 1, status="busy", direction="inbound", own_number="+442079460124")
    factories.make_calls(workspace, 1, status="busy", direction="inbound", own_number="+442079460123", at=NOW - 9 * DAY)
    factories.make_calls(hidden, 1, status="busy", direction="inbound", own_number="+442079460123")
    chosen = {"status__exact": "busy", "direction__exact": "inbound", "own": "+442079460123"}
    since = f"{NOW - 5 * DAY:%d/%m/%Y}"
    times = {"started_at_from_0": since, "started_at_from_1": "00:00:00"}
    assert shown(client.get(CALLS, {**chosen, **times})) == [call.pk]
    assert shown(client.get(CALLS, {**chosen, **times, "account": "W-MINE"})) == [call.pk]
    assert shown(client.get(CALLS, {"account": "W-HIDDEN"})) == []


def test_a_list_in_clear_is_written_down_with_its_rows(client, officer, workspace):
    factories.make_calls(workspace, 30)
    client.get(CALLS)
    entry = AccessLogEntry.objects.get()
    assert (entry.action, entry.of, entry.rows) == ("list", "telecom_records.CallDetailRecord", 25)


@pytest.mark.parametrize("model", ["smsrecord", "recording", "usagerecord"])
def test_the_other_long_lists_have_pages_too(client, officer, workspace, model):
    make = {
        "smsrecord": factories.make_message,
        "recording": factories.make_recording,
        "usagerecord": factories.make_usage,
    }[model]
    made = {make(workspace).pk for _ in range(27)}
    address = reverse(f"admin:telecom_records_{model}_changelist")
    first = client.get(address, {"q": "W-MINE"})
    second = client.get(address + link(first, "next"))
    assert (len(shown(first)), len(shown(second))) == (25, 2)
    assert {*shown(first), *shown(second)} == made


def test_the_access_log_has_pages_too(client, officer):
    for _ in range(30):
        AccessLogEntry.objects.create(at=NOW, user=officer, action="list", of="accounts.Person")
    address = reverse("admin:accounts_accesslogentry_changelist")
    assert len(shown(client.get(address + link(client.get(address), "next")))) == 5


def plans(client, address: str) -> list[tuple[str, dict]]:
    """Return the plans of what a page asks of the calls."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(CALLS + address).status_code == 200
    asked = [query["sql"] for query in captured if f'FROM "{TABLE}"' in query["sql"]]
    with connection.cursor() as cursor:
        found = []
        for statement in asked:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")
            found.append((statement, cursor.fetchone()[0][0]["Plan"]))
    return found


@functools.cache
def has_rows(month: str) -> bool:
    """Return whether a month has rows: an empty one is read whole, at no cost."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {month})")
        return cursor.fetchone()[0]


def nodes(plan: dict):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.fixture
def forty_thousand(workspace):
    others = [factories.make_workspace() for _ in range(40)]
    make_many(40_000, [workspace] * 20 + others, until=NOW)
    ImportSource.objects.create(name="other-switch")
    return others


PLACE = f"after={keyset.Place(NOW - 45 * DAY, 5).code()}"
LISTS = {
    "all": "",
    "later": PLACE,
    "a customer with a third of all": "account=W-MINE",
    "the same, later": f"account=W-MINE&{PLACE}",
    "a customer without any": "account=W-NOTHING",
    "a busy number": "q=%2B442079460104",
    "a number that never called": "q=%2B442079460999",
    "one side of it": f"own=%2B442079460104&{PLACE}",
    "a status": "status__exact=busy",
    "a direction, in a range": "direction__exact=inbound&started_at_from_0={since}&started_at_from_1=00:00:00",
    "all of it": "account=W-MINE&other=%2B447700000001&status__exact=answered&direction__exact=outbound",
}  # fmt: skip


def test_a_page_is_read_from_indexes_in_order(client, officer, forty_thousand, monkeypatch):
    """No month is read whole or sorted, and a place or a range leaves out the months that it does not need."""
    monkeypatch.setattr(keyset, "LOOK", 500)  # to 40,000 calls what 10,000 are to a million
    factories.make_workspace(outside_id="W-NOTHING")
    faults = []
    for name, address in LISTS.items():
        found = plans(client, "?" + address.format(since=f"{NOW - 20 * DAY:%d/%m/%Y}"))
        assert found, name
        for statement, plan in found:
            of_calls = [node for node in nodes(plan) if node.get("Relation Name", "").startswith(TABLE)]
            whole = [node for node in of_calls if node["Node Type"] == "Seq Scan" and has_rows(node["Relation Name"])]
            many = [node for node in nodes(plan) if node["Node Type"] in ("Sort", "Bitmap Index Scan")]
            much = [node for node in many if node["Plan Rows"] > 2 * keyset.LOOK]
            faults += [(name, fault["Node Type"], statement) for fault in [*whole, *much]]
            months = {node["Relation Name"] for node in of_calls if has_rows(node["Relation Name"])}
            if "started_at_from_0" in address and len(months) > 2:
                faults.append((name, months, statement))
    assert faults == []
