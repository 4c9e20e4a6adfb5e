"""The breaker: at, below and above each limit; what is no surprise; and limits that nobody can write away."""

import datetime as dt

import pytest
from django.db import connection

from accounts import approvals
from accounts.models import EvidenceEntry, Subscription, Workspace
from retention import breaker, jobs, limits, runs
from retention.models import Allowance, BreakerLimit, DeletionJob, DeletionRun
from retention.purge import carry_out
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost

pytestmark = pytest.mark.django_db
State = DeletionRun.State
HOUR = dt.timedelta(hours=1)
LOWEST = {key: limit.strictest for key, limit in breaker.LIMITS.items()}


@pytest.fixture(autouse=True)
def armed():
    factories.arm()


@pytest.fixture(autouse=True)
def low_limits():
    """Every limit at its strictest, so that few rows reach it: 10 surprises, 50 workspaces, 500 rows."""
    BreakerLimit.objects.bulk_create(
        [BreakerLimit(key=key, value=value) for key, value in LOWEST.items()],
        update_conflicts=True, unique_fields=["key"], update_fields=["value"],
    )  # fmt: skip


def make_due(count: int, *, known: bool = False, due_at=NOW - HOUR) -> list[Workspace]:
    made = Workspace.objects.bulk_create(
        [Workspace(outside_id=f"D-{factories.next_number()}", name="Due") for _ in range(count)]
    )
    subscriptions = [
        Subscription(outside_id=f"SD-{factories.next_number()}", workspace=workspace, plan="Basic",
                     starts_at=NOW - 300 * DAY, expires_at=due_at)
        for workspace in made
    ]  # fmt: skip
    Subscription.objects.bulk_create(subscriptions)
    if known:
        factories.know_for_long()
    return made


@pytest.mark.parametrize(
    ("due", "known", "state"),
    [
        (9, False, State.GOING),
        (10, False, State.GOING),
        (11, False, State.STOPPED),
        (11, True, State.GOING),
        (50, True, State.CANARY),
        (51, True, State.STOPPED),
    ],
)
def test_at_a_limit_it_goes_and_one_above_it_stops(due, known, state):
    make_due(due, known=known)
    jobs.schedule_due(NOW)
    run = DeletionRun.objects.get()
    assert (run.amount, run.state) == (due, state)
    assert run.kind == (DeletionRun.Kind.KNOWN if known else DeletionRun.Kind.SURPRISE)


@pytest.mark.parametrize(("due", "state"), [(20, State.GOING), (21, State.STOPPED)])
def test_the_share_of_live_workspaces_widens_a_limit(due, state, monkeypatch):
    monkeypatch.setattr(breaker, "live_workspaces", lambda: 20_000)  # of which one per mille is 20
    make_due(due)
    jobs.schedule_due(NOW)
    assert DeletionRun.objects.get().state == state


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        (NOW - 25 * HOUR - dt.timedelta(seconds=1), DeletionRun.Kind.KNOWN),
        (NOW - 25 * HOUR + dt.timedelta(seconds=1), DeletionRun.Kind.SURPRISE),
        (NOW, DeletionRun.Kind.SURPRISE),
        (None, DeletionRun.Kind.KNOWN),
    ],
)
def test_an_end_is_a_surprise_when_it_was_changed_less_than_a_day_before_it_came(changed, kind):
    make_due(1, due_at=NOW - HOUR)
    factories.know_for_long(changed)
    jobs.schedule_due(NOW)
    assert DeletionRun.objects.get().kind == kind


def test_a_months_end_that_was_known_goes_while_the_surprises_of_that_tick_wait():
    known = make_due(30, known=True)
    surprises = make_due(11)
    jobs.schedule_due(NOW)
    states = dict(DeletionRun.objects.values_list("kind", "state"))
    assert states == {"known": State.CANARY, "surprise": State.STOPPED}
    carry_out(NOW, now=NOW)
    gone = set(Workspace.objects.filter(state=Workspace.State.EMPTIED).values_list("pk", flat=True))
    assert gone == {workspace.pk for workspace in known}
    hidden = set(Workspace.objects.filter(state=Workspace.State.HIDDEN).values_list("pk", flat=True))
    assert hidden == {workspace.pk for workspace in surprises}


def test_surprises_add_up_over_a_day_and_not_over_more():
    make_due(6)
    jobs.schedule_due(NOW)
    make_due(5)
    jobs.schedule_due(NOW)
    assert list(DeletionRun.objects.order_by("frozen_at").values_list("state", flat=True)) == ["going", "stopped"]
    DeletionRun.objects.all().update(state=State.OVER, frozen_at=NOW - 5 * DAY)
    make_due(6)
    jobs.schedule_due(NOW)
    assert DeletionRun.objects.latest("frozen_at").state == State.GOING


def test_one_statement_that_ends_everybody_destroys_nothing():
    """The accident that it is for: an UPDATE without its WHERE."""
    for _ in range(12):
        factories.make_customer(expires_at=NOW + 200 * DAY, calls=1)
    factories.know_for_long()
    Subscription.objects.update(expires_at=NOW - HOUR)
    before = everything()
    assert carry_out(NOW, now=NOW) == []
    assert lost(before, everything()) == {}
    assert set(Workspace.objects.values_list("state", flat=True)) == {Workspace.State.HIDDEN}
    run = DeletionRun.objects.get()
    assert (run.state, run.cause) == (State.STOPPED, DeletionRun.Cause.SURPRISES)
    assert "12 workspaces of 12" in run.stopped_because
    assert not EvidenceEntry.objects.filter(type="INTENT").exists()
    assert EvidenceEntry.objects.get(type="RUN_STOPPED").body == {"cause": "surprises"}


def make_sessions(count: int, at=NOW - DAY) -> None:
    from telecom_records.models import FreeToolSession

    FreeToolSession.objects.bulk_create([FreeToolSession(tool="lookup", started_at=at) for _ in range(count)])


@pytest.mark.parametrize(("rows", "state"), [(499, State.GOING), (500, State.GOING), (501, State.STOPPED)])
def test_rows_by_age_have_their_own_limit(rows, state):
    make_sessions(rows)
    jobs.schedule_due(NOW)
    run = DeletionRun.objects.get()
    assert (run.amount, run.state) == (rows, state)


def test_rows_by_age_are_judged_by_all_that_waits_not_by_what_one_job_takes(monkeypatch):
    monkeypatch.setattr("retention.planning.AGED_ROWS", 100)
    make_sessions(501)
    jobs.schedule_due(NOW)
    run = DeletionRun.objects.get()
    assert (run.amount, run.state, run.cause) == (100, State.STOPPED, DeletionRun.Cause.AMOUNT)


@pytest.mark.parametrize(("rows", "state"), [(800, State.GOING), (801, State.STOPPED)])
def test_far_more_than_on_other_days_stops_even_within_the_share(monkeypatch, rows, state):
    monkeypatch.setattr(breaker, "_rows_there", lambda rule: 1_000_000)
    for day in range(2, 2 + breaker.PACE_NEEDS_DAYS):
        past_run(400, days_ago=day)
    make_sessions(rows)  # twice the usual 400 is the limit
    jobs.schedule_due(NOW)
    run = DeletionRun.objects.get(cutoff=NOW)
    assert run.state == state
    if state == State.STOPPED:
        assert run.cause == DeletionRun.Cause.PACE and "it was 400" in run.stopped_because


def test_with_few_days_to_compare_with_there_is_no_pace(monkeypatch):
    monkeypatch.setattr(breaker, "_rows_there", lambda rule: 1_000_000)
    for day in range(2, 1 + breaker.PACE_NEEDS_DAYS):
        past_run(400, days_ago=day)
    make_sessions(801)
    jobs.schedule_due(NOW)
    assert DeletionRun.objects.get(cutoff=NOW).state == State.GOING


def past_run(amount: int, *, days_ago: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at = cursor.fetchone()[0] - days_ago * DAY
    DeletionRun.objects.create(
        rule_id="free_tool_session", state=State.OVER, cutoff=at, frozen_at=at, amount=amount, digest="0" * 64,
        oldest_due_at=at, newest_due_at=at,
    )  # fmt: skip


@pytest.mark.parametrize(("later", "state"), [(0, State.CANARY), (11, State.STOPPED)])
def test_what_two_officers_knew_when_they_armed_the_rule_is_expected(later, state):
    make_due(40)
    breaker.expect("workspace_expiry", now=NOW)
    make_due(later)
    jobs.schedule_due(NOW)
    assert DeletionRun.objects.get().state == state


def test_what_a_shorter_period_takes_at_once_is_expected():
    make_sessions(900, at=NOW - dt.timedelta(minutes=40))
    assert breaker.expect("free_tool_session", now=NOW + HOUR).amount == 900
    jobs.schedule_due(NOW + HOUR)
    assert DeletionRun.objects.get().state == State.GOING


def test_an_old_allowance_expects_nothing_any_more():
    make_due(11)
    breaker.expect("workspace_expiry", now=NOW)
    Allowance.objects.update(granted_at=NOW - 30 * DAY)
    jobs.schedule_due(NOW)
    assert DeletionRun.objects.get().state == State.STOPPED


def test_holds_that_end_together_count_as_surprises():
    from retention.holds import lift_hold
    from tests.retention.test_holds import hold

    workspaces, officer = make_due(11, known=True), factories.make_user()
    holds = [hold(workspace, officer) for workspace in workspaces]
    carry_out(NOW, now=NOW)
    assert DeletionJob.objects.filter(state="held").count() == 11
    for placed in holds:
        lift_hold(placed.pk, user=factories.make_user(), now=NOW)
    assert carry_out(NOW, now=NOW) == []
    assert DeletionRun.objects.latest("frozen_at").state == State.STOPPED
    assert not Workspace.objects.filter(state=Workspace.State.EMPTIED).exists()


@pytest.mark.parametrize("wrong", [None, 0, -1, "abc", "", True, 1.5, 10**9, "60", [], 9])
def test_a_limit_that_is_missing_or_wrong_is_the_strictest(wrong):
    limit = breaker.LIMITS["surprises"]
    assert breaker.believed(limit, wrong) == limit.strictest == 10


@pytest.mark.parametrize("value", [10, 50, 500])
def test_a_limit_within_its_bounds_is_believed(value):
    assert breaker.believed(breaker.LIMITS["surprises"], value) == value


@pytest.mark.parametrize("written", [None, 0, -1, 200_000, 2_000_000_000])
def test_a_row_written_past_the_portal_does_not_loosen_the_breaker(written):
    BreakerLimit.objects.update(value=written)
    assert breaker.limits() == LOWEST
    BreakerLimit.objects.all().delete()
    assert breaker.limits() == LOWEST
    make_due(11)
    jobs.schedule_due(NOW)
    assert DeletionRun.objects.get().state == State.STOPPED


def test_every_limit_has_bounds_that_hold_its_usual_value():
    for limit in breaker.LIMITS.values():
        assert 0 < limit.strictest <= limit.usual <= limit.ceiling, limit.key


def test_raising_a_limit_takes_two_officers_and_lowering_one():
    BreakerLimit.objects.filter(pk="surprises").update(value=50)
    officer, second = factories.make_user(), factories.make_user()
    assert limits.set_limit("surprises", 20, user=officer, now=NOW) is None
    assert breaker.limits()["surprises"] == 20
    asked = limits.set_limit("surprises", 60, user=officer, now=NOW)
    assert breaker.limits()["surprises"] == 20
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(asked.pk, user=officer, agree=True, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    assert breaker.limits()["surprises"] == 60
    assert [entry.body for entry in EvidenceEntry.objects.filter(type="LIMIT_SET").order_by("sequence")] == [
        {"value": 20, "by": [officer.pk]},
        {"value": 60, "by": [officer.pk, second.pk]},
    ]


@pytest.mark.parametrize("value", [9, 501, 0, -1])
def test_no_officer_sets_a_limit_beyond_its_bounds(value):
    with pytest.raises(limits.UnableToSet, match="between 10 and 500"):
        limits.set_limit("surprises", value, user=factories.make_user(), now=NOW)


def test_a_new_installation_has_the_usual_limits():
    BreakerLimit.objects.all().delete()
    breaker.make_limits()
    assert breaker.limits() == {key: limit.usual for key, limit in breaker.LIMITS.items()}
    assert runs.CANARIES < runs.CANARY_ABOVE
