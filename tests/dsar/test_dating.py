"""Dates follow what happens: every event computes them anew, and every answer is kept."""

import datetime as dt

import pytest

from dsar import dating
from dsar.deadlines import UnableToComputeDeadline
from dsar.models import ClockEvent, DeadlineResult, SubjectRequest
from dsar.services import redate_request
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def german(officer):
    """An access request received on 10 Nov 2026, due on 10 Dec."""
    received = dt.datetime(2026, 11, 10, 9, tzinfo=dt.UTC)
    return factories.make_request(officer, regime="eu_gdpr", region="DE", received_at=received)


def answers(request) -> list[tuple]:
    """Cause, statutory date and whether it counts, the oldest first."""
    kept = DeadlineResult.objects.filter(request=request).order_by("pk")
    return [(each.cause, each.answer["statutory_due"], each.ended_at is None) for each in kept]


def record(request, kind, on, officer, *, now=NOW, until=None):
    dating.record_event(request.pk, kind, on=on, until=until, user=officer, now=now)
    request.refresh_from_db()


def test_a_question_stops_the_legal_clock_and_its_answer_gives_the_days_back(german, officer):
    record(german, "pause-identity", TODAY - 3 * DAY, officer)
    assert (german.is_paused, german.statutory_due_on, german.due_on) == (True, None, dt.date(2026, 12, 10))
    record(german, "resume", TODAY, officer, now=NOW + dt.timedelta(hours=1))
    assert (german.is_paused, german.statutory_due_on) == (False, dt.date(2026, 12, 14))  # 13 Dec is a Sunday
    assert answers(german) == [
        ("registered", "2026-12-10", False), ("event", None, False), ("event", "2026-12-14", True),
    ]  # fmt: skip


def test_a_notice_in_time_gives_three_months_and_the_promise_stays(german, officer):
    record(german, "extend", TODAY, officer)
    assert (german.statutory_due_on, german.due_on) == (dt.date(2027, 2, 10), dt.date(2026, 12, 10))
    trail = german.events.order_by("pk").values_list("text", flat=True)
    assert list(trail)[1:] == [
        "Extension notice sent 23 Nov 2026.",
        "Before: due 10 Dec 2026, by law 10 Dec 2026. Now: due 10 Dec 2026, by law 10 Feb 2027.",
    ]


def test_a_mistaken_entry_is_withdrawn_and_stays_in_the_trail(german, officer):
    record(german, "extend", TODAY, officer)
    event = ClockEvent.objects.get()
    dating.withdraw_event(event.pk, user=officer, now=NOW)
    german.refresh_from_db()
    assert german.statutory_due_on == dt.date(2026, 12, 10)
    assert ClockEvent.objects.get().withdrawn_by == officer
    with pytest.raises(dating.UnableToRecord, match="withdrawn already"):
        dating.withdraw_event(event.pk, user=officer, now=NOW)
    assert [cause for cause, _, _ in answers(german)] == ["registered", "event", "withdrawn"]


@pytest.mark.parametrize(
    ("kind", "on", "error", "says"),
    [
        ("resume", TODAY, UnableToComputeDeadline, "nothing was asked"),
        ("extend", dt.date(2026, 11, 9), UnableToComputeDeadline, "before the day of receipt"),
        ("extend", TODAY + DAY, dating.UnableToRecord, "has not come yet"),
    ],
)
def test_an_impossible_order_is_refused_and_leaves_nothing(german, officer, kind, on, error, says):
    before = answers(german)
    with pytest.raises(error, match=says):
        dating.record_event(german.pk, kind, on=on, user=officer, now=NOW)
    assert (ClockEvent.objects.count(), answers(german), german.events.count()) == (0, before, 1)


def test_a_request_that_is_over_takes_no_more_events(german, officer):
    factories.bring_to(german, "delivered", officer)
    with pytest.raises(dating.UnableToRecord, match="reopen it first"):
        dating.record_event(german.pk, "extend", on=TODAY, user=officer, now=NOW)


def test_the_day_of_an_event_is_that_of_the_requests_own_zone(officer):
    """At 07:00 on 24 Nov in Hong Kong it is still the 23rd in Los Angeles."""
    now = dt.datetime(2026, 11, 23, 23, tzinfo=dt.UTC)
    request = factories.make_request(officer, regime="us_ca_ccpa")
    with pytest.raises(dating.UnableToRecord, match="24 Nov 2026 has not come yet"):
        dating.record_event(request.pk, "extend", on=dt.date(2026, 11, 24), user=officer, now=now)


def test_receipt_is_confirmed_once_and_a_late_confirmation_says_so(officer):
    request = factories.make_request(
        officer, regime="us_ca_ccpa", received_at=dt.datetime(2026, 11, 2, 20, tzinfo=dt.UTC)
    )
    assert request.acknowledge_by_on == dt.date(2026, 11, 17)  # Veterans Day is no business day
    dating.acknowledge(request.pk, user=officer, now=NOW)
    dating.acknowledge(request.pk, user=officer, now=NOW + DAY)
    request.refresh_from_db()
    assert request.acknowledged_at == NOW
    assert list(request.events.filter(kind="acknowledged").values_list("text", flat=True)) == [
        "Receipt confirmed, late."
    ]


def test_a_warning_in_hong_kong_moves_what_falls_on_its_day_and_nothing_else(officer):
    received = dt.datetime(2026, 10, 14, 4, tzinfo=dt.UTC)  # day 40 is Monday 23 Nov
    struck = factories.make_request(officer, regime="hk_pdpo", received_at=received)
    later = factories.make_request(officer, regime="hk_pdpo", received_at=received + 5 * DAY)
    over = factories.make_request(officer, regime="hk_pdpo", received_at=received)
    factories.bring_to(over, "delivered", officer)
    assert struck.statutory_due_on == TODAY
    assert dating.record_warning("gale", TODAY, user=officer, now=NOW) == 1
    dates = SubjectRequest.objects.in_bulk([struck.pk, later.pk, over.pk])
    assert dates[struck.pk].statutory_due_on == TODAY + DAY
    assert dates[later.pk].statutory_due_on == later.statutory_due_on
    assert dates[over.pk].statutory_due_on == TODAY
    with pytest.raises(dating.UnableToRecord, match="recorded before"):
        dating.record_warning("gale", TODAY, user=officer, now=NOW)


def test_new_rules_date_open_requests_anew_and_keep_what_was_known_before(german, officer):
    closed = factories.make_request(officer)
    factories.bring_to(closed, "delivered", officer)
    assert dating.date_stale_anew(NOW) == 0
    DeadlineResult.objects.update(rule_version="eu_gdpr-0")
    SubjectRequest.objects.filter(pk=german.pk).update(statutory_due_on=dt.date(2026, 12, 9))
    assert dating.date_stale_anew(NOW + DAY) == 1
    german.refresh_from_db()
    assert german.statutory_due_on == dt.date(2026, 12, 10)
    assert [(cause, counts) for cause, _, counts in answers(german)] == [("registered", False), ("version", True)]
    assert len(answers(closed)) == 1
    assert dating.date_stale_anew(NOW + DAY) == 0


def test_a_corrected_detail_that_moves_no_date_asks_for_no_new_answer(german, officer):
    german.note = "All calls of October."
    redate_request(german, user=officer, now=NOW)
    assert len(answers(german)) == 1
    german.region = "PL"
    redate_request(german, user=officer, now=NOW)
    assert [cause for cause, _, _ in answers(german)] == ["registered", "corrected"]
