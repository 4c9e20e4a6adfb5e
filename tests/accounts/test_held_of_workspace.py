"""What is held of a workspace is counted by its page once it is there, for those who may see the page."""

import pytest
from django.urls import reverse

from accounts.roles import PRIVACY_OFFICER, SECURITY_ADMINISTRATOR, SUPPORT_AGENT
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace():
    return factories.make_customer(expires_at=NOW + 300 * DAY)


def held(workspace) -> str:
    return reverse("held_of_workspace", args=[workspace.pk])


def test_the_page_asks_for_it_and_gets_what_may_be_listed(client, workspace):
    client.force_login(factories.make_user(PRIVACY_OFFICER))
    page = client.get(reverse("admin:accounts_workspace_change", args=[workspace.pk])).content.decode()
    assert f'hx-get="{held(workspace)}"' in page
    counts = {each["what"]: each["count"] for each in client.get(held(workspace)).context["categories"]}
    assert (counts["call records"], counts["messages"], counts["recordings"]) == ("4", "1", "1")


def test_an_agent_gets_the_counts_of_what_an_agent_may_list(client, workspace):
    client.force_login(factories.make_user(SUPPORT_AGENT))
    counts = {each["what"] for each in client.get(held(workspace)).context["categories"]}
    assert "subscriptions" in counts and "call records" not in counts


def test_nobody_gets_it_of_a_workspace_that_no_page_shows_or_without_the_permission(client, workspace):
    client.force_login(factories.make_user(SECURITY_ADMINISTRATOR))
    assert client.get(held(workspace)).status_code == 403
    client.force_login(factories.make_user(PRIVACY_OFFICER))
    type(workspace).objects.filter(pk=workspace.pk).update(state="hidden")
    assert client.get(held(workspace)).status_code == 404
