"""The laws beside the EU's: examples reasoned from each, and what must hold of all of them."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsar.deadlines import REGIMES, Deadline, Event, compute_deadline, parse_event
from dsar.deadlines.dates import add_months
from dsar.deadlines.presets import COLORADO, SAUDI_ARABIA, TAIWAN, VIRGINIA
from dsar.deadlines.working_days import HONG_KONG, public_holidays, why_no_working_day


def deadline(regime: str, received_at: str, events: str = "", type: str = "access", region: str = "") -> Deadline:
    return compute_deadline(
        regime=regime,
        request_type=type,
        received_at=datetime.fromisoformat(received_at),
        region=region,
        events=[parse_event(text) for text in events.split()],
    )


BRITISH = [
    ("2027-03-25T10:00:00+00:00", "access", "", "", "2027-04-26", "25 April is a Sunday"),
    ("2027-05-10T10:00:00+01:00", "access", "", "", "2027-06-10", "same-numbered day"),
    ("2027-06-12T10:00:00+01:00", "access", "GB-NIR", "", "2027-07-13", "12 July is a holiday in Northern Ireland"),
    ("2027-06-12T10:00:00+01:00", "access", "GB-WLS", "", "2027-07-12", "and none in Wales"),
    ("2027-06-12T10:00:00+01:00", "access", "GB", "", "2027-07-12", "nation not known: as England and Wales"),
    ("2027-02-26T10:00:00+00:00", "access", "GB-SCT", "", "2027-03-29", "Easter Monday is none in Scotland"),
    ("2027-02-26T10:00:00+00:00", "access", "GB-ENG", "", "2027-03-30", "and one in England"),
    ("2027-05-10T10:00:00+01:00", "access", "", "pause-clarification@2027-05-12 resume@2027-05-16", "2027-06-15",
     "five days, both ends not counted"),
    ("2027-05-10T10:00:00+01:00", "erasure", "", "pause-clarification@2027-05-12 resume@2027-05-16", "2027-06-10",
     "clarification is for access only"),
    ("2027-05-10T10:00:00+01:00", "access", "", "pause-clarification@2027-06-10 resume@2027-06-13", "2027-06-14",
     "asked on the last day: 10 to 13 June are four days"),
    ("2027-05-10T10:00:00+01:00", "access", "", "pause-clarification@2027-06-11 resume@2027-06-13", "2027-06-10",
     "asked a day too late"),
    ("2027-05-10T10:00:00+01:00", "access", "", "pause-identity@2027-06-11 resume@2027-06-13", "2027-06-10",
     "identity asked a day too late restarts nothing"),
    ("2027-05-10T10:00:00+01:00", "access", "", "pause-identity@2027-05-12 extend@2027-07-01 resume@2027-07-05",
     "2027-10-05", "a period that has not begun cannot have ended: the notice is in time"),
    ("2027-05-10T10:00:00+01:00", "access", "",
     "pause-fee@2027-05-12 pause-identity@2027-05-13 resume@2027-05-20 resume@2027-05-25", "2027-06-25",
     "the later of the two"),
    ("2027-05-10T10:00:00+01:00", "access", "",
     "pause-identity@2027-05-11 pause-clarification@2027-05-12 resume@2027-05-14 resume@2027-05-20", "2027-06-21",
     "days before the period began cannot be left out of it; 20 June is a Sunday"),
    ("2027-05-10T10:00:00+01:00", "access", "",
     "pause-clarification@2027-05-12 pause-identity@2027-05-13 resume@2027-05-20 resume@2027-05-22", "2027-06-22",
     "of the clarification only 21 and 22 May are inside the period"),
    ("2027-05-10T10:00:00+01:00", "access", "",
     "pause-clarification@2027-05-12 pause-clarification@2027-05-13 resume@2027-05-16 resume@2027-05-14", "2027-06-15",
     "overlapping questions: 12 to 16 May once"),
]  # fmt: skip


@pytest.mark.parametrize(("received_at", "type", "region", "events", "expected", "reason"), BRITISH)
def test_the_british_date_is_the_one_reasoned_from_the_law(received_at, type, region, events, expected, reason):
    got = deadline("uk_gdpr", received_at, events, type, region)
    assert (got.statutory_due, got.paused) == (date.fromisoformat(expected), False), reason


def test_an_open_british_question_leaves_the_date_that_holds_without_it():
    asked = deadline("uk_gdpr", "2027-05-10T10:00:00+01:00", "pause-identity@2027-05-12")
    assert (asked.paused, asked.statutory_due, asked.legal_latest) == (True, None, None)
    assert (asked.due_if_pause_rejected, asked.service_target) == (date(2027, 6, 10), date(2027, 6, 10))
    for_erasure = deadline("uk_gdpr", "2027-05-10T10:00:00+01:00", "pause-clarification@2027-05-12", "erasure")
    assert (for_erasure.paused, for_erasure.statutory_due) == (False, date(2027, 6, 10))


@pytest.mark.parametrize(
    ("received_at", "by", "reason"),
    [
        ("2026-07-01T10:00:00+01:00", "2026-07-31", "day 30 is a Friday"),
        ("2027-02-24T10:00:00+00:00", "2027-03-30", "day 30 is Good Friday"),
    ],
)
def test_a_british_complaint_is_acknowledged_in_thirty_days_and_has_no_other_date(received_at, by, reason):
    got = deadline("uk_complaint", received_at, type="complaint")
    assert (got.acknowledge_by, got.statutory_due) == (date.fromisoformat(by), None), reason


CALIFORNIAN = [
    ("2027-11-15T10:00:00-08:00", "know", "", "2027-12-30", "2027-11-30", "2027-12-30", "Thanksgiving is skipped"),
    ("2027-11-16T10:00:00-08:00", "delete", "", "2027-12-31", "2027-12-01", "2028-01-03",
     "31 Dec is New Year's Day observed: kept, though a defence goes to Monday 3 Jan"),
    ("2027-11-15T10:00:00-08:00", "correct", "extend@2027-12-30", "2028-02-13", "2027-11-30", "2028-02-14", "day 90"),
    ("2027-11-15T10:00:00-08:00", "know", "extend@2027-12-31", "2027-12-30", "2027-11-30", "2027-12-30", "a day late"),
    ("2027-11-15T10:00:00-08:00", "know", "extend@2027-12-01 extend@2027-12-02", "2028-02-13", "2027-11-30",
     "2028-02-14", "once"),
    ("2026-06-15T10:00:00-07:00", "opt_out", "", "2026-07-08", None, "2026-07-08",
     "Juneteenth, and 3 July for 4 July, are no business days"),
    ("2026-06-15T10:00:00-07:00", "limit", "extend@2026-06-16", "2026-07-08", None, "2026-07-08", "no extension"),
]  # fmt: skip


@pytest.mark.parametrize(("received_at", "type", "events", "due", "by", "latest", "reason"), CALIFORNIAN)
def test_californian_dates_are_not_moved_but_business_days_are_counted(
    received_at, type, events, due, by, latest, reason
):
    got = deadline("us_ca_ccpa", received_at, events, type)
    acknowledge_by = date.fromisoformat(by) if by else None
    assert (got.statutory_due, got.acknowledge_by) == (date.fromisoformat(due), acknowledge_by), reason
    assert got.legal_latest == date.fromisoformat(latest), reason


HONG_KONGER = [
    ("2027-08-22T10:00:00+08:00", "", "2027-10-02", "1 Oct is a holiday; the ordinary Saturday after it counts"),
    ("2023-08-23T10:00:00+08:00", "", "2023-10-03", "1 Oct 2023 was a Sunday: Monday is taken, Tuesday is not"),
    ("2027-01-05T10:00:00+08:00", "", "2027-02-15", "14 Feb is a Sunday"),
    ("2027-01-04T10:00:00+08:00", "", "2027-02-13", "an ordinary Saturday is kept"),
    ("2027-01-04T10:00:00+08:00", "gale@2027-02-13 blackrain@2027-02-15", "2027-02-16", "gale, Sunday, black rain"),
    ("2027-01-04T10:00:00+08:00", "gale@2027-02-12", "2027-02-13", "a gale on day 39 moves nothing"),
    ("2027-01-04T10:00:00+08:00", "gale@2026-09-01", "2027-02-13", "one long before the request neither"),
    ("2027-01-04T10:00:00+08:00", "pause-fee@2027-01-10", "2027-02-13", "a fee stops nothing"),
]


@pytest.mark.parametrize(("received_at", "events", "expected", "reason"), HONG_KONGER)
def test_the_fortieth_day_moves_off_sundays_general_holidays_and_warnings(received_at, events, expected, reason):
    got = deadline("hk_pdpo", received_at, events)
    assert (got.statutory_due, got.legal_latest) == (date.fromisoformat(expected),) * 2, reason


def test_on_day_forty_without_identity_hong_kong_wants_a_refusal_and_not_a_pause():
    asked = deadline("hk_pdpo", "2027-01-04T10:00:00+08:00", "pause-identity@2027-01-05")
    (refuse,) = [step for step in asked.steps if step.rule == "refuse"]
    assert not asked.paused
    assert "refuse in writing by Saturday 13 Feb 2027, and enter the refusal in the log before" in refuse.text
    proved = deadline("hk_pdpo", "2027-01-04T10:00:00+08:00", "pause-identity@2027-01-05 resume@2027-01-09")
    assert not [step for step in proved.steps if step.rule == "refuse"]


@pytest.mark.parametrize("year", range(2010, 2036))
def test_hong_kong_has_seventeen_general_holidays_a_year_beside_its_sundays(year):
    days = public_holidays("HK", year, "", HONG_KONG.categories)
    once_only = {date(2015, 9, 3)}  # seventy years after the war
    assert len([day for day in days if day.weekday() != 6 and day not in once_only]) == 17


def test_an_unsubscriber_is_left_alone_by_the_tenth_working_day_saturdays_counted():
    got = deadline("hk_uemo", "2027-03-22T10:00:00+08:00", type="unsubscribe")
    assert got.statutory_due == date(2027, 4, 7)  # Good Friday to Easter Monday, Ching Ming on 5 April
    assert deadline("hk_uemo", "2027-03-22T10:00:00+08:00", "gale@2027-03-24", "unsubscribe").statutory_due == date(
        2027, 4, 8
    )


PRESETS = [
    ("br_lgpd", "access", "2027-01-04T10:00:00-03:00", "", "2027-01-19"),
    ("ca_pipeda", "access", "2027-01-04T10:00:00-05:00", "extend@2027-02-03", "2027-03-05"),
    ("ca_pipeda", "access", "2027-01-04T10:00:00-05:00", "extend@2027-02-04", "2027-02-03"),
    ("sg_pdpa", "access", "2027-01-04T10:00:00+08:00", "", "2027-02-03"),
    ("sg_pdpa", "access", "2027-01-04T10:00:00+08:00", "extend@2027-01-20/2027-03-01", "2027-03-01"),
    ("sg_pdpa", "access", "2027-01-04T10:00:00+08:00", "extend@2027-02-04/2027-03-01", "2027-02-03"),
    ("sg_pdpa", "access", "2027-01-04T10:00:00+08:00", "extend@2027-01-20", "2027-02-03"),
    ("ch_fadp", "access", "2027-01-04T10:00:00+01:00", "extend@2027-01-20/2027-02-20 extend@2027-01-21/2027-06-01",
     "2027-02-20"),
    ("au_privacy", "access", "2027-01-03T13:30:00Z", "", "2027-02-03"),
    ("in_dpdp", "access", "2027-05-12T18:30:00Z", "", "2027-08-11"),
    ("us_va_vcdpa", "delete", "2027-01-04T10:00:00-05:00", "extend@2027-02-18", "2027-04-04"),
    ("us_va_vcdpa", "appeal", "2027-01-04T10:00:00-05:00", "extend@2027-02-18", "2027-03-05"),
    ("us_co_cpa", "appeal", "2027-01-04T10:00:00-07:00", "extend@2027-02-18", "2027-04-19"),
    ("vn_pdpl", "objection", "2027-04-29T10:00:00+07:00", "extend@2027-05-14", "2027-05-29"),
    ("sa_pdpl", "access", "2027-01-04T10:00:00+03:00", "extend@2027-02-03", "2027-03-05"),
    ("tw_pdpa", "access", "2027-01-04T10:00:00+08:00", "extend@2027-01-19", "2027-02-03"),
    ("tw_pdpa", "access", "2027-01-04T10:00:00+08:00", "extend@2027-01-20", "2027-01-19"),
    ("tw_pdpa", "restriction", "2027-01-04T10:00:00+08:00", "extend@2027-01-20", "2027-03-05"),
]  # fmt: skip


@pytest.mark.parametrize(("regime", "type", "received_at", "events", "expected"), PRESETS)
def test_a_law_that_counts_days_counts_them_from_receipt(regime, type, received_at, events, expected):
    assert deadline(regime, received_at, events, type).statutory_due == date.fromisoformat(expected)


def test_what_is_due_at_once_in_brazil_and_not_in_force_in_india_has_the_promise_alone():
    for got in (
        deadline("br_lgpd", "2027-01-04T10:00:00-03:00", type="erasure"),
        deadline("in_dpdp", "2027-05-12T18:29:59Z"),
    ):
        assert (got.statutory_due, got.service_target) == (None, add_months(got.received_on, 1))
        assert not got.paused


def test_indonesia_counts_hours():
    got = deadline("id_pdp", "2027-01-04T23:30:00+07:00")
    assert (got.statutory_due, got.statutory_due_at) == (date(2027, 1, 7), datetime(2027, 1, 7, 16, 30, tzinfo=UTC))
    assert got.service_target_at == got.statutory_due_at


def test_vietnam_wants_a_reply_in_two_working_days():
    got = deadline("vn_pdpl", "2027-04-29T10:00:00+07:00")
    assert (got.acknowledge_by, got.statutory_due) == (date(2027, 5, 5), date(2027, 5, 9))


@pytest.mark.parametrize(
    ("regime", "event"), [("policy_default", "extend"), ("eu_gdpr", "gale"), ("hk_uemo", "extend")]
)
def test_an_event_the_law_does_not_know_has_no_effect_and_says_so(regime, event):
    type = REGIMES[regime].request_types[0]
    plain = deadline(regime, "2027-01-04T10:00:00+08:00", type=type)
    told = deadline(regime, "2027-01-04T10:00:00+08:00", f"{event}@2027-01-10", type)
    assert (told.statutory_due, told.service_target) == (plain.statutory_due, plain.service_target)
    assert "10 Jan 2027: no effect here" in " ".join(step.text for step in told.steps)


# Properties of every law. The years are those for which the holidays of every region are known.
INSTANTS = st.datetimes(min_value=datetime(2009, 1, 1), max_value=datetime(2094, 12, 31), timezones=st.just(UTC))
LAWS = st.sampled_from(sorted(REGIMES)).flatmap(
    lambda key: st.tuples(
        st.just(key), st.sampled_from(REGIMES[key].request_types), st.sampled_from(sorted(REGIMES[key].regions))
    )
)


def under(law: tuple[str, str, str], received_at: datetime, *events: Event) -> Deadline:
    key, type, region = law
    return compute_deadline(regime=key, request_type=type, received_at=received_at, region=region, events=events)


def dates(got: Deadline) -> tuple:
    return got.statutory_due_at, got.service_target_at, got.acknowledge_by, got.due_if_pause_rejected, got.paused


@settings(max_examples=400, deadline=None)
@given(law=LAWS, received_at=INSTANTS)
def test_no_date_is_before_receipt_nor_the_target_after_the_promised_month(law, received_at):
    got = under(law, received_at)
    assert received_at < got.service_target_at
    assert got.service_target <= add_months(got.received_on, 1)
    if got.statutory_due:
        assert got.nominal_on <= got.statutory_due <= got.legal_latest
        assert got.service_target_at <= got.statutory_due_at
        assert received_at < got.statutory_due_at
    if got.acknowledge_by:
        assert got.acknowledge_by > got.received_on
    if got.extension_notice_due:
        assert got.received_on < got.extension_notice_due <= got.statutory_due


@settings(max_examples=400, deadline=None)
@given(law=LAWS, earlier=INSTANTS, gap=st.timedeltas(timedelta(), timedelta(days=40)))
def test_who_asks_later_is_never_answered_sooner(law, earlier, gap):
    first, second = under(law, earlier), under(law, earlier + gap)
    assert first.service_target_at <= second.service_target_at
    if first.statutory_due and second.statutory_due:
        assert first.statutory_due_at <= second.statutory_due_at
    if first.acknowledge_by:
        assert first.acknowledge_by <= second.acknowledge_by


@settings(max_examples=300, deadline=None)
@given(law=LAWS, received_at=INSTANTS, offset=st.integers(-12, 14))
def test_computing_again_or_from_another_offset_changes_nothing_and_json_keeps_it(law, received_at, offset):
    got = under(law, received_at)
    elsewhere = under(law, received_at.astimezone(timezone(timedelta(hours=offset))))
    assert got == elsewhere
    assert json.dumps(got.as_dict()) == json.dumps(elsewhere.as_dict())
    assert Deadline.from_dict(json.loads(json.dumps(got.as_dict()))) == got


@settings(max_examples=400, deadline=None)
@given(law=LAWS, received_at=INSTANTS, first=st.integers(0, 100), second=st.integers(0, 100))
def test_a_notice_never_makes_a_date_earlier_a_late_one_or_a_second_changes_nothing(law, received_at, first, second):
    plain = under(law, received_at)
    once = Event("extend", plain.received_on + timedelta(days=min(first, second)))
    twice = Event("extend", plain.received_on + timedelta(days=max(first, second)))
    extended = under(law, received_at, once)
    assert plain.service_target <= extended.service_target <= add_months(plain.received_on, 1)
    if plain.statutory_due:
        assert extended.statutory_due >= plain.statutory_due
        if plain.extension_notice_due is None or once.on > plain.extension_notice_due:
            assert extended.statutory_due == plain.statutory_due
    if extended.statutory_due != plain.statutory_due:
        assert dates(under(law, received_at, once, twice)) == dates(extended)


@settings(max_examples=200, deadline=None)
@given(law=LAWS, received_at=INSTANTS, days=st.lists(st.integers(0, 60), min_size=4, max_size=4, unique=True))
def test_the_order_in_which_events_were_entered_changes_nothing(law, received_at, days):
    received_on = under(law, received_at).received_on
    kinds = ("pause-clarification", "pause-identity", "resume", "extend")
    events = [Event(kind, received_on + timedelta(days=n)) for kind, n in zip(kinds, sorted(days), strict=True)]
    assert len({dates(under(law, received_at, *order)) for order in permutations(events)}) == 1


@settings(max_examples=300, deadline=None)
@given(
    received_at=INSTANTS,
    asked=st.integers(0, 27),
    answered=st.integers(0, 60),
    region=st.sampled_from(["GB-ENG", "GB-SCT"]),
)
def test_the_british_clock_leaves_out_each_day_of_clarification_after_the_first(received_at, asked, answered, region):
    law = ("uk_gdpr", "access", region)
    plain = under(law, received_at)
    question = Event("pause-clarification", plain.received_on + timedelta(days=asked))
    answer = Event("resume", question.on + timedelta(days=answered))
    walked, left_out = plain.received_on, 0
    while walked < answer.on:  # day by day
        walked += timedelta(days=1)
        left_out += walked >= question.on
    got = under(law, received_at, question, answer)
    assert got.nominal_on == plain.nominal_on + timedelta(days=left_out)
    assert under(law, received_at, question).due_if_pause_rejected == plain.statutory_due


@settings(max_examples=300, deadline=None)
@given(received_at=INSTANTS, warnings=st.lists(st.integers(35, 55), max_size=6))
def test_the_hong_kong_date_is_the_first_day_from_the_fortieth_that_is_open(received_at, warnings):
    law = ("hk_pdpo", "access", "HK")
    received_on = under(law, received_at).received_on
    closed = {received_on + timedelta(days=n) for n in warnings}
    got = under(law, received_at, *(Event("gale", day) for day in closed))
    day = received_on + timedelta(days=40)
    while day in closed or day.weekday() == 6 or why_no_working_day(day, HONG_KONG):
        day += timedelta(days=1)
    assert got.statutory_due == day


@settings(max_examples=200, deadline=None)
@given(received_at=INSTANTS, data=st.data())
def test_counted_days_are_calendar_days_that_nothing_moves_or_stops(received_at, data):
    key, counts = data.draw(
        st.sampled_from(
            [("us_va_vcdpa", VIRGINIA), ("us_co_cpa", COLORADO), ("sa_pdpl", SAUDI_ARABIA), ("tw_pdpa", TAIWAN)]
        )
    )
    type = data.draw(st.sampled_from(sorted(counts)))
    (region,) = REGIMES[key].regions
    plain = under((key, type, region), received_at)
    assert (plain.statutory_due - plain.received_on).days == counts[type].days
    asked = Event("pause-identity", plain.received_on + timedelta(days=2))
    assert under((key, type, region), received_at, asked).statutory_due == plain.statutory_due
