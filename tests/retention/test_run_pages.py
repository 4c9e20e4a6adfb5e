"""What officers see of runs, and decide about them: in numbers, by those who may, and not by a page that was opened twice."""

import pytest

from accounts.models import Approval, Workspace
from accounts.roles import AUDITOR, SUPPORT_AGENT
from retention import jobs, schedule, stops
from retention.models import BreakerLimit, DeletionJob, DeletionRun, Heartbeat, Reprieve
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.test_breaker import HOUR, low_limits, make_due, make_sessions  # noqa: F401

pytestmark = pytest.mark.django_db
SENT = {"_form_submitted": "True"}


@pytest.fixture(autouse=True)
def armed():
    factories.arm()


@pytest.fixture
def officer(client):
    officer = factories.make_user()
    client.force_login(officer)
    return officer


@pytest.fixture
def stopped(low_limits) -> DeletionRun:  # noqa: F811
    make_due(11)
    Workspace.objects.update(name="Nobody’s business")
    jobs.schedule_due(NOW)
    return DeletionRun.objects.get()


def page_of(run: DeletionRun) -> str:
    return f"/admin/retention/deletionrun/{run.pk}/change/"


def act(run: DeletionRun, what: str) -> str:
    return f"/admin/retention/deletionrun/{run.pk}/{what}/"


def test_a_stopped_run_is_on_every_page_and_on_the_first_page_of_officers(client, officer, stopped):
    for url in ("/admin/", "/admin/accounts/person/", "/admin/retention/due/", page_of(stopped)):
        html = client.get(url).content.decode()
        assert "The breaker stopped a run, and it needs a decision today. 11 workspaces of 11" in html, url
    first = client.get("/admin/").content.decode()
    assert "Runs to decide" in first and "decide today" in first
    assert "The breaker stopped its run" in client.get("/admin/retention/due/").content.decode()


def test_its_page_tells_what_was_frozen_and_what_is_asked(client, officer, stopped):
    html = client.get(page_of(stopped)).content.decode()
    for told in (
        stopped.digest,
        "11 workspaces",
        "Changed at the last moment",
        "Please decide today",
        "Waiting for the decision",
    ):
        assert told in html, told
    assert "Nobody’s business" not in html
    running = client.get("/admin/retention/console/running/").content.decode()
    assert "Nothing is being deleted right now" in running, "what the breaker stopped is no deletion that runs"


def test_the_dialogs_say_in_numbers_what_will_happen(client, officer, stopped):
    told = client.get(act(stopped, "ask_to_go_on")).content.decode()
    assert "<strong>11 workspaces</strong> are deleted, without recovery" in told
    told = client.get(act(stopped, "call_off")).content.decode()
    assert "<strong>11 workspaces</strong> are kept and shown again at once" in told
    assert DeletionRun.objects.get().state == DeletionRun.State.STOPPED


def test_a_run_by_age_says_rows_and_that_the_rule_will_observe(client, officer, low_limits):  # noqa: F811
    make_sessions(501)
    jobs.schedule_due(NOW)
    told = client.get(act(DeletionRun.objects.get(), "call_off")).content.decode()
    assert "<strong>501 rows</strong>" in told and "only observes from now on" in told


def test_two_officers_let_it_go_on_from_their_pages(client, officer, stopped):
    second = factories.make_user()
    client.post(act(stopped, "ask_to_go_on"), SENT)
    asked = Approval.objects.get()
    assert "has asked" in client.get(page_of(stopped)).content.decode()
    client.post(f"/admin/accounts/approval/{asked.pk}/approve/", SENT)
    stopped.refresh_from_db()
    assert stopped.state == DeletionRun.State.STOPPED
    client.force_login(second)
    client.post(f"/admin/accounts/approval/{asked.pk}/approve/", SENT)
    stopped.refresh_from_db()
    assert stopped.state == DeletionRun.State.GOING


def test_one_officer_calls_it_off_with_a_reason(client, officer, stopped):
    client.post(act(stopped, "call_off"), SENT)  # without a reason
    stopped.refresh_from_db()
    assert stopped.state == DeletionRun.State.STOPPED
    client.post(act(stopped, "call_off"), {**SENT, "reason": "The feed was wrong"})
    stopped.refresh_from_db()
    assert (stopped.state, stopped.decided_by) == (DeletionRun.State.CALLED_OFF, officer)
    html = client.get(page_of(stopped)).content.decode()
    assert "11 of its workspaces are kept past their end" in html
    assert "The feed was wrong" in client.get("/admin/retention/reprieve/").content.decode()
    second = factories.make_user()
    client.post(act(stopped, "ask_to_end_reprieves"), SENT)
    asked = Approval.objects.get()
    client.force_login(second)
    client.post(f"/admin/accounts/approval/{asked.pk}/approve/", SENT)
    assert not Reprieve.objects.filter(ended_at__isnull=True).exists()


@pytest.mark.parametrize("role", [AUDITOR, SUPPORT_AGENT])
def test_nobody_else_decides(client, stopped, role):
    client.force_login(factories.make_user(role))
    job = DeletionJob.objects.first()
    for url in (
        act(stopped, "ask_to_go_on"),
        act(stopped, "call_off"),
        act(stopped, "ask_to_end_reprieves"),
        f"/admin/retention/deletionjob/{job.pk}/pause/",
        f"/admin/retention/deletionjob/{job.pk}/keep/",
        "/admin/retention/breakerlimit/surprises/set_limit/",
    ):
        client.post(url, {**SENT, "reason": "x", "value": "11"})
    stopped.refresh_from_db()
    job.refresh_from_db()
    assert (stopped.state, job.state) == (DeletionRun.State.STOPPED, DeletionJob.State.PENDING)
    assert BreakerLimit.objects.get(pk="surprises").value == 10 and not Approval.objects.exists()


def test_an_officer_pauses_one_deletion_and_lets_it_go_on_from_its_page(client, officer):
    factories.make_customer(expires_at=NOW - HOUR)
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    page = f"/admin/retention/deletionjob/{job.pk}"
    client.post(f"{page}/pause/", SENT)
    html = client.get(f"{page}/change/").content.decode()
    assert "Paused by an officer" in html and f"Paused by {officer}" in html
    client.post(f"{page}/resume/", SENT)
    job.refresh_from_db()
    assert job.state == DeletionJob.State.PENDING
    client.post(f"{page}/keep/", {**SENT, "reason": "A wrong date"})
    job.refresh_from_db()
    assert job.state == DeletionJob.State.CANCELLED
    assert Workspace.objects.get().state == Workspace.State.ACTIVE


def test_the_limits_are_changed_from_their_page(client, officer):
    factories.make_user()
    page = "/admin/retention/breakerlimit/surprises"
    BreakerLimit.objects.filter(pk="surprises").update(value=50)
    assert "50 workspaces" in client.get("/admin/retention/breakerlimit/").content.decode()
    client.post(f"{page}/set_limit/", {**SENT, "value": "20"})
    assert BreakerLimit.objects.get(pk="surprises").value == 20
    client.post(f"{page}/set_limit/", {**SENT, "value": "300"})
    assert BreakerLimit.objects.get(pk="surprises").value == 20
    assert "from 20 to 300 workspaces" in Approval.objects.get().summary
    client.post(f"{page}/set_limit/", {**SENT, "value": "501"})
    assert Approval.objects.count() == 1


def test_a_silent_schedule_is_on_every_page_and_red_for_a_monitor(client, officer):
    assert client.get("/healthz/schedule").status_code == 503
    schedule.beat(stops.TICK)
    assert client.get("/healthz/schedule").json()["status"] == "ok"
    assert "no sign of life" not in client.get("/admin/accounts/person/").content.decode()
    Heartbeat.objects.update(at=NOW - 3 * DAY)
    answer = client.get("/healthz/schedule")
    assert (answer.status_code, answer.json()["status"]) == (503, "silent")
    assert client.get("/healthz").status_code == 200  # pages go on being served, not least to say so
    assert client.get("/healthz").json()["schedule"]["status"] == "silent"
    for url in ("/admin/", "/admin/accounts/person/"):
        assert "no sign of life" in client.get(url).content.decode()
