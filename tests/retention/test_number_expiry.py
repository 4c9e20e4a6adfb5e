"""A number whose own subscription ends goes at that instant; its calls stay the workspace's (mission P2; policy § 5.2)."""

import csv
import datetime as dt

import pytest
import tablib
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import EvidenceEntry, Workspace
from retention import planning
from retention.conformance import conformance
from retention.due import count_past
from retention.holds import place_hold
from retention.models import DeletionJob, RuleVersion, Tombstone
from retention.purge import carry_out
from telecom_records.imports import import_file
from telecom_records.models import CallDetailRecord, Number, NumberAssignment
from telecom_records.resources import NumberAssignmentResource
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost
from tests.retention.test_expiry import tables_with

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)
NUMBER = "+442079460155"


@pytest.fixture
def customer() -> Workspace:
    """A customer whose workspace lives on."""
    factories.arm()
    return factories.make_customer(expires_at=NOW + 365 * DAY)


def rented(workspace, *, until=NOW, is_voip=False, e164=NUMBER) -> NumberAssignment:
    return factories.make_assignment(
        workspace, Number.objects.filter(e164=e164).first() or factories.make_number(e164, is_voip=is_voip), until=until
    )


def call_file(path, *instants):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["call_id", "started_at", "ended_at", "from", "to", "duration_seconds", "talk_seconds", "status"]
        )
        for count, at in enumerate(instants):
            writer.writerow([f"late-{count}", at.isoformat(), at.isoformat(), NUMBER, "+442079460199", 9, 0, "busy"])
    return path


@pytest.mark.parametrize(("until", "goes"), [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False), (None, False)])
def test_the_instant_at_which_the_number_subscription_ends_decides(customer, until, goes):
    rented(customer, until=until)
    before = everything()
    assignment = NumberAssignment.objects.get(number__e164=NUMBER)
    carry_out(NOW, now=NOW)
    expected = {
        "telecom_records.Number": {assignment.number_id},
        "telecom_records.NumberAssignment": {assignment.pk},
    }
    assert lost(before, everything()) == (expected if goes else {})


def test_the_receipt_counts_the_number_and_its_assignment_and_nothing_of_it_is_found_anywhere(customer):
    rented(customer)
    NumberAssignment.objects.filter(number__e164=NUMBER).update(outside_id="A-Zyzzyva")
    assert tables_with(NUMBER) == ["telecom_records_number"] and tables_with("Zyzzyva")
    (job,) = carry_out(NOW, now=NOW)
    assert job.destroyed == {"telecom_records.Number": 1, "telecom_records.NumberAssignment": 1}
    assert EvidenceEntry.objects.get(subject=str(job.pk), type="DONE").body["not_by_this_job"] == {}
    assert tables_with(NUMBER) == tables_with("Zyzzyva") == []
    assert all(line.is_kept for line in conformance(NOW + DAY))


def test_a_voip_number_goes_back_to_the_pool(customer):
    first = rented(customer, is_voip=True)
    carry_out(NOW, now=NOW)
    assert NumberAssignment.objects.filter(pk=first.pk).exists()
    factories.make_assignment(factories.make_workspace(), first.number, since=NOW)  # the next customer
    assert first.number.assignments.count() == 2


@pytest.mark.parametrize("why", ["next customer", "renewed", "held", "never rented", "workspace being emptied"])
def test_a_number_stays_when(customer, why):
    assignment = rented(customer)
    if why == "next customer":
        factories.make_assignment(factories.make_workspace(), assignment.number, since=NOW)
    elif why == "renewed":
        assignment.window = DateTimeTZRange(assignment.window.lower, NOW + DAY)
        assignment.save()
    elif why == "held":
        officer = factories.make_user()
        place_hold(
            workspace=customer, reason="Dispute", authority="Order", owner=officer, review_on=NOW.date(), user=officer,
            now=NOW,
        )  # fmt: skip
    elif why == "never rented":
        NumberAssignment.objects.filter(pk=assignment.pk).update(number=factories.make_number(is_voip=True))
        Number.objects.filter(pk=assignment.number_id).update(had_customer=False)
    else:
        Workspace.objects.filter(pk=customer.pk).update(state=Workspace.State.EMPTYING)
    before = everything()
    carry_out(NOW, now=NOW)
    assert lost(before, everything()) == {}


def test_a_number_of_two_customers_in_turn_goes_with_both_assignments(customer):
    second = factories.make_customer(expires_at=NOW + 365 * DAY)
    rented(customer, until=NOW - 2 * DAY)
    factories.make_assignment(second, Number.objects.get(e164=NUMBER), since=NOW - 2 * DAY, until=NOW)
    carry_out(NOW - SECOND, now=NOW)
    assert Number.objects.get(e164=NUMBER).assignments.count() == 2
    carry_out(NOW, now=NOW)
    assert not Number.objects.filter(e164=NUMBER).exists()


def test_when_one_of_two_customers_is_held_the_number_stays_with_what_is_held(customer):
    second = factories.make_customer(expires_at=NOW + 365 * DAY)
    first_time = rented(customer, until=NOW - 2 * DAY)
    factories.make_assignment(second, first_time.number, since=NOW - 2 * DAY, until=NOW)
    officer = factories.make_user()
    place_hold(
        workspace=second,
        reason="Dispute",
        authority="Order",
        owner=officer,
        review_on=NOW.date(),
        user=officer,
        now=NOW,
    )
    (job,) = carry_out(NOW, now=NOW)
    assert job.destroyed == {"telecom_records.NumberAssignment": 1}
    assert list(first_time.number.assignments.values_list("workspace", flat=True)) == [second.pk]


def test_more_assignments_than_fit_into_a_job_go_before_their_numbers(customer, monkeypatch):
    monkeypatch.setattr(planning, "AGED_ROWS", 2)
    for count in range(5):
        rented(customer, e164=f"+44207946016{count}")
    states = [[(job.state, job.destroyed) for job in carry_out(NOW, now=NOW)] for _ in range(4)]
    labels = "telecom_records.NumberAssignment", "telecom_records.Number"
    assert states[0] == states[1] == [("done", {labels[0]: 2})]
    assert states[2] == [("done", {labels[0]: 1, labels[1]: 2})]
    assert Number.objects.filter(e164__startswith="+44207946016").count() == 1
    carry_out(NOW, now=NOW)
    assert not Number.objects.filter(e164__startswith="+44207946016").exists()


# Calls


def test_calls_of_the_number_stay_and_a_late_file_adds_to_the_workspace_and_not_after_the_end(customer, tmp_path):
    rented(customer)
    source = factories.make_source()
    import_file(call_file(tmp_path / "a.csv", NOW - DAY), source=source, now=NOW)
    carry_out(NOW, now=NOW)
    assert not Number.objects.filter(e164=NUMBER).exists()
    assert CallDetailRecord.objects.get(own_number=NUMBER).workspace == customer
    run = import_file(
        call_file(tmp_path / "b.csv", NOW - DAY, NOW - SECOND, NOW, NOW + SECOND), source=source, now=NOW + DAY
    )
    assert run.accounting == {
        "read": 4, "inserted": 1, "duplicates": 1, "revised": 0, "rejected": 0, "skipped": 2,
    }  # fmt: skip
    assert CallDetailRecord.objects.filter(own_number=NUMBER, workspace=customer).count() == 2


def test_when_the_workspace_goes_too_a_late_file_brings_nothing_back(customer, tmp_path):
    rented(customer)
    carry_out(NOW, now=NOW)
    customer.subscriptions.update(expires_at=NOW + DAY)
    carry_out(NOW + DAY, now=NOW + DAY)
    customer.refresh_from_db()
    assert customer.state == "emptied"
    run = import_file(call_file(tmp_path / "a.csv", NOW - DAY), source=factories.make_source(), now=NOW + 2 * DAY)
    assert (run.rejected, run.inserted) == (1, 0)
    assert run.rejects.get().code == "erased_customer"


def test_calls_of_the_next_customer_of_the_same_number_are_the_next_customers(customer, tmp_path):
    rented(customer)
    carry_out(NOW, now=NOW)
    second = factories.make_customer(expires_at=NOW + 365 * DAY)
    factories.make_assignment(second, factories.make_number(NUMBER, is_voip=False), since=NOW)
    import_file(call_file(tmp_path / "a.csv", NOW - SECOND, NOW), source=factories.make_source(), now=NOW + DAY)
    found = CallDetailRecord.objects.filter(own_number=NUMBER).order_by("started_at")
    assert [call.workspace for call in found] == [customer, second]


# Files of assignments


def load(rows: str):
    text = "outside_id,number,voip,workspace,from,until\n" + rows
    return NumberAssignmentResource().import_data(tablib.Dataset().load(text, format="csv"), raise_errors=False)


def test_the_old_file_does_not_bring_the_number_back_and_a_renewal_does(customer):
    line = f"A-7,{NUMBER},no,{customer},2026-01-01T00:00:00Z,"
    assert load(f"{line}2026-11-01T00:00:00Z\n").totals["new"] == 1
    carry_out(NOW, now=NOW)
    assert not Number.objects.filter(e164=NUMBER).exists()
    again = load(f"{line}2026-11-01T00:00:00Z\n")
    assert (again.totals["skip"], again.has_errors(), again.has_validation_errors()) == (1, False, False)
    assert not Number.objects.filter(e164=NUMBER).exists()
    assert load(f"{line}2027-11-01T00:00:00Z\n").totals["new"] == 1
    carry_out(NOW, now=NOW)
    assert Number.objects.filter(e164=NUMBER).exists()


def test_a_renewal_by_file_before_the_end_saves_the_number(customer):
    line = f"A-7,{NUMBER},no,{customer},2026-01-01T00:00:00Z,"
    load(f"{line}2026-11-23T12:00:00Z\n")
    load(f"{line}2026-12-23T12:00:00Z\n")
    carry_out(NOW, now=NOW)
    assert Number.objects.filter(e164=NUMBER).exists()


# The clock of assignments of the past


def keep_for(rule: str, period: dt.timedelta) -> None:
    RuleVersion.objects.create(
        rule_id=rule, number=1, period=period, effective_at=NOW - 400 * DAY, asked_by=factories.make_user(),
        approved_by=factories.make_user(), approved_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(("late", "goes"), [(-SECOND, False), (dt.timedelta(0), True)])
def test_an_assignment_of_the_past_has_its_own_clock_and_its_calls_stay_known(customer, tmp_path, late, goes):
    keep_for("past_assignment", 90 * DAY)
    assignment = rented(customer, is_voip=True)
    at = NOW + 90 * DAY + late
    before = everything()
    carry_out(at, now=at)
    gone = lost(before, everything())
    assert gone.get("telecom_records.NumberAssignment", set()) == ({assignment.pk} if goes else set())
    assert "telecom_records.Number" not in gone
    import_file(call_file(tmp_path / "a.csv", NOW - DAY), source=factories.make_source(), now=at)
    assert CallDetailRecord.objects.get(own_number=NUMBER).workspace == customer


def test_without_a_period_assignments_of_the_past_are_kept(customer):
    rented(customer, is_voip=True, until=NOW - 100 * DAY)
    assert count_past("past_assignment", NOW) == {}


def test_an_observing_rule_deletes_no_number():
    rented(factories.make_customer(expires_at=NOW + 365 * DAY))
    before = everything()
    carry_out(NOW, now=NOW)
    assert lost(before, everything()) == {}
    assert count_past("number_expiry", NOW) == {
        "telecom_records.NumberAssignment": 1, "telecom_records.Number": 1,
    }  # fmt: skip
    assert not DeletionJob.objects.exists() and not Tombstone.objects.exists()
