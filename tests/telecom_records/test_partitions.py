"""Months of the large tables: there before they are needed, and an alarm when one is not."""

import datetime as dt

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from retention import months
from retention.months import MonthInUse
from retention.schedule import beat
from retention.stops import TICK
from telecom_records import partitions, tasks
from telecom_records.models import CallDetailRecord
from tests import factories

pytestmark = pytest.mark.django_db
CALLS, MESSAGES = "telecom_records_calldetailrecord", "telecom_records_smsrecord"
NOW = dt.datetime(2026, 11, 30, 23, 59, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(months, "LOCK_TIMEOUT", "50ms")


@pytest.fixture
def other():
    """Another connection, in a transaction of its own."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        yield other
        other.rollback()


def lose(table: str, month: dt.date) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {partitions.partition_name(table, month)}")
        cursor.execute(f"DROP TABLE {partitions.partition_name(table, month)}")


def test_the_months_ahead_stand_after_a_migration_already():
    assert partitions.missing_months(timezone.now()) == []
    assert partitions.ensure_months_ahead(timezone.now()) == []


def test_a_month_has_an_hour_to_be_made_and_is_missing_then():
    partitions.ensure_months_ahead(NOW)
    assert partitions.missing_months(NOW + HOUR) == []
    missing = partitions.missing_months(NOW + HOUR + dt.timedelta(minutes=1))
    assert missing == [(plural, dt.date(2027, 3, 1)) for plural in ("call records", "messages", "usage records")]
    assert len(partitions.ensure_months_ahead(NOW + HOUR)) == 3
    assert partitions.missing_months(NOW + 2 * HOUR) == []


def test_a_missing_month_is_told_on_every_page_and_to_the_monitor_until_it_is_made(client):
    beat(TICK)
    coming = partitions.next_month(timezone.now().date())
    client.force_login(factories.make_user("Auditor"))
    assert client.get("/healthz/schedule").status_code == 200
    lose(MESSAGES, coming)
    said = f"There is no table for messages of {coming:%B %Y}."
    assert said in client.get("/admin/").content.decode()
    answer = client.get("/healthz/schedule")
    assert (answer.status_code, answer.json()["months_missing"]) == (503, [f"messages {coming:%Y-%m}"])
    tasks.make_months_ahead()
    assert client.get("/healthz/schedule").status_code == 200
    assert said not in client.get("/admin/").content.decode()


def test_a_table_that_was_taken_off_is_no_month():
    coming = partitions.next_month(timezone.now().date())
    partition = partitions.partition_name(CALLS, coming)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {CALLS} DETACH PARTITION {partition}")
    assert partitions.missing_months(timezone.now()) == [("call records", coming)]


def test_a_table_in_use_is_left_after_a_moment_and_the_other_months_are_made(other, impatient, caplog):
    later = dt.datetime(2035, 1, 1, 12, tzinfo=dt.UTC)
    other.execute(f"LOCK TABLE {CALLS} IN SHARE UPDATE EXCLUSIVE MODE")  # as a long VACUUM does
    assert len(partitions.ensure_months_ahead(later)) == 8, "messages and usage, four months each"
    assert [plural for plural, _ in partitions.missing_months(later)] == ["call records"] * 4
    assert f"month {CALLS}_2035_01 could not be made: MonthInUse" in caplog.text
    other.rollback()
    assert len(partitions.ensure_months_ahead(later)) == 4
    assert partitions.missing_months(later) == []


def test_writers_to_workspaces_do_not_stand_behind_a_month_that_waits_for_one_of_them(other, impatient):
    other.execute("LOCK TABLE accounts_workspace IN ROW EXCLUSIVE MODE")  # as a long transaction that renews does
    with pytest.raises(MonthInUse):
        partitions.ensure_month(CALLS, dt.date(2031, 1, 1))
    assert not partitions.has_month(CALLS, dt.date(2031, 1, 1))


def test_a_reader_in_a_long_query_keeps_nobody_from_making_a_month(other, impatient):
    other.execute(f"SELECT count(*) FROM {CALLS}")
    assert partitions.ensure_month(CALLS, dt.date(2031, 1, 1))
    workspace = factories.make_workspace()
    factories.make_calls(workspace, at=dt.datetime(2031, 1, 31, 23, tzinfo=dt.UTC))
    assert CallDetailRecord.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",), "what comes after it in the transaction waits as ever"
