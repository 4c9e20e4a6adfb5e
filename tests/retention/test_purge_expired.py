"""manage.py purge_expired: shows by default, deletes with --commit, and refuses what would delete too early."""

import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Workspace
from retention.holds import place_hold
from telecom_records.models import CallDetailRecord
from tests import factories
from tests.factories import DAY

pytestmark = pytest.mark.django_db


def purge(capsys, *arguments: str) -> str:
    capsys.readouterr()
    call_command("purge_expired", *arguments)
    return capsys.readouterr().out


@pytest.fixture
def expired():
    return factories.make_customer(expires_at=timezone.now() - DAY, calls=3)


@pytest.fixture
def staying():
    return factories.make_customer(expires_at=timezone.now() + DAY, calls=3)


def test_without_commit_it_shows_counts_and_touches_nothing(capsys, expired, staying):
    factories.arm()
    said = purge(capsys)
    assert f"workspace {expired}: expired" in said
    assert "4 call records" in said
    assert str(staying) not in said
    assert "Nothing was deleted. Add --commit" in said
    assert CallDetailRecord.objects.filter(workspace=expired).count() == 4


def test_commit_deletes_exactly_what_was_shown(capsys, expired, staying):
    factories.arm()
    shown = json.loads(purge(capsys, "--json"))["due"]
    done = json.loads(purge(capsys, "--commit", "--json"))["deleted"]
    assert [job["state"] for job in done] == ["done"]
    assert sum(sum(item["counts"].values()) for item in shown) == sum(job["rows"] for job in done)
    expired.refresh_from_db()
    assert (expired.state, expired.name) == (Workspace.State.EMPTIED, "")
    assert not CallDetailRecord.objects.filter(workspace=expired).exists()
    assert CallDetailRecord.objects.filter(workspace=staying).count() == 4
    assert "Nothing is past its time" in purge(capsys)


def test_an_observing_rule_deletes_nothing_and_the_command_fails(capsys, expired):
    with pytest.raises(CommandError, match="two officers must arm it"):
        purge(capsys, "--commit")
    assert "observing, so it stays" in purge(capsys)
    assert CallDetailRecord.objects.filter(workspace=expired).count() == 4


def test_what_is_held_is_shown_with_its_reason_and_stays(capsys, expired):
    factories.arm()
    officer = factories.make_user()
    review = timezone.localdate() + dt.timedelta(days=30)
    place_hold(
        workspace=expired,
        reason="Dispute",
        authority="Order 7",
        review_on=review,
        owner=officer,
        user=officer,
        now=timezone.now(),
    )
    assert "kept by a hold (Order 7)" in purge(capsys)
    purge(capsys, "--commit")
    assert CallDetailRecord.objects.filter(workspace=expired).count() == 4


def test_the_future_can_be_looked_at_but_not_committed(capsys, staying):
    factories.arm()
    later = (timezone.now() + 2 * DAY).isoformat()
    assert f"workspace {staying}" in purge(capsys, "--at", later)
    with pytest.raises(CommandError, match="refuses an instant in the future"):
        purge(capsys, "--commit", "--at", later)
    assert CallDetailRecord.objects.filter(workspace=staying).count() == 4


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("tomorrow", "is not an instant"),
        ("2026-12-01T00:00:00", "say the time zone"),
        ("2026-13-01", "is not an instant"),
    ],
)
def test_a_wrong_instant_is_said(capsys, at, says):
    with pytest.raises(CommandError, match=says):
        purge(capsys, "--at", at)
