"""The console: what goes, what runs, what stands still, what is held and what went, on one page."""

import datetime as dt

import pytest
from django.utils import timezone

from retention import console
from retention.models import DeletionJob, Rule
from tests import factories
from tests.factories import DAY

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def officer(client):
    user = factories.make_user()
    client.force_login(user)
    return user


def make_job(workspace, **fields) -> DeletionJob:
    now = timezone.now()
    return DeletionJob.objects.create(
        rule=Rule.objects.get(pk="workspace_expiry"), workspace=workspace, due_at=now, cutoff=now, **fields
    )


def test_each_workspace_is_counted_on_the_day_it_expires_and_on_no_other():
    tonight = console.end_of_today(timezone.now())
    for after in (-HOUR, HOUR, 2 * HOUR, 2 * DAY + HOUR, 7 * DAY + HOUR):
        factories.make_customer(expires_at=tonight + after)
    counts = [count for _, count in console.days_ahead(timezone.now())]
    assert counts == [1, 2, 0, 1, 0, 0, 0]


def test_a_rule_says_what_goes_today_and_within_a_week():
    now = timezone.now()
    for after in (-HOUR, 2 * DAY, 8 * DAY):
        factories.make_customer(expires_at=now + after)
    lines = {line.rule: line for line in console.forecasts(now)}
    assert (lines["workspace_expiry"].today, lines["workspace_expiry"].week) == (1, 2)
    assert lines["withdrawn_consent"].has_period is False


def test_the_page_shows_what_stands_still_and_why_and_what_went(client, officer):
    going, stopped = factories.make_workspace(), factories.make_workspace()
    make_job(
        going, state="running", intent_sequence=1, planned={"accounts.Credit": 4}, destroyed={"accounts.Credit": 1}
    )
    make_job(stopped, state="quarantined", stopped_because="3 rows are still there.")
    make_job(
        factories.make_workspace(), state="done", intent_sequence=1, done_sequence=2, done_at=timezone.now(),
        planned={"accounts.Credit": 7}, destroyed={"accounts.Credit": 7},
    )  # fmt: skip
    html = client.get("/admin/retention/console/").content.decode()
    assert f"Workspace {going}" in html and "1 of 4" in html
    assert f"Workspace {stopped}" in html and "3 rows are still there." in html
    assert "7 rows and files" in html
    assert "In 30 days: rows and files gone 7." in html
    assert f"Workspace {going}" in client.get("/admin/retention/console/running/").content.decode()
