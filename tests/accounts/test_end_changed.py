"""When the end of a subscription was changed is written by the database, whoever changed it and how."""

import datetime as dt

import pytest
from django.db import connection

from accounts.models import Subscription
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def database_time() -> dt.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@pytest.fixture
def known_for_long() -> Subscription:
    subscription = factories.make_subscription(factories.make_workspace(), expires_at=NOW)
    factories.know_for_long()
    subscription.refresh_from_db()
    assert subscription.end_changed_at < NOW - DAY
    return subscription


def test_a_new_subscription_counts_as_changed_now_whatever_is_written_into_it():
    before = database_time()
    made = factories.make_subscription(factories.make_workspace(), end_changed_at=LONG_AGO)
    Subscription.objects.bulk_create(
        [Subscription(outside_id="S-x", workspace=made.workspace, plan="Basic", end_changed_at=LONG_AGO)]
    )
    for subscription in Subscription.objects.all():
        assert before < subscription.end_changed_at < database_time()


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_at": NOW + DAY},
        {"expires_at": None},
        {"cancelled_at": NOW},
        {"next_billing_at": NOW},
        {"agreed_end_at": NOW},
    ],
)
def test_each_date_that_ends_it_counts_also_in_a_bulk_change(known_for_long, fields):
    before = database_time()
    Subscription.objects.filter(pk=known_for_long.pk).update(**fields)
    known_for_long.refresh_from_db()
    assert known_for_long.end_changed_at > before


def test_moving_it_to_another_workspace_counts(known_for_long):
    before = database_time()
    Subscription.objects.filter(pk=known_for_long.pk).update(workspace=factories.make_workspace())
    known_for_long.refresh_from_db()
    assert known_for_long.end_changed_at > before


def test_nothing_else_counts_and_nobody_can_write_it(known_for_long):
    then = known_for_long.end_changed_at
    known_for_long.plan, known_for_long.end_changed_at = "Other", LONG_AGO
    known_for_long.save()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_subscription SET end_changed_at = %s, fed_at = now()", [LONG_AGO])
    known_for_long.refresh_from_db()
    assert (known_for_long.plan, known_for_long.end_changed_at) == ("Other", then)
