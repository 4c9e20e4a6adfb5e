"""An objection stops what it is about; a parent's request removes a child's data within 72 hours, without a copy of an ID."""

import datetime as dt

import pytest
from django.urls import reverse

from accounts import approvals
from accounts.models import Approval, ChildFinding, Consent, Person, Restriction
from dsar.letters import sending
from dsar.rights import UnableToCarryOut
from dsar.rights.decisions import follow
from retention.purge import carry_out as purge
from retention.visibility import is_visible
from tests import factories
from tests.dsar.rights import carry_out, chosen, show
from tests.dsar.test_restriction import asked_by
from tests.factories import DAY, NOW
from tests.retention.test_children import family  # noqa: F401  (a workspace that two people share)

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
WEIGHED = "They write for their health; the statistics can do without them."


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def person():
    return factories.make_customer(expires_at=NOW + 300 * DAY).memberships.get().person


def letter(request, language="en", kind="answer", **fields) -> str:
    draft = sending.Draft(kind=kind, language=language, way="post", **fields)
    return sending.preview(request, draft, user=factories.make_user(), now=NOW)[1]


def test_an_objection_to_marketing_ends_it_at_once_and_nothing_else(person, officer):
    statistics = factories.make_consent(person, purpose="analytics_cookies")
    request = asked_by(person, officer, type="objection")
    assert not show(request, "objection").needs_second
    decision = carry_out(request, "objection", officer)
    ended = Consent.objects.filter(person=person, withdrawn_at=NOW)
    assert set(ended.values_list("purpose", flat=True)) == {"marketing_email"} and statistics not in ended
    assert (decision.state, request.state, is_visible(person)) == ("done", "approved", True)
    assert "no marketing from us any more" in letter(request) and "推廣訊息" in letter(request, "zh-hant")


def test_any_other_objection_restricts_while_it_is_weighed_and_stays_so_when_it_prevails(person, officer):
    request = asked_by(person, officer, type="objection")
    carry_out(request, "objection", officer, purpose="statistics")
    assert not is_visible(person) and request.state == "received", "it is not answered yet"
    carry_out(request, "objection", officer, purpose="statistics", outcome="stop", weighing=WEIGHED)
    assert not is_visible(person) and request.state == "approved"
    assert Restriction.objects.get().ground == "objection"
    assert "Your grounds prevail" in letter(request)


def test_going_on_takes_two_officers_and_the_weighing_and_the_person_is_told_before_it_is_lifted(person, officer):
    request = asked_by(person, officer, type="objection")
    carry_out(request, "objection", officer, purpose="security")
    form = {"purpose": "security", "outcome": "continue"}
    with pytest.raises(AssertionError, match="Write the weighing down"):
        chosen(request, "objection", **form)
    decision = carry_out(request, "objection", officer, **form, weighing=WEIGHED)
    assert decision.confirmed_by and decision.choices["weighing"] == WEIGHED
    assert not is_visible(person), "until the person was told"
    sending.send(
        request.pk, sending.Draft(kind="lifting", language="en", way="post", particulars="Fraud."), base_url="https://x.example",
        user=officer, now=NOW,
    )  # fmt: skip
    carry_out(request, "restriction", officer, now=NOW + 7 * DAY)
    assert is_visible(person)


def from_a_parent(child: Person, officer):
    return factories.make_request(
        officer, type="child", person=child, requester_name="A parent", requester_contact="parent@example.test",
        received_at=NOW - 2 * HOUR,
    )  # fmt: skip


def test_the_request_of_a_parent_is_due_72_hours_after_it_came_and_starts_the_clock_of_the_finding(family, officer):  # noqa: F811
    factories.arm()
    child = Person.objects.get(outside_id="P-child")
    request = from_a_parent(child, officer)
    assert request.due_at == NOW - 2 * HOUR + 72 * HOUR
    with pytest.raises(UnableToCarryOut, match="authority of the parent"):
        carry_out(request, "childs_data", officer)
    assert not ChildFinding.objects.exists(), "a preview records nothing"
    second = factories.make_user()
    decision = carry_out(request, "childs_data", officer, authority="call_back")
    finding = ChildFinding.objects.get()
    assert (finding.person, finding.found_at, finding.authority) == (child, NOW - 2 * HOUR, "call_back")
    assert decision.state == "under_way" and follow(decision.pk, now=NOW) is False
    approvals.decide(Approval.objects.get().pk, user=second, agree=True, now=NOW)
    (job,) = purge(NOW, now=NOW)
    assert follow(decision.pk, now=NOW) is True
    decision.refresh_from_db()
    request.refresh_from_db()
    assert (request.state, request.person, request.requester_name) == ("approved", None, "A parent")
    assert decision.result["jobs"] == [str(job.pk)]
    assert str(job.pk)[:8].upper() in letter(request)


# The page


def post(client, request, code, **data):
    return client.post(reverse("rights:page", args=[request.pk, code]), data)


def test_the_page_shows_what_would_happen_and_confirms_just_that(client, person, officer):
    request = asked_by(person, officer, type="objection")
    client.force_login(officer)
    address = reverse("rights:page", args=[request.pk, "objection"])
    html = client.get(address).content.decode()
    assert "Stop all marketing now" in html and Consent.objects.filter(withdrawn_at=None).count() == 1
    seen = html.split('name="seen" value="')[1].split('"')[0]
    data = {"purpose": "statistics", "outcome": "weigh", "weighing": ""}
    answer = post(client, request, "objection", confirm="1", seen=seen, **data)
    assert answer.status_code == 400 and "Something has changed" in answer.content.decode()
    assert not Restriction.objects.exists()
    data["purpose"] = "marketing"
    assert post(client, request, "objection", confirm="1", seen=seen, **data).status_code == 302
    assert not Consent.objects.filter(person=person, purpose="marketing_email", withdrawn_at=None).exists()
    assert "Carried out" in client.get(reverse("rights:summary", args=[request.pk])).content.decode()
    assert client.get(reverse("rights:page", args=[request.pk, "erasure"])).status_code == 404


@pytest.mark.parametrize("role", ["Privacy officer", "Support agent", "Auditor", "Security administrator"])
def test_who_may_look_and_who_may_decide(client, person, officer, role):
    request = asked_by(person, officer, type="objection")
    client.force_login(factories.make_user(role))
    may_look = role in ("Privacy officer", "Auditor")
    assert client.get(reverse("rights:page", args=[request.pk, "objection"])).status_code == (200 if may_look else 403)
    assert client.get(reverse("rights:summary", args=[request.pk])).status_code == (200 if may_look else 403)
    answer = post(client, request, "objection", confirm="1", purpose="marketing", outcome="weigh")
    assert answer.status_code == (400 if role == "Privacy officer" else 403)
