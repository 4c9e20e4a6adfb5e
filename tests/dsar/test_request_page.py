"""The page of a request: what it shows, which buttons it has in which state, and what they do."""

import datetime as dt

import pytest
from django.utils import timezone

from dsar import steps
from dsar.dating import local_day
from dsar.models import ClockEvent, Identifier, OutgoingMail, RequestStep, SubjectRequest, WeatherWarning
from dsar.notices import notify
from dsar.services import register_request
from tests import factories
from tests.factories import DAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(client):
    officer = factories.make_user()
    client.force_login(officer)
    return officer


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def request_of_alice(officer, now):
    alice = factories.make_person(factories.make_workspace(), email="alice@example.test", phone="+447700900123")
    fields = {"type": "access", "regime": "eu_gdpr", "region": "IE", "received_at": now - 3 * DAY}
    return register_request(SubjectRequest(person=alice, **fields), user=officer, now=now)


def page(client, request) -> str:
    return client.get(f"/admin/dsar/subjectrequest/{request.pk}/change/").content.decode()


def press(client, request, button: str, **data):
    url = f"/admin/dsar/subjectrequest/{request.pk}/{button}/"
    response = client.post(url, {"_form_submitted": "True", **data})
    request.refresh_from_db()
    return response


def test_the_way_from_receipt_to_the_end(client, officer, request_of_alice, now):
    html = page(client, request_of_alice)
    assert "Nobody has made sure yet who asks" in html
    assert "Check identity" in html
    assert "Start collecting" not in html
    press(client, request_of_alice, "prove_otherwise", identifier="account:2", proof="call_back")
    assert Identifier.objects.get().kind == "account"
    for state, button in (("collecting", "Start collecting"), ("review", "Send to review"), ("approved", "Approve"),
                          ("delivered", "Write the answer"), ("closed", "Close")):  # fmt: skip
        assert button in page(client, request_of_alice)
        if state == "delivered":  # its letter leads on, and no button past it
            assert press(client, request_of_alice, "to-delivered").status_code == 403
            factories.bring_to(request_of_alice, state, officer, now=now)
            continue
        if state == "approved":
            factories.make_package(request_of_alice)
        response = press(client, request_of_alice, f"to-{state}")
        assert response.status_code == 200, response.content[-300:]
        assert request_of_alice.state == state
    assert "Start collecting" not in page(client, request_of_alice)


def test_a_button_that_does_not_fit_the_state_is_refused_even_by_its_address(client, officer, request_of_alice):
    assert press(client, request_of_alice, "to-approved").status_code == 403
    assert press(client, request_of_alice, "to-collecting").status_code == 403
    assert request_of_alice.state == "received"


@pytest.mark.parametrize("role", ["Support agent", "Auditor"])
def test_who_may_only_look_has_no_buttons(client, officer, request_of_alice, role):
    client.force_login(factories.make_user(role))
    html = page(client, request_of_alice)
    assert "How the date came about" in html
    assert "Check identity" not in html
    for button in ("check_identity", "record_event", "change_state", "name_agent", "acknowledge"):
        assert press(client, request_of_alice, button).status_code == 403


def test_a_mail_that_never_got_there_stands_among_what_has_failed(client, officer, request_of_alice, now):
    notify(request_of_alice, ["alice@example.test"], subject="About it", text="Words.", now=now)
    assert "What has failed" not in page(client, request_of_alice)
    OutgoingMail.objects.update(state="undeliverable", next_try_at=None, settled_at=now, answer="came back (5.1.1)")
    html = page(client, request_of_alice)
    assert "What has failed" in html and "undeliverable (came back (5.1.1))" in html


def test_addresses_are_masked_for_who_may_not_see_them(client, officer, request_of_alice):
    press(client, request_of_alice, "check_identity", known="email:0")
    assert request_of_alice.state == "identity"
    assert "E-mail: alice@example.test" in page(client, request_of_alice)
    client.force_login(factories.make_user("Auditor"))
    html = page(client, request_of_alice)
    assert "E-mail: a•••@example.test" in html
    assert "alice@example.test" not in html


def test_what_moves_the_date_is_recorded_explained_and_withdrawn(client, officer, request_of_alice, now):
    day = f"{local_day(request_of_alice, now):%d/%m/%Y}"
    press(client, request_of_alice, "record_event", kind="pause-clarification", on=day)
    html = page(client, request_of_alice)
    assert "the clock stands still" in html
    assert "Earlier dates (1)" in html
    event = ClockEvent.objects.get()
    press(client, request_of_alice, "withdraw_event", event=event.pk)
    assert not request_of_alice.is_paused
    assert "Earlier dates (2)" in page(client, request_of_alice)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"kind": "resume-fee"}, "nothing was asked"),
        ({"kind": "extend", "until": "01/01/2020"}, "must be after the notice"),
        ({"kind": "resume-fee", "until": "01/01/2099"}, "Only an extension notice"),
        ({"kind": "gale"}, "Select a valid choice"),
        ({"kind": "extend", "on": "01/01/2019"}, "before the day of receipt"),
        ({"kind": "extend", "on": "not a day"}, "Enter a valid date"),
    ],
)
def test_an_impossible_event_is_told_and_changes_nothing(client, officer, request_of_alice, now, data, says):
    response = press(
        client, request_of_alice, "record_event", **{"on": f"{local_day(request_of_alice, now):%d/%m/%Y}", **data}
    )
    told = response.content.decode() + page(client, request_of_alice)
    assert says in told
    assert not ClockEvent.objects.exists()


def test_a_failed_step_stands_on_the_page_and_in_the_queue_until_it_is_retried(client, officer, request_of_alice, now):
    step = steps.plan_step(request_of_alice, "remind", about="50", now=now)
    RequestStep.objects.filter(pk=step.pk).update(state="stopped", attempts=5, fault="the mail server answered 451")
    html = page(client, request_of_alice)
    assert "What has failed" in html
    assert "the mail server answered 451" in html
    assert "Step failed" in client.get("/admin/dsar/subjectrequest/?open=stopped").content.decode()
    press(client, request_of_alice, "retry_steps")
    step.refresh_from_db()
    assert (step.state, step.retried_by) == ("waiting", officer)
    assert "What has failed" not in page(client, request_of_alice)


def test_ended_early_shows_where_it_ended_and_why(client, officer, request_of_alice):
    press(client, request_of_alice, "change_state", state="withdrawn", because="Asked by telephone.")
    assert request_of_alice.state == "withdrawn"
    html = page(client, request_of_alice)
    assert "Withdrawn. Asked by telephone." in html
    assert "Check identity" not in html


def test_watching_shows_the_request_under_mine(client, officer, request_of_alice):
    url = "/admin/dsar/subjectrequest/?open=mine"
    assert request_of_alice.reference not in client.get(url).content.decode()
    press(client, request_of_alice, "watch")
    assert request_of_alice.reference in client.get(url).content.decode()
    press(client, request_of_alice, "unwatch")
    assert request_of_alice.reference not in client.get(url).content.decode()


def test_a_request_from_before_that_has_no_known_names_is_shown_too(client, officer, now):
    request = factories.make_request(officer, requester_name="<script>alert(1)</script>" * 5)
    factories.refuse(request, officer, now=now)
    html = page(client, request)
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_warning_is_recorded_once_and_never_changed(client, officer, now):
    yesterday = f"{timezone.localtime(now) - dt.timedelta(days=1):%d/%m/%Y}"
    for _ in range(2):
        client.post("/admin/dsar/weatherwarning/add/", {"kind": "gale", "on": yesterday})
    warning = WeatherWarning.objects.get()
    assert client.post(f"/admin/dsar/weatherwarning/{warning.pk}/change/", {"kind": "blackrain"}).status_code == 403
    tomorrow = f"{timezone.localtime(now) + dt.timedelta(days=1):%d/%m/%Y}"
    refused = client.post("/admin/dsar/weatherwarning/add/", {"kind": "gale", "on": tomorrow})
    assert "has not come yet" in refused.content.decode()


def test_an_id_that_is_none_is_not_found(client, officer):
    for wrong in ("nothing", "00000000-0000-0000-0000-000000000000"):
        assert client.get(f"/admin/dsar/subjectrequest/{wrong}/change/").status_code == 404
