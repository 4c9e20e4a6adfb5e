"""Somebody who is no customer is searched for by what they have proved, and told honestly what was searched and not found."""

import datetime as dt

import pytest

from accounts.models import EvidenceEntry
from dsar import searching
from dsar.identity.proof import Proof, prove
from dsar.letters import sending
from dsar.letters.compose import UnableToCompose
from dsar.models import RecordSearch
from dsar.workflow import move_request
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
NUMBER = "+442079460177"


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def asked(officer):
    return factories.make_request(officer, requester_name="Anneke Brandt", requester_contact="anneke@brandt.example")


def search(request, officer, value=NUMBER, on=None) -> RecordSearch:
    return searching.search(request.pk, value, on=on, user=officer, now=NOW)


def to_approved(request, officer):
    for kind, value in (("email", "anneke@brandt.example"), ("phone", NUMBER)):
        prove(request.pk, kind, value, Proof.LETTER, user=officer, now=NOW)
    for state in ("collecting", "review", "approved"):
        move_request(request.pk, state, user=officer, now=NOW)


def say_nothing(request, officer, kind="nothing"):
    draft = sending.Draft(kind, "en", way="post")
    return sending.send(request.pk, draft, base_url="", user=officer, now=NOW)


def test_a_number_that_is_nobodys_is_looked_for_everywhere_and_near_misses_are_not_found(asked, officer):
    workspace = factories.make_customer()
    factories.make_person(workspace, phone="+442079460178", email="anneke@brandt.example.test")
    factories.make_calls(workspace, 2, other_party="+442079460178")
    assert search(asked, officer).found == search(asked, officer, " Anneke@Brandt.example ").found == {}
    factories.make_calls(workspace, 2, other_party=NUMBER)
    factories.make_person(workspace, phone=NUMBER)
    factories.make_ticket(workspace, contact=NUMBER)
    assert search(asked, officer).found == {"people": 1, "calls": 2, "tickets": 1}
    told = str(list(EvidenceEntry.objects.values_list("body", flat=True))) + str(
        list(asked.events.values_list("text", flat=True))
    )
    assert NUMBER not in told and "customers (1), calls (2)" in told.replace("other correspondence (1), ", "")


def test_a_recycled_number_is_asked_about_for_one_day(asked, officer):
    number = factories.make_number(NUMBER)
    factories.make_assignment(factories.make_workspace(), number, since=NOW - 100 * DAY, until=NOW - 50 * DAY)
    assert search(asked, officer, on=(NOW - 60 * DAY).date()).found == {"assignments": 1}
    assert search(asked, officer, on=(NOW - 40 * DAY).date()).found == {}
    assert search(asked, officer).found == {"assignments": 1}


@pytest.mark.parametrize("value", ["02079460177", "somebody", "", "a@b"])
def test_what_is_no_address_and_no_number_is_refused(asked, officer, value):
    with pytest.raises(searching.UnableToSearch, match="Write an e-mail address"):
        search(asked, officer, value)


def test_a_customer_is_collected_and_not_searched_for_and_no_day_lies_ahead(asked, officer):
    with pytest.raises(searching.UnableToSearch, match="has not come yet"):
        search(asked, officer, on=NOW.date() + DAY)
    customer = factories.make_request(officer, person=factories.make_person(factories.make_workspace()))
    with pytest.raises(searching.UnableToSearch, match="names a customer"):
        search(customer, officer)


def test_the_letter_says_what_was_searched_and_that_nothing_is_held(asked, officer):
    to_approved(asked, officer)
    with pytest.raises(UnableToCompose, match="Nothing was collected"):
        say_nothing(asked, officer, "answer")
    with pytest.raises(UnableToCompose, match="Search the records first"):
        say_nothing(asked, officer)
    search(asked, officer, on=dt.date(2026, 11, 3))
    search(asked, officer, "anneke@brandt.example")
    letter = say_nothing(asked, officer)
    assert f"• the telephone number {NUMBER} (3 November 2026)" in letter.body
    assert (
        "• the e-mail address anneke@brandt.example" in letter.body
        and "we hold no personal data about you" in letter.body
    )
    asked.refresh_from_db()
    assert asked.state == "delivered"


def test_nothing_is_said_about_a_number_that_was_not_proved_or_of_which_something_is_there(asked, officer):
    to_approved(asked, officer)
    search(asked, officer, "+442079460178")
    with pytest.raises(UnableToCompose, match="Not proved to be theirs: telephone number"):
        say_nothing(asked, officer)
    factories.make_calls(factories.make_customer(), 1, other_party=NUMBER)
    search(asked, officer)
    with pytest.raises(UnableToCompose, match="Something was found"):
        say_nothing(asked, officer)


def test_the_page_shows_how_much_and_only_officers_search(client, officer, asked):
    client.force_login(officer)
    url = f"/admin/dsar/subjectrequest/{asked.pk}"
    client.post(f"{url}/search/", {"_form_submitted": "True", "value": NUMBER})
    html = client.get(f"{url}/change/").content.decode()
    assert "What was searched" in html and "nothing" in html
    for role in ("Support agent", "Auditor"):
        client.force_login(factories.make_user(role))
        assert client.post(f"{url}/search/", {"_form_submitted": "True", "value": NUMBER}).status_code == 403
        assert NUMBER not in client.get(f"{url}/change/").content.decode()
