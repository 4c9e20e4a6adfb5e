"""What is kept of staff goes in its time, too: sessions, sign-ins, the admin's log, and the words of approvals."""

import datetime as dt

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session

from accounts.models import Approval
from retention.models import RuleVersion
from retention.purge import carry_out
from retention.rules import without_period
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost
from tests.retention.test_expiry import tables_with

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)
MIDNIGHT = NOW.replace(hour=0)  # a day's rows go together, after the day is over (UTC)


def keep_for(rule: str, period: dt.timedelta) -> None:
    RuleVersion.objects.create(
        rule_id=rule, number=1, period=period, effective_at=NOW - 900 * DAY, asked_by=factories.make_user(),
        approved_by=factories.make_user(), approved_at=NOW,
    )  # fmt: skip


def session(at):
    return Session.objects.create(session_key="k" * 32, session_data="Zyzzyva", expire_date=at)


def attempt(model):
    def make(at):
        row = model.objects.create(username="Zyzzyva", ip_address="192.0.2.1", user_agent="x", http_accept="x", path_info="/",
                                   **({"get_data": "", "post_data": "", "failures_since_start": 1} if model is AccessAttempt else {}))  # fmt: skip
        model.objects.filter(pk=row.pk).update(attempt_time=at)
        return row

    make.__name__ = model.__name__
    return make


def log_entry(at):
    return LogEntry.objects.create(
        user=factories.make_user(), action_flag=2, object_repr="x", change_message="Zyzzyva", action_time=at
    )


@pytest.mark.parametrize(
    ("rule", "make", "period"),
    [
        ("staff_session", session, DAY),
        ("staff_sign_in", attempt(AccessAttempt), 90 * DAY),
        ("staff_sign_in", attempt(AccessFailureLog), 90 * DAY),
        ("staff_sign_in", attempt(AccessLog), 90 * DAY),
        ("staff_log", log_entry, 365 * DAY),
    ],
)
@pytest.mark.parametrize(("late", "goes"), [(-SECOND, True), (dt.timedelta(0), False)])
def test_a_days_rows_go_when_the_period_after_it_is_over(rule, make, period, late, goes):
    factories.arm(rule)
    if rule in without_period(NOW):
        keep_for(rule, period)
    row = make(MIDNIGHT - period + late)
    before = everything()
    assert tables_with("Zyzzyva") == [row._meta.db_table]
    carry_out(NOW, now=NOW)
    assert lost(before, everything()) == ({row._meta.label: {row.pk}} if goes else {})
    assert (tables_with("Zyzzyva") == []) is goes


def test_signing_out_still_ends_a_session_at_once(client):
    client.force_login(factories.make_user())
    assert Session.objects.count() == 1
    client.post("/admin/logout/")
    assert not Session.objects.exists()


def test_staff_data_without_a_period_is_kept_and_named():
    assert {"staff_sign_in", "staff_log", "decided_approval"} <= set(without_period(NOW))


@pytest.mark.parametrize("how", ["decided", "left"])
@pytest.mark.parametrize(("late", "goes"), [(-SECOND, False), (dt.timedelta(0), True)])
def test_the_words_of_an_approval_are_blanked_and_who_agreed_to_what_stays(how, late, goes):
    factories.arm("decided_approval")
    keep_for("decided_approval", 90 * DAY)
    first, second = factories.make_user(), factories.make_user()
    decided = {"state": "done", "decided_by": second, "decided_at": NOW} if how == "decided" else {"state": "waiting"}
    row = Approval.objects.create(
        action="arm_rule", target="usage_record", digest="0" * 64, summary="Zyzzyva", requested_by=first,
        requested_at=NOW - DAY, expires_at=NOW, **decided,
    )  # fmt: skip
    waiting = Approval.objects.create(
        action="arm_rule", target="staff_log", digest="0" * 64, summary="still open", requested_by=first,
        requested_at=NOW, expires_at=NOW + 900 * DAY,
    )  # fmt: skip
    values = Approval.objects.filter(pk=row.pk).values()[0]
    before = everything()
    at = NOW + 90 * DAY + late
    carry_out(at, now=at)
    assert lost(before, everything()) == {}
    assert Approval.objects.filter(pk=row.pk).values()[0] == {**values, "summary": "" if goes else "Zyzzyva"}
    waiting.refresh_from_db()
    assert waiting.summary == "still open"
