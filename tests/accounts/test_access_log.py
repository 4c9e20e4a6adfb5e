"""Who saw what is written down, by an opaque id and with the reason, and goes when its own time is over."""

import datetime as dt

import pytest
from django.urls import reverse

from accounts.access import log_access
from accounts.models import AccessLogEntry, EvidenceEntry
from accounts.roles import AUDITOR, PRIVACY_OFFICER, SUPPORT_AGENT
from retention.models import DeletionJob
from retention.purge import carry_out
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db


def seen() -> list[tuple]:
    return list(AccessLogEntry.objects.order_by("pk").values_list("action", "of", "subject", "rows"))


@pytest.fixture
def person():
    workspace = factories.make_customer(expires_at=NOW + 400 * DAY)
    return workspace.memberships.get().person


def test_a_look_in_clear_is_written_down_with_the_opaque_id(client, person):
    officer = factories.make_user(PRIVACY_OFFICER)
    client.force_login(officer)
    url = reverse("admin:accounts_person_change", args=[person.pk])
    assert person.phone in client.get(url).content.decode()
    assert seen() == [("look", "accounts.Person", str(person.pk), None)]
    assert AccessLogEntry.objects.get().user == officer
    client.get(reverse("admin:accounts_person_changelist"))
    assert seen()[1:] == [("list", "accounts.Person", "", 1)]


def test_a_page_that_shows_masked_columns_of_something_else_in_clear_counts_too(client, person):
    client.force_login(factories.make_user(PRIVACY_OFFICER))
    workspace = person.memberships.get().workspace
    client.get(reverse("admin:accounts_workspace_change", args=[workspace.pk]))
    assert seen() == [("look", "accounts.Workspace", str(workspace.pk), None)]


def test_who_sees_it_masked_leaves_no_entry(client, person):
    client.force_login(factories.make_user(SUPPORT_AGENT))
    html = client.get(reverse("admin:accounts_person_change", args=[person.pk])).content.decode()
    assert person.phone not in html
    client.get(reverse("admin:accounts_person_changelist"))
    assert seen() == []


def test_what_nobody_sees_masked_leaves_no_entry(client, person):
    client.force_login(factories.make_user(PRIVACY_OFFICER))
    client.get(reverse("admin:accounts_subscription_changelist"))
    client.get(reverse("admin:retention_rule_changelist"))
    client.get(reverse("admin:accounts_person_change", args=["00000000-0000-0000-0000-000000000000"]))
    assert seen() == []


def test_an_export_is_written_down(client, person):
    officer = factories.make_user(PRIVACY_OFFICER)
    client.force_login(officer)
    url = reverse("admin:accounts_person_export")
    form = client.get(url).context["form"]
    data = {"format": "0", "resource": "", **{name: "on" for name in form.fields if name.startswith("personresource")}}
    answer = client.post(url, data)
    assert answer["Content-Disposition"].startswith("attachment")
    assert ("export", "accounts.Person", "", 1) in seen()


def test_whoever_takes_evidence_away_says_why(client):
    auditor = factories.make_user(AUDITOR)
    client.force_login(auditor)
    url = reverse("retention:evidence-checkpoint")
    answer = client.post(url, {"reason": " "}, follow=True)
    assert "Say why you take it away" in answer.content.decode() and seen() == []
    client.post(url, {"reason": "Yearly audit of Mr Quillfeather", "ticket": "AUD-7"})
    entry = AccessLogEntry.objects.get()
    assert (entry.user, entry.action, entry.reason, entry.ticket) == (
        auditor, "take", "Yearly audit of Mr Quillfeather", "AUD-7",
    )  # fmt: skip
    assert not EvidenceEntry.objects.filter(body__icontains="Quillfeather").exists()
    for role, status in ((AUDITOR, 200), (PRIVACY_OFFICER, 200), (SUPPORT_AGENT, 403)):
        client.force_login(factories.make_user(role))
        assert client.get(reverse("admin:accounts_accesslogentry_changelist")).status_code == status


@pytest.mark.parametrize(("late", "goes"), [(dt.timedelta(seconds=-1), False), (dt.timedelta(0), True)])
def test_an_entry_goes_after_its_own_time_by_the_door(late, goes):
    factories.arm("access_log")
    user = factories.make_user()
    old = log_access(user, "look", of="accounts.Person", subject="x", reason="Complaint", now=NOW - 365 * DAY)
    young = log_access(user, "look", of="accounts.Person", subject="y", now=NOW - DAY)
    jobs = carry_out(NOW + late, now=NOW + late)
    assert set(AccessLogEntry.objects.values_list("pk", flat=True)) == {young.pk, *(() if goes else (old.pk,))}
    assert [job.state for job in jobs] == ([DeletionJob.State.DONE] if goes else [])
