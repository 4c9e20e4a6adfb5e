"""The deadline calculation: examples reasoned from the law, properties, and a slow reference."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from dateutil.easter import easter
from hypothesis import given, settings
from hypothesis import strategies as st

from dsar.deadlines import (
    REGIMES,
    REQUEST_TYPES,
    Deadline,
    Event,
    UnableToComputeDeadline,
    compute_deadline,
    parse_event,
)
from dsar.deadlines.dates import add_months, end_of_day
from dsar.deadlines.vectors import check_vectors

ROOT = Path(__file__).resolve().parents[2]
SHARED_VECTORS = ROOT.parent / "shared" / "deadlines" / "vectors.csv"


def due(received_at: str, region: str = "DE", events: str = "") -> Deadline:
    """An access request under the GDPR; `events` as in the commands, separated by spaces."""
    return compute_deadline(
        regime="eu_gdpr",
        request_type="access",
        received_at=datetime.fromisoformat(received_at),
        region=region,
        events=[parse_event(text) for text in events.split()],
    )


def promise(received_at: str) -> Deadline:
    return compute_deadline(
        regime="policy_default", request_type="erasure", received_at=datetime.fromisoformat(received_at)
    )


# Each with the reason for which its date can go wrong.
EXAMPLES = [
    ("2027-05-11T12:00:00+02:00", "DE", "", "2027-06-11", "the same-numbered day of the next month, a Friday"),
    ("2027-01-30T12:00:00+01:00", "FR", "", "2027-03-01", "no 30 Feb: 28 Feb, a Sunday, so Monday"),
    ("2027-11-30T12:00:00+01:00", "FR", "", "2027-12-30", "the 30th stays the 30th in a month of 31 days"),
    ("2025-09-26T12:00:00+02:00", "AT", "", "2025-10-27", "26 Oct is a national day and a Sunday: one day, not two"),
    ("2027-06-21T12:00:00+02:00", "BE", "", "2027-07-22", "21 July is the national day"),
    ("2027-06-21T12:00:00+02:00", "NL", "", "2027-07-21", "the same day next door is an ordinary Wednesday"),
    ("2027-05-10T12:00:00+01:00", "PT", "", "2027-06-11", "10 June is Portugal's day"),
    ("2027-11-24T12:00:00+01:00", "PL", "", "2027-12-27", "24 Dec, a holiday, then Saturday and Sunday"),
    ("2024-11-24T12:00:00+01:00", "PL", "", "2024-12-24", "24 Dec was none before 2025"),
    ("2023-04-05T12:00:00+02:00", "DK", "", "2023-05-08", "Great Prayer Day, fourth Friday after Easter"),
    ("2024-03-26T12:00:00+01:00", "DK", "", "2024-04-26", "Great Prayer Day was abolished from 2024"),
    ("2027-03-30T12:00:00+03:00", "RO", "", "2027-05-04", "Orthodox Easter: Good Friday 30 Apr to Monday 3 May"),
    ("2025-12-02T12:00:00+01:00", "HU", "", "2026-01-02", "a day off swapped for a worked Saturday is no holiday"),
    ("2026-05-19T12:00:00+02:00", "SE", "", "2026-06-19", "Midsummer Eve is a custom, no public holiday"),
    ("2026-03-03T12:00:00+01:00", "LU", "", "2026-04-03", "Good Friday closes banks only"),
    ("2026-12-06T12:00:00+01:00", "DE", "", "2027-01-06", "Epiphany is a holiday of three Länder only"),
    ("2026-12-06T12:00:00+01:00", "ES", "", "2027-01-07", "Epiphany is national in Spain"),
    ("2026-04-16T12:00:00+02:00", "NO", "", "2026-05-18", "17 May is a Sunday when 16 May is a Saturday"),
    ("2026-04-01T12:00:00+02:00", "EU", "", "2026-05-01", "country not known: no holidays, not even 1 May"),
    ("2026-04-02T12:00:00+02:00", "", "", "2026-05-04", "country not known: 2 May is still a Saturday"),
    # the zone decides which day it was
    ("2026-03-31T21:30:00+00:00", "FI", "", "2026-05-04", "00:30 on 1 Apr in Helsinki, so 1 May, a holiday Friday"),
    ("2026-03-31T21:30:00+00:00", "PT", "", "2026-04-30", "22:30 on 31 Mar in Lisbon"),
    ("2026-05-31T22:00:00+00:00", "EU", "", "2026-07-01", "midnight sharp in Brussels is the new day"),
    ("2026-05-31T21:59:59+00:00", "EU", "", "2026-06-30", "a second before it is the old one"),
    ("2026-06-01T05:30:00+08:00", "EU", "", "2026-06-30", "already June in Hong Kong, still 31 May in Brussels"),
    # extensions
    ("2026-12-31T12:00:00+01:00", "DE", "extend@2027-01-10", "2027-03-31", "from the start: chained it is 28 March"),
    ("2027-11-30T12:00:00+01:00", "DE", "extend@2027-12-10", "2028-02-29", "30 Nov and three months in a leap year"),
    ("2027-01-14T12:00:00+01:00", "DE", "extend@2027-02-15", "2027-04-14", "notice on the Monday the 14th moved to"),
    ("2027-01-14T12:00:00+01:00", "DE", "extend@2027-02-16", "2027-02-15", "notice a day after it"),
    ("2027-01-14T12:00:00+01:00", "DE", "extend@2027-01-20 extend@2027-03-01", "2027-04-14", "only one extension"),
    # suspensions
    ("2027-05-10T12:00:00+02:00", "DE", "pause-identity@2027-05-12 resume@2027-05-20", "2027-06-18", "8 days more"),
    ("2027-05-10T12:00:00+02:00", "DE", "resume@2027-05-20 pause-identity@2027-05-12", "2027-06-18", "any order"),
    ("2027-05-10T12:00:00+02:00", "DE", "pause-clarification@2027-05-10 resume@2027-05-11", "2027-06-11", "day 0"),
    ("2027-05-10T12:00:00+02:00", "DE", "pause-fee@2027-05-12 resume@2027-05-20", "2027-06-10", "fees do not count"),
    (
        "2027-05-10T12:00:00+02:00",
        "DE",
        "pause-identity@2027-05-12 resume@2027-05-14 pause-clarification@2027-05-20 resume@2027-05-23",
        "2027-06-15",
        "two suspensions of 2 and 3 days",
    ),
    (
        "2027-05-10T12:00:00+02:00",
        "DE",
        "pause-identity@2027-05-12 pause-clarification@2027-05-15 resume@2027-05-18 resume@2027-05-20",
        "2027-06-18",
        "one suspension inside another adds nothing",
    ),
    (
        "2027-05-10T12:00:00+02:00",
        "DE",
        "pause-fee@2027-05-12 pause-identity@2027-05-13 resume@2027-05-15 resume@2027-05-30",
        "2027-06-14",
        "the answer closes the latest question, identity: 2 days to Saturday 12 June",
    ),
    (
        "2027-05-10T12:00:00+02:00",
        "DE",
        "pause-identity@2027-06-11 resume@2027-06-20",
        "2027-06-10",
        "asked a day too late",
    ),
    (
        "2027-05-10T12:00:00+02:00",
        "DE",
        "pause-identity@2027-06-10 resume@2027-06-14",
        "2027-06-14",
        "asked on the last day",
    ),
    (
        "2027-05-10T12:00:00+02:00",
        "DE",
        "extend@2027-05-20 pause-identity@2027-07-15 resume@2027-07-20",
        "2027-08-16",
        "asked in the extended time: 10 Aug and 5 days is a Sunday",
    ),
    (
        "2027-05-10T12:00:00+02:00",
        "DE",
        "pause-identity@2027-05-12 resume@2027-05-20 extend@2027-06-18",
        "2027-08-18",
        "the suspension moves the last day for the notice too",
    ),
    (
        "2027-05-10T12:00:00+02:00",
        "DE",
        "pause-identity@2027-05-12 resume@2027-05-20 extend@2027-06-19",
        "2027-06-18",
        "and not further",
    ),
    (
        "2027-05-10T12:00:00+02:00",
        "DE",
        "pause-identity@2027-05-12 extend@2027-07-01 resume@2027-07-05",
        "2027-10-04",
        "a notice while the clock stands still is in time: 10 Aug and 54 days is Sunday 3 Oct",
    ),
]


@pytest.mark.parametrize(("received_at", "region", "events", "expected", "reason"), EXAMPLES)
def test_the_statutory_date_is_the_one_reasoned_from_the_law(received_at, region, events, expected, reason):
    deadline = due(received_at, region, events)
    assert (deadline.statutory_due, deadline.paused) == (date.fromisoformat(expected), False), reason


@pytest.mark.parametrize(
    ("received_at", "expected", "reason"),
    [
        ("2027-01-31T12:00:00+08:00", "2027-02-28", "clamped, and a Sunday is kept"),
        ("2026-11-25T12:00:00+08:00", "2026-12-25", "a holiday is kept"),
        ("2027-04-30T16:00:00+00:00", "2027-06-01", "midnight of 1 May in Hong Kong"),
        ("2027-04-30T15:59:59+00:00", "2027-05-30", "a second before it"),
    ],
)
def test_the_promised_month_is_kept_as_it_falls(received_at, expected, reason):
    deadline = promise(received_at)
    assert deadline.service_target == date.fromisoformat(expected), reason
    assert (deadline.statutory_due, deadline.statutory_due_at) == (None, None)
    assert (deadline.zone, deadline.holiday_data) == ("Asia/Hong_Kong", "")


def test_the_service_target_is_the_month_that_nothing_moves():
    moved = due("2027-01-30T12:00:00+01:00", "FR")
    extended = due("2027-05-10T12:00:00+02:00", "DE", "extend@2027-05-20")
    assert (moved.statutory_due, moved.service_target) == (date(2027, 3, 1), date(2027, 2, 28))
    assert (extended.statutory_due, extended.service_target) == (date(2027, 8, 10), date(2027, 6, 10))


def test_an_open_question_stops_the_clock_but_not_the_promise():
    deadline = due("2027-05-10T12:00:00+02:00", "DE", "pause-identity@2027-05-12")
    assert deadline.paused
    assert (deadline.statutory_due, deadline.statutory_due_at, deadline.extension_notice_due) == (None, None, None)
    assert deadline.due_if_pause_rejected == date(2027, 6, 10)
    assert deadline.service_target == date(2027, 6, 10)


def test_a_pause_that_is_contested_takes_the_extension_it_carried_with_it():
    deadline = due("2027-05-10T12:00:00+02:00", "DE", "pause-identity@2027-05-12 extend@2027-07-01")
    assert (deadline.paused, deadline.due_if_pause_rejected) == (True, date(2027, 6, 10))
    in_the_first_month = due("2027-05-10T12:00:00+02:00", "DE", "pause-identity@2027-05-12 extend@2027-06-10")
    assert in_the_first_month.due_if_pause_rejected == date(2027, 8, 10)


def test_the_last_day_for_an_extension_notice_is_gone_once_one_was_sent():
    assert due("2027-01-14T12:00:00+01:00").extension_notice_due == date(2027, 2, 15)
    assert due("2027-01-14T12:00:00+01:00", events="extend@2027-02-01").extension_notice_due is None


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        (date(2026, 3, 2), "Europe/Berlin", datetime(2026, 3, 2, 23, tzinfo=UTC)),
        (date(2026, 3, 29), "Europe/Berlin", datetime(2026, 3, 29, 22, tzinfo=UTC)),  # a day of 23 hours
        (date(2026, 10, 25), "Europe/Berlin", datetime(2026, 10, 25, 23, tzinfo=UTC)),  # and one of 25
        (date(2026, 10, 24), "Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (date(2018, 11, 3), "America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),  # no midnight that night
        (date(2026, 12, 31), "Asia/Hong_Kong", datetime(2026, 12, 31, 16, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_the_next_midnight_of_its_zone(day, zone, expected):
    assert end_of_day(day, zone) == expected


def test_the_instants_are_the_ends_of_the_days_in_utc():
    deadline = due("2026-02-28T12:00:00+01:00")
    assert (deadline.service_target, deadline.service_target_at.isoformat()) == (
        date(2026, 3, 28),
        "2026-03-28T23:00:00+00:00",
    )
    assert (deadline.statutory_due, deadline.statutory_due_at.isoformat()) == (
        date(2026, 3, 30),
        "2026-03-30T22:00:00+00:00",
    )


def test_each_step_is_said_in_words_with_its_source():
    deadline = due("2026-01-30T23:30:00Z")
    assert [(step.rule, step.text) for step in deadline.steps] == [
        (
            "receipt",
            "Received Saturday 31 Jan 2026 (Europe/Berlin, was 30 Jan 2026 23:30 UTC); that day is not counted",
        ),
        (
            "month",
            "One month after 31 Jan 2026 is Saturday 28 Feb 2026: February 2026 has no 31st, so its last day counts",
        ),
        ("working_day", "28 Feb 2026 is a Saturday, 1 Mar 2026 is a Sunday: moved to Monday 2 Mar 2026"),
        ("service_target", "Service target: Saturday 28 Feb 2026, the promised month, which nothing moves"),
    ]
    assert [step.source for step in deadline.steps] == [
        "Regulation (EEC, Euratom) 1182/71 Art 3(1)",
        "Regulation (EEC, Euratom) 1182/71 Art 3(2)(c)",
        "Regulation (EEC, Euratom) 1182/71 Art 3(4)",
        "Privacy policy, section 6.7",
    ]
    assert (deadline.nominal_on, deadline.holiday_data) == (date(2026, 2, 28), "holidays 0.109 DE")


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("extend@2027-06-11", "Extension notice of 11 Jun 2027: no effect, the last day for it was 10 Jun 2027"),
        ("extend@2027-05-20 extend@2027-05-21", "Second extension notice of 21 May 2027: no effect"),
        ("pause-fee@2027-05-12", "Fee asked 12 May 2027: a fee does not stop this clock"),
        ("pause-identity@2027-06-11", "no effect, the period had ended on 10 Jun 2027"),
        ("pause-identity@2027-05-12 resume@2027-05-13", "answered 13 May 2027: the clock stood still for 1 day"),
        ("pause-clarification@2027-05-12", "Waiting for clarification (asked 12 May 2027): the clock stands still"),
    ],
)
def test_an_event_with_or_without_effect_is_explained(events, said):
    assert said in " | ".join(step.text for step in due("2027-05-10T12:00:00+02:00", "DE", events).steps)


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"regime": "eu_gpdr"}, "regime", "known are policy_default, eu_gdpr"),
        ({"request_type": "know"}, "request_type", "it has access, rectification"),
        ({"request_type": "withdraw_consent"}, "request_type", "eu_gdpr has no request type"),
        ({"region": "UK"}, "region", "accepted: EU, AT, BE"),
        ({"region": "de"}, "region", "no region 'de'"),
        ({"regime": "policy_default", "region": "DE"}, "region", "leave it empty"),
        ({"received_at": datetime(2026, 1, 31, 10)}, "received_at", "has no time zone"),
        ({"received_at": datetime(1970, 12, 31, tzinfo=UTC)}, "received_at", "from 1971 to 2100"),
        ({"received_at": datetime.max.replace(tzinfo=UTC)}, "received_at", "from 1971 to 2100"),
        ({"received_at": datetime.min.replace(tzinfo=UTC)}, "received_at", "from 1971 to 2100"),
        ({"events": [Event("snow", date(2026, 2, 1))]}, "events", "there is no event 'snow'"),
        ({"events": [Event("extend", date(2026, 2, 1), date(2226, 2, 1))]}, "events", "from 1971 to 2100"),
        ({"events": [Event("extend", date(2026, 2, 1), date(2026, 2, 1))]}, "events", "not after the notice"),
        ({"events": [Event("extend", date(2226, 2, 1))]}, "events", "from 1971 to 2100"),
        ({"events": [Event("extend", date(2026, 1, 30))]}, "events", "before the day of receipt, 31 Jan 2026"),
        ({"events": [Event("resume", date(2026, 2, 1))]}, "events", "nothing was asked"),
        (
            {"events": [Event("resume", date(2026, 2, 1)), Event("pause-identity", date(2026, 2, 1))]},
            "events",
            "nothing was asked",
        ),
    ],
)
def test_bad_input_is_refused_at_its_field(changed, field, said):
    good = {"regime": "eu_gdpr", "request_type": "access", "received_at": datetime(2026, 1, 31, 10, tzinfo=UTC)}
    compute_deadline(**good)
    with pytest.raises(UnableToComputeDeadline) as refused:
        compute_deadline(**(good | changed))
    assert refused.value.field == field
    assert said in str(refused.value)


def test_an_answer_that_names_its_question_closes_that_one_and_no_other():
    asked = "pause-identity@2027-05-12 pause-clarification@2027-05-14"
    named = due("2027-05-10T12:00:00+02:00", "DE", f"{asked} resume-identity@2027-05-16")
    assert named.paused
    both = due("2027-05-10T12:00:00+02:00", "DE", f"{asked} resume-identity@2027-05-16 resume-clarification@2027-05-18")
    assert both.statutory_due == date(2027, 6, 16)  # 12 to 18 May: six days
    with pytest.raises(UnableToComputeDeadline, match="resume-fee@2027-05-16: nothing was asked"):
        due("2027-05-10T12:00:00+02:00", "DE", f"{asked} resume-fee@2027-05-16")


@pytest.mark.parametrize("text", ["extend", "extend@", "extend@2026-02-30", "extended@2026-02-01", "@2026-02-01", ""])
def test_an_event_that_cannot_be_read_is_refused(text):
    with pytest.raises(UnableToComputeDeadline) as refused:
        parse_event(text)
    assert refused.value.field == "events"


@pytest.mark.parametrize(
    "deadline",
    [
        promise("2027-01-31T12:00:00+08:00"),
        due("2027-05-10T12:00:00+02:00", "DE", "pause-identity@2027-05-12"),
        due("2027-05-10T12:00:00+02:00", "DE", "extend@2027-05-12"),
    ],
    ids=["promise", "paused", "extended"],
)
def test_a_deadline_survives_being_kept_as_json(deadline):
    kept = json.loads(json.dumps(deadline.as_dict()))
    assert Deadline.from_dict(kept) == deadline
    assert Deadline.from_dict(kept) != replace(deadline, service_target=deadline.service_target + timedelta(days=1))


def test_every_region_has_a_zone_and_its_holidays():
    for regime in REGIMES.values():
        assert regime.default_region in regime.regions
        assert set(regime.request_types) <= set(REQUEST_TYPES)
        assert set(regime.own_words.values()) <= set(regime.request_types)
    for key in ("eu_gdpr", "uk_gdpr"):
        for region in REGIMES[key].regions:
            new_year = compute_deadline(
                regime=key, request_type="access", received_at=datetime(2026, 12, 1, 12, tzinfo=UTC), region=region
            )
            # 1 Jan 2027 is a Friday and a public holiday in every country
            assert ((new_year.statutory_due or date.min) > date(2027, 1, 1)) == (region != "EU"), region


def test_nothing_of_django_is_needed():
    ran = subprocess.run(
        [sys.executable, "-c", "import sys, dsar.deadlines.vectors; print([m for m in sys.modules if m == 'django'])"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[]"


# Properties. The years are those for which the holidays of every region are known.
INSTANTS = st.datetimes(min_value=datetime(2009, 1, 1), max_value=datetime(2098, 12, 31), timezones=st.just(UTC))
DAYS = st.dates(min_value=date(1971, 1, 1), max_value=date(2100, 12, 31))
EU_REGIONS = st.sampled_from(sorted(REGIMES["eu_gdpr"].regions))


def slow_add_months(day: date, months: int) -> date:
    """The month arithmetic by walking: day by day into the end month, and on to the day of that number or its last."""
    walked, changes = day, 0
    while True:
        following = walked + timedelta(days=1)
        if changes == months and (walked.day == day.day or following.month != walked.month):
            return walked
        changes += following.month != walked.month
        walked = following


def is_german_working_day(day: date) -> bool:
    """From the statutes of the Länder: the nine days that are holidays in all of them."""
    fixed = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}
    moving = {easter(day.year) + timedelta(days=n) for n in (-2, 1, 39, 50)}
    reformation_jubilee = date(2017, 10, 31)
    return day.weekday() < 5 and (day.month, day.day) not in fixed and day not in moving | {reformation_jubilee}


@settings(max_examples=300, deadline=None)
@given(day=DAYS, months=st.sampled_from([1, 2, 3]))
def test_months_are_added_as_by_walking(day, months):
    assert add_months(day, months) == slow_add_months(day, months)


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("year", [2024, 2100])
def test_a_month_from_each_months_end_is_clamped_never_stretched(year, month):
    start = slow_add_months(date(year - 1, 12, 31), month)  # the last day of each month, by walking
    assert add_months(start, 1) == slow_add_months(start, 1)
    assert add_months(start, 1).day <= start.day


@settings(max_examples=300, deadline=None)
@given(received_at=INSTANTS, extended=st.booleans())
def test_a_german_deadline_is_the_first_working_day_from_the_nominal_end(received_at, extended):
    base = compute_deadline(regime="eu_gdpr", request_type="access", received_at=received_at, region="DE")
    notice = [Event("extend", base.received_on)] if extended else []
    deadline = compute_deadline(
        regime="eu_gdpr", request_type="access", received_at=received_at, region="DE", events=notice
    )
    nominal = slow_add_months(deadline.received_on, 3 if extended else 1)
    expected = nominal
    while not is_german_working_day(expected):
        expected += timedelta(days=1)
    assert (deadline.nominal_on, deadline.statutory_due) == (nominal, expected)


@settings(max_examples=300, deadline=None)
@given(received_at=INSTANTS, region=EU_REGIONS)
def test_a_date_is_never_before_its_nominal_end_nor_on_a_weekend(received_at, region):
    deadline = compute_deadline(regime="eu_gdpr", request_type="access", received_at=received_at, region=region)
    assert deadline.service_target <= deadline.nominal_on <= deadline.statutory_due
    assert deadline.statutory_due.weekday() < 5
    assert deadline.service_target_at <= deadline.statutory_due_at
    assert received_at < deadline.service_target_at


@settings(max_examples=300, deadline=None)
@given(earlier=INSTANTS, gap=st.timedeltas(timedelta(), timedelta(days=40)), region=EU_REGIONS)
def test_who_asks_later_is_never_answered_sooner(earlier, gap, region):
    first, second = (
        compute_deadline(regime="eu_gdpr", request_type="access", received_at=at, region=region)
        for at in (earlier, earlier + gap)
    )
    assert first.statutory_due <= second.statutory_due
    assert first.service_target <= second.service_target


@settings(max_examples=200, deadline=None)
@given(received_at=INSTANTS, offset=st.integers(-12, 14), region=EU_REGIONS)
def test_the_offset_in_which_an_instant_is_written_changes_nothing(received_at, offset, region):
    elsewhere = received_at.astimezone(timezone(timedelta(hours=offset)))
    assert compute_deadline(
        regime="eu_gdpr", request_type="access", received_at=received_at, region=region
    ) == compute_deadline(regime="eu_gdpr", request_type="access", received_at=elsewhere, region=region)


@settings(max_examples=300, deadline=None)
@given(received_at=INSTANTS, region=EU_REGIONS, asked=st.integers(0, 28), answered=st.integers(0, 400))
def test_a_pause_in_time_adds_its_days_and_open_it_leaves_the_unpaused_date(received_at, region, asked, answered):
    def with_events(*events: Event) -> Deadline:
        return compute_deadline(
            regime="eu_gdpr", request_type="erasure", received_at=received_at, region=region, events=events
        )

    plain = with_events()
    question = Event("pause-identity", plain.received_on + timedelta(days=asked))
    answer = Event("resume", question.on + timedelta(days=answered))
    paused = with_events(question)
    assert (paused.statutory_due, paused.due_if_pause_rejected) == (None, plain.statutory_due)
    assert with_events(question, answer).nominal_on == plain.nominal_on + timedelta(days=answered)


@pytest.mark.skipif(not SHARED_VECTORS.exists(), reason="the shared file of worked examples is not beside this project")
def test_the_shared_worked_examples_of_the_regimes_here_all_pass():
    with SHARED_VECTORS.open(encoding="utf-8", newline="") as lines:
        expected = sum(row["regime"] in REGIMES for row in csv.DictReader(lines))
        lines.seek(0)
        report = check_vectors(lines)
    assert report.failures == []
    assert report.passed == expected > 0
