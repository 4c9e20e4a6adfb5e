"""A cancelled subscription ends at the next billing or by the workspace's own timeline (mission P3; policy § 5.2)."""

import datetime as dt
import itertools

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Subscription, Workspace
from accounts.services import refuse_past_end
from retention.due import due_workspaces, expiry_of
from retention.purge import carry_out
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


@pytest.mark.parametrize(
    ("dates", "end"),
    [
        ({"expires_at": NOW}, NOW),
        ({"expires_at": NOW, "next_billing_at": NOW - DAY}, NOW),
        ({"expires_at": NOW, "cancelled_at": NOW - 3 * DAY, "next_billing_at": NOW - DAY}, NOW - DAY),
        ({"expires_at": NOW, "cancelled_at": NOW - 3 * DAY, "next_billing_at": NOW + DAY}, NOW),
        ({"expires_at": None, "cancelled_at": NOW - 3 * DAY, "next_billing_at": NOW - DAY}, NOW - DAY),
        ({"expires_at": None, "cancelled_at": NOW - 3 * DAY}, None),
        ({"expires_at": NOW, "cancelled_at": NOW - 3 * DAY}, NOW),
        (
            {
                "expires_at": NOW,
                "cancelled_at": NOW - 3 * DAY,
                "next_billing_at": NOW - 2 * DAY,
                "agreed_end_at": NOW - DAY,
            },
            NOW - DAY,
        ),
    ],
)
def test_the_end_of_a_subscription(dates, end):
    workspace = factories.make_workspace()
    factories.make_subscription(workspace, **dates)
    assert expiry_of(workspace) == end


def test_the_database_and_the_form_compute_the_same_end():
    workspace = factories.make_workspace()
    instants = [None, NOW - DAY, NOW, NOW + DAY]
    names = ("expires_at", "cancelled_at", "next_billing_at", "agreed_end_at")
    rows = [
        Subscription(
            workspace=workspace,
            outside_id=str(count),
            plan="x",
            starts_at=NOW - 9 * DAY,
            **dict(zip(names, dates, strict=True)),
        )
        for count, dates in enumerate(itertools.product(instants, repeat=4))
    ]
    Subscription.objects.bulk_create(rows)
    for row in Subscription.objects.all():
        assert row.ends_at == row.end


@pytest.mark.parametrize(("billing", "goes"), [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False)])
def test_everything_goes_at_the_next_billing_after_a_cancellation_and_not_before(billing, goes):
    factories.arm()
    workspace = factories.make_customer(expires_at=NOW + 300 * DAY)
    workspace.subscriptions.update(cancelled_at=NOW - 10 * DAY, next_billing_at=billing)
    carry_out(NOW, now=NOW)
    workspace.refresh_from_db()
    assert (workspace.state == Workspace.State.EMPTIED) is goes


def test_a_second_subscription_that_goes_on_keeps_the_workspace():
    workspace = factories.make_workspace()
    factories.make_subscription(workspace, expires_at=NOW + 9 * DAY, cancelled_at=NOW - DAY, next_billing_at=NOW)
    factories.make_subscription(workspace, expires_at=NOW + DAY)
    assert not due_workspaces(NOW).exists()
    assert list(due_workspaces(NOW + DAY)) == [workspace]


def test_a_cancellation_that_would_delete_at_once_is_refused_at_its_field():
    subscription = Subscription(expires_at=NOW + DAY, cancelled_at=NOW - DAY, next_billing_at=NOW)
    with pytest.raises(ValidationError) as refused:
        refuse_past_end(subscription, now=NOW)
    assert list(refused.value.message_dict) == ["next_billing_at"]
    subscription.next_billing_at = NOW + SECOND
    refuse_past_end(subscription, now=NOW)


def test_the_officer_is_told_at_the_field(client):
    client.force_login(factories.make_user())
    workspace = factories.make_workspace()
    subscription = factories.make_subscription(workspace, expires_at=NOW + 900 * DAY)
    data = {
        "outside_id": subscription.outside_id, "plan": "Basic", "workspace": workspace.pk, "starts_at_0": "01/01/2026",
        "starts_at_1": "10:00:00", "expires_at_0": "01/01/2099", "expires_at_1": "10:00:00", "cancelled_at_0": "02/01/2026",
        "cancelled_at_1": "10:00:00", "next_billing_at_0": "01/02/2026", "next_billing_at_1": "10:00:00",
    }  # fmt: skip
    url = f"/admin/accounts/subscription/{subscription.pk}/change/"
    form = client.post(url, data).context["adminform"].form
    assert "deleted at once" in form.errors["next_billing_at"][0]
    assert client.post(url, {**data, "next_billing_at_0": "01/02/2098"}).status_code == 302
    subscription.refresh_from_db()
    assert subscription.ends_at.year == 2098
