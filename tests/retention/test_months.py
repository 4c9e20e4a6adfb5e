"""Calls, messages and usage past a maximum go by whole months; by rows where something in the month is kept."""

import datetime as dt
import threading

import pytest
from django.db import connection, connections, transaction

from accounts.models import EvidenceEntry, Workspace
from accounts.verdicts import data_map
from retention import deletion, jobs, months
from retention.models import DeletionJob
from retention.months import partitions_of
from retention.purge import carry_out
from retention.rules import without_period
from telecom_records.models import CallDetailRecord, Recording, SmsRecord, UsageRecord
from telecom_records.partitions import ensure_month
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost
from tests.retention.test_clocks import hold, recording
from tests.retention.test_rules import SECOND, YEAR, customer_in, set_version

CALLS = "telecom_records_calldetailrecord"
CDR = "telecom_records.CallDetailRecord"
JUNE, JULY = dt.datetime(2026, 6, 1, tzinfo=dt.UTC), dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
PERIOD = 100 * DAY
OVER = JULY + PERIOD  # when the last instant of June is past its time
State = DeletionJob.State


@pytest.fixture
def maximum(db):
    factories.arm()
    set_version("call_record", PERIOD)


def calls_in_june(workspace: Workspace, count: int = 3) -> list[int]:
    made = [factories.make_calls(workspace, 1, at=JUNE + place * DAY)[0] for place in range(count - 1)]
    made += factories.make_calls(workspace, 1, at=JULY - dt.timedelta(microseconds=1))
    return sorted(
        CallDetailRecord.objects.filter(started_at__lt=JULY, workspace=workspace).values_list("pk", flat=True)
    )


def has_table(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname = %s", [name])
        return bool(cursor.fetchone()[0])


def calls_left() -> set[int]:
    return set(CallDetailRecord.objects.values_list("pk", flat=True))


@pytest.mark.django_db
def test_without_a_maximum_calls_stay_with_the_account_and_that_is_no_fault():
    factories.arm()
    factories.make_calls(customer_in("GB"), 1, at=NOW - 20 * YEAR)
    carry_out(NOW, now=NOW)
    assert len(calls_left()) == 1
    assert not {"call_record", "message_record"} & set(without_period(NOW))


@pytest.mark.django_db
def test_a_whole_month_goes_from_the_instant_its_end_is_past_and_not_a_second_earlier(maximum):
    workspace = customer_in("GB")
    calls_in_june(workspace, 1)
    july = factories.make_calls(workspace, 1, at=JULY)[0]
    assert carry_out(OVER - SECOND, now=NOW) == [] and has_table(f"{CALLS}_2026_06")
    type(july).objects.filter(pk=july.pk).update(started_at=JULY + SECOND)
    (job,) = carry_out(OVER, now=NOW)
    assert (calls_left(), has_table(f"{CALLS}_2026_06"), job.planned) == ({july.pk}, False, {CDR: 1})


@pytest.mark.django_db
def test_nothing_else_goes_with_a_month_and_the_receipt_counts_what_went(maximum):
    one, two = customer_in("GB"), customer_in("DE")
    ids = calls_in_june(one) + calls_in_june(two, 2)
    stays = factories.make_customer(expires_at=NOW + YEAR)
    before = everything()
    (job,) = carry_out(OVER, now=NOW)
    assert lost(before, everything()) == {CDR: set(ids)}
    assert not has_table(f"{CALLS}_2026_06")
    assert (job.state, job.planned, job.destroyed) == (State.DONE, {CDR: 5}, {CDR: 5})
    intent, done = EvidenceEntry.objects.filter(subject=str(job.pk)).order_by("sequence")
    assert (intent.body["planned"], done.body["destroyed"], done.body["not_by_this_job"]) == ({CDR: 5}, {CDR: 5}, {})
    assert intent.body["manifest"] == done.body["manifest"]
    assert f"{CALLS}_2026_06" in job.scope[months.KEY][0] and stays.call_records.count() == 4
    assert carry_out(OVER, now=NOW) == []


@pytest.mark.django_db
@pytest.mark.parametrize("keeps", ["hold", "another deletion", "a country with more time", "a month not over"])
def test_a_month_in_which_something_is_kept_goes_row_by_row_without_it(maximum, keeps):
    goes, kept = customer_in("GB"), customer_in("DE")
    ids, kept_ids = calls_in_june(goes), calls_in_june(kept)
    at = OVER
    if keeps == "hold":
        hold(kept)
    elif keeps == "another deletion":
        Workspace.objects.filter(pk=kept.pk).update(state=Workspace.State.EMPTYING)
    elif keeps == "a country with more time":
        set_version("call_record", YEAR, "DE")
    else:
        at = OVER - SECOND
        kept_ids = [kept_ids[-1], ids.pop()]
    (job,) = carry_out(at, now=NOW)
    assert calls_left() == set(kept_ids)
    assert (job.state, has_table(f"{CALLS}_2026_06")) == (State.DONE, True)
    assert months.KEY not in job.scope and len(job.scope[CDR]) == job.destroyed[CDR]


@pytest.mark.django_db
def test_a_country_with_more_time_lets_the_month_go_whole_when_that_is_over_too(maximum):
    calls_in_june(customer_in("GB"))
    set_version("call_record", PERIOD + 10 * DAY, "DE")
    calls_in_june(customer_in("DE"))
    carry_out(OVER + 10 * DAY, now=NOW)
    assert not has_table(f"{CALLS}_2026_06")


@pytest.mark.django_db
def test_messages_and_usage_go_by_months_as_well():
    factories.arm()
    workspace = customer_in("GB")
    for rule in ("message_record", "usage_record"):
        set_version(rule, PERIOD)
    factories.make_message(workspace, at=JUNE)
    factories.make_usage(workspace, at=JUNE)
    done = carry_out(OVER, now=NOW)
    assert [job.destroyed for job in done] == [
        {"telecom_records.UsageRecord": 1},
        {"telecom_records.SmsRecord": 1},
    ] or [job.destroyed for job in done] == [{"telecom_records.SmsRecord": 1}, {"telecom_records.UsageRecord": 1}]
    assert not SmsRecord.objects.exists() and not UsageRecord.objects.exists()
    assert not has_table("telecom_records_smsrecord_2026_06") and not has_table("telecom_records_usagerecord_2026_06")


@pytest.mark.django_db
def test_an_observing_rule_drops_nothing(maximum):
    ids = calls_in_june(customer_in("GB"))
    factories.Rule.objects.filter(pk="call_record").update(state="observing")
    assert carry_out(OVER, now=NOW) == []
    assert calls_left() == set(ids)


@pytest.mark.django_db
def test_a_recording_outlives_its_call_and_names_it_no_more(maximum):
    workspace = customer_in("GB")
    ids = calls_in_june(workspace)
    row = recording(workspace, call_id=ids[0], started_at=OVER - DAY)
    carry_out(OVER, now=NOW)
    assert Recording.objects.get(pk=row.pk).call_id is None


# Between the intent and the drop


def between(monkeypatch, act) -> None:
    begin = jobs.begin

    def begin_and_then(job_id, *, now):
        result = begin(job_id, now=now)
        act()
        return result

    monkeypatch.setattr(jobs, "begin", begin_and_then)


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["a late row", "a row less", "a hold", "another deletion"])
def test_a_month_that_has_changed_since_it_was_chosen_is_left_to_the_next_job(maximum, monkeypatch, what):
    workspace = customer_in("GB")
    ids = calls_in_june(workspace)

    def change():
        monkeypatch.undo()
        if what == "a late row":
            factories.make_calls(workspace, 1, at=JUNE)
        elif what == "a row less":
            with transaction.atomic(), deletion.open_door():
                CallDetailRecord.objects.filter(pk=ids[0])._raw_delete("default")
        elif what == "a hold":
            hold(workspace)
        else:
            Workspace.objects.filter(pk=workspace.pk).update(state=Workspace.State.EMPTYING)

    between(monkeypatch, change)
    (job,) = carry_out(OVER, now=NOW)
    assert (job.state, job.destroyed, has_table(f"{CALLS}_2026_06")) == (State.DONE, {}, True)
    done = EvidenceEntry.objects.get(subject=str(job.pk), type="DONE")
    assert done.body["not_by_this_job"] == {CDR: 3}
    if what in ("a late row", "a row less"):
        (again,) = carry_out(OVER, now=NOW)
        assert again.destroyed == {CDR: 4 if what == "a late row" else 2} and calls_left() == set()


@pytest.mark.django_db
def test_a_month_that_stays_although_nothing_keeps_it_stops_the_job(maximum, monkeypatch):
    calls_in_june(customer_in("GB"))
    monkeypatch.setattr(months, "_drop_in_time", lambda *_: False)
    (job,) = carry_out(OVER, now=NOW)
    assert (job.state, "3 rows are still there" in job.stopped_because) == (State.QUARANTINED, True)


@pytest.mark.django_db
def test_late_calls_of_a_dropped_month_make_it_again_and_go_by_the_next_job(maximum):
    workspace = customer_in("GB")
    calls_in_june(workspace)
    carry_out(OVER, now=NOW)
    ensure_month(CALLS, JUNE.date())
    calls_in_june(workspace)
    (job,) = carry_out(OVER, now=NOW)
    assert job.destroyed == {CDR: 3} and calls_left() == set()


@pytest.mark.django_db
def test_the_months_of_a_model_are_read_from_the_database(maximum):
    calls_in_june(customer_in("GB"))
    entry = data_map()[CDR]
    june = next(month for month in partitions_of(entry) if month.partition == f"{CALLS}_2026_06")
    assert (june.start, june.end) == (JUNE, JULY)
    assert months.Month.of(str(june)) == june


@pytest.mark.django_db(transaction=True)
def test_a_long_reader_makes_the_drop_wait_and_nothing_is_half_done(monkeypatch):
    monkeypatch.setattr(months, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(months, "TRIES", 2)
    factories.arm()
    set_version("call_record", PERIOD)
    calls_in_june(customer_in("GB"))
    reading, read = threading.Event(), threading.Event()

    def read_long():
        try:
            with transaction.atomic():
                list(CallDetailRecord.objects.values_list("pk"))
                reading.set()
                read.wait(30)
        finally:
            connections.close_all()

    reader = threading.Thread(target=read_long)
    reader.start()
    assert reading.wait(30)
    try:
        jobs.schedule_due(OVER)
        (job_id,) = jobs.runnable()
        job = jobs.run_job(job_id, now=NOW)
        assert (job.state, job.destroyed, len(calls_left())) == (State.RUNNING, {}, 3)
    finally:
        read.set()
        reader.join()
    job = jobs.run_job(job_id, now=NOW)
    assert (job.state, job.destroyed, calls_left()) == (State.DONE, {CDR: 3}, set())
    assert EvidenceEntry.objects.filter(subject=str(job.pk), type="INTENT").count() == 1
