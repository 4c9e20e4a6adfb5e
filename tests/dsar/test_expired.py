"""“My workspace expired, can I have it back?”: the receipt is looked up, and nothing else is told."""

import pytest

from accounts.roles import AUDITOR, SUPPORT_AGENT
from dsar import expired
from retention.models import DeletionJob
from retention.purge import carry_out
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket():
    return factories.make_ticket(contact_name="Anneke Brandt", contact="anneke@brandt.example")


@pytest.fixture
def gone():
    factories.arm("workspace_expiry")
    workspace = factories.make_customer()
    (job,) = carry_out(NOW, now=NOW)
    return workspace, job


def test_the_answer_has_the_day_and_the_receipt_and_nothing_of_what_there_was(ticket, gone):
    workspace, job = gone
    text = expired.words_for(ticket, f" {workspace.outside_id} ", language="en")
    assert str(job.pk)[:8].upper() in text and workspace.outside_id in text and "Dear Anneke Brandt" in text
    assert "cannot be brought back" in text and f"{job.done_at:%B %Y}" in text
    assert workspace.name not in text or not workspace.name
    assert "收據編號" in expired.words_for(ticket, workspace.outside_id, language="zh-hant")


def test_one_that_is_there_and_one_that_never_was_get_the_same_words(ticket):
    there = factories.make_customer(expires_at=NOW + 30 * DAY)
    DeletionJob.objects.create(  # of something in it, such as a recording that had its time
        rule_id="workspace_expiry", workspace=there, state="done", due_at=NOW, cutoff=NOW, intent_at=NOW, intent_sequence=1, done_at=NOW,
        done_sequence=2
    )  # fmt: skip
    words = expired.words_for(ticket, there.outside_id, language="en")
    assert words.replace(there.outside_id, "W-none") == expired.words_for(ticket, "W-none", language="en")
    assert "We know of no deletion" in words


def test_an_agent_reads_it_in_the_answer_before_it_is_sent(client, ticket, gone):
    workspace, job = gone
    client.force_login(factories.make_user(SUPPORT_AGENT))
    form = {"_form_submitted": "True", "account": workspace.outside_id, "language": "en"}
    response = client.post(f"/admin/dsar/ticket/{ticket.pk}/expired/", form)
    assert response["HX-Redirect"].endswith(f"/{ticket.pk}/change/#answer")
    assert str(job.pk)[:8].upper() in client.get(f"/admin/dsar/ticket/{ticket.pk}/change/").content.decode()
    assert not ticket.messages.filter(kind="sent").exists()
    client.force_login(factories.make_user(AUDITOR))
    assert client.post(f"/admin/dsar/ticket/{ticket.pk}/expired/", form).status_code == 403
