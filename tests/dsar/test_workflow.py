"""Moves, reminders, steps and the forecast: nothing is late unseen, nothing is stuck."""

import datetime as dt

import pytest
from django.core import mail

from dsar import forecast, queue, reminders, steps
from dsar.models import RequestPace, RequestStep, SubjectRequest
from dsar.outbox import UnableToSend
from dsar.workflow import MOVES, UnableToMove, move_request
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
State = SubjectRequest.State


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def failing():
    """A kind of step that fails until told otherwise; returns the list of faults it will raise, one an attempt."""
    faults: list[Exception] = []

    def run(step, now):
        if faults:
            raise faults.pop(0)

    steps.register_kind(steps.Kind("try", "Try something", run))
    yield faults
    del steps.KINDS["try"]


def run_all(now) -> None:
    for step_id in steps.to_run(now):
        steps.run_step(step_id, now=now)
    factories.deliver_mails(now)


def test_every_state_can_be_reached_and_left_and_no_open_one_is_a_dead_end():
    reachable, waiting = {State.RECEIVED}, [State.RECEIVED]
    while waiting:
        new = MOVES[waiting.pop()] - reachable
        reachable |= new
        waiting += new
    assert reachable == set(State) == set(MOVES)
    for state in SubjectRequest.OPEN_STATES:
        assert MOVES[state] & {State.REFUSED, State.WITHDRAWN, State.ROUTED, State.DELIVERED}, state


def test_delivered_is_when_it_was_answered_and_closing_it_later_changes_that_no_more(officer):
    request = factories.bring_to(factories.make_request(officer), "delivered", officer)
    request = move_request(request.pk, State.CLOSED, user=officer, now=NOW + 9 * DAY)
    assert (request.closed_at, request.remind_at) == (NOW, None)
    request = move_request(
        request.pk, State.COLLECTING, user=officer, now=NOW + 10 * DAY, because="A file was missing."
    )
    assert request.closed_at is None
    assert request.remind_at > NOW + 10 * DAY
    assert request.events.order_by("-pk").first().text == "Collecting. A file was missing."


def test_a_move_to_a_state_that_does_not_follow_is_refused(officer):
    request = factories.make_request(officer)
    with pytest.raises(UnableToMove, match="“Received” cannot become “Approved”"):
        move_request(request.pk, State.APPROVED, user=officer, now=NOW)


@pytest.mark.parametrize("state", [state for state in SubjectRequest.OPEN_STATES if state != State.RECEIVED])
def test_overdue_means_overdue_whatever_the_state(officer, state):
    request = factories.make_request(officer, received_at=NOW - 40 * DAY)
    if state == State.IDENTITY:
        move_request(request.pk, state, user=officer, now=NOW)
    else:
        factories.bring_to(request, state, officer)
    assert queue.counts(NOW)["overdue"] == 1


def test_reminders_come_at_fifty_seventy_five_and_ninety_per_cent_and_every_day_once_late(officer):
    watcher = factories.make_user("Support agent")
    request = factories.make_request(officer, owner=officer, received_at=NOW - DAY)  # due 22 Dec, thirty days and some
    reminders.watch(request.pk, user=watcher, now=NOW)
    hours = int((request.due_at - NOW).total_seconds() // 3600) + 72
    for hour in range(hours):
        now = NOW + dt.timedelta(hours=hour)
        reminders.plan_reminders(now)
        assert reminders.plan_reminders(now) == 0  # a second scheduler changes nothing
        run_all(now)
    marks = list(RequestStep.objects.order_by("planned_at").values_list("about", "state"))
    assert marks == [(about, "done") for about in ("50", "75", "90", "late-0", "late-1", "late-2")]
    assert {to for message in mail.outbox for to in message.to} == {officer.email, watcher.email}
    assert len(mail.outbox) == 12
    assert mail.outbox[0].subject == f"{request.reference}: 50 % of the time is over"
    assert "Somebody" not in "".join(message.body for message in mail.outbox)


def test_a_request_of_nobody_is_told_to_every_officer_and_so_is_one_that_escalates(officer):
    second = factories.make_user()
    agent = factories.make_user("Support agent")
    request = factories.make_request(officer, owner=agent)
    assert reminders.people_to_tell(request, escalate=False) == [agent]
    assert reminders.people_to_tell(request, escalate=True) == sorted([officer, second, agent], key=lambda u: u.pk)
    agent.is_active = False
    agent.save()
    request = SubjectRequest.objects.get(pk=request.pk)
    assert reminders.people_to_tell(request, escalate=False) == [officer, second]


def test_a_closed_request_is_reminded_of_no_more(officer):
    request = factories.make_request(officer, owner=officer)
    move_request(request.pk, State.WITHDRAWN, user=officer, now=NOW)
    assert reminders.plan_reminders(NOW + 400 * DAY) == 0


def test_a_step_that_fails_is_tried_again_and_its_faults_stand_in_the_trail(officer, failing):
    request = factories.make_request(officer)
    failing += [UnableToSend("the mail server answered 451"), RuntimeError("secret@example.test")]
    step = steps.plan_step(request, "try", now=NOW)
    run_all(NOW)
    run_all(NOW)  # too early
    run_all(NOW + dt.timedelta(minutes=1))
    run_all(NOW + dt.timedelta(minutes=6))
    step.refresh_from_db()
    assert (step.state, step.attempts) == ("done", 3)
    assert list(request.events.filter(kind="step_failed").order_by("pk").values_list("text", flat=True)) == [
        "Try something: the mail server answered 451. It is tried again.",
        "Try something: an unforeseen fault (RuntimeError). It is tried again.",
    ]


def test_a_step_that_never_works_stops_raises_the_alarm_and_can_be_retried(
    officer, failing, django_capture_on_commit_callbacks
):
    request = factories.make_request(officer, owner=officer)
    failing += [steps.StepFailed("no")] * 5
    step = steps.plan_step(request, "try", now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        for hour in range(6):
            run_all(NOW + dt.timedelta(hours=3 * hour))
    step.refresh_from_db()
    assert (step.state, step.attempts) == ("stopped", 5)
    factories.deliver_mails(NOW + DAY)
    assert [message.subject for message in mail.outbox] == [f"{request.reference}: a step has failed"]
    steps.retry_step(step.pk, user=officer, now=NOW + DAY)
    run_all(NOW + DAY)
    step.refresh_from_db()
    assert (step.state, step.retried_by) == ("done", officer)
    assert request.events.filter(kind="step_failed").count() == 5  # nothing of the history is lost
    with pytest.raises(steps.UnableToRetry):
        steps.retry_step(step.pk, user=officer, now=NOW + DAY)


def test_a_step_whose_worker_was_killed_is_taken_up_when_its_lease_is_over(officer, failing):
    step = steps.plan_step(factories.make_request(officer), "try", now=NOW)
    RequestStep.objects.filter(pk=step.pk).update(state="running", lease_until=NOW + steps.LEASE, attempts=1)
    assert steps.run_step(step.pk, now=NOW) is None
    assert steps.run_step(step.pk, now=NOW + steps.LEASE).state == "done"


def test_the_forecast_is_what_four_of_five_took_once_enough_are_answered(officer):
    for days in range(1, 11):
        answered = factories.make_request(officer, type="erasure", received_at=NOW - 20 * DAY)
        SubjectRequest.objects.filter(pk=answered.pk).update(registered_at=NOW - 20 * DAY)
        factories.bring_to(answered, "collecting", officer, now=NOW - days * DAY)
        factories.bring_to(answered, "delivered", officer)
    assert forecast.measure_pace(NOW) == 1
    pace = RequestPace.objects.get()
    assert (pace.type, pace.state, pace.requests, pace.seconds) == ("erasure", "collecting", 10, 708_480)  # 8.2 days
    request = factories.make_request(officer, type="erasure", received_at=NOW - 22 * DAY)
    request = factories.bring_to(request, "collecting", officer)
    known = forecast.paces()
    for left, expected in ((8.1, True), (8.3, False)):
        now = request.due_at - dt.timedelta(days=left)
        assert forecast.will_be_late(request, known, now=now) == expected
        assert SubjectRequest.objects.filter(forecast.condition(now), pk=request.pk).exists() == expected


def test_without_measured_times_the_usual_days_are_taken(officer):
    request = factories.make_request(officer)
    assert not forecast.will_be_late(request, {}, now=request.due_at - 10 * DAY)
    for now in (request.due_at - 10 * DAY, request.due_at - 9 * DAY, request.due_at):
        expected = request.due_at - 10 * DAY < now < request.due_at
        assert forecast.will_be_late(request, {}, now=now) == expected
        assert SubjectRequest.objects.filter(forecast.condition(now)).exists() == expected
