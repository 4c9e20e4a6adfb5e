"""A feed that is late stops what it dates, and a renewal that was missed destroys nothing (mission R14)."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts import approvals
from accounts.feeds import signing
from accounts.models import Feed, Workspace
from accounts.roles import AUDITOR, SECURITY_ADMINISTRATOR
from retention import jobs
from retention.conformance import conformance
from retention.models import DeletionJob
from retention.purge import carry_out, preview
from telecom_records.models import FreeToolSession, Number
from tests import factories
from tests.accounts.test_feeds import Sender, subscription
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = dt.timedelta(seconds=1), dt.timedelta(minutes=1), dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def armed():
    factories.arm()


def state(workspace: Workspace) -> str:
    workspace.refresh_from_db()
    return workspace.state


def overdue(rule: str, now: dt.datetime) -> int:
    return next(line.overdue for line in conformance(now) if line.rule == rule)


@pytest.mark.parametrize(
    ("told", "goes"),
    [
        (NOW - HOUR, True), (NOW - HOUR - SECOND, False), (NOW, True), (NOW - 30 * MINUTE, True), (None, False),
    ],
)  # fmt: skip
def test_expiry_stops_at_the_second_in_which_its_feed_is_late(told, goes):
    workspace = factories.make_customer(expires_at=NOW - 2 * HOUR)
    factories.make_feed(as_of=told)
    before = everything()
    carry_out(NOW, now=NOW)
    assert (state(workspace) == "emptied") is goes
    assert goes or lost(before, everything()) == {}
    assert goes or not DeletionJob.objects.filter(workspace=workspace).exists()


@pytest.mark.parametrize(("told", "goes"), [(NOW - 10 * MINUTE - SECOND, False), (NOW - 10 * MINUTE, True)])
def test_a_workspace_waits_until_the_feed_has_told_up_to_its_end(told, goes):
    workspace = factories.make_customer(expires_at=NOW - 10 * MINUTE)
    factories.make_feed(as_of=told)
    carry_out(NOW, now=NOW)
    assert (state(workspace) == "emptied") is goes
    assert overdue("workspace_expiry", NOW) == 0


def test_a_feed_of_something_else_and_a_retired_one_stop_nothing():
    workspace = factories.make_customer()
    factories.make_feed("people", carries=["people", "consents"])
    factories.make_feed("gone", retired_at=NOW)
    carry_out(NOW, now=NOW)
    assert state(workspace) == "emptied"


def test_rules_that_no_feed_dates_go_on_and_those_that_one_does_stop():
    customer = factories.make_customer(expires_at=NOW + DAY)
    factories.make_tool_session(ended_at=NOW)
    number = factories.make_assignment(customer, factories.make_number(is_voip=False), until=NOW - 2 * HOUR).number
    feed = factories.make_feed()
    carry_out(NOW, now=NOW)
    assert not FreeToolSession.objects.exists()
    assert Number.objects.filter(pk=number.pk).exists()
    assert overdue("number_expiry", NOW) == 2
    Feed.objects.filter(pk=feed.pk).update(as_of=NOW)
    carry_out(NOW, now=NOW)
    assert not Number.objects.filter(pk=number.pk).exists()


def test_a_job_that_waits_for_a_worker_waits_for_the_feed_too():
    workspace = factories.make_customer()
    feed = factories.make_feed(as_of=NOW)
    jobs.schedule_due(NOW)
    Feed.objects.filter(pk=feed.pk).update(as_of=NOW - DAY)
    job = jobs.run_job(DeletionJob.objects.get(workspace=workspace).pk, now=NOW)
    assert (job.state, job.intent_at) == (DeletionJob.State.PENDING, None)
    assert "feed" in job.stopped_because
    assert state(workspace) == "hidden"
    Feed.objects.filter(pk=feed.pk).update(as_of=NOW)
    DeletionJob.objects.update(lease_until=None)
    carry_out(NOW, now=NOW)
    assert state(workspace) == "emptied"


def test_a_renewal_that_was_lost_on_its_way_destroys_nothing_and_arrives_late(client):
    """The whole way: the message with the renewal is lost, its end passes, later messages come; then it is sent again."""
    now = timezone.now()
    workspace = factories.make_customer(expires_at=now + HOUR)
    held = workspace.subscriptions.get()
    sender = Sender(client, factories.make_feed())
    assert sender.send(as_of=now).status_code == 200
    renewal = subscription(str(workspace), outside_id=held.outside_id, expires_at=(now + 30 * DAY).isoformat())
    renewal["starts_at"] = held.starts_at.isoformat()

    # number 2, the renewal, never comes; number 3 does, and is refused
    assert sender.send(sequence=3, as_of=now + MINUTE).status_code == 409
    after_the_end = now + HOUR + MINUTE
    before = everything()
    carry_out(after_the_end, now=after_the_end)
    assert lost(before, everything()) == {} and state(workspace) == "hidden"  # until the renewal is known
    (found,) = [line for line in preview(after_the_end) if line.what == f"workspace {workspace}"]
    assert "waits for the feed" in found.why
    assert overdue("workspace_expiry", after_the_end + 2 * MINUTE) == 1

    assert sender.send(sequence=2, as_of=now + MINUTE, subscriptions=[renewal]).status_code == 200
    assert sender.send(sequence=3, as_of=now + 2 * MINUTE).status_code == 200
    Feed.objects.update(as_of=after_the_end)  # an hour of messages later
    carry_out(after_the_end, now=after_the_end)
    assert state(workspace) == "active" and workspace.ends_at == now + 30 * DAY
    assert DeletionJob.objects.filter(workspace=workspace).exclude(state="cancelled").count() == 0


def test_it_goes_on_by_itself_when_the_feed_is_heard_again(client):
    now = timezone.now()
    workspace = factories.make_customer(expires_at=now - 3 * HOUR)
    sender = Sender(client, factories.make_feed(as_of=now - 4 * HOUR, sequence=1))
    sender.sequence = 1
    carry_out(now, now=now)
    assert state(workspace) == "hidden"
    sender.send(as_of=now - 2 * HOUR)  # it catches up, and is still late
    carry_out(now, now=now)
    assert state(workspace) == "hidden"
    sender.send(as_of=now)
    carry_out(now, now=now)
    assert state(workspace) == "emptied"


# What officers see


def page(client, role, url: str) -> str:
    client.force_login(factories.make_user(role))
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("url", ["/admin/", "/admin/retention/due/", "/admin/accounts/workspace/"])
def test_every_page_says_that_a_feed_is_late_and_what_waits_for_it(client, url):
    assert "is late: it" not in page(client, "Privacy officer", url)
    feed = factories.make_feed()
    html = page(client, "Privacy officer", url)
    assert (
        "Feed platform is late: it was never heard. Nothing goes by these rules until it is heard: workspace expiry"
        in html
    )
    Feed.objects.filter(pk=feed.pk).update(as_of=timezone.now() - 2 * HOUR)
    assert "tells nothing since" in page(client, "Privacy officer", url)
    Feed.objects.filter(pk=feed.pk).update(as_of=timezone.now())
    assert "is late: it" not in page(client, "Privacy officer", url)


def test_without_a_feed_the_officer_is_told_that_renewals_come_by_file_alone(client):
    assert "No feed carries subscriptions" in page(client, "Privacy officer", "/admin/retention/due/")
    factories.make_feed(as_of=timezone.now())
    assert "No feed carries subscriptions" not in page(client, "Privacy officer", "/admin/retention/due/")


def test_a_security_administrator_makes_a_feed_and_sees_its_secret_once(client):
    client.force_login(factories.make_user(SECURITY_ADMINISTRATOR))
    data = {
        "name": "platform",
        "carries": ["subscriptions"],
        "expected_minutes": "30",
        "date_zone": "",
        "date_hour": "24",
    }
    assert client.post("/admin/accounts/feed/add/", data).status_code == 302
    feed = Feed.objects.get()
    assert (feed.carries, feed.expected_minutes, feed.created_by is None) == (["subscriptions"], 30, False)
    url = f"/admin/accounts/feed/{feed.pk}/secret/"
    assert "feed-secret" not in client.get(url).content.decode()
    shown = client.post(url)
    assert "no-store" in shown["Cache-Control"]
    feed.refresh_from_db()
    secret = signing.secret_of(feed).decode()
    assert secret in shown.content.decode()
    for again in (url, f"/admin/accounts/feed/{feed.pk}/change/", "/admin/"):
        assert secret not in client.get(again).content.decode()


@pytest.mark.parametrize("role", ["Privacy officer", AUDITOR, "Support agent"])
def test_nobody_else_makes_a_secret(client, role):
    feed = factories.make_feed()
    client.force_login(factories.make_user(role))
    assert client.post(f"/admin/accounts/feed/{feed.pk}/secret/").status_code == 403
    feed.refresh_from_db()
    assert feed.secret is None


@pytest.mark.parametrize("action", ["ask_to_retire", "ask_to_restart"])
def test_to_retire_a_feed_or_restart_its_count_takes_two_officers(client, action):
    feed = factories.make_feed(sequence=7, as_of=NOW)
    first, second = factories.make_user(), factories.make_user()
    client.force_login(first)
    client.post(f"/admin/accounts/feed/{feed.pk}/{action}/", {"_form_submitted": "True"})
    feed.refresh_from_db()
    assert (feed.sequence, feed.retired_at) == (7, None)
    asked = approvals.Approval.objects.get()
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(asked.pk, user=first, agree=True, now=timezone.now())
    approvals.decide(asked.pk, user=second, agree=True, now=timezone.now())
    feed.refresh_from_db()
    assert (feed.sequence is None, feed.retired_at is not None) == (
        (True, False) if "restart" in action else (False, True)
    )
