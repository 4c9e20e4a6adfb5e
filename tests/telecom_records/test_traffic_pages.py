"""The traffic of one customer, and over one number: together by time, each row once, and by month as it was."""

import json
import re
from html import unescape
from unittest import mock

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.roles import AUDITOR, PRIVACY_OFFICER, SUPPORT_AGENT
from telecom_records import traffic_of
from telecom_records.models import CallDetailRecord, Recording, SmsRecord
from telecom_records.traffic_of import Traffic
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db


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


def page_of(workspace) -> str:
    return reverse("calls:of_workspace", args=[workspace.pk])


def hrefs(response) -> list[str]:
    return [row["href"] for row in response.context["rows"]]


def walk(client, page: str, rel: str, begin: str = "") -> list[list[str]]:
    pages, address = [], begin
    while address or not pages:
        response = client.get(page + address)
        pages.append(hrefs(response))
        found = re.search(rf'rel="{rel}" href="([^"]+)"', response.content.decode())
        address = unescape(found[1]) if found else ""
        assert len(pages) < 20
    return pages


def expected(*querysets) -> list[str]:
    """Return the pages of these rows as the list should have them: by instant, then recordings, messages, calls, by id."""
    ranks = {CallDetailRecord: 0, SmsRecord: 1, Recording: 2}
    rows = [row for queryset in querysets for row in queryset]
    rows.sort(key=lambda row: (getattr(row, "sent_at", None) or row.started_at, ranks[type(row)], row.pk), reverse=True)
    return [reverse(f"admin:telecom_records_{row._meta.model_name}_change", args=[row.pk]) for row in rows]


def test_calls_messages_and_recordings_stand_together_by_time_and_each_on_one_page(client, officer, workspace):
    """Most of them at one instant, so that pages begin between rows of two kinds."""
    factories.make_calls(workspace, 22)
    for _ in range(20):
        factories.make_message(workspace)
        factories.make_recording(workspace)
    factories.make_calls(workspace, 3, at=NOW - 3 * DAY)
    factories.make_calls(factories.make_workspace(), 2)
    mine = [model.objects.filter(workspace=workspace) for model in (CallDetailRecord, SmsRecord, Recording)]
    down = walk(client, page_of(workspace), "next")
    assert [len(page) for page in down] == [25, 25, 15]
    assert sum(down, []) == expected(*mine)
    second = client.get(page_of(workspace)).context["older_href"]
    last = client.get(page_of(workspace) + second).context["older_href"]
    begin = client.get(page_of(workspace) + last).context["newer_href"]
    assert walk(client, page_of(workspace), "prev", begin) == [down[1], down[0]]


def test_over_a_number_on_either_side_and_once(client, officer, workspace):
    number = factories.make_number("+442079460123")
    factories.make_calls(workspace, 1, own_number="+442079460123", other_party="+442079460123")
    factories.make_calls(workspace, 1, own_number="+442079460123", at=NOW - 3 * DAY)
    factories.make_calls(factories.make_workspace(), 1, other_party="+442079460123", at=NOW - 4 * DAY)
    factories.make_calls(workspace, 2)
    page = reverse("calls:of_number", args=[number.pk])
    rows = CallDetailRecord.objects.exclude(own_number="+442079460100", other_party="+442079460199")
    assert hrefs(client.get(page)) == expected(rows)
    assert page in client.get(reverse("admin:telecom_records_number_change", args=[number.pk])).content.decode()
    assert "+442079460123" not in page


def test_months_are_counted_as_they_were(client, officer, workspace):
    factories.make_calls(workspace, 3, at=NOW - 2 * DAY)
    factories.make_calls(workspace, 2, at=NOW - 40 * DAY, direction="inbound", talk_s=90)
    factories.make_calls(workspace, 1, at=NOW - 400 * DAY)
    factories.make_calls(factories.make_workspace(), 1)
    (_, calls), (_, minutes) = Traffic.of_workspace(workspace.pk).charts(NOW)
    counted = json.loads(calls["data"])
    assert counted["labels"][-2:] == ["Oct 2026", "Nov 2026"] and len(counted["labels"]) == 12
    assert [(each["label"], each["data"][-2:], sum(each["data"])) for each in counted["datasets"]] == [
        ("Outgoing", [0, 3], 3), ("Incoming", [2, 0], 2),
    ]  # fmt: skip
    assert [each["data"][-2:] for each in json.loads(minutes["data"])["datasets"]] == [[0, 3], [3, 0]]
    assert calls["summary"] == "In 12 months: outgoing 3, incoming 2."


def test_a_chart_shows_the_whole_months_that_it_may_count_and_no_part_of_one(client, officer, workspace):
    factories.make_calls(workspace, 3, at=NOW - 2 * DAY)
    factories.make_calls(workspace, 3, at=NOW - 40 * DAY)
    factories.make_calls(workspace, 3, at=NOW - 70 * DAY)
    with mock.patch.dict(traffic_of.CHART_ROWS, workspace=7):
        (_, calls), _ = Traffic.of_workspace(workspace.pk).charts(NOW)
    assert json.loads(calls["data"])["labels"] == ["Oct 2026", "Nov 2026"]
    with mock.patch.dict(traffic_of.CHART_ROWS, workspace=2):
        assert Traffic.of_workspace(workspace.pk).charts(NOW) == []
        assert "No chart" in client.get(page_of(workspace)).content.decode()


def test_what_no_page_may_show_is_in_neither_rows_nor_chart(client, officer, workspace):
    number = factories.make_number("+442079460123")
    hidden = factories.make_workspace(state="hidden")
    factories.make_calls(hidden, 4, own_number="+442079460123")
    factories.make_calls(workspace, 1, own_number="+442079460123")
    assert client.get(page_of(hidden)).status_code == 404
    assert len(hrefs(client.get(reverse("calls:of_number", args=[number.pk])))) == 1
    (_, calls), _ = Traffic.of_number("+442079460123").charts(NOW)
    assert calls["summary"] == "In 12 months: outgoing 1."


def test_numbers_are_masked_and_kinds_left_out_for_whom_they_are_not(client, workspace):
    user = factories.make_user(None)
    user.user_permissions.add(Permission.objects.get(codename="view_calldetailrecord"))
    client.force_login(user)
    number = factories.make_number("+442079460100")
    factories.make_calls(workspace, 1)
    factories.make_message(workspace)
    for page in (page_of(workspace), reverse("calls:of_number", args=[number.pk])):
        response = client.get(page)
        assert len(hrefs(response)) == 1
        text = response.content.decode()
        assert "2079460100" not in text and "2079460199" not in text and "+44 ••• 199" in text


@pytest.mark.parametrize("role", [SUPPORT_AGENT, AUDITOR])
def test_who_may_not_see_calls_is_refused_and_offered_no_page_of_them(client, workspace, role):
    client.force_login(factories.make_user(role))
    assert client.get(page_of(workspace)).status_code == 403
    page = client.get(reverse("admin:accounts_workspace_change", args=[workspace.pk])).content.decode()
    assert page_of(workspace) not in page


def test_an_officer_is_led_there_from_the_workspace_and_an_address_that_was_changed_gives_the_first_page(
    client, officer, workspace
):
    factories.make_calls(workspace, 30)
    assert (
        page_of(workspace)
        in client.get(reverse("admin:accounts_workspace_change", args=[workspace.pk])).content.decode()
    )
    response = client.get(page_of(workspace) + "?after=nonsense")
    assert len(hrefs(response)) == 25 and "damaged" in response.content.decode()
