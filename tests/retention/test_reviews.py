"""What is kept of live accounts is looked at once a year; overdue reviews nag; what has no running reason is shown."""

import datetime as dt

import pytest

from accounts.models import EvidenceEntry
from accounts.roles import AUDITOR, SUPPORT_AGENT
from retention import reviews
from retention.models import Review, Rule
from retention.reviews import UnableToReview, people_without_reason, record_review, workspaces_without_end
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.test_rules import YEAR, customer_in

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 11, 23)


def overdue_keys(now) -> set[str]:
    return {standing.rule.pk for standing in reviews.overdue(now)}


def record(key: str = "closed_ticket", *, next_on=TODAY + 100 * DAY, now=NOW, **fields) -> Review:
    defaults = {"outcome": "needed", "reason": "Disputes come up for months.", "user": factories.make_user()}
    return record_review(Rule.objects.get(pk=key), next_on=next_on, now=now, **{**defaults, **fields})


def test_a_rule_is_reviewed_within_a_year_of_its_arming_and_one_that_observes_never_nags():
    assert overdue_keys(NOW + 99 * YEAR) == set()
    factories.arm("closed_ticket")
    assert overdue_keys(NOW + YEAR - DAY) == set()
    assert overdue_keys(NOW + YEAR) == {"closed_ticket"}


def test_a_review_sets_the_date_of_the_next_and_is_recorded_with_who_found_what():
    factories.arm("closed_ticket", "kyc_image")
    made = record(now=NOW + 400 * DAY, next_on=TODAY + 500 * DAY)
    assert overdue_keys(NOW + 499 * DAY) == {"kyc_image"}
    assert overdue_keys(NOW + 500 * DAY) == {"kyc_image", "closed_ticket"}
    assert EvidenceEntry.objects.get(type="REVIEWED").body == {
        "outcome": "needed", "next": "2028-04-06", "by": made.reviewed_by_id,
    }  # fmt: skip


@pytest.mark.parametrize(("days", "allowed"), [(0, False), (1, True), (365, True), (366, False)])
def test_the_next_review_is_within_a_year(days, allowed):
    if allowed:
        assert record(next_on=TODAY + days * DAY)
    else:
        with pytest.raises(UnableToReview, match="after today and no later than 23 Nov 2027"):
            record(next_on=TODAY + days * DAY)
        assert not Review.objects.exists()


def test_the_last_review_counts():
    factories.arm("closed_ticket")
    record(now=NOW, next_on=TODAY + 10 * DAY)
    record(now=NOW + DAY, next_on=TODAY + 300 * DAY)
    assert overdue_keys(NOW + 20 * DAY) == set()


def test_people_without_reason_are_those_whom_nothing_running_keeps():
    officer = factories.make_user()
    old = {"person": factories.make_person(), "withdrawn": factories.make_person(), "answered": factories.make_person()}
    factories.make_consent(old["withdrawn"], withdrawn_at=NOW)
    request = factories.make_request(officer, person=old["answered"])
    type(request).objects.filter(pk=request.pk).update(state="closed", closed_at=NOW)
    factories.make_person(customer_in("GB"))
    factories.make_consent(factories.make_person())
    factories.make_request(officer, person=factories.make_person())
    factories.make_ticket(None, factories.make_person())
    factories.make_request(officer)  # of nobody: it must not hide anybody
    assert set(people_without_reason()) == set(old.values())


def test_workspaces_that_nothing_dates_are_shown():
    endless = factories.make_workspace()
    customer_in("GB")
    assert list(workspaces_without_end()) == [endless]


def test_an_officer_records_a_review_on_the_page_and_the_notice_goes(client):
    factories.arm("workspace_expiry")
    Rule.objects.filter(pk="workspace_expiry").update(armed_at=dt.datetime.now(dt.UTC) - 366 * DAY)
    client.force_login(factories.make_user())
    prospect = factories.make_person()
    assert "The yearly review is overdue: workspace expiry" in client.get("/admin/").content.decode()
    url = "/admin/retention/reviews/workspace_expiry/"
    assert str(prospect) in client.get(url).content.decode()
    data = {"outcome": "erase", "reason": "One prospect is to be erased.", "next_on": "2027-01-15"}
    assert client.post(url, {**data, "next_on": "2030-01-01"}).status_code == 200
    assert not Review.objects.exists()
    assert client.post(url, data).status_code == 302
    assert Review.objects.get().outcome == "erase"
    assert "The yearly review is overdue" not in client.get("/admin/").content.decode()


def test_an_auditor_sees_reviews_and_records_none(client):
    client.force_login(factories.make_user(AUDITOR))
    prospect = factories.make_person()
    url = "/admin/retention/reviews/workspace_expiry/"
    html = client.get(url).content.decode()
    assert "person is in no workspace" in html and str(prospect) not in html and "Record the review" not in html
    data = {"outcome": "needed", "reason": "x", "next_on": "2027-01-15"}
    assert client.post(url, data).status_code == 403
    assert not Review.objects.exists()
    client.force_login(factories.make_user(SUPPORT_AGENT))
    assert client.get(url).status_code == 403
