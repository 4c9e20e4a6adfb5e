"""The website hands in what people wrote: signed, once, as a ticket and a request; what it cannot hand in is told clearly."""

import datetime as dt
import hashlib
import hmac
import json
import re
import secrets

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.roles import SECURITY_ADMINISTRATOR, SUPPORT_AGENT
from dsar.deadlines import REQUEST_TYPES
from dsar.intake import description, reading, signing, taking
from dsar.models import IntakeDelivery, IntakeSource, SubjectRequest, Ticket, TicketMessage
from retention.models import DeletionJob
from retention.purge import carry_out
from tests import factories
from tests.factories import DAY

pytestmark = pytest.mark.django_db


class Website:
    """The website: holds the secret and signs as the description says."""

    def __init__(self, client):
        self.client = client
        self.source = signing.make_source(IntakeSource(name="website"), user=factories.make_user(), now=timezone.now())
        self.secret = signing.make_secret(self.source.pk, user=factories.make_user(), now=timezone.now())

    def headers(
        self, body: bytes, *, at: dt.datetime | None = None, nonce: str = "", secret: str = ""
    ) -> dict[str, str]:
        timestamp, nonce = str(int((at or timezone.now()).timestamp())), nonce or secrets.token_hex(16)
        signed = f"{timestamp}.{nonce}.".encode() + body
        made = hmac.new((secret or self.secret).encode(), signed, hashlib.sha256).hexdigest()
        return {"X-Intake-Timestamp": timestamp, "X-Intake-Nonce": nonce, "X-Intake-Signature": made}

    def post(self, body: bytes, headers: dict[str, str] | None = None, *, path: str = "/intake/website", **more):
        headers = self.headers(body) if headers is None else headers
        return self.client.post(path, body, content_type=more.pop("content_type", "application/json"), headers=headers)

    def send(self, **fields):
        said = {
            "key": f"form-{factories.next_number():06d}", "type": "access", "message": "A copy of my data, please.",
            "name": "Anneke Brandt", "email": "anneke@brandt.example", **fields,
        }  # fmt: skip
        return self.post(json.dumps({name: value for name, value in said.items() if value is not ...}).encode())


@pytest.fixture
def website(client):
    return Website(client)


def nothing_made() -> bool:
    return not (Ticket.objects.exists() or SubjectRequest.objects.exists() or TicketMessage.objects.exists())


def test_a_form_becomes_a_ticket_and_a_request_that_counts_from_when_it_was_sent(website):
    sent = (timezone.now() - 3 * DAY).replace(microsecond=0)
    response = website.send(country="DE", received_at=sent.isoformat(), subject="My data")
    ticket, request = Ticket.objects.get(), SubjectRequest.objects.get()
    assert (response.status_code, response.json()) == (
        201,
        {"ticket": ticket.reference, "request": request.reference, "new": True},
    )
    assert (ticket.subject, ticket.channel, ticket.contact, ticket.opened_at) == (
        "My data",
        "website",
        "anneke@brandt.example",
        sent,
    )
    assert (request.regime, request.region, request.received_at, request.channel) == ("eu_gdpr", "DE", sent, "website")
    assert (request.requester_name, request.requester_contact) == ("Anneke Brandt", "anneke@brandt.example")
    assert request.registered_by == website.source.account and not request.registered_by.is_active
    message = ticket.messages.get()
    assert (message.body, message.sender) == ("A copy of my data, please.", "Anneke Brandt <anneke@brandt.example>")


def test_a_question_is_a_ticket_and_no_request(website):
    assert website.send(type="question").json()["request"] is None
    assert Ticket.objects.get().subject == "Question" and not SubjectRequest.objects.exists()


@pytest.mark.parametrize("kind", REQUEST_TYPES)
@pytest.mark.parametrize("country", ["FR", "BR", ...])
def test_every_right_can_be_asked_for_from_everywhere(website, kind, country):
    assert website.send(type=kind, country=country).status_code == 201
    assert SubjectRequest.objects.get().type == kind


def test_who_was_signed_in_is_linked_and_who_is_not_known_is_not_lost(website):
    workspace = factories.make_workspace()
    person = factories.make_person(workspace)
    website.send(customer=person.outside_id, workspace=workspace.outside_id, email=...)
    assert (Ticket.objects.get().person, Ticket.objects.get().workspace, SubjectRequest.objects.get().person) == (
        person,
        workspace,
        person,
    )
    website.send(customer="P-nobody", message="second")
    message = TicketMessage.objects.get(body="second")
    assert message.ticket.person is None and "customer P-nobody, which is not known here" in message.remark


def test_an_address_alone_links_nobody(website):
    """Or a stranger could put a hold on a customer's data by naming an address."""
    factories.make_person(factories.make_workspace(), email="anneke@brandt.example")
    website.send()
    assert Ticket.objects.get().person is None and SubjectRequest.objects.get().person is None


# --- Once --------------------------------------------------------------------------------------------------------------


def test_the_same_key_makes_nothing_new_and_gives_the_same_answer(website):
    first, second = website.send(key="form-000001"), website.send(key="form-000001")
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == {**first.json(), "new": False}
    assert Ticket.objects.count() == SubjectRequest.objects.count() == 1
    other = website.send(key="form-000001", message="Something else.")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "key")
    assert list(IntakeDelivery.objects.order_by("pk").values_list("state", flat=True)) == ["taken", "again", "refused"]


def test_a_message_that_was_heard_cannot_be_played_again(website):
    body = json.dumps({"key": "form-000001", "type": "question", "message": "x", "email": "a@b.example"}).encode()
    headers = website.headers(body)
    assert website.post(body, headers).status_code == 201
    again = website.post(body, headers)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "replay")
    assert Ticket.objects.count() == 1


def test_a_refused_message_can_be_mended_under_the_same_key(website):
    assert website.send(key="form-000001", email="nonsense").status_code == 422
    assert website.send(key="form-000001").status_code == 201


# --- Not believed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    ["secret", "body", "old", "ahead", "no headers", "unknown source", "retired", "feed headers", "nonce"],
)  # fmt: skip
def test_what_is_not_signed_by_the_source_just_now_is_not_believed(website, wrong):
    body = json.dumps({"key": "form-000001", "type": "question", "message": "x", "email": "a@b.example"}).encode()
    headers, path = website.headers(body), "/intake/website"
    if wrong == "secret":
        headers = website.headers(body, secret="another secret")
    elif wrong == "old":
        headers = website.headers(body, at=timezone.now() - dt.timedelta(minutes=6))
    elif wrong == "ahead":
        headers = website.headers(body, at=timezone.now() + dt.timedelta(minutes=6))
    elif wrong == "no headers":
        headers = {}
    elif wrong == "unknown source":
        path = "/intake/nobody"
    elif wrong == "retired":
        signing.retire(website.source.pk, user=factories.make_user(), now=timezone.now())
    elif wrong == "feed headers":
        headers = {name.replace("Intake", "Feed"): value for name, value in headers.items()}
    elif wrong == "nonce":
        headers = website.headers(body, nonce="short")
    response = website.post(body + b" " if wrong == "body" else body, headers, path=path)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "signature")
    assert nothing_made() and not IntakeDelivery.objects.exists()
    assert ("five minutes" in response.json()["error"]["message"]) == (wrong in ("old", "ahead"))


def test_a_secret_of_a_feed_signs_nothing_here(website):
    """Sealed for another purpose: even the same bytes under the same id do not open."""
    from accounts.feeds import signing as feeds

    feed = factories.make_feed("website")
    secret = feeds.make_secret(feed.pk, user=factories.make_user(), now=timezone.now())
    body = b"{}"
    assert website.post(body, website.headers(body, secret=secret)).status_code == 401


def test_too_many_are_told_to_wait(website, monkeypatch):
    monkeypatch.setattr(taking, "PER_MINUTE", 2)
    assert [website.send().status_code for _ in range(3)] == [201, 201, 429]


# --- What cannot be read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "everything"}, "type"),
        ({"type": ...}, "type"),
        ({"message": "  \n"}, "message"),
        ({"message": ["a", "list"]}, "message"),
        ({"message": "x" * 20_001}, "message"),
        ({"message": "nul \x00"}, "message"),
        ({"message": "half \ud800"}, "message"),
        ({"name": 7}, "name"),
        ({"email": "not an address"}, "email"),
        ({"email": "a@b.example\nBcc: c@d.example"}, "email"),
        ({"email": ...}, "email"),
        ({"phone": "<script>"}, "phone"),
        ({"country": "Germany"}, "country"),
        ({"key": "short"}, "key"),
        ({"key": "../../etc/passwd"}, "key"),
        ({"received_at": "yesterday"}, "received_at"),
        ({"received_at": "2026-11-01T10:00:00"}, "received_at"),
        ({"received_at": "2099-01-01T00:00:00+00:00"}, "received_at"),
        ({"received_at": "2020-01-01T00:00:00+00:00"}, "received_at"),
        ({"is_admin": "yes"}, "'is_admin'"),
    ],
)
def test_each_fault_is_told_at_its_field_and_nothing_is_made(website, fields, field):
    response = website.send(**fields)
    assert response.status_code == 422
    assert [fault["field"] for fault in response.json()["error"]["faults"]] == [field]
    assert nothing_made()
    assert IntakeDelivery.objects.get().state == "refused"


@pytest.mark.parametrize(
    "body", [b" ", b"{", b"[]", b"null", b"\xff\xfe", b'{"key": NaN}', b'{"key": "a", "key": "b"}', b"[" * 200_000]
)
def test_what_is_not_the_json_that_is_taken_is_told(website, body):
    assert website.post(body).status_code == 422 and nothing_made()


def test_the_wrong_method_type_or_size_is_told(website, client):
    assert client.get("/intake/website").status_code == 405
    assert website.post(b"a=b", content_type="application/x-www-form-urlencoded").status_code == 415
    assert website.post(b'{"message": "' + b"x" * 300_000 + b'"}').status_code == 413
    assert nothing_made()


def test_html_and_scripts_are_text(website, client):
    evil = "<script>alert(1)</script>"
    website.send(name=evil, message=evil, subject=evil)
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.contact_name, ticket.messages.get().body) == (evil, evil, evil)
    client.force_login(factories.make_user())
    request = SubjectRequest.objects.get()
    for url in (
        f"/admin/dsar/ticket/{ticket.pk}/change/",
        "/admin/dsar/ticket/",
        f"/admin/dsar/subjectrequest/{request.pk}/change/",
        "/admin/",
    ):
        assert "<script>alert" not in client.get(url).content.decode(), url


def test_a_card_number_is_hidden(website):
    website.send(message="my card 4111 1111 1111 1111", name="4111111111111111")
    assert TicketMessage.objects.get().body == "my card •••• 1111" and Ticket.objects.get().contact_name == "•••• 1111"


def test_one_who_poses_as_us_is_flagged(website):
    website.send(email="support@callmama.com")
    website.send(email="x@ca11mama.com")
    assert list(TicketMessage.objects.order_by("pk").values_list("warning", flat=True)) == ["unproved", "lookalike"]


def test_a_fault_of_the_portal_stores_nothing_and_asks_to_send_it_again(website, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("a fault with content in it")

    with monkeypatch.context() as patch:
        patch.setattr(taking, "request_from_ticket", fail)
        response = website.send(key="form-000001")
    assert (response.status_code, response["Retry-After"]) == (500, "60") and "content" not in response.content.decode()
    assert nothing_made()
    assert website.send(key="form-000001").status_code == 201


# --- Described, looked after, and forgotten ----------------------------------------------------------------------------


def test_the_description_is_served_and_says_what_is_taken(website, client):
    said = client.get("/intake/openapi.json").json()
    assert said == json.loads(json.dumps(description.describe())) and said["openapi"].startswith("3.1")
    operation, schemas = said["paths"]["/intake/{source}"]["post"], said["components"]["schemas"]
    assert set(schemas["Message"]["properties"]) == set(reading.FIELDS)
    assert {one["name"] for one in operation["parameters"]} == {
        "source",
        signing.TIMESTAMP,
        signing.NONCE,
        signing.SIGNATURE,
    }
    for ref in re.findall(r"#/components/schemas/(\w+)", json.dumps(said)):
        assert ref in schemas
    codes = {"200", "201", "401", "405", "409", "413", "415", "422", "429", "500"}
    assert set(operation["responses"]) == codes
    (example,) = schemas["Message"]["examples"]
    response = website.send(**{**example, "received_at": timezone.now().isoformat()})
    assert response.status_code == 201 and set(response.json()) == set(schemas["Taken"]["required"])
    fault = website.send(type="x").json()
    assert set(fault) == {"error"} and set(fault["error"]) == {"code", "message", "faults"}


def test_a_security_administrator_makes_a_source_and_its_secret_is_shown_once(client):
    client.force_login(factories.make_user(SECURITY_ADMINISTRATOR))
    assert client.post("/admin/dsar/intakesource/add/", {"name": "website"}).status_code == 302
    source = IntakeSource.objects.get()
    assert User.objects.get(pk=source.account_id).has_usable_password() is False
    page = f"/admin/dsar/intakesource/{source.pk}/secret/"
    assert "no secret yet" in client.get(page).content.decode()
    (secret,) = re.findall(r'id="feed-secret">([^<]+)<', client.post(page).content.decode())
    assert (
        secret
        not in client.get(page).content.decode()
        + client.get(f"/admin/dsar/intakesource/{source.pk}/change/").content.decode()
    )
    website = Website.__new__(Website)
    website.client, website.source, website.secret = client, source, secret
    assert website.send().status_code == 201
    client.force_login(factories.make_user(SUPPORT_AGENT))
    assert client.get(page).status_code == 403


@pytest.mark.parametrize(("days", "goes"), [(29, False), (31, True)])
def test_what_came_of_a_message_goes_by_its_clock_and_the_ticket_stays(website, days, goes):
    factories.arm("feed_delivery")
    website.send()
    jobs = carry_out(timezone.now() + days * DAY, now=timezone.now() + days * DAY)
    assert [job.state for job in jobs] == ([DeletionJob.State.DONE] if goes else [])
    assert IntakeDelivery.objects.exists() != goes and Ticket.objects.exists()
