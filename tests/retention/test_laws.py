"""Retention that a named law demands beats deletion, only in its country and once somebody has verified it."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import TestCase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import approvals
from accounts.models import BillingRecord, EvidenceEntry, Person
from retention import keeping, laws, purge
from retention.keeping import LawKeeper, months_after, months_before
from retention.models import DeletionJob, LegalRetention, Remainder
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything

YEAR = 365 * DAY
INVOICES = "accounts.BillingRecord"


def carry_out(at) -> list[DeletionJob]:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return purge.carry_out(at, now=at)


@pytest.fixture
def alice():
    factories.arm("workspace_expiry")
    workspace = factories.make_customer()
    type(workspace).objects.filter(pk=workspace.pk).update(country="HK")
    BillingRecord.objects.filter(workspace=workspace).update(issued_at=NOW - YEAR)
    workspace.refresh_from_db()
    return workspace


def make_law(**fields) -> LegalRetention:
    defaults = {"country": "HK", "category": INVOICES, "law": "Test Ordinance", "section": "§ 1", "months": 84}
    active = {"verified_by": "Counsel", "verified_on": NOW.date(), "review_on": NOW.date() + YEAR, "active_since": NOW}
    return LegalRetention.objects.create(**{**defaults, **active, **fields})


@pytest.mark.django_db
def test_every_seed_is_disabled_and_says_that_it_must_be_verified(alice):
    assert LegalRetention.objects.count() == len(laws.SEEDS) > 0
    assert not LegalRetention.objects.exclude(active_since__isnull=True).exists()
    assert all("verified" in law.note for law in LegalRetention.objects.all())
    carry_out(NOW)
    alice.refresh_from_db()
    assert alice.state == "emptied"


@pytest.mark.django_db
def test_the_database_refuses_a_law_that_is_active_and_not_verified():
    with pytest.raises(IntegrityError, match="legal_retention_active_only_verified"), transaction.atomic():
        make_law(verified_by="")


@pytest.mark.django_db
def test_it_keeps_its_category_and_everything_else_goes(alice):
    law, invoice = make_law(), alice.billing_records.get()
    (job,) = carry_out(NOW)
    assert (job.state, job.destroyed) == (DeletionJob.State.DONE, job.planned)
    alice.refresh_from_db()
    assert (alice.state, alice.name, alice.country) == ("remainder", "", "HK")
    assert list(BillingRecord.objects.all()) == [invoice]
    assert not Person.objects.exists()
    assert EvidenceEntry.objects.get(type="INTENT", subject=str(job.pk)).body["kept"] == {str(law.pk): {INVOICES: 1}}
    assert Remainder.objects.get().look_again_at == invoice.issued_at.replace(year=invoice.issued_at.year + 7)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields", [{"country": "GB"}, {"ended_at": NOW}, {"active_since": None}, {"months": 12}, {"category": "accounts.Credit", "months": 1, "counts_from": "row"}]
)  # fmt: skip
def test_it_keeps_nothing_elsewhere_or_not_active_or_when_its_time_is_over(alice, fields):
    alice.credit.as_of = NOW - 40 * DAY
    alice.credit.save(update_fields=["as_of"])
    make_law(**fields)
    carry_out(NOW)
    alice.refresh_from_db()
    assert alice.state == "emptied"


@pytest.mark.django_db
def test_each_row_goes_when_its_own_time_is_over_and_the_workspace_is_empty_with_the_last(alice):
    make_law()
    later = BillingRecord.objects.create(
        outside_id="INV-2", workspace=alice, kind="invoice", amount=1, issued_at=NOW - 30 * DAY
    )
    carry_out(NOW)
    first_ends = (NOW - YEAR).replace(year=NOW.year + 6)
    assert carry_out(first_ends - DAY) == []
    (job,) = carry_out(first_ends)
    assert (job.state, job.planned) == (DeletionJob.State.DONE, {INVOICES: 1})
    assert list(BillingRecord.objects.all()) == [later]
    last_ends = Remainder.objects.get().look_again_at
    assert last_ends > first_ends
    carry_out(last_ends)
    alice.refresh_from_db()
    assert (alice.state, alice.country) == ("emptied", "")


@pytest.mark.django_db
def test_the_longest_of_two_laws_wins_and_the_preview_names_both(alice):
    make_law(section="§ short", months=24)
    make_law(section="§ long", months=84)
    (line,) = purge.preview(NOW)
    words = " / ".join(kept["words"] for kept in line.kept)
    assert "1 billing records kept because Test Ordinance § long (7 years), until" in words
    assert "§ short (2 years)" in words
    carry_out(NOW)
    carry_out(NOW + 2 * YEAR)
    assert BillingRecord.objects.count() == 1
    carry_out(NOW + 7 * YEAR)
    assert not BillingRecord.objects.exists()


@pytest.mark.django_db
def test_counted_from_the_end_of_the_account_or_of_the_year(alice):
    from_end = make_law(category="accounts.Subscription", counts_from="end", months=12, section="§ end")
    from_year = make_law(counts_from="year", months=12, section="§ year")
    carry_out(NOW)
    alice.refresh_from_db()
    remainder = Remainder.objects.get()
    assert remainder.kept == {str(from_end.pk): {"accounts.Subscription": 1}, str(from_year.pk): {INVOICES: 1}}
    assert remainder.look_again_at == dt.datetime(
        2026, 12, 31, 16, tzinfo=dt.UTC
    )  # issued in 2025; Hong Kong's new year
    carry_out(remainder.look_again_at)
    assert not BillingRecord.objects.exists()
    assert alice.subscriptions.exists()
    carry_out(months_after(alice.expired_at, 12))
    assert not alice.subscriptions.exists()


@pytest.mark.django_db
def test_two_officers_activate_it_and_two_end_it_because_ending_deletes(alice):
    officer, second = factories.make_user(), factories.make_user()
    law = LegalRetention.objects.filter(country="HK", category=INVOICES).first()
    with pytest.raises(laws.UnableToKeep, match="who has verified"):
        laws.ask_to_activate(
            law, verified_by=" ", verified_on=NOW.date(), review_on=NOW.date() + YEAR, user=officer, now=NOW
        )
    with pytest.raises(laws.UnableToKeep, match="in the future"):
        laws.ask_to_activate(
            law, verified_by="Counsel", verified_on=NOW.date() + DAY, review_on=NOW.date() + YEAR, user=officer, now=NOW
        )
    asked = laws.ask_to_activate(
        law, verified_by="Counsel", verified_on=NOW.date(), review_on=NOW.date() + YEAR, user=officer, now=NOW
    )
    assert "1 billing records would be kept" in asked.summary
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(asked.pk, user=officer, agree=True, now=NOW)
    law.refresh_from_db()
    assert not law.is_active
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    law.refresh_from_db()
    assert (law.is_active, law.activated_by) == (True, second)
    carry_out(NOW)
    assert BillingRecord.objects.count() == 1

    ending = laws.ask_to_end(law, user=officer, now=NOW)
    assert "1 billing records would be let go" in ending.summary
    carry_out(NOW)
    assert BillingRecord.objects.count() == 1
    approvals.decide(ending.pk, user=second, agree=True, now=NOW)
    carry_out(NOW)
    alice.refresh_from_db()
    assert (alice.state, BillingRecord.objects.count()) == ("emptied", 0)
    assert {"LAW_ACTIVATED", "LAW_ENDED"} <= set(EvidenceEntry.objects.values_list("type", flat=True))


@pytest.mark.django_db
def test_an_approval_is_void_when_the_law_says_something_else_by_then():
    officer, second = factories.make_user(), factories.make_user()
    law = LegalRetention.objects.first()
    asked = laws.ask_to_activate(
        law, verified_by="Counsel", verified_on=NOW.date(), review_on=NOW.date() + YEAR, user=officer, now=NOW
    )
    LegalRetention.objects.filter(pk=law.pk).update(months=1)
    with pytest.raises(approvals.UnableToApprove, match="asked for again"):
        approvals.decide(asked.pk, user=second, agree=True, now=NOW)


@pytest.mark.django_db
def test_what_no_account_has_cannot_count_from_its_end():
    with pytest.raises(ValidationError, match="of no account"):
        laws.refuse_impossible(LegalRetention(category="accounts.Consent", counts_from="end"))
    with pytest.raises(ValidationError, match="no such category"):
        laws.refuse_impossible(LegalRetention(category="telecom_records.Number"))


@pytest.mark.django_db
def test_looking_changes_nothing_and_plans_what_is_then_done(alice):
    make_law()
    make_law(category="telecom_records.CallDetailRecord", section="§ calls", months=1)
    before = everything()
    (line,) = purge.preview(NOW)
    assert everything() == before
    (job,) = carry_out(NOW)
    assert job.planned == line.counts
    assert {keeper: kept for keeper, kept in job.kept["by"].items()} == {
        law_id: kept["counts"] for law_id, kept in zip(sorted(job.kept["by"], key=by_age), line.kept, strict=True)
    }


def by_age(law_id: str):
    law = LegalRetention.objects.get(pk=law_id)
    return (law.active_since, law.pk)


# The resolver


instants = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2040, 1, 1)).map(
    lambda instant: instant.replace(tzinfo=dt.UTC)
)
months = st.integers(1, 240)


@given(instants, months)
def test_a_law_lets_go_never_early_and_at_the_first_instant_it_may(instant, count):
    ends = months_after(instant, count)
    assert months_before(ends, count) >= instant
    assert months_before(ends - DAY, count) < instant
    assert ends - instant >= (count * 28) * DAY


@given(instants, instants, months)
def test_counting_months_is_monotone(one, other, count):
    first, second = sorted([one, other])
    assert months_before(first, count) <= months_before(second, count)
    assert months_after(first, count) <= months_after(second, count)


@pytest.mark.django_db
def test_what_is_kept_does_not_depend_on_the_order_or_on_being_said_twice_and_only_grows():
    """Real rows and real laws: the union of what each keeps, whatever the order."""
    entry = keeping.data_map()[INVOICES]
    workspaces = [factories.make_workspace(country=country) for country in ("HK", "GB", "DE")]
    for place, workspace in enumerate(workspaces):
        for years in range(10):
            BillingRecord.objects.create(
                outside_id=f"I-{place}-{years}",
                workspace=workspace,
                kind="invoice",
                amount=1,
                issued_at=NOW - years * YEAR,
            )
    options = [
        LawKeeper(make_law(section=f"§ {country} {count} {start}", country=country, months=count, counts_from=start), NOW)
        for country in ("HK", "GB") for count in (6, 24, 84) for start in ("row", "year")
    ]  # fmt: skip

    def kept(keepers) -> set:
        condition = keeping.kept(entry, keepers)
        return set() if condition is None else set(BillingRecord.objects.filter(condition).values_list("pk", flat=True))

    alone = {keeper.id: kept([keeper]) for keeper in options}
    assert len({frozenset(rows) for rows in alone.values()}) > 4

    @settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=40, database=None)
    @given(st.lists(st.sampled_from(options), max_size=6), st.randoms(use_true_random=False))
    def holds(chosen, random):
        expected = set().union(*(alone[keeper.id] for keeper in chosen))
        shuffled = [*chosen, *chosen]
        random.shuffle(shuffled)
        assert kept(chosen) == kept(shuffled) == expected
        assert kept(chosen[:-1]) <= kept(chosen)

    holds()
