"""A request is registered with its dates and their explanation; the queue shows the most urgent first."""

import datetime as dt

import pytest
from django.utils import timezone

from dsar import queue
from dsar.models import RequestEvent, SubjectRequest
from dsar.services import redate_request
from dsar.workflow import UnableToMove, move_request
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
State = SubjectRequest.State


@pytest.fixture
def officer():
    return factories.make_user()


def form(**changes) -> dict[str, str]:
    return {
        "type": "access", "received_at_0": "01/11/2026", "received_at_1": "10:00:00", "channel": "email", "regime": "eu_gdpr",
        "region": "DE", "requester_name": "Anneke Brandt", "requester_contact": "anneke@example.test", "note": "", "owner": "",
        "person": "", "workspace": "", **changes,
    }  # fmt: skip


def test_a_request_under_the_gdpr_has_both_dates_and_their_steps(officer):
    request = factories.make_request(
        officer, regime="eu_gdpr", region="DE", received_at=dt.datetime(2026, 1, 31, 9, 0, tzinfo=dt.UTC)
    )
    assert request.statutory_due_on == dt.date(2026, 3, 2)  # 28 Feb is a Saturday
    assert request.service_target_on == dt.date(2026, 2, 28)
    assert (request.due_on, request.due_at) == (request.service_target_on, request.service_target_at)
    answer = request.deadlines.get()
    assert [step["rule"] for step in answer.answer["steps"]] == ["receipt", "month", "working_day", "service_target"]
    assert (answer.cause, answer.rule_version, answer.ended_at) == ("registered", "eu_gdpr-1", None)


def test_a_request_under_the_promise_has_a_target_and_no_statutory_date(officer):
    request = factories.make_request(officer, received_at=dt.datetime(2026, 10, 31, 9, 0, tzinfo=dt.UTC))
    assert (request.statutory_due_on, request.due_on) == (None, dt.date(2026, 11, 30))


def test_references_count_within_a_year(officer):
    first, second = factories.make_request(officer), factories.make_request(officer)
    assert (first.reference, second.reference) == ("DSR-2026-0001", "DSR-2026-0002")
    SubjectRequest.objects.filter(pk=second.pk).update(reference="DSR-2026-10000")
    assert factories.make_request(officer).reference == "DSR-2026-10001"


def test_the_queue_is_sorted_by_the_earlier_date_and_leaves_closed_ones_out(officer):
    late = factories.make_request(officer, received_at=NOW - 40 * DAY)
    soon = factories.make_request(officer, received_at=NOW - 28 * DAY)
    fresh = factories.make_request(officer, received_at=NOW - DAY)
    closed = factories.make_request(officer, received_at=NOW - 50 * DAY)
    factories.bring_to(closed, "delivered", officer)
    assert list(queue.open_requests()) == [late, soon, fresh]
    assert queue.counts(NOW) == {"open": 3, "overdue": 1, "near": 1, "unowned": 3}


@pytest.mark.parametrize(
    ("before", "left", "words"), [(1, 0, "today"), (86_400, 1, "1 day"), (0, 0, "today"), (-1, -1, "1 day late")]
)
def test_overdue_begins_with_the_instant_after_the_due_day(officer, before, left, words):
    request = factories.make_request(officer)
    now = request.due_at - dt.timedelta(seconds=before)
    assert queue.days_left(request, now=now) == left
    assert queue.days_left_words(left) == words


def test_a_move_that_is_not_allowed_is_refused_and_leaves_no_trace(officer):
    request = factories.make_request(officer)
    move_request(request.pk, State.WITHDRAWN, user=officer, now=NOW)
    with pytest.raises(UnableToMove, match="cannot become"):
        move_request(request.pk, State.REFUSED, user=officer, now=NOW)
    request.refresh_from_db()
    assert (request.state, request.closed_at) == (State.WITHDRAWN, NOW)
    assert list(request.events.order_by("pk").values_list("kind", "state")) == [
        ("registered", "received"), ("moved", "withdrawn"),
    ]  # fmt: skip


def test_a_corrected_receipt_moves_the_date_and_keeps_the_old_one_in_the_trail(officer):
    request = factories.make_request(officer, received_at=dt.datetime(2026, 11, 10, 9, 0, tzinfo=dt.UTC))
    request.received_at = dt.datetime(2026, 11, 5, 9, 0, tzinfo=dt.UTC)
    redate_request(request, user=officer, now=NOW)
    request.refresh_from_db()
    assert request.due_on == dt.date(2026, 12, 5)
    assert RequestEvent.objects.get(kind="redated").text == (
        "Before: due 10 Dec 2026, no statutory date. Now: due 5 Dec 2026, no statutory date."
    )


def test_an_officer_registers_a_request_through_the_form(client, officer):
    client.force_login(officer)
    received = timezone.localtime() - 2 * DAY
    response = client.post(
        "/admin/dsar/subjectrequest/add/",
        form(received_at_0=f"{received:%d/%m/%Y}", received_at_1=f"{received:%H:%M:%S}"),
    )
    assert response.status_code == 302, response.context["adminform"].form.errors
    request = SubjectRequest.objects.get()
    assert request.registered_by == officer
    html = client.get(f"/admin/dsar/subjectrequest/{request.pk}/change/").content.decode()
    assert "How the date came about" in html
    assert "Art 3(2)(c)" in html


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"received_at_0": "01/11/2099"}, "received_at", "in the future"),
        ({"regime": "policy_default"}, "region", "knows no member state"),
        ({"type": "withdraw_consent"}, "type", "no request type"),
        ({"requester_name": ""}, "requester_name", "the name of the person"),
        ({"region": "XX"}, "region", "not one of the available"),
        ({"note": "my card is 4242 4242 4242 4242"}, "note", "payment card"),
    ],
)
def test_a_bad_request_is_told_at_its_field_and_not_stored(client, officer, changes, field, says):
    client.force_login(officer)
    response = client.post("/admin/dsar/subjectrequest/add/", form(**changes))
    assert response.status_code == 200
    assert says in " ".join(response.context["adminform"].form.errors[field])
    assert not SubjectRequest.objects.exists()


def test_a_request_from_the_future_is_refused_by_the_database_too(officer):
    with pytest.raises(Exception, match="request_not_from_the_future"):
        factories.make_request(officer, received_at=NOW + DAY)


def test_an_agent_makes_a_request_of_a_ticket_in_one_step(client):
    agent = factories.make_user("Support agent")
    client.force_login(agent)
    workspace = factories.make_workspace()
    ticket = factories.make_ticket(workspace, factories.make_person(workspace))
    url = f"/admin/dsar/ticket/{ticket.pk}/make_request/"
    response = client.post(url, {"_form_submitted": "True", "type": "access", "regime": "policy_default", "region": ""})
    request = SubjectRequest.objects.get()
    assert response.headers["HX-Redirect"].endswith(f"{request.pk}/change/")
    assert (request.received_at, request.person, request.ticket_reference) == (
        ticket.opened_at,
        ticket.person,
        ticket.reference,
    )


def test_no_type_is_chosen_before_somebody_chooses_one(client):
    client.force_login(factories.make_user())
    html = client.get("/admin/dsar/subjectrequest/add/").content.decode()
    assert '<option value="" selected>Choose what is asked</option>' in html
