"""The end of a workspace, as the database keeps it, is always what its subscriptions say."""

import random
import threading

import pytest
from django.db import connection, transaction

from accounts.models import Subscription, Workspace
from retention.deletion import open_door
from retention.due import due_workspaces, expiry_of
from tests import factories
from tests.factories import DAY, NOW
from tests.journeys.conftest import wait_for

pytestmark = pytest.mark.django_db


def someone_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0] > 0


def end_of(workspace: Workspace):
    return Workspace.objects.values_list("ends_at", flat=True).get(pk=workspace.pk)


def test_it_is_the_last_end_and_nothing_without_a_subscription_or_with_an_open_one():
    workspace = factories.make_workspace()
    assert end_of(workspace) is None
    first = factories.make_subscription(workspace, expires_at=NOW - DAY)
    assert end_of(workspace) == NOW - DAY
    factories.make_subscription(workspace, expires_at=NOW + DAY)
    assert end_of(workspace) == NOW + DAY
    Subscription.objects.filter(pk=first.pk).update(expires_at=None)
    assert end_of(workspace) is None
    Subscription.objects.filter(pk=first.pk).update(cancelled_at=NOW, next_billing_at=NOW + 2 * DAY)
    assert end_of(workspace) == NOW + 2 * DAY


def test_a_form_opened_earlier_does_not_put_an_old_date_back():
    workspace = factories.make_workspace()
    subscription = factories.make_subscription(workspace, expires_at=NOW)
    stale = Workspace.objects.get(pk=workspace.pk)
    Subscription.objects.filter(pk=subscription.pk).update(expires_at=NOW + 30 * DAY)
    stale.name = "Renamed"
    stale.save()
    Workspace.objects.filter(pk=workspace.pk).update(ends_at=NOW - DAY)
    assert end_of(workspace) == NOW + 30 * DAY
    assert not due_workspaces(NOW + DAY).exists()


def test_after_any_changes_it_is_what_the_subscriptions_say():
    chance = random.Random(7)
    workspaces = [factories.make_workspace() for _ in range(4)]
    ends = [None, NOW - 3 * DAY, NOW - DAY, NOW + DAY, NOW + 9 * DAY]
    seen = set()
    for _ in range(120):
        some = Subscription.objects.filter(
            pk__in=list(Subscription.objects.order_by("?").values_list("pk", flat=True)[:2])
        )
        act = chance.choice(["make", "make", "end", "move", "delete", "cancel"])
        if act == "make":
            factories.make_subscription(chance.choice(workspaces), expires_at=chance.choice(ends))
        elif act == "end":
            some.update(expires_at=chance.choice(ends))
        elif act == "move":
            some.update(workspace=chance.choice(workspaces))
        elif act == "cancel":
            some.update(cancelled_at=NOW, agreed_end_at=chance.choice(ends))
        else:
            with transaction.atomic(), open_door():
                some._raw_delete(some.db)
        found = {workspace.pk: end_of(workspace) for workspace in workspaces}
        assert found == {workspace.pk: expiry_of(workspace) for workspace in workspaces}
        seen |= set(found.values())
    assert seen == set(ends)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_both_count():
    workspace = factories.make_workspace()
    written, go_on = threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            factories.make_subscription(workspace, expires_at=NOW + DAY)
            written.set()
            go_on.wait(10)
        connection.close()

    def second():
        written.wait(10)
        Workspace.objects.filter(pk=workspace.pk).update(name="meanwhile")  # waits for the first one's row
        connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    written.wait(10)
    wait_for(someone_waits, seconds=10, what="the second one waits for the first", every=0.01)
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert end_of(workspace) == NOW + DAY
    assert Workspace.objects.get(pk=workspace.pk).name == "meanwhile"
