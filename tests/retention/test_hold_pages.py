"""Placing a hold on the page, what each keeps, and what is told to those who need not know more than yes or no."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import EvidenceEntry
from accounts.roles import AUDITOR, PRIVACY_OFFICER, SUPPORT_AGENT
from retention.holds import UnableToHold, place_hold
from retention.models import Hold, LegalRetention
from tests import factories

pytestmark = pytest.mark.django_db
ADD, LIST = "/admin/retention/hold/add/", "/admin/retention/hold/"
AUTHORITY = "Order 7 of the district court"


@pytest.fixture
def officer(client):
    user = factories.make_user(PRIVACY_OFFICER)
    client.force_login(user)
    return user


@pytest.fixture
def alice():
    return factories.make_customer(expires_at=timezone.now() + dt.timedelta(days=30))


def tomorrow() -> str:
    return (timezone.localdate() + dt.timedelta(days=1)).isoformat()


def filled(officer, **fields) -> dict:
    why = {"reason": "Dispute", "authority": AUTHORITY, "owner": officer.pk, "review_on": tomorrow()}
    return {**why, **fields}


def place(officer, **covers) -> Hold:
    return place_hold(
        reason="Dispute", authority=AUTHORITY, owner=officer, user=officer, now=timezone.now(),
        review_on=timezone.localdate() + dt.timedelta(days=1), **covers,
    )  # fmt: skip


def test_the_preview_shows_what_it_would_keep_and_only_placing_places(client, officer, alice):
    fields = filled(officer, workspace=alice.outside_id, categories=["telecom_records.CallDetailRecord"])
    html = client.post(ADD, {**fields, "preview": "1"}).content.decode()
    assert "It would keep now" in html and "Call records" in html and "Place this hold" in html
    assert not Hold.objects.exists()
    response = client.post(ADD, {**fields, "place": "1"}, follow=True)
    hold = Hold.objects.get()
    assert (hold.workspace, hold.categories) == (alice, ["telecom_records.CallDetailRecord"])
    html = response.content.decode()
    assert "The hold is in force" in html and "Keeps now" in html and AUTHORITY in html


def test_a_number_is_taken_in_any_international_form_and_days_are_whole(client, officer, alice):
    fields = filled(officer, number="0044 20 7946-0100", first_day="2026-01-01", last_day="2026-12-31", place="1")
    assert client.post(ADD, fields).status_code == 302
    hold = Hold.objects.get()
    assert hold.number == "+442079460100"
    assert timezone.localtime(hold.rows_from).isoformat() == "2026-01-01T00:00:00+08:00"
    assert timezone.localtime(hold.rows_until).isoformat() == "2027-01-01T00:00:00+08:00"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Say what is to be kept"),
        ({"workspace": "W-nobody"}, "There is no workspace"),
        ({"person": "P-nobody"}, "There is no customer"),
        ({"number": "7946 0100"}, "international form"),
        ({"number": "+44 20 79"}, "too short or too long"),
        ({"first_day": "2026-02-01", "last_day": "2026-01-01"}, "wrong way round"),
        ({"number": "+442079460100", "categories": ["accounts.Consent"]}, "about no telephone number"),
        ({"number": "+442079460999"}, "keep nothing"),
        ({"number": "+442079460100", "review_on": "2020-01-01"}, "must lie in the future"),
    ],
)
@pytest.mark.parametrize("button", ["preview", "place"])
def test_what_is_wrong_is_said_and_nothing_is_placed(client, officer, alice, fields, words, button):
    response = client.post(ADD, {**filled(officer), **fields, button: "1"})
    assert response.status_code == 400
    assert words in response.content.decode()
    assert not Hold.objects.exists()


def test_a_refused_attempt_is_on_the_page_of_holds(client, officer, alice):
    with pytest.raises(UnableToHold):
        place(officer, number="+442079460999")
    html = client.get(LIST).content.decode()
    assert "Refused attempts" in html and "It would have kept nothing" in html


def test_the_list_says_what_each_keeps_and_hides_the_number(client, officer, alice):
    place(officer, number="+442079460100", categories=["telecom_records.CallDetailRecord"])
    html = client.get(LIST).content.decode()
    assert "4 call records" in html and AUTHORITY in html
    assert "+442079460100" not in html
    hold = Hold.objects.get()
    assert "+442079460100" in client.get(f"{LIST}{hold.pk}/change/").content.decode()
    client.force_login(factories.make_user(AUDITOR))
    assert "+442079460100" not in client.get(f"{LIST}{hold.pk}/change/").content.decode()


def test_a_support_agent_learns_only_that_there_is_a_hold(client, officer, alice):
    place(officer, workspace=alice)
    page = f"/admin/accounts/workspace/{alice.pk}/change/"
    assert AUTHORITY in client.get(page).content.decode()
    client.force_login(factories.make_user(SUPPORT_AGENT))
    html = client.get(page).content.decode()
    assert "a hold keeps it" in html
    assert AUTHORITY not in html and "Dispute" not in html
    assert client.get(LIST).status_code == 403
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, filled(officer, workspace=alice.outside_id, place="1")).status_code == 403


def test_an_overdue_review_nags_on_every_page_and_lifts_nothing(client, officer, alice):
    hold = place(officer, workspace=alice)
    assert "should have been reviewed" not in client.get("/admin/").content.decode()
    Hold.objects.update(review_on=timezone.localdate() - dt.timedelta(days=1))
    html = client.get("/admin/").content.decode()
    assert "A hold should have been reviewed by now" in html
    assert "overdue" in client.get(f"{LIST}?state=overdue").content.decode()
    hold.refresh_from_db()
    assert hold.is_active


def test_asking_to_lift_tells_the_second_officer_what_without_the_number(client, officer, alice):
    from accounts.models import Approval

    factories.make_user(PRIVACY_OFFICER)
    hold = place(officer, number="+442079460100")
    client.post(f"{LIST}{hold.pk}/ask_to_lift/", {"_form_submitted": "True"})
    asked = Approval.objects.get()
    assert "Lift the hold on" in asked.summary and "+442079460100" not in asked.summary
    assert EvidenceEntry.objects.filter(type="APPROVAL_ASKED").exists()


def test_an_officer_writes_a_law_down_disabled_and_asks_to_activate_it(client, officer, alice):
    from accounts.models import Approval

    factories.make_user(PRIVACY_OFFICER)
    data = {
        "country": "GB", "category": "accounts.BillingRecord", "law": "Test Act", "section": "s. 1", "months": "72",
        "counts_from": "row", "note": "",
    }  # fmt: skip
    assert client.post("/admin/retention/legalretention/add/", data).status_code == 302
    law = LegalRetention.objects.get(law="Test Act")
    assert not law.is_active
    page = f"/admin/retention/legalretention/{law.pk}/change/"
    assert "Would keep now" in client.get(page).content.decode()
    given = {
        "verified_by": "Counsel", "verified_on": timezone.localdate().isoformat(), "review_on": tomorrow(),
        "_form_submitted": "True",
    }  # fmt: skip
    client.post(f"/admin/retention/legalretention/{law.pk}/ask_to_activate/", given)
    law.refresh_from_db()
    assert (law.is_active, law.verified_by) == (False, "Counsel")
    assert "keeps billing records for 6 years" in Approval.objects.get().summary


def test_a_law_that_cannot_keep_anything_is_refused_at_its_field(client, officer):
    data = {
        "country": "GB", "category": "accounts.Consent", "law": "Test Act", "section": "s. 1", "months": "72",
        "counts_from": "end", "note": "",
    }  # fmt: skip
    response = client.post("/admin/retention/legalretention/add/", data)
    assert "of no account" in response.content.decode()
    assert not LegalRetention.objects.filter(law="Test Act").exists()
