"""Rules as data: periods by country, who may change them, what a change would do, and how officers are told."""

import csv
import datetime as dt
import io
import itertools

import pytest

from accounts import approvals
from accounts.models import Approval, EvidenceEntry, Workspace
from accounts.roles import AUDITOR, SUPPORT_AGENT
from retention import periods
from retention.approved_actions import ask_to_arm
from retention.due import count_past, past_parts, past_rows
from retention.forms import months_as_days
from retention.holds import place_hold
from retention.impact import impact_of
from retention.models import Rule, RuleVersion
from retention.periods import Change, UnableToChange
from retention.promises import PROMISES
from retention.purge import carry_out
from retention.retention_schedule import line_of, schedule_of
from retention.rules import (
    Periods,
    aged_maps,
    aged_rules,
    coming_versions,
    headline,
    knows_country,
    period_of,
    periods_of,
    unconfirmed_seeds,
)
from telecom_records.models import Recording, UsageRecord
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.test_clocks import diagnostic, hold, recording

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)
YEAR = 365 * DAY
TOMORROW = dt.datetime(2026, 11, 23, 16, 0, tzinfo=dt.UTC)  # midnight in Hong Kong


def set_version(rule: str, period: dt.timedelta | None, country: str = "", *, at=NOW - YEAR, **fields) -> RuleVersion:
    return RuleVersion.objects.create(
        rule_id=rule, number=RuleVersion.objects.filter(rule=rule).count() + 1, country=country, period=period,
        effective_at=at, asked_by=factories.make_user(), approved_by=factories.make_user(), approved_at=at, **fields,
    )  # fmt: skip


def customer_in(country: str) -> Workspace:
    workspace = factories.make_workspace(country=country)
    factories.make_subscription(workspace, expires_at=NOW + YEAR)
    return workspace


def usage_in(country: str, *, age: dt.timedelta) -> UsageRecord:
    return factories.make_usage(customer_in(country), at=NOW - age)


# By country


def test_a_country_has_its_own_period_and_the_others_the_general_one():
    factories.arm()
    set_version("usage_record", 20 * DAY)
    set_version("usage_record", 10 * DAY, "DE")
    set_version("usage_record", 30 * DAY, "FR")
    goes = [
        usage_in("GB", age=20 * DAY),
        usage_in("DE", age=10 * DAY),
        usage_in("FR", age=30 * DAY),
        usage_in("", age=20 * DAY),
    ]
    stays = [
        usage_in("GB", age=20 * DAY - SECOND), usage_in("DE", age=10 * DAY - SECOND), usage_in("FR", age=30 * DAY - SECOND),
        usage_in("FR", age=25 * DAY), usage_in("GB", age=15 * DAY), usage_in("", age=20 * DAY - SECOND),
    ]  # fmt: skip
    assert count_past("usage_record", NOW) == {"telecom_records.UsageRecord": len(goes)}
    carry_out(NOW, now=NOW)
    assert set(UsageRecord.objects.values_list("pk", flat=True)) == {row.pk for row in stays}


def test_without_a_general_period_only_the_countries_with_one_of_their_own_lose_anything():
    set_version("usage_record", 10 * DAY, "DE")
    old = usage_in("DE", age=11 * DAY)
    usage_in("GB", age=9 * YEAR)
    ((entry, age),) = aged_maps("usage_record")
    assert set(past_rows(entry, age, now=NOW)) == {old}
    assert period_of("usage_record", NOW) is None and period_of("usage_record", NOW, "DE") == 10 * DAY


def test_a_variant_that_was_taken_away_gives_way_to_the_general_period_from_that_instant():
    set_version("usage_record", 20 * DAY)
    set_version("usage_record", 10 * DAY, "DE")
    set_version("usage_record", None, "DE", at=NOW)
    assert period_of("usage_record", NOW - SECOND, "DE") == 10 * DAY
    assert period_of("usage_record", NOW, "DE") == 20 * DAY
    assert periods_of("usage_record", NOW) == Periods(20 * DAY, {})


def test_a_document_without_a_workspace_follows_the_country_of_its_person():
    set_version("closed_ticket", 30 * DAY)
    set_version("closed_ticket", 10 * DAY, "DE")
    closed = {"state": "closed", "closed_at": NOW - 10 * DAY}
    of_person = factories.make_ticket(None, factories.make_person(country="DE"), **closed)
    of_workspace = factories.make_ticket(customer_in("DE"), factories.make_person(country="GB"), **closed)
    factories.make_ticket(customer_in("GB"), factories.make_person(country="DE"), **closed)
    factories.make_ticket(None, factories.make_person(country="GB"), **closed)
    factories.make_ticket(None, None, **closed)
    entry, age = next(pair for pair in aged_maps("closed_ticket") if pair[0].model == "dsar.Ticket")
    assert set(past_rows(entry, age, now=NOW)) == {of_person, of_workspace}


def test_the_parts_share_no_row_and_are_together_the_whole():
    """Every mixture of variants and ages: what is counted part by part is what one condition finds."""
    for country, days in itertools.product(["GB", "DE", "FR", ""], [5, 10, 15, 20, 25, 30, 35]):
        usage_in(country, age=days * DAY)
    held = usage_in("DE", age=99 * DAY)
    hold(held.workspace)
    ((entry, age),) = aged_maps("usage_record")
    set_version("usage_record", 20 * DAY)
    for country, period in [("DE", 10), ("FR", 30), ("PT", 1)]:
        set_version("usage_record", period * DAY, country)
        parts = [set(part.values_list("pk", flat=True)) for part in past_parts(entry, age, now=NOW)]
        assert sum(map(len, parts)) == len(set().union(*parts))
        assert set().union(*parts) == set(past_rows(entry, age, now=NOW).values_list("pk", flat=True))
        assert held.pk not in set().union(*parts)


def test_a_period_of_each_country_is_found_by_its_index_and_not_by_reading_what_lies_between():
    set_version("usage_record", YEAR)
    set_version("usage_record", 10 * DAY, "DE")
    ((entry, age),) = aged_maps("usage_record")
    conditions = [str(part.query) for part in past_parts(entry, age, now=NOW)]
    assert len(conditions) == 2
    assert all(condition.count('occurred_at" <=') == 1 for condition in conditions)


# Who may change what


def two() -> tuple:
    return factories.make_user(), factories.make_user()


def test_lengthening_takes_one_officer_and_holds_at_once():
    officer, _ = two()
    set_version("closed_ticket", 30 * DAY)
    version = periods.lengthen(Change("closed_ticket", 60 * DAY), user=officer, now=NOW)
    assert (version.asked_by, version.approved_by, version.effective_at) == (officer, None, NOW)
    assert period_of("closed_ticket", NOW) == 60 * DAY
    assert EvidenceEntry.objects.get(type="PERIOD_SET").body["by"] == [officer.pk]


@pytest.mark.parametrize(
    "change",
    [
        Change("closed_ticket", 29 * DAY),
        Change("closed_ticket", 60 * DAY, "DE"),
        Change("closed_ticket", None, "FR"),
        Change("withdrawn_consent", 10 * YEAR),
    ],
    ids=["shorter", "new variant", "variant away", "first period"],
)
def test_what_is_shorter_or_new_takes_two_and_starts_the_next_day(change):
    officer, second = two()
    set_version("closed_ticket", 30 * DAY)
    set_version("closed_ticket", 40 * DAY, "FR")
    before = periods_of(change.rule, NOW)
    with pytest.raises(UnableToChange, match="second officer"):
        periods.lengthen(change, user=officer, now=NOW)
    asked = periods.ask_for_period(change, user=officer, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    assert periods_of(change.rule, TOMORROW - SECOND) == before
    assert periods_of(change.rule, TOMORROW) == change.applied_to(before)


@pytest.mark.parametrize("rule", [key for key in PROMISES if key != "workspace_expiry"])
@pytest.mark.parametrize("country", ["", "DE"])
def test_the_limits_hold_everywhere(rule, country):
    promise = PROMISES[rule]
    if promise.is_fixed:
        with pytest.raises(UnableToChange, match="no choice"):
            periods.kind_of(Change(rule, DAY, country), NOW)
        return
    for period in (promise.shortest - SECOND, promise.longest + SECOND):
        with pytest.raises(UnableToChange):
            periods.kind_of(Change(rule, period, country), NOW)
    if country and not knows_country(rule):
        with pytest.raises(UnableToChange, match="no country"):
            periods.kind_of(Change(rule, promise.shortest, country), NOW)
    elif promise.shortest != periods_of(rule, NOW).of(country):
        assert periods.kind_of(Change(rule, promise.shortest, country), NOW)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (Change("closed_ticket", None), "cannot be taken away"),
        (Change("closed_ticket", None, "DE"), "no period of its own"),
        (Change("closed_ticket", 5 * DAY, "Germany"), "two capital letters"),
        (Change("closed_ticket", 30 * DAY), "is 30 days already"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(change, says):
    set_version("closed_ticket", 30 * DAY)
    with pytest.raises(UnableToChange, match=says):
        periods.kind_of(change, NOW)


def test_an_approval_is_void_when_anything_of_the_rule_has_changed_meanwhile():
    officer, second = two()
    set_version("closed_ticket", 30 * DAY)
    coming = set_version("closed_ticket", 25 * DAY, at=NOW + 9 * DAY)
    changes = [
        lambda: periods.lengthen(Change("closed_ticket", 31 * DAY), user=officer, now=NOW),
        lambda: set_version("closed_ticket", 7 * DAY, "DE"),
        lambda: periods.cancel_version(coming.pk, user=officer, now=NOW),
    ]
    for change in changes:
        asked = periods.ask_for_period(Change("closed_ticket", 10 * DAY), user=officer, now=NOW)
        change()
        with pytest.raises(approvals.UnableToApprove, match="asked for again"):
            approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    assert period_of("closed_ticket", NOW + YEAR) == 31 * DAY


def test_what_was_decided_and_has_not_begun_can_be_cancelled_by_one_officer_and_nothing_else_can():
    officer, second = two()
    set_version("closed_ticket", 30 * DAY)
    asked = periods.ask_for_period(Change("closed_ticket", 10 * DAY), user=officer, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    (coming,) = coming_versions("closed_ticket", NOW)
    periods.cancel_version(coming.pk, user=second, now=TOMORROW - SECOND)
    assert period_of("closed_ticket", TOMORROW + YEAR) == 30 * DAY
    for version in RuleVersion.objects.filter(rule="closed_ticket"):
        with pytest.raises(UnableToChange, match="in force already"):
            periods.cancel_version(version.pk, user=officer, now=TOMORROW)


def test_months_are_never_longer_than_the_calendar():
    for count in (1, 2, 3, 6, 12, 13, 18, 24, 60):
        period = months_as_days(count)
        for year, month in itertools.product(range(2023, 2029), range(1, 13)):
            place = year * 12 + month - 1 + count
            calendar = dt.date(place // 12, place % 12 + 1, 1) - dt.date(year, month, 1)
            assert period <= calendar
    assert [months_as_days(count).days for count in (1, 6, 12, 48)] == [28, 181, 365, 1461]


# What a change would do


def test_the_impact_counts_rows_workspaces_what_is_held_and_open_requests():
    set_version("usage_record", 30 * DAY)
    one, two_, held = customer_in("GB"), customer_in("GB"), customer_in("GB")
    for workspace, days in [(one, 20), (one, 15), (two_, 12), (two_, 5), (held, 25), (one, 40)]:
        factories.make_usage(workspace, at=NOW - days * DAY)
    hold(held)
    officer = factories.make_user()
    person = factories.make_person(two_)
    factories.make_request(officer, type="erasure", workspace=one)
    factories.make_request(officer, type="erasure", person=person)
    factories.make_request(officer, workspace=held)
    impact = impact_of("usage_record", Periods(10 * DAY), NOW)
    assert impact.rows == {"telecom_records.UsageRecord": 3}
    assert (impact.workspaces, impact.kept, impact.open_requests, impact.capped) == (2, 1, 2, False)
    assert (impact.oldest, impact.newest) == (NOW - 20 * DAY, NOW - 12 * DAY)
    assert periods.impact_words(impact) == (
        "It would delete 3 usage records at once (of 2 workspaces; 1 more are held; 2 open requests are concerned)."
    )
    assert impact_of("usage_record", Periods(60 * DAY), NOW).total == 0


def test_the_impact_of_a_variant_is_of_its_country_only():
    set_version("usage_record", 30 * DAY)
    usage_in("GB", age=20 * DAY)
    usage_in("DE", age=20 * DAY)
    change = Change("usage_record", 10 * DAY, "DE")
    assert periods.impact_of_change(change, NOW).rows == {"telecom_records.UsageRecord": 1}


def test_the_impact_stops_counting_and_says_so(monkeypatch):
    monkeypatch.setattr("retention.impact.LOOKED_AT", 2)
    set_version("usage_record", 30 * DAY)
    workspace = customer_in("GB")
    for days in (12, 13, 14):
        factories.make_usage(workspace, at=NOW - days * DAY)
    impact = impact_of("usage_record", Periods(10 * DAY), NOW)
    assert (impact.total, impact.capped) == (2, True)


def test_an_officer_sees_what_a_shorter_period_does_before_asking_and_nothing_is_asked_by_looking(client):
    officer, second = two()
    client.force_login(officer)
    row = recording(customer_in("GB"), started_at=dt.datetime.now(dt.UTC) - 20 * DAY, keep_days=30)
    url = "/admin/retention/rules/subscriber_recording/period/"
    html = client.get(url, {"number": 10, "unit": "days"}).content.decode()
    assert "10 days instead of 30 days" in html and "Recordings" in html and "without recovery" in html
    assert not Approval.objects.exists()
    assert client.post(url, {"number": 10, "unit": "days"}).status_code == 302
    asked = Approval.objects.get()
    assert "1 recordings" in asked.summary
    client.force_login(second)
    assert client.post(f"/admin/accounts/approval/{asked.pk}/approve/", {"_form_submitted": "True"}).status_code == 200
    version = RuleVersion.objects.get()
    assert version.effective_at > dt.datetime.now(dt.UTC)
    assert Recording.objects.filter(pk=row.pk).exists()
    page = client.get("/admin/retention/rule/subscriber_recording/change/").content.decode()
    assert "10 days" in page and "Cancel it" in page
    client.post(f"/admin/retention/rules/periods/{version.pk}/cancel/")
    version.refresh_from_db()
    assert version.cancelled_by == second


def test_a_longer_period_is_set_by_one_officer_on_the_page(client):
    officer, _ = two()
    client.force_login(officer)
    set_version("closed_ticket", 30 * DAY)
    url = "/admin/retention/rules/closed_ticket/period/"
    assert "in force at once" in client.get(url, {"number": 3, "unit": "months"}).content.decode()
    client.post(url, {"number": 3, "unit": "months"})
    assert period_of("closed_ticket", dt.datetime.now(dt.UTC)) == 89 * DAY
    assert not Approval.objects.exists()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"number": "", "unit": "days"}, "Write for how long"),
        ({"number": "0", "unit": "days"}, "Write at least one"),
        ({"number": "5", "unit": "years"}, "not one of the available choices"),
        ({"number": "9999", "unit": "days"}, "must be between"),
        ({"number": "5", "unit": "days", "country": "Germany"}, "at most 2"),
        ({"number": "5", "unit": "days", "country": "4!"}, "two capital letters"),
        ({"number": "", "unit": "days", "remove": "on"}, "Write the country"),
        ({"number": "", "unit": "days", "remove": "on", "country": "de"}, "no period of its own"),
    ],
)
def test_the_form_says_what_is_wrong_and_asks_nothing(client, data, says):
    officer, _ = two()
    client.force_login(officer)
    url = "/admin/retention/rules/closed_ticket/period/"
    assert says in client.get(url, data).content.decode()
    assert says in client.post(url, data).content.decode()
    assert not Approval.objects.exists() and not RuleVersion.objects.exists()


@pytest.mark.parametrize("role", [AUDITOR, SUPPORT_AGENT])
def test_only_officers_change_periods(client, role):
    client.force_login(factories.make_user(role))
    version = set_version("closed_ticket", 30 * DAY, at=NOW + 900 * DAY)
    assert client.get("/admin/retention/rules/closed_ticket/period/").status_code == 403
    assert (
        client.post("/admin/retention/rules/closed_ticket/period/", {"number": 99, "unit": "days"}).status_code == 403
    )
    assert client.post(f"/admin/retention/rules/periods/{version.pk}/cancel/").status_code == 403


def test_a_change_of_state_is_not_a_get(client):
    client.force_login(factories.make_user())
    version = set_version("closed_ticket", 30 * DAY, at=NOW + 900 * DAY)
    assert client.get(f"/admin/retention/rules/periods/{version.pk}/cancel/").status_code == 405


# Seeds


def test_a_seed_is_unconfirmed_until_an_officer_confirms_it_and_only_then_can_the_rule_be_armed(client):
    officer, _ = two()
    assert set(unconfirmed_seeds()) == {
        key for key in aged_rules() if PROMISES[key].seed and not PROMISES[key].is_fixed
    }
    rule = Rule.objects.get(pk="kyc_image")
    with pytest.raises(approvals.UnableToApprove, match="Confirm it first"):
        ask_to_arm(rule, user=officer, now=NOW)
    client.force_login(officer)
    assert "Seed, not confirmed yet" in client.get("/admin/retention/rule/kyc_image/change/").content.decode()
    client.post("/admin/retention/rule/kyc_image/confirm_seed/", {"_form_submitted": "True"})
    rule.refresh_from_db()
    assert rule.seed_confirmed_by == officer
    assert EvidenceEntry.objects.get(type="SEED_CONFIRMED").body == {"seconds": 30 * 86_400, "by": officer.pk}
    assert "Seed, confirmed" in client.get("/admin/retention/rule/kyc_image/change/").content.decode()
    ask_to_arm(rule, user=officer, now=NOW)
    with pytest.raises(UnableToChange, match="nothing to confirm"):
        periods.confirm_seed(rule, user=officer, now=NOW)


def test_a_period_that_two_officers_set_needs_no_confirmation():
    set_version("kyc_image", 10 * DAY)
    assert "kyc_image" not in unconfirmed_seeds()


@pytest.mark.parametrize(
    ("rule", "seed"),
    [("kyc_image", 30 * DAY), ("diagnostic_recording", 30 * DAY), ("subscriber_recording", 30 * DAY)],
)
def test_the_seeds_are_those_of_the_policy(rule, seed):
    assert PROMISES[rule].seed == seed and period_of(rule, NOW) == seed


# In words


def test_every_rule_says_what_it_does_when_under_which_section_and_on_which_basis():
    for promise in PROMISES.values():
        assert promise.clock and promise.basis and promise.policy.startswith("§"), promise.key
        assert promise.shortest > dt.timedelta(0) or promise.is_fixed, promise.key
        assert promise.seed is None or promise.shortest <= promise.seed <= promise.longest, promise.key


def test_a_rule_is_one_line_for_people():
    shown = {line.key: line.headline for line in schedule_of(NOW)}
    assert shown["kyc_image"] == (
        "Images of identity documents: image destroyed 30 days after the decision, § 2.1, § 5.2"
    )
    assert shown["closed_ticket"] == "Closed tickets: kept: nobody has set the period, § 5.2"
    assert shown["workspace_expiry"] == "Workspace expiry: everything deleted when the last subscription ends, § 5.2"
    assert (
        headline(PROMISES["closed_ticket"], DAY) == "Closed tickets: deleted 1 day after the ticket was closed, § 5.2"
    )


def test_the_rule_of_recordings_says_where_the_policy_contradicts_itself(client):
    client.force_login(factories.make_user(AUDITOR))
    html = client.get("/admin/retention/rule/subscriber_recording/change/").content.decode()
    assert "The policy says two things" in html and "§ 2.2 keeps recordings" in html


def test_the_list_shows_periods_variants_and_what_comes(client):
    client.force_login(factories.make_user(AUDITOR))
    set_version("closed_ticket", 30 * DAY)
    set_version("closed_ticket", 45 * DAY, "PT")
    set_version("closed_ticket", 20 * DAY, at=dt.datetime(2199, 1, 1, tzinfo=dt.UTC))
    html = client.get("/admin/retention/rule/").content.decode()
    assert "<strong>30 days</strong>" in html and "PT: 45 days" in html and "Next: 20 days from 1 Jan 2199" in html
    assert "Seed, not confirmed yet" in html and "no period is set" in html


def test_the_schedule_is_taken_away_as_csv_and_json_with_every_rule(client):
    client.force_login(factories.make_user(AUDITOR))
    set_version("closed_ticket", 45 * DAY, "PT")
    body = client.get("/admin/retention/schedule.json").json()
    assert [rule["rule"] for rule in body["rules"]] == list(PROMISES)
    ticket = next(rule for rule in body["rules"] if rule["rule"] == "closed_ticket")
    assert (ticket["period_seconds"], ticket["countries"]) == (None, {"PT": 45 * 86_400})
    assert ticket["categories"] == ["tickets", "ticket messages", "attachments", "outgoing mails"]
    rows = list(csv.DictReader(io.StringIO(client.get("/admin/retention/schedule.csv").content.decode())))
    assert [row["rule"] for row in rows] == list(PROMISES)
    assert next(row for row in rows if row["rule"] == "closed_ticket")["countries"] == "PT: 45 days"
    assert not any(value[:1] in "=+-@\t" for row in rows for value in row.values() if value)
    assert "deleted 30 days after the call" in client.get("/admin/retention/schedule/").content.decode()


def test_the_workspaces_rule_acts_on_everything_that_has_no_clock_only_of_its_own():
    line = line_of(Rule.objects.get(pk="workspace_expiry"), NOW)
    assert {"call records", "messages", "remaining credits", "recordings", "people"} <= set(line.categories)
    assert "free-tool sessions" not in line.categories


def test_a_held_workspaces_rows_do_not_go_under_a_variant_either():
    factories.arm()
    set_version("usage_record", 10 * DAY, "DE")
    kept, goes = usage_in("DE", age=20 * DAY), usage_in("DE", age=20 * DAY)
    officer = factories.make_user()
    place_hold(
        workspace=kept.workspace, reason="Claim", authority="Court", review_on=NOW.date() + 9 * DAY, owner=officer,
        user=officer, now=NOW,
    )  # fmt: skip
    carry_out(NOW, now=NOW)
    assert set(UsageRecord.objects.values_list("pk", flat=True)) == {kept.pk} and goes.pk != kept.pk


def test_a_diagnostic_recording_obeys_its_countrys_period():
    factories.arm()
    set_version("diagnostic_recording", 5 * DAY, "DE")
    goes = diagnostic(customer_in("DE"), started_at=NOW - 5 * DAY)
    stays = diagnostic(customer_in("GB"), started_at=NOW - 5 * DAY)
    carry_out(NOW, now=NOW)
    assert list(Recording.objects.filter(kind="diagnostic")) == [stays] and goes.pk != stays.pk
