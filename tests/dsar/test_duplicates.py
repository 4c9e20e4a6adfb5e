"""Two requests that may be one are proposed, never merged by themselves; the earlier receipt counts for both."""

import pytest

from dsar import duplicates
from dsar.models import SubjectRequest
from dsar.services import redate_request
from dsar.workflow import UnableToMove, move_request
from retention.models import Hold
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer():
    return factories.make_user()


def asked(officer, contact="Anneke@Brandt.example", *, days=3, **fields):
    return factories.make_request(officer, requester_contact=contact, received_at=NOW - days * DAY, **fields)


def test_the_same_person_is_known_again_by_customer_or_address_and_near_misses_are_not_proposed(officer):
    person, stranger = (
        factories.make_person(factories.make_workspace()),
        factories.make_person(factories.make_workspace()),
    )
    request = asked(officer, person=person)
    by_address = asked(officer, " anneke@brandt.EXAMPLE ", days=2)
    by_customer = asked(officer, "other@brandt.example", days=33, person=person)
    asked(officer, type="erasure")  # another kind
    asked(officer, "anneke@brandt.example.test", person=stranger)  # another person
    asked(officer, days=34)  # more than a month apart
    move_request(asked(officer).pk, "withdrawn", user=officer, now=NOW)  # over
    assert duplicates.candidates(request) == [by_customer, by_address]
    assert b"brandt" not in bytes(request.contact_key).lower()


def test_nobody_is_the_same_as_nobody(officer):
    request = asked(officer, "")
    asked(officer, "")
    assert duplicates.candidates(request) == []


def test_a_corrected_address_is_compared_anew(officer):
    first, second = asked(officer), asked(officer, "wrong@brandt.example")
    assert duplicates.candidates(first) == []
    second.requester_contact = "anneke@brandt.example"
    redate_request(second, user=officer, now=NOW)
    assert duplicates.candidates(first) == [second]


def test_the_earlier_receipt_stands_for_both_and_keeps_the_customers_data(officer):
    person = factories.make_person(factories.make_workspace())
    early, late = asked(officer, days=9), asked(officer, days=2, person=person)
    due_on = early.due_on
    kept = duplicates.merge(late.pk, early.pk, user=officer, now=NOW)
    early.refresh_from_db()
    late.refresh_from_db()
    assert (kept, early.state, early.due_on, early.person) == (early, "received", due_on, person)
    assert (late.state, late.merged_into, late.closed_at) == ("merged", early.pk, NOW)
    assert set(Hold.objects.filter(lifted_at__isnull=True).values_list("request_id", flat=True)) == {early.pk}
    assert late.reference in early.events.get(kind="merged").text
    with pytest.raises(duplicates.UnableToMerge, match="not open requests"):
        duplicates.merge(late.pk, early.pk, user=officer, now=NOW)


def test_strangers_and_other_laws_are_not_merged(officer):
    first, stranger = asked(officer), asked(officer, "bob@example.test")
    with pytest.raises(duplicates.UnableToMerge, match="not open requests of the same person"):
        duplicates.merge(first.pk, stranger.pk, user=officer, now=NOW)
    with pytest.raises(duplicates.UnableToMerge, match="different laws"):
        duplicates.merge(first.pk, asked(officer, regime="eu_gdpr").pk, user=officer, now=NOW)
    with pytest.raises(UnableToMove, match="Merge it with the request"):
        move_request(first.pk, "merged", user=officer, now=NOW)
    assert not SubjectRequest.objects.filter(state="merged").exists()


def test_what_is_not_the_same_is_not_proposed_again(officer):
    first, second = asked(officer), asked(officer)
    for _ in range(2):
        duplicates.say_not_same(second.pk, first.pk, user=officer, now=NOW)
    assert duplicates.candidates(first) == duplicates.candidates(second) == []
    assert first.events.filter(kind="not_same").count() == 1


def test_the_page_proposes_it_and_the_officer_decides(client, officer):
    early, late = asked(officer, days=9), asked(officer, days=2)
    client.force_login(officer)
    url = f"/admin/dsar/subjectrequest/{late.pk}"
    html = client.get(f"{url}/change/").content.decode()
    assert "Perhaps the same" in html and early.reference in html
    response = client.post(f"{url}/merge/", {"_form_submitted": "True", "other": early.pk})
    assert response["HX-Redirect"].endswith(f"/{early.pk}/change/")
    assert "Perhaps the same" not in client.get(f"/admin/dsar/subjectrequest/{early.pk}/change/").content.decode()
    third = asked(officer, days=1)
    client.post(f"/admin/dsar/subjectrequest/{third.pk}/not_same/", {"_form_submitted": "True", "other": early.pk})
    third.refresh_from_db()
    assert third.state == "received" and duplicates.candidates(third) == []
