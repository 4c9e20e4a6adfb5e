"""For how many days recordings may be kept: thirty, and more only by two officers and a published policy version."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import approvals
from accounts.models import PolicyVersion, Subscription
from accounts.recording_cap import cap_days, refuse_above_cap
from retention import periods
from retention.models import RuleVersion
from retention.periods import Change, Kind, UnableToChange
from retention.purge import carry_out
from telecom_records.models import Recording
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.test_clocks import recording
from tests.retention.test_rules import SECOND, TOMORROW, customer_in, set_version, two

pytestmark = pytest.mark.django_db
RULE = "subscriber_recording"
YESTERDAY = NOW - DAY


def policy(days: int | None = 90, **fields) -> PolicyVersion:
    defaults = {
        "version": f"2026-{PolicyVersion.objects.count()}",
        "effective_on": YESTERDAY.date(),
        "published_at": YESTERDAY,
    }
    return PolicyVersion.objects.create(recording_days=days, **{**defaults, **fields})


def raise_cap(days: int, country: str = "", *, at=NOW - DAY) -> None:
    set_version(RULE, days * DAY, country, at=at, policy_version=policy(days))


def subscription(workspace, days: int, **fields) -> Subscription:
    return factories.make_subscription(
        workspace, expires_at=NOW + 400 * DAY, recording_enabled=True, recording_days=days, **fields
    )


def refused(make, *args, **kwargs) -> bool:
    try:
        with transaction.atomic():
            make(*args, **kwargs)
    except IntegrityError:
        return True
    return False


def test_raising_takes_two_officers_and_a_policy_version_and_starts_the_next_day():
    officer, second = two()
    change = Change(RULE, 90 * DAY, "", policy().pk)
    assert periods.kind_of(change, NOW) is Kind.BEYOND
    with pytest.raises(UnableToChange, match="second officer"):
        periods.lengthen(change, user=officer, now=NOW)
    asked = periods.ask_for_period(change, user=officer, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    version = RuleVersion.objects.get()
    assert (version.policy_version_id, version.effective_at) == (change.policy_version, TOMORROW)
    assert (cap_days("GB", TOMORROW - SECOND), cap_days("GB", TOMORROW)) == (30, 90)


@pytest.mark.parametrize(
    ("days", "fields", "says"),
    [
        (90, None, "needs a published version"),
        (90, {"published_at": None}, "not published"),
        (90, {"published_at": NOW + SECOND}, "not published"),
        (90, {"effective_on": NOW.date() + DAY}, "takes effect on 24 Nov 2026"),
        (89, {}, "allows 89 days"),
        (None, {}, "allows no more than 30 days"),
    ],
)
def test_a_policy_that_does_not_say_so_or_not_yet_raises_nothing(days, fields, says):
    version = policy(days, **fields) if fields is not None else None
    with pytest.raises(UnableToChange, match=says):
        periods.ask_for_period(Change(RULE, 90 * DAY, "", version and version.pk), user=two()[0], now=NOW)


@pytest.mark.parametrize(
    "edit",
    [{"effective_on": NOW.date() + 9 * DAY}, {"published_at": None}, {"recording_days": 91}, {"version": "other"}],
)
def test_the_approval_is_void_when_the_policy_version_has_changed(edit):
    officer, second = two()
    version = policy()
    asked = periods.ask_for_period(Change(RULE, 90 * DAY, "", version.pk), user=officer, now=NOW)
    PolicyVersion.objects.filter(pk=version.pk).update(**edit)
    with pytest.raises(approvals.UnableToApprove, match="asked for again"):
        approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    assert not RuleVersion.objects.exists()


def test_the_ceiling_in_code_holds_whatever_a_policy_says():
    assert refused(policy, 366)
    with pytest.raises(UnableToChange, match="between 1 day and 365 days"):
        periods.kind_of(Change(RULE, 366 * DAY, "", policy(365).pk), NOW)


def test_the_database_takes_no_raised_cap_without_policy_or_without_a_second_officer():
    officer, second = two()
    common = {"rule_id": RULE, "number": 1, "effective_at": NOW, "asked_by": officer, "approved_at": NOW}
    create = RuleVersion.objects.create
    assert refused(create, period=31 * DAY, approved_by=second, **common)
    assert refused(create, period=31 * DAY, policy_version=policy(), **common)
    assert refused(create, period=366 * DAY, policy_version=policy(), approved_by=second, **common)
    assert not refused(create, period=31 * DAY, policy_version=policy(), approved_by=second, **common)


def test_customers_may_choose_up_to_the_cap_in_force_and_the_database_holds_it():
    workspace = customer_in("GB")
    assert not refused(subscription, workspace, 30)
    assert refused(subscription, workspace, 31)
    raise_cap(90)
    assert not refused(subscription, workspace, 90)
    assert refused(subscription, workspace, 91)
    other = subscription(workspace, 10)
    assert refused(Subscription.objects.filter(pk=other.pk).update, recording_days=91)
    assert not refused(Subscription.objects.filter(pk=other.pk).update, recording_days=90)


def test_a_cap_may_be_of_one_country_only():
    raise_cap(90, "DE")
    assert [cap_days(country, NOW) for country in ("DE", "GB", "")] == [90, 30, 30]
    assert not refused(subscription, customer_in("DE"), 90)
    assert refused(subscription, customer_in("GB"), 90)
    raise_cap(60)
    set_version(RULE, 7 * DAY, "FR")
    assert [cap_days(country, NOW) for country in ("DE", "GB", "FR")] == [90, 60, 30]


def test_a_cap_of_the_future_or_one_that_was_cancelled_allows_nothing():
    officer = factories.make_user()
    raise_cap(90, at=dt.datetime(2199, 1, 1, tzinfo=dt.UTC))
    assert refused(subscription, customer_in("GB"), 31)
    raise_cap(90, at=NOW - 2 * DAY)
    RuleVersion.objects.update(cancelled_at=NOW - 3 * DAY, cancelled_by=officer)
    assert refused(subscription, customer_in("GB"), 31)


def test_a_recording_obeys_the_same_cap():
    made = factories.make_recording(customer_in("GB"))
    assert refused(Recording.objects.filter(pk=made.pk).update, keep_days=31)
    raise_cap(90)
    assert not refused(Recording.objects.filter(pk=made.pk).update, keep_days=90)


def test_what_was_chosen_under_a_cap_that_was_lowered_stays_written_and_its_recordings_go_by_the_rule():
    factories.arm()
    raise_cap(90, at=NOW - 50 * DAY)
    workspace = customer_in("GB")
    chosen = subscription(workspace, 90)
    old = recording(workspace, started_at=NOW - 31 * DAY, keep_days=90)
    carry_out(NOW, now=NOW)
    assert Recording.objects.filter(pk=old.pk).exists()
    set_version(RULE, 30 * DAY, at=NOW)
    chosen.plan = "Business"
    chosen.save()
    carry_out(NOW, now=NOW)
    assert not Recording.objects.filter(pk=old.pk).exists()


def test_a_shorter_period_does_not_make_a_feed_refuse_what_the_policy_lets_customers_choose():
    """A refused renewal would destroy a paying customer's data; the recordings go earlier all the same."""
    set_version(RULE, 5 * DAY)
    assert cap_days("GB", NOW) == 30
    refuse_above_cap(Subscription(workspace=customer_in("GB"), recording_days=30), now=NOW)


def test_the_form_and_the_import_say_which_cap_is_in_force(client):
    client.force_login(factories.make_user())
    made = subscription(customer_in("GB"), 14)
    url = f"/admin/accounts/subscription/{made.pk}/change/"
    data = {
        "outside_id": made.outside_id, "plan": made.plan, "recording_enabled": "on", "recording_days": "31",
        "starts_at_0": "2026-01-01", "starts_at_1": "00:00:00", "expires_at_0": "2199-01-01", "expires_at_1": "00:00:00",
        "cancelled_at_0": "", "cancelled_at_1": "", "next_billing_at_0": "", "next_billing_at_1": "", "agreed_end_at_0": "",
        "agreed_end_at_1": "",
    }  # fmt: skip
    assert "for 30 days at most in GB" in client.post(url, data).content.decode()
    made.refresh_from_db()
    assert made.recording_days == 14
    with pytest.raises(ValidationError, match="30 days at most"):
        refuse_above_cap(Subscription(workspace=made.workspace, recording_days=31), now=NOW)
    raise_cap(90)
    assert client.post(url, data).status_code == 302
    made.refresh_from_db()
    assert made.recording_days == 31


def test_an_officer_chooses_the_policy_version_on_the_page(client):
    client.force_login(two()[0])
    version = policy()
    url = f"/admin/retention/rules/{RULE}/period/"
    assert "needs a published version" in client.get(url, {"number": 90, "unit": "days"}).content.decode()
    html = client.get(url, {"number": 90, "unit": "days", "policy_version": version.pk}).content.decode()
    assert "goes beyond what the policy promised so far" in html and "Ask a second officer" in html
    assert "policy_version" not in client.get("/admin/retention/rules/closed_ticket/period/").content.decode()
