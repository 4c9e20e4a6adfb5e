"""Who is refused something may contest it: a clock of its own, another officer, and a decision that has an effect."""

import datetime as dt

import pytest
from django.db import IntegrityError

from dsar import contesting
from dsar.letters import sending
from dsar.letters.compose import UnableToCompose
from dsar.models import Letter, SubjectRequest
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
Kind = Letter.Kind


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def other():
    return factories.make_user()


def refused(officer, **fields) -> SubjectRequest:
    defaults = {"type": "erasure", "requester_name": "Anneke Brandt", "requester_contact": "anneke@brandt.example"}
    request = factories.make_request(officer, **{**defaults, **fields})
    factories.prove_identity(request, officer)
    return factories.refuse(request, officer)


def contest(request, user, type="complaint", *, received_at=NOW):
    return contesting.contest(
        request.pk, type=type, received_at=received_at, channel="email", note="Look again.", user=user, now=NOW
    )


def decide(request, kind, user, **draft):
    factories.bring_to(request, "approved", user)
    letter = sending.Draft(kind, "en", way="post", **draft)
    return sending.send(request.pk, letter, base_url="", user=user, now=NOW)


@pytest.mark.parametrize(
    ("regime", "type", "rule", "acknowledge_by", "statutory"),
    [
        ("uk_gdpr", "complaint", "uk_complaint", dt.date(2026, 12, 23), None),  # 30 days after 23 November, a Wednesday
        ("us_va_vcdpa", "appeal", "us_va_vcdpa", None, dt.date(2027, 1, 22)),  # 60 days
        ("us_co_cpa", "appeal", "us_co_cpa", None, dt.date(2027, 1, 7)),  # 45 days
        ("eu_gdpr", "complaint", "policy_default", None, None),
        ("uk_gdpr", "appeal", "policy_default", None, None),
    ],
)
def test_a_contest_has_the_clock_of_its_own_law_and_the_customer_of_what_it_contests(
    officer, regime, type, rule, acknowledge_by, statutory
):
    request = refused(officer, regime=regime)
    made = contest(request, officer, type)
    assert (made.regime, made.acknowledge_by_on, made.statutory_due_on) == (rule, acknowledge_by, statutory)
    assert (made.contested, made.requester_contact, made.owner) == (request, "anneke@brandt.example", None)
    assert request.events.get(kind="contested").text.endswith(f"{made.reference}.")


def test_only_what_was_answered_is_contested_and_each_way_once_at_a_time(officer):
    with pytest.raises(contesting.UnableToContest, match="nothing to contest"):
        contest(factories.make_request(officer), officer)
    request = refused(officer)
    contest(request, officer)
    with pytest.raises(contesting.UnableToContest, match="one of it already"):
        contest(request, officer)
    contest(request, officer, "appeal")


@pytest.mark.parametrize("kind", [Kind.UPHELD, Kind.REJECTED])
def test_another_officer_decides_than_who_sent_the_letter(officer, other, kind):
    made = contest(refused(officer), officer)
    factories.bring_to(made, "approved", officer)
    with pytest.raises(UnableToCompose, match="Another officer must decide"):
        decide(made, kind, officer, particulars="We looked.")
    assert decide(made, kind, other, particulars="We looked.").sent_by == other


def test_who_is_right_has_the_request_taken_up_again(officer, other):
    request = refused(officer)
    made = contest(request, officer)
    letter = decide(made, Kind.UPHELD, other)
    made.refresh_from_db()
    request.refresh_from_db()
    assert (made.state, request.state, request.closed_at) == ("delivered", "collecting", None)
    assert f"your request {request.reference}" in letter.body and "You are right" in letter.body
    assert "complain to the data protection authority" not in letter.body


def test_one_that_nobody_was_known_for_goes_back_to_the_check_of_identity(officer, other):
    request = factories.refuse(factories.make_request(officer), officer)
    decide(contest(request, officer), Kind.UPHELD, other)
    request.refresh_from_db()
    assert request.state == "identity"


def test_a_decision_that_stays_says_why_and_where_to_go_on(officer, other):
    request = refused(officer, regime="us_va_vcdpa")
    assert "You may appeal against this decision" in request.letters.get().body
    made = contest(request, officer, "appeal")
    with pytest.raises(UnableToCompose, match="Write why the decision stays"):
        decide(made, Kind.REJECTED, other)
    letter = decide(made, Kind.REJECTED, other, particulars="The invoices must be kept.")
    assert "The invoices must be kept." in letter.body and "Attorney General of Virginia" in letter.body
    request.refresh_from_db()
    assert request.state == "refused"


def test_a_decision_is_no_answer_to_a_request_and_an_answer_none_to_a_contest(officer, other):
    request = factories.bring_to(factories.make_request(officer), "approved", officer)
    with pytest.raises(UnableToCompose, match="Only a complaint or an appeal"):
        decide(request, Kind.UPHELD, other)
    with pytest.raises(UnableToCompose, match="has no other answer"):
        decide(contest(refused(officer), officer), Kind.ANSWER, other)


def test_only_complaints_and_appeals_contest_something(officer):
    request = refused(officer)
    with pytest.raises(IntegrityError):
        SubjectRequest.objects.filter(pk=contest(request, officer).pk).update(type="access")


def test_the_pages_lead_there_and_back(client, officer):
    request = refused(officer)
    client.force_login(officer)
    url = f"/admin/dsar/subjectrequest/{request.pk}"
    form = {"_form_submitted": "True", "type": "complaint", "channel": "email", "note": "Look again."}
    early = f"{NOW - DAY:%Y-%m-%d}"
    assert "younger than this day" in client.post(f"{url}/contest/", {**form, "received_on": early}).content.decode()
    response = client.post(f"{url}/contest/", {**form, "received_on": f"{NOW + DAY:%Y-%m-%d}"})
    made = SubjectRequest.objects.get(contests=request.pk)
    assert response["HX-Redirect"].endswith(f"/{made.pk}/change/")
    assert made.reference in client.get(f"{url}/change/").content.decode()
    assert request.reference in client.get(f"/admin/dsar/subjectrequest/{made.pk}/change/").content.decode()
    choices = client.get(f"/admin/dsar/letter/write/{made.pk}/").context["form"].fields["kind"].choices
    assert {kind for kind, _ in choices} == {"receipt", "extension", "upheld", "rejected"}
    client.force_login(factories.make_user("Support agent"))
    assert client.post(f"{url}/contest/", form).status_code == 403
