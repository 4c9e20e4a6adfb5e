"""manage.py conformance and its page: nothing past its time, or it says what, and the exit code is 1."""

import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command

from retention.conformance import GRACE, conformance
from retention.holds import place_hold
from retention.models import DeletionJob
from retention.purge import carry_out
from telecom_records.models import Recording
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


def line(rule: str, now=NOW):
    return next(line for line in conformance(now) if line.rule == rule)


def test_an_expired_workspace_is_overdue_after_two_minutes_until_it_is_gone():
    workspace = factories.make_customer(expires_at=NOW)
    assert line("workspace_expiry", NOW + GRACE - SECOND).overdue == 0
    late = line("workspace_expiry", NOW + GRACE)
    assert (late.overdue, late.oldest, late.is_kept, late.armed) == (1, NOW, False, False)
    factories.arm()
    carry_out(NOW + GRACE, now=NOW + GRACE)
    workspace.refresh_from_db()
    assert line("workspace_expiry", NOW + DAY).is_kept


def test_a_half_done_deletion_is_overdue_and_one_that_waits_for_a_decision_too(monkeypatch):
    factories.arm("workspace_expiry")
    factories.make_customer(expires_at=NOW)
    monkeypatch.setattr("retention.deletion.remains", lambda scope: {"accounts.Person": 1})
    carry_out(NOW, now=NOW)
    found = line("workspace_expiry", NOW + DAY)
    assert (found.overdue, found.stopped, found.oldest, found.is_kept) == (1, 1, NOW, False)
    DeletionJob.objects.update(state="running")
    found = line("workspace_expiry", NOW + DAY)
    assert (found.overdue, found.stopped) == (1, 0)


def test_what_a_hold_keeps_is_told_and_is_not_overdue():
    officer = factories.make_user()
    workspace = factories.make_customer(expires_at=NOW)
    Recording.objects.update(started_at=NOW - 40 * DAY)
    place_hold(
        workspace=workspace, reason="x", authority="y", review_on=NOW.date(), owner=officer, user=officer, now=NOW
    )
    found = line("workspace_expiry", NOW + DAY)
    assert (found.overdue, found.held, found.is_kept) == (0, 1, True)
    found = line("subscriber_recording", NOW + DAY)
    assert (found.overdue, found.held, found.is_kept) == (0, 1, True)


def test_rows_past_their_own_time_are_counted_up_to_a_cap_with_the_oldest(monkeypatch):
    workspace = factories.make_customer(expires_at=NOW + 900 * DAY)
    for _ in range(3):
        factories.make_recording(workspace)
    Recording.objects.update(started_at=NOW - 40 * DAY)
    found = line("subscriber_recording")
    assert (found.overdue, found.oldest, found.shown) == (4, NOW - 40 * DAY, "4")
    monkeypatch.setattr("retention.conformance.COUNT_UP_TO", 2)
    found = line("subscriber_recording")
    assert (found.overdue, found.shown) == (2, "2 or more")


def test_the_delay_of_the_last_day_is_told():
    factories.arm("workspace_expiry")
    workspace = factories.make_customer(expires_at=NOW)
    carry_out(NOW, now=NOW)
    DeletionJob.objects.filter(workspace=workspace).update(done_at=NOW + 30 * SECOND)
    found = line("workspace_expiry", NOW + DAY)
    assert (found.mean_lag, found.worst_lag) == (30 * SECOND, 30 * SECOND)
    assert line("workspace_expiry", NOW + 2 * DAY).worst_lag is None


def test_the_command_fails_when_something_is_overdue_and_says_what(capsys):
    call_command("conformance")
    assert "Workspace expiry: 0 overdue, the rule only observes" in capsys.readouterr().out
    factories.make_customer(expires_at=NOW - DAY)
    with pytest.raises(CommandError, match="Not kept: workspace expiry"):
        call_command("conformance", "--json")
    rules = {rule["rule"]: rule for rule in json.loads(capsys.readouterr().out)["rules"]}
    assert (rules["workspace_expiry"]["overdue"], rules["workspace_expiry"]["kept"]) == (1, False)
    assert rules["closed_ticket"]["has_period"] is False


def test_the_page_says_the_same(client):
    client.force_login(factories.make_user())
    assert "Nothing is past its time" in client.get("/admin/retention/conformance/").content.decode()
    factories.make_customer(expires_at=NOW - DAY)
    assert "Something is past its time" in client.get("/admin/retention/conformance/").content.decode()
