"""What testers found by using the portal, each as they met it."""

import pytest
from django.contrib.admin.utils import quote
from django.db import IntegrityError, transaction

from accounts.models import Approval, Subscription, Workspace
from accounts.resources import PersonResource, SubscriptionResource
from accounts.roles import AUDITOR, SUPPORT_AGENT
from dsar.models import SubjectRequest, Ticket
from retention import jobs
from retention.approved_actions import observe_again
from retention.holds import lift_hold, place_hold
from retention.models import DeletionJob, Rule
from retention.purge import carry_out
from telecom_records.models import NumberAssignment
from telecom_records.resources import NumberAssignmentResource
from tests import factories
from tests.accounts.test_customer_imports import errors, load
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
EMPTIED = {"state": "emptied", "name": "", "country": "", "emptied_at": NOW, "expired_at": NOW}


@pytest.fixture
def officer():
    return factories.make_user()


def test_a_rule_that_was_stopped_deletes_nothing_more_even_what_was_waiting(officer):
    factories.arm()
    held = factories.make_customer()
    waiting = factories.make_customer()
    hold = place_hold(
        workspace=held, reason="x", authority="y", review_on=NOW.date(), owner=officer, user=officer, now=NOW
    )
    jobs.schedule_due(NOW)
    for job_id in jobs.runnable():
        if DeletionJob.objects.get(pk=job_id).workspace == held:
            jobs.run_job(job_id, now=NOW)
    observe_again(Rule.objects.get(pk="workspace_expiry"), user=officer)
    lift_hold(hold.pk, user=factories.make_user(), now=NOW)
    carry_out(NOW, now=NOW)
    for workspace in (held, waiting):
        workspace.refresh_from_db()
        assert workspace.state == Workspace.State.ACTIVE
        assert workspace.call_records.count() == 4
    assert set(DeletionJob.objects.values_list("state", flat=True)) == {DeletionJob.State.CANCELLED}
    factories.arm()
    carry_out(NOW, now=NOW)
    assert Workspace.objects.filter(state=Workspace.State.EMPTIED).count() == 2


def test_a_rule_can_be_armed_and_stopped_from_its_page_as_the_list_links_to_it(client, officer):
    factories.make_user()
    client.force_login(officer)
    page = f"/admin/retention/rule/{quote('workspace_expiry')}/change/"
    assert page in client.get("/admin/retention/rule/").content.decode()
    assert "Ask to arm" in client.get(page).content.decode()
    client.post(f"/admin/retention/rule/{quote('workspace_expiry')}/ask_to_arm/", {"_form_submitted": "True"})
    assert Approval.objects.get().target == "workspace_expiry"
    factories.arm()
    assert "Stop deleting" in client.get(page).content.decode()
    client.post(f"/admin/retention/rule/{quote('workspace_expiry')}/observe/", {"_form_submitted": "True"})
    assert Rule.objects.get(pk="workspace_expiry").state == Rule.State.OBSERVING


def test_a_subscription_stays_with_its_workspace_on_the_form_and_in_a_file(client, officer):
    client.force_login(officer)
    one, two = factories.make_workspace(), factories.make_workspace()
    subscription = factories.make_subscription(one, expires_at=NOW + 300 * DAY)
    url = f"/admin/accounts/subscription/{subscription.pk}/change/"
    assert 'name="workspace"' not in client.get(url).content.decode()
    text = (
        "outside_id,workspace,plan,starts_at,expires_at\n"
        f"{subscription.outside_id},{two.outside_id},Basic,2026-01-01T00:00:00Z,2099-01-01T00:00:00Z\n"
    )
    assert "stays with it" in errors(load(SubscriptionResource, text))
    assert Subscription.objects.get().workspace == one


@pytest.mark.parametrize("into", ["emptied", "out of emptying"])
def test_no_row_moves_into_or_out_of_a_workspace_that_is_going(into):
    gone = factories.make_workspace()
    living = factories.make_workspace()
    row = factories.make_assignment(living if into == "emptied" else gone)
    Workspace.objects.filter(pk=gone.pk).update(**(EMPTIED if into == "emptied" else {"state": "emptying"}))
    with pytest.raises(IntegrityError, match="moves into it or out of it"), transaction.atomic():
        NumberAssignment.objects.filter(pk=row.pk).update(workspace=gone if into == "emptied" else living)


def test_an_import_names_an_emptied_workspace_at_its_line():
    gone = factories.make_workspace(outside_id="W-GONE")
    Workspace.objects.filter(pk=gone.pk).update(**EMPTIED)
    text = "outside_id,number,voip,workspace,from\nA-1,+442079460123,yes,W-GONE,2026-01-01T00:00:00Z\n"
    said = errors(load(NumberAssignmentResource, text))
    assert "This workspace has been emptied" in said and "CONTEXT" not in said


def test_a_person_named_by_an_assignment_of_another_workspace_goes_all_the_same():
    factories.arm()
    alice = factories.make_customer()
    person = alice.memberships.get().person
    other = factories.make_workspace()
    assignment = factories.make_assignment(other, person=person)
    usage = factories.make_usage(other, person)
    (job,) = carry_out(NOW, now=NOW)
    assert job.state == DeletionJob.State.DONE
    assignment.refresh_from_db()
    usage.refresh_from_db()
    assert (assignment.person, usage.person) == (None, None)


@pytest.mark.parametrize(
    ("role", "url"),
    [
        (SUPPORT_AGENT, "/admin/accounts/person/?phone__startswith=%2B44"),
        (SUPPORT_AGENT, "/admin/accounts/person/?email__icontains=a"),
        (SUPPORT_AGENT, "/admin/telecom_records/number/?e164__startswith=%2B44"),
        (SUPPORT_AGENT, "/admin/telecom_records/numberassignment/?number__e164__startswith=%2B44"),
        (AUDITOR, "/admin/dsar/subjectrequest/?requester_contact__contains=a"),
    ],
)
def test_a_masked_value_cannot_be_read_out_by_a_filter_in_the_address(client, officer, role, url):
    client.force_login(factories.make_user(role))
    assert client.get(url).status_code in (302, 400)
    client.force_login(officer)
    if "number__" not in url:
        assert client.get(url).status_code == 200


def test_an_agent_types_in_where_to_answer(client):
    client.force_login(factories.make_user(SUPPORT_AGENT))
    data = {
        "type": "access", "received_at_0": "01/11/2026", "received_at_1": "10:00:00", "channel": "email", "regime": "policy_default",
        "region": "", "requester_name": "Anneke Brandt", "requester_contact": "anneke@example.test", "note": "", "owner": "",
        "person": "", "workspace": "",
    }  # fmt: skip
    assert client.post("/admin/dsar/subjectrequest/add/", data).status_code == 302
    assert SubjectRequest.objects.get().requester_contact == "anneke@example.test"


def test_another_officer_can_be_the_owner(client, officer):
    second = factories.make_user()
    client.force_login(officer)
    html = client.get("/admin/dsar/subjectrequest/add/").content.decode()
    assert f'<option value="{second.pk}"' in html


@pytest.mark.parametrize(("said", "stored"), [("yes", True), ("YES", True), ("1", True), ("no", False), ("0", False)])
def test_yes_means_yes_in_a_file(said, stored):
    text = f"outside_id,name,notify_by_sms\nP-1,A,{said}\n"
    result = load(PersonResource, text)
    assert not result.has_errors() and not result.has_validation_errors()
    assert PersonResource.Meta.model.objects.get(outside_id="P-1").notify_by_sms is stored


def test_what_is_neither_yes_nor_no_is_refused():
    assert "neither yes nor no" in errors(load(PersonResource, "outside_id,name,notify_by_sms\nP-1,A,maybe\n"))


def test_a_ticket_without_a_customer_or_made_already_makes_no_request(client):
    client.force_login(factories.make_user(SUPPORT_AGENT))
    nobody = factories.make_ticket()
    post = {"_form_submitted": "True", "type": "access", "regime": "policy_default", "region": ""}
    client.post(f"/admin/dsar/ticket/{nobody.pk}/make_request/", post)
    assert not SubjectRequest.objects.exists()
    workspace = factories.make_workspace()
    ticket = factories.make_ticket(workspace)
    for _ in range(2):
        client.post(f"/admin/dsar/ticket/{ticket.pk}/make_request/", post)
    assert SubjectRequest.objects.count() == 1
    assert Ticket.objects.count() == 2


def test_a_sign_in_that_came_from_elsewhere_ends_on_the_first_page(client, officer):
    data = {"username": officer.email, "password": factories.PASSWORD, "next": "https://elsewhere.example/"}
    assert client.post("/admin/login/", data)["Location"] == "/admin/"
