"""The deadline calculation: 10,000 dates of every law with their steps, and the cost of the steps beside bare dates."""

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import holidays
from dateutil.relativedelta import relativedelta

from bench.telling import figure, median, seconds
from dsar.deadlines import REGIMES, Event, compute_deadline

COUNT = 10_000
RUNS = 5
FIRST = dt.datetime(2024, 1, 1, 9, 30, tzinfo=dt.UTC)
COUNTRIES = ("AT", "BE", "DE", "DK", "ES", "FR", "IE", "IT", "NL", "PL", "PT", "SE")


def measure(rows: int) -> list[dict]:
    """Measure both: every law with a question, an answer and a notice in every fourth request; and plain EU months, against
    python-holidays with dateutil, which give the date alone.
    """
    mixed, plain = _mixed(), _plain()
    ours, library = lambda: _compute(plain), lambda: _by_library(plain)
    assert [each.statutory_due for each in ours()] == library()  # warms both up, too
    _compute(mixed)
    took = median([seconds(lambda: _compute(mixed)) for _ in range(RUNS)])
    times = [(seconds(ours), seconds(library)) for _ in range(RUNS)]
    ratio = median([mine / theirs for mine, theirs in times])
    return [
        figure("deadlines_10k_s", took, "s", against="under 1 s", rows=COUNT, laws=len(REGIMES)),
        figure("deadlines_vs_library", ratio, "×", against="dates alone by python-holidays and dateutil", rows=COUNT),
    ]


def _mixed() -> list[dict]:
    laws = [(key, type, region) for key, law in REGIMES.items() for type in law.request_types for region in law.regions]
    cases = []
    for n, (key, type, region) in zip(range(COUNT), itertools.cycle(laws), strict=False):
        received_at = FIRST + dt.timedelta(hours=n * 5)
        asked = received_at.date() + dt.timedelta(days=3)
        events = [
            Event("pause-identity", asked), Event("resume", asked + dt.timedelta(days=6)),
            Event("extend", asked + dt.timedelta(days=9)),
        ] if n % 4 == 0 else []  # fmt: skip
        cases.append(
            {"regime": key, "request_type": type, "region": region, "received_at": received_at, "events": events}
        )
    return cases


def _plain() -> list[dict]:
    return [
        {"regime": "eu_gdpr", "request_type": "access", "region": country, "received_at": FIRST + dt.timedelta(hours=n)}
        for n, country in zip(range(COUNT), itertools.cycle(COUNTRIES), strict=False)
    ]


def _compute(cases: list[dict]) -> list:
    return [compute_deadline(**case) for case in cases]


def _by_library(cases: list[dict]) -> list[dt.date]:
    kept = {country: holidays.country_holidays(country) for country in COUNTRIES}
    zones = {country: ZoneInfo(REGIMES["eu_gdpr"].regions[country].zone) for country in COUNTRIES}
    dates = []
    for case in cases:
        local = case["received_at"].astimezone(zones[case["region"]])
        day = local.date() + relativedelta(months=1)
        while not kept[case["region"]].is_working_day(day):
            day += dt.timedelta(days=1)
        dates.append(day)
    return dates
