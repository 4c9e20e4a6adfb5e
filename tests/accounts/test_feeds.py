"""Customers by signed messages: whole or not at all, each once, in order, and no renewal missed (mission R14)."""

import datetime as dt
import hashlib
import hmac
import json
import logging
import secrets

import pytest
from django.utils import timezone

from accounts.feeds import signing, taking
from accounts.feeds.freshness import known_until, late_feeds
from accounts.models import (
    Consent,
    EvidenceEntry,
    Feed,
    FeedDelivery,
    Membership,
    Person,
    Subscription,
    Workspace,
)
from accounts.models.feeds import Kind
from retention.purge import carry_out
from telecom_records.models import Number, NumberAssignment
from tests import factories
from tests.factories import DAY
from tests.retention.state import everything
from tests.retention.test_expiry import tables_with

pytestmark = pytest.mark.django_db
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
MODELS = [Workspace, Person, Membership, Subscription, Number, NumberAssignment, Consent]


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


class Sender:
    """The service platform: holds the secret, counts its messages, signs them as docs/feeds.md says."""

    def __init__(self, client, feed: Feed):
        self.client, self.feed, self.sequence = client, feed, 0
        self.secret = signing.make_secret(feed.pk, user=factories.make_user(), now=timezone.now())

    def headers(
        self, body: bytes, *, timestamp: str | None = None, nonce: str | None = None, secret: str | None = None
    ):
        timestamp = timestamp or str(int(timezone.now().timestamp()))
        nonce = nonce or secrets.token_hex(16)
        signed = f"{timestamp}.{nonce}.".encode() + body
        signature = hmac.new((secret or self.secret).encode(), signed, hashlib.sha256).hexdigest()
        return {"X-Feed-Timestamp": timestamp, "X-Feed-Nonce": nonce, "X-Feed-Signature": signature}

    def post(self, body: bytes, headers: dict | None = None, **kwargs):
        headers = self.headers(body) if headers is None else headers
        return self.client.post(
            f"/feeds/{self.feed.name}",
            body,
            content_type=kwargs.pop("content_type", "application/json"),
            headers=headers,
        )

    def send(self, *, as_of=None, sequence=None, **items):
        sequence = sequence or self.sequence + 1
        body = json.dumps({"sequence": sequence, "as_of": (as_of or timezone.now()).isoformat(), **items}).encode()
        response = self.post(body)
        if response.status_code == 200:
            self.sequence = sequence
        return response


@pytest.fixture
def sender(client) -> Sender:
    return Sender(client, factories.make_feed())


def subscription(workspace="W-1", **fields) -> dict:
    start = timezone.now() - 10 * DAY
    return {
        "outside_id": "S-1", "workspace": workspace, "plan": "Solo", "starts_at": start.isoformat(),
        "expires_at": (timezone.now() + 30 * DAY).isoformat(), **fields,
    }  # fmt: skip


def counts() -> dict:
    return {model: model.objects.count() for model in MODELS}


def whole() -> dict:
    """A message about one new customer with one of each kind."""
    since = (timezone.now() - 10 * DAY).isoformat()
    factories.make_policy()
    return {
        "workspaces": [{"outside_id": "W-1", "name": "Tern Ferries", "country": "GB", "time_zone": "Europe/London"}],
        "people": [{"outside_id": "P-1", "name": "Hannah", "email": "h@example.test", "workspaces": ["W-1"], "notify_by_sms": True}],
        "memberships": [{"workspace": "W-1", "person": "P-1", "role": "admin"}],
        "subscriptions": [subscription()],
        "assignments": [{"outside_id": "A-1", "number": "+442079460171", "voip": False, "workspace": "W-1", "person": "P-1", "from": since}],
        "consents": [{"outside_id": "C-1", "person": "P-1", "purpose": "marketing_email", "policy_version": "2025-09", "given_at": since}],
    }  # fmt: skip


# What is taken


def test_a_message_with_every_kind_is_taken_and_a_second_time_changes_nothing(sender):
    message = whole()
    answer = sender.send(**message)
    assert (answer.status_code, answer.json()["new"], answer.json()["changed"]) == (200, 5, 1), answer.content
    assert counts() == dict.fromkeys(MODELS, 1)
    person = Person.objects.get()
    assert (person.name, person.notify_by_sms, person.memberships.get().role) == ("Hannah", True, "admin")
    assert Number.objects.get().is_voip is False
    before = everything()
    again = sender.send(sequence=sender.sequence, **message)
    assert (again.json()["new"], again.json()["changed"], again.json()["unchanged"]) == (0, 0, 6), again.content
    after = everything()
    assert {name for name in after if after[name] != before[name]} <= {"accounts.FeedDelivery"}
    feed = Feed.objects.get()
    assert feed.sequence == 1 and feed.heard_at and not feed.is_late(timezone.now())


def test_what_an_item_does_not_say_stays_and_null_empties_it(sender):
    sender.send(**whole())
    person = {"outside_id": "P-1", "name": "Hannah"}
    sender.send(people=[person])
    assert Person.objects.get().email == "h@example.test"
    assert sender.send(people=[{**person, "email": None}]).json()["changed"] == 1
    assert Person.objects.get().email == ""


def test_a_renewal_a_cancellation_and_an_opt_out_are_taken(sender, now):
    sender.send(**whole())
    later = now + 400 * DAY
    sender.send(subscriptions=[subscription(expires_at=later.isoformat())])
    assert Workspace.objects.get().ends_at == later
    billing = now + 5 * DAY
    cancelled = subscription(
        expires_at=later.isoformat(), cancelled_at=now.isoformat(), next_billing_at=billing.isoformat()
    )
    sender.send(subscriptions=[cancelled])
    assert Workspace.objects.get().ends_at == billing
    consent = whole()["consents"][0]
    sender.send(consents=[{**consent, "withdrawn_at": now.isoformat()}])
    assert Consent.objects.get().withdrawn_at == now
    ends = EvidenceEntry.objects.filter(type="EXPIRY_SET").order_by("sequence")
    assert len(ends) == 3


def test_older_news_are_ignored_and_said_so_even_when_newer_ones_changed_nothing(sender, now):
    sender.send(**whole())
    kept = Subscription.objects.get().expires_at
    item = subscription(expires_at=kept.isoformat(), starts_at=Subscription.objects.get().starts_at.isoformat())
    first_told = now + MINUTE
    assert sender.send(subscriptions=[item], as_of=first_told).json()["unchanged"] == 1
    answer = sender.send(subscriptions=[subscription(expires_at=(now + DAY).isoformat())], as_of=now + MINUTE / 2)
    assert answer.json()["ignored"] == [{"item": "subscriptions/0", "why": "older"}]
    assert Subscription.objects.get().expires_at == kept
    assert Feed.objects.get().as_of == first_told
    sender.send(subscriptions=[subscription(expires_at=(now + DAY).isoformat())], as_of=first_told)
    assert Subscription.objects.get().expires_at == now + DAY


@pytest.mark.parametrize(
    ("zone", "hour", "day", "instant"),
    [
        ("Asia/Hong_Kong", 24, "2099-12-01", "2099-12-01T16:00:00+00:00"),
        ("Europe/London", 24, "2099-06-30", "2099-06-30T23:00:00+00:00"),
        ("America/Chicago", 0, "2099-12-01", "2099-12-01T06:00:00+00:00"),
        ("UTC", 18, "2099-12-31", "2099-12-31T18:00:00+00:00"),
        ("UTC", 24, "2099-12-31", "2100-01-01T00:00:00+00:00"),
    ],
)
def test_a_feed_that_gives_only_dates_declares_zone_and_hour(client, zone, hour, day, instant):
    sender = Sender(client, factories.make_feed(date_zone=zone, date_hour=hour))
    answer = sender.send(**whole() | {"subscriptions": [subscription(expires_at=day, starts_at="2026-01-02")]})
    assert answer.status_code == 200, answer.content
    assert Subscription.objects.get().expires_at == dt.datetime.fromisoformat(instant)
    assert timezone.localtime(Subscription.objects.get().starts_at, dt.UTC).date() in (
        dt.date(2026, 1, 1),
        dt.date(2026, 1, 2),
    )


def test_a_date_without_a_declared_zone_is_refused(sender):
    answer = sender.send(**whole() | {"subscriptions": [subscription(expires_at="2099-12-01")]})
    (fault,) = answer.json()["error"]["faults"]
    assert (answer.status_code, fault["item"], fault["field"]) == (422, "subscriptions/0", "expires_at")
    assert "no time zone" in fault["message"]


def test_the_end_of_now_is_taken_and_one_of_yesterday_refused(sender, now):
    sender.send(**whole())
    assert sender.send(subscriptions=[subscription(expires_at=(now - MINUTE).isoformat())]).status_code == 200
    answer = sender.send(subscriptions=[subscription(expires_at=(now - DAY).isoformat())])
    assert answer.status_code == 422 and "in the past" in answer.content.decode()


# What was deleted stays deleted


def test_what_was_erased_is_ignored_by_name_and_nothing_comes_back(sender, now):
    factories.arm()
    message = whole()
    sender.send(**message)
    Subscription.objects.update(expires_at=now - MINUTE, starts_at=now - 20 * DAY)
    carry_out(now, now=now)
    assert Workspace.objects.get().state == "emptied" and not Person.objects.exists()
    before = counts()
    answer = sender.send(**message)
    assert answer.status_code == 200, answer.content
    assert [one["why"] for one in answer.json()["ignored"]] == ["erased"] * 6
    assert counts() == before
    alone = sender.send(people=[{"outside_id": "P-1", "name": "Hannah"}])
    assert alone.json()["ignored"] == [{"item": "people/0", "why": "erased"}]
    assert tables_with("Hannah") == tables_with("Tern Ferries") == []


def test_somebody_who_returns_with_a_new_workspace_is_taken(sender, now):
    factories.arm()
    message = whole()
    sender.send(**message)
    Subscription.objects.update(expires_at=now - MINUTE, starts_at=now - 20 * DAY)
    carry_out(now, now=now)
    sender.send(workspaces=[{"outside_id": "W-2", "name": "Again"}])
    answer = sender.send(people=[{"outside_id": "P-1", "name": "Hannah", "workspaces": ["W-1", "W-2"]}])
    assert answer.json()["new"] == 1
    assert Membership.objects.get().workspace.outside_id == "W-2"


# What is refused


@pytest.mark.parametrize(
    ("items", "item", "field", "says"),
    [
        ({"workspaces": [{"outside_id": "W-2", "name": "x"}, {"outside_id": "W-3", "name": "x", "country": "Germany"}]}, "workspaces/1", "country", "two capital"),
        ({"workspaces": [{"outside_id": "W-2"}]}, "workspaces/0", "name", "needed"),
        ({"workspaces": [{"outside_id": "W-2", "name": "x"}, {"outside_id": "W-2 ", "name": "y"}]}, "workspaces/1", "outside_id", "same as workspaces/0"),
        ({"workspaces": [{"outside_id": "W-2", "name": "x", "colour": "red"}]}, "workspaces/0", "'colour'", "Not known here"),
        ({"workspaces": [{"outside_id": "W-2", "name": "a\u0000b"}]}, "workspaces/0", "name", "Text"),
        ({"workspaces": [{"outside_id": "W-2", "name": {"a": 1}}]}, "workspaces/0", "name", "Text"),
        ({"workspaces": [{"outside_id": "W-2", "name": 1.5}]}, "workspaces/0", "name", "Text"),
        ({"workspaces": [{"outside_id": "W-2", "name": ["a"]}]}, "workspaces/0", "name", "Text"),
        ({"workspaces": [{"outside_id": "W-2", "name": "x" * 10_001}]}, "workspaces/0", "name", "Text"),
        ({"workspaces": [{"outside_id": "W-2", "name": "x" * 300}]}, "workspaces/0", "name", "200"),
        ({"workspaces": ["W-2"]}, "workspaces/0", "", "object"),
        ({"workspaces": {"outside_id": "W-2"}}, "", "workspaces", "list"),
        ({"planets": []}, "", "planets", "Not known here"),
        ({"people": [{"outside_id": "P-2", "name": "Card 4242 4242 4242 4242"}]}, "people/0", "name", "payment card"),
        ({"people": [{"outside_id": "P-2", "name": "x", "workspaces": ["W-9"]}]}, "people/0", "", "no workspace W-9"),
        ({"people": [{"outside_id": "P-2", "name": "x", "notify_by_sms": "maybe"}]}, "people/0", "notify_by_sms", "neither yes nor no"),
        ({"memberships": [{"workspace": "W-1", "person": "P-9"}]}, "memberships/0", "", "no person"),
        ({"subscriptions": [{"outside_id": "S-2", "workspace": "W-1", "plan": "B", "starts_at": "soon", "expires_at": "2099-01-01T00:00:00Z"}]}, "subscriptions/0", "starts_at", "not an instant"),
        ({"subscriptions": [{"outside_id": "S-2", "workspace": "W-1", "plan": "B", "starts_at": "2026-01-01T00:00:00Z", "expires_at": "2099-01-01T00:00:00Z", "recording_enabled": True, "recording_days": 31}]}, "subscriptions/0", "recording_days", "30"),
        ({"assignments": [{"outside_id": "A-2", "number": "12", "voip": True, "workspace": "W-1", "from": "2026-01-01T00:00:00Z"}]}, "assignments/0", "", "not a telephone number"),
        ({"assignments": [{"outside_id": "A-2", "number": "+442079460171", "voip": False, "workspace": "W-1", "from": "2026-11-20T00:00:00Z"}]}, "assignments/0", "", "already assigned"),
        ({"consents": [{"outside_id": "C-2", "person": "P-1", "purpose": "accepts_policy", "policy_version": "2025-09", "given_at": "2026-01-01T00:00:00Z"}]}, "consents/0", "purpose", "not a valid choice"),
    ],
)  # fmt: skip
def test_one_item_at_fault_is_named_and_nothing_of_the_message_is_stored(sender, items, item, field, says):
    sender.send(**whole())
    before, told = counts(), Feed.objects.get().as_of
    answer = sender.send(**{"workspaces": [{"outside_id": "W-8", "name": "Good"}], **items})
    assert answer.status_code == 422, answer.content
    (fault,) = [fault for fault in answer.json()["error"]["faults"] if fault["item"] == item]
    assert fault["field"] == field and says in fault["message"], fault
    assert counts() == before
    feed = Feed.objects.get()
    assert (feed.sequence, feed.as_of) == (1, told)
    delivery = FeedDelivery.objects.latest("pk")
    assert (delivery.state, delivery.problem) == ("refused", "items")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b" ", "not JSON"), (b"null", "is an object"), (b"[]", "is an object"), (b"{", "not JSON"), (b"\xff\xfe", "not UTF-8"),
        (b'{"sequence": NaN}', "NaN is not JSON"), (b'{"sequence": 1, "sequence": 2}', "stands twice"),
        (b"[" * 200_000, "nested too deep"), (b'{"sequence": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"sequence": true, "as_of": "2026-11-24T00:00:00Z"}', "whole number"), (b'{"sequence": 0, "as_of": "x"}', "whole number"),
        (b'{"sequence": 1, "as_of": "2026-11-24T00:00:00"}', "offset"), (b'{"sequence": 1, "as_of": 5}', "offset"),
        (b'{"sequence": 1, "as_of": "9999-12-31T23:59:59Z"}', "offset"), (b'{"sequence": 1}', "offset"),
        (b'{"sequence": 1, "as_of": "2150-01-01T00:00:00Z"}', "future"),
        (b'{"sequence": 1, "as_of": "2026-11-24T00:00:00Z", "\\ud800": []}', "Not known here"),
        (b'{"sequence": 1, "as_of": "2026-11-24T00:00:00Z", "people": [{"outside_id": "P-1", "name": "\\ud800"}]}', "Text"),
        (b'{"sequence": 1, "as_of": "2026-11-24T00:00:00Z", "people": [{"outside_id": "P-1", "name": "x", "\\u0000": 1}]}', "Not known here"),
        (b'{"sequence": 1, "as_of": "2026-11-24T00:00:00Z", "people": [' + b'{},' * 5000 + b'{}]}', "At most 5,000"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_message_is_refused_in_words(sender, body, says):
    answer = sender.post(body)
    assert answer.status_code == 422, answer.content
    assert says in answer.content.decode()
    assert not any(counts().values())


def test_a_kind_that_the_feed_does_not_carry_is_refused(client):
    sender = Sender(client, factories.make_feed(carries=["subscriptions"]))
    answer = sender.send(people=[])
    assert answer.json()["error"]["faults"] == [
        {"item": "", "field": "people", "message": "This feed does not carry it."}
    ]


# Who may send


def test_a_message_is_taken_only_with_the_feeds_own_signature(sender, client):
    other = Sender(client, factories.make_feed("other"))
    body = json.dumps(
        {"sequence": 1, "as_of": timezone.now().isoformat(), "workspaces": [{"outside_id": "W-1", "name": "x"}]}
    ).encode()
    good = sender.headers(body)
    now = int(timezone.now().timestamp())
    wrong = [
        {}, {**good, "X-Feed-Signature": "0" * 64}, {**good, "X-Feed-Signature": good["X-Feed-Signature"].upper()},
        {**good, "X-Feed-Timestamp": str(now + 1)}, {**good, "X-Feed-Nonce": "a" * 32}, {**good, "X-Feed-Nonce": "short"},
        {**good, "X-Feed-Signature": "é"}, sender.headers(body + b" "), sender.headers(body, secret=other.secret),
        sender.headers(body, timestamp=str(now - 301)), sender.headers(body, timestamp=str(now + 310)),
        sender.headers(body, timestamp="9" * 10), sender.headers(body, timestamp="soon"), sender.headers(body, nonce="a b" * 10),
    ]  # fmt: skip
    for headers in wrong:
        answer = sender.post(body, headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signature"), headers
    assert client.post("/feeds/nobody", body, content_type="application/json", headers=good).status_code == 401
    assert client.post("/feeds/%F0%9F%98%80", body, content_type="application/json", headers=good).status_code == 401
    assert not FeedDelivery.objects.exists() and not any(counts().values())
    assert sender.post(body, sender.headers(body, timestamp=str(now - 290))).status_code == 200


def test_a_message_that_comes_twice_is_refused(sender):
    body = json.dumps({"sequence": 1, "as_of": timezone.now().isoformat()}).encode()
    headers = sender.headers(body)
    assert sender.post(body, headers).status_code == 200
    answer = sender.post(body, headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "replay")
    assert FeedDelivery.objects.count() == 1


def test_a_replay_of_a_refused_message_is_refused_too(sender):
    body = b"{}"
    headers = sender.headers(body)
    assert [sender.post(body, headers).status_code for _ in range(2)] == [422, 409]


def test_a_new_secret_ends_the_old_one_and_a_retired_feed_is_nobody(sender):
    old = sender.secret
    sender.secret = signing.make_secret(sender.feed.pk, user=factories.make_user(), now=timezone.now())
    assert tables_with(old) == tables_with(sender.secret) == []
    body = json.dumps({"sequence": 1, "as_of": timezone.now().isoformat()}).encode()
    assert sender.post(body, sender.headers(body, secret=old)).status_code == 401
    assert sender.send().status_code == 200
    Feed.objects.update(retired_at=timezone.now())
    assert sender.send().status_code == 401


def test_a_feed_without_a_secret_takes_nothing(client):
    feed = factories.make_feed()
    body = json.dumps({"sequence": 1, "as_of": timezone.now().isoformat()}).encode()
    sender = Sender(client, feed)
    Feed.objects.update(secret=None)
    assert sender.post(body).status_code == 401


def test_methods_forms_and_sizes_that_are_none_get_json_errors(sender, client):
    body = b"{}"
    assert (client.get("/feeds/platform").status_code, client.get("/feeds/platform").json()["error"]["code"]) == (
        405,
        "method",
    )
    assert sender.post(body, content_type="text/plain").status_code == 415
    assert sender.post(body, {**sender.headers(body), "Content-Encoding": "gzip"}).status_code == 415
    big = b" " * (10 * 1024 * 1024 + 1)
    answer = sender.post(big)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_big")
    fits = b'{"sequence": 1, "as_of": "2026-01-01T00:00:00Z"}'
    assert sender.post(fits + b" " * (10 * 1024 * 1024 - len(fits))).status_code == 200


def test_more_than_sixty_messages_a_minute_are_put_off(sender, monkeypatch):
    monkeypatch.setattr(taking, "PER_MINUTE", 3)
    assert [sender.send().status_code for _ in range(4)] == [200, 200, 200, 429]
    assert int(sender.send()["Retry-After"]) > 0
    FeedDelivery.objects.update(received_at=timezone.now() - MINUTE)
    assert sender.send().status_code == 200


def test_nothing_personal_is_logged_or_kept_of_a_message(sender, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    message = {"people": [{"outside_id": "P-Zyzzyva", "name": "Zyzzyva", "phone": "Zyzzyva", "Zyzzyva": "x"}]}
    assert "Zyzzyva" in sender.send(**message).content.decode()
    del message["people"][0]["Zyzzyva"]
    assert sender.send(**message).status_code == 422
    monkeypatch.setattr(taking, "store", lambda *_, **__: 1 / 0)
    assert sender.send(**message).json()["error"]["code"] == "failed"
    assert tables_with("Zyzzyva") == []
    assert "Zyzzyva" not in caplog.text
    assert [(one.problem, one.faults) for one in FeedDelivery.objects.order_by("pk")] == [
        ("items", [{"item": "people/0", "field": ""}]), ("items", [{"item": "people/0", "field": "phone"}]), ("failed", []),
    ]  # fmt: skip


# In order


def test_a_message_that_is_missing_is_noticed_and_the_next_waits_for_it(sender, now):
    sender.send(**whole())
    Feed.objects.update(as_of=now)
    answer = sender.send(sequence=3, as_of=now + MINUTE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "sequence")
    assert "Expected number 2" in answer.json()["error"]["message"]
    assert (Feed.objects.get().sequence, Feed.objects.get().as_of) == (1, now)
    assert [sender.send(sequence=number).status_code for number in (2, 3)] == [200, 200]


def test_the_first_message_of_a_feed_may_have_any_number(sender):
    assert sender.send(sequence=4711).status_code == 200
    assert sender.send(sequence=4712).status_code == 200


# Late feeds


def test_known_until_is_now_without_a_feed_and_what_the_slowest_feed_told_otherwise(now):
    assert known_until(Kind.SUBSCRIPTIONS, now) == now
    feed = factories.make_feed()
    assert known_until(Kind.SUBSCRIPTIONS, now) is None
    assert late_feeds(now) == [feed]
    Feed.objects.update(as_of=now - 10 * MINUTE)
    factories.make_feed("second", carries=["subscriptions"], as_of=now - 20 * MINUTE)
    factories.make_feed("third", carries=["people"], as_of=now - 30 * MINUTE)
    assert known_until(Kind.SUBSCRIPTIONS, now) == now - 20 * MINUTE
    Feed.objects.filter(name="second").update(as_of=now - HOUR - dt.timedelta(seconds=1))
    assert known_until(Kind.SUBSCRIPTIONS, now) is None
    Feed.objects.filter(name="second").update(as_of=now - HOUR)
    assert known_until(Kind.SUBSCRIPTIONS, now) == now - HOUR
    Feed.objects.filter(name="second").update(as_of=None, retired_at=now)
    assert known_until(Kind.SUBSCRIPTIONS, now) == now - 10 * MINUTE
    Feed.objects.update(as_of=now + MINUTE)
    assert known_until(Kind.SUBSCRIPTIONS, now) == now
