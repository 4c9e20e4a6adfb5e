"""Fraud: suspended at once by one officer; two decide whether it goes now or stays as evidence (mission P4; policy § 5.2)."""

import datetime as dt

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import approvals
from accounts.models import Approval, Consent, EvidenceEntry, Suspension, Workspace
from retention import deletion, suspensions
from retention.holds import lift_hold
from retention.models import Hold
from retention.purge import carry_out
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost
from tests.retention.test_expiry import ids_of, tables_with

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def armed():
    factories.arm()


@pytest.fixture
def fraudster() -> Workspace:
    return factories.make_customer(expires_at=NOW + 300 * DAY)


def suspended(workspace: Workspace, **fields) -> Suspension:
    return suspensions.suspend(
        workspace,
        user=factories.make_user(),
        now=NOW,
        **{"code": "traffic", "reason": "Zyzzyva rang a premium line", **fields},
    )


def decided(suspension: Suspension, *, stays=False, categories=(), authority="", review_on=None, at=NOW) -> Approval:
    asked = suspensions.ask_to_decide(
        suspension, stays=stays, categories=categories, authority=authority, review_on=review_on,
        user=factories.make_user(), now=at,
    )  # fmt: skip
    return approvals.decide(asked.pk, user=factories.make_user(), agree=True, now=at)


def test_a_suspension_deletes_nothing_by_itself_and_ends_marketing_at_once(fraudster):
    bystander = factories.make_customer(expires_at=NOW + 300 * DAY)
    both = factories.make_person(fraudster)
    bystander.memberships.create(person=both, since=NOW)
    factories.make_consent(both)
    only_here = fraudster.memberships.exclude(person=both).get().person
    factories.make_consent(only_here, purpose="testimonial")
    before = everything()
    suspended(fraudster)
    carry_out(NOW, now=NOW)
    assert lost(before, everything()) == {}
    still_open = Consent.objects.filter(withdrawn_at__isnull=True)
    ended = Consent.objects.filter(withdrawn_at=NOW)
    assert [(one.person, one.purpose) for one in ended] == [(only_here, "marketing_email")]
    assert still_open.count() == 3
    entry = EvidenceEntry.objects.get(type="SUSPENDED")
    assert (entry.body["code"], entry.body["consents"]) == ("traffic", 1)


def test_when_two_officers_decide_so_everything_goes_at_once_whatever_the_subscription_says(fraudster):
    bystander = factories.make_customer(expires_at=NOW + 300 * DAY)
    decided(suspended(fraudster))
    expected, before = ids_of(fraudster), everything()
    assert "accounts_suspension" in tables_with("Zyzzyva")
    carry_out(NOW, now=NOW)
    assert lost(before, everything()) == expected
    assert tables_with("Zyzzyva") == []
    bystander.refresh_from_db()
    assert bystander.state == "active"


def test_a_renewal_and_a_late_feed_change_nothing_about_it(fraudster):
    factories.make_feed()
    decided(suspended(fraudster))
    factories.make_subscription(fraudster, expires_at=NOW + 900 * DAY)
    carry_out(NOW, now=NOW)
    fraudster.refresh_from_db()
    assert fraudster.state == "emptied"


def test_what_stays_as_evidence_is_held_and_goes_when_the_hold_is_lifted(fraudster):
    decided(suspended(fraudster), stays=True, authority="Claim 7", review_on=NOW.date() + 30 * DAY)
    hold = Hold.objects.get()
    assert (hold.workspace, hold.authority, hold.reason) == (
        fraudster,
        "Claim 7",
        "Evidence of fraud: fraudulent traffic",
    )
    before = everything()
    carry_out(NOW, now=NOW)
    assert lost(before, everything()) == {}
    lift_hold(hold.pk, user=factories.make_user(), now=NOW)
    carry_out(NOW, now=NOW)
    fraudster.refresh_from_db()
    assert fraudster.state == "emptied"


EVIDENCE = {"stays": True, "authority": "Claim 7", "review_on": NOW.date() + 30 * DAY}
CALLS, INVOICES = "telecom_records.CallDetailRecord", "accounts.BillingRecord"


def test_only_the_categories_that_two_officers_chose_stay_and_go_when_their_hold_is_lifted(fraudster):
    bystander = factories.make_customer(expires_at=NOW + 300 * DAY)
    approval = decided(suspended(fraudster), categories=[CALLS, INVOICES], **EVIDENCE)
    assert "4 call records" in approval.summary and "billing records" in approval.summary
    hold = Hold.objects.get()
    assert (hold.workspace, hold.categories) == (fraudster, sorted([CALLS, INVOICES]))
    everything_of, before = ids_of(fraudster), everything()
    carry_out(NOW, now=NOW)
    gone = lost(before, everything())
    assert gone == {model: ids for model, ids in everything_of.items() if model not in (CALLS, INVOICES)}
    assert gone, "the rest does go"
    bystander.refresh_from_db()
    fraudster.refresh_from_db()
    assert (fraudster.state, bystander.state) == ("remainder", "active")
    lift_hold(hold.pk, user=factories.make_user(), now=NOW)
    carry_out(NOW, now=NOW)
    fraudster.refresh_from_db()
    assert fraudster.state == "emptied"
    assert lost(before, everything()) == everything_of


def test_a_category_of_which_there_is_nothing_is_refused_when_it_is_asked_for():
    with pytest.raises(suspensions.UnableToSuspend, match="keep nothing"):
        decided(suspended(factories.make_workspace()), categories=[CALLS], **EVIDENCE)
    assert not Approval.objects.exists()


def test_the_officers_choose_categories_on_the_page(fraudster, client):
    factories.make_user()
    client.force_login(factories.make_user())
    found = suspended(fraudster)
    own = f"/admin/accounts/suspension/{found.pk}"
    dialog = client.get(f"{own}/decide/").content.decode()
    assert "Only these stay" in dialog and "Non-VoIP numbers" in dialog
    review = timezone.localdate() + 30 * DAY
    sent = {"_form_submitted": "True", "categories": [CALLS], "authority": "Claim 7", "review_on": f"{review:%d/%m/%Y}"}
    refused = client.post(f"{own}/decide/", sent).content.decode()
    assert "categories are chosen that stay" in refused and not Approval.objects.exists()
    client.post(f"{own}/decide/", {**sent, "stays": "on"})
    found.refresh_from_db()
    assert found.categories == [CALLS]
    approvals.decide(Approval.objects.get().pk, user=factories.make_user(), agree=True, now=timezone.now())
    assert "call records stay as evidence under a hold" in client.get(f"{own}/change/").content.decode()


def test_the_chosen_categories_are_part_of_what_is_approved(fraudster):
    found = suspended(fraudster)
    asked = suspensions.ask_to_decide(found, categories=[CALLS], user=factories.make_user(), now=NOW, **EVIDENCE)
    Suspension.objects.filter(pk=found.pk).update(categories=[INVOICES])
    with pytest.raises(approvals.UnableToApprove, match="has changed"):
        approvals.decide(asked.pk, user=factories.make_user(), agree=True, now=NOW)
    assert not Hold.objects.exists()


def test_when_there_is_nothing_left_to_keep_nothing_goes_either(fraudster):
    found = suspended(fraudster)
    asked = suspensions.ask_to_decide(
        found, categories=["accounts.Consent"], user=factories.make_user(), now=NOW, **EVIDENCE
    )
    with transaction.atomic(), deletion.open_door():
        Consent.objects.all().delete()
    with pytest.raises(approvals.UnableToApprove, match="keep nothing"):
        approvals.decide(asked.pk, user=factories.make_user(), agree=True, now=NOW)
    fraudster.refresh_from_db()
    assert (fraudster.goes_at, fraudster.state) == (None, "active")


def test_it_takes_two_officers_and_a_changed_proposal_voids_the_request(fraudster):
    first, second = factories.make_user(), factories.make_user()
    found = suspended(fraudster)
    asked = suspensions.ask_to_decide(found, stays=False, authority="", review_on=None, user=first, now=NOW)
    assert "rows and files go at once" in asked.summary
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(asked.pk, user=first, agree=True, now=NOW)
    Suspension.objects.filter(pk=found.pk).update(stays=True)
    with pytest.raises(approvals.UnableToApprove, match="has changed"):
        approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    fraudster.refresh_from_db()
    assert fraudster.goes_at is None and fraudster.state == "active"


def test_a_suspension_that_was_wrong_is_lifted_and_another_one_can_follow(fraudster):
    found = suspended(fraudster)
    with pytest.raises(suspensions.UnableToSuspend, match="already"):
        suspended(fraudster)
    suspensions.lift(found.pk, user=factories.make_user(), now=NOW)
    with pytest.raises(suspensions.UnableToSuspend, match="already"):
        decided(found)
    suspended(fraudster)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"stays": True}, "authority and a date"),
        ({"stays": True, "authority": "Claim", "review_on": NOW.date()}, "in the future"),
        ({"categories": ["telecom_records.CallDetailRecord"]}, "nothing is to stay"),
        ({**EVIDENCE, "categories": ["accounts.Nonsense"]}, "no category"),
    ],
)
def test_a_decision_that_cannot_be_is_refused(fraudster, fields, says):
    with pytest.raises(suspensions.UnableToSuspend, match=says):
        decided(suspended(fraudster), **fields)
    assert not Approval.objects.exists()


def test_a_workspace_whose_deletion_has_begun_is_not_suspended(fraudster):
    Workspace.objects.filter(pk=fraudster.pk).update(state=Workspace.State.EMPTYING)
    with pytest.raises(suspensions.UnableToSuspend, match="begun"):
        suspended(fraudster)


def test_the_officers_go_the_whole_way_by_the_pages(fraudster, client):
    first, second = factories.make_user(), factories.make_user()
    client.force_login(first)
    page = f"/admin/accounts/workspace/{fraudster.pk}/change/"
    assert "Suspend for fraud" in client.get(page).content.decode()
    data = {"workspace": str(fraudster.pk), "code": "spam", "reason": "Scam calls"}
    assert client.post("/admin/accounts/suspension/add/", data).status_code == 302
    found = Suspension.objects.get(lifted_at=None)
    assert "Suspended for fraud" in client.get(page).content.decode()
    own = f"/admin/accounts/suspension/{found.pk}"
    html = client.get(f"{own}/change/").content.decode()
    assert "Call records" in html and "Nothing of it is deleted until two officers have decided." in html
    client.post(f"{own}/decide/", {"_form_submitted": "True", "authority": "", "review_on": ""})
    client.force_login(second)
    client.post(f"/admin/accounts/approval/{Approval.objects.get().pk}/approve/", {"_form_submitted": "True"})
    now = timezone.now() + dt.timedelta(seconds=1)
    assert "Two officers decided" in client.get(page).content.decode()
    carry_out(now, now=now)
    fraudster.refresh_from_db()
    assert fraudster.state == "emptied"
