"""Where several laws apply at once, all are kept, each is explained, and the earliest date counts (rules C15)."""

import datetime as dt

import pytest

from dsar import dating
from dsar.forms import RequestForm
from dsar.models import SubjectRequest, WeatherWarning
from dsar.services import redate_request
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer():
    return factories.make_user()


def asked(officer, regime="us_ca_ccpa", also=("eu_gdpr", "hk_pdpo"), **fields) -> SubjectRequest:
    return factories.make_request(officer, regime=regime, also_under=list(also), **fields)


def test_the_earliest_of_all_counts_and_each_is_explained(officer):
    request = asked(officer, also=("tw_pdpa", "br_lgpd"))  # received 20 November: 15 days each, 45 in California
    (kept,) = request.deadlines.all()
    assert [other["regime"] for other in kept.others] == ["tw_pdpa", "br_lgpd"]
    assert all(other["steps"] for other in kept.others)
    assert (request.statutory_due_on, request.also_due_on) == (dt.date(2027, 1, 4), dt.date(2026, 12, 5))
    assert request.due_on == request.answer_on == dt.date(2026, 12, 5)


def test_another_laws_later_date_moves_nothing(officer):
    alone, together = asked(officer, "eu_gdpr", ()), asked(officer, "eu_gdpr", ("us_va_vcdpa",))
    assert alone.due_on == together.due_on and together.also_due_on == dt.date(2027, 1, 4)


def test_receipt_is_confirmed_by_the_first_day_that_any_of_them_names(officer):
    assert asked(officer, "eu_gdpr", ("us_ca_ccpa",)).acknowledge_by_on == dt.date(2026, 12, 7)  # ten business days
    assert asked(officer, "us_ca_ccpa", ("vn_pdpl",)).acknowledge_by_on == dt.date(
        2026, 11, 25
    )  # 24 is a holiday there


def test_where_the_clock_of_one_stands_still_the_others_run_on(officer):
    request = asked(officer, "eu_gdpr", ("tw_pdpa",), region="IE")
    dating.record_event(request.pk, "pause-identity", on=NOW.date(), user=officer, now=NOW)
    request.refresh_from_db()
    assert request.is_paused and request.due_on == dt.date(2026, 12, 5)


def test_a_storm_in_hong_kong_moves_the_date_under_its_law_when_that_is_the_other_one(officer):
    request = asked(officer, "policy_default", ("hk_pdpo",), type="access")
    assert request.also_due_on == dt.date(2026, 12, 30)  # day 40
    now = NOW + 38 * DAY
    assert dating.record_warning("gale", dt.date(2026, 12, 30), user=officer, now=now) == 0  # the promise is earlier
    assert WeatherWarning.objects.exists()
    request.refresh_from_db()
    assert request.also_due_on == dt.date(2026, 12, 31)


def test_a_corrected_law_dates_anew(officer):
    request = asked(officer, also=())
    request.also_under = ["tw_pdpa"]
    redate_request(request, user=officer, now=NOW)
    request.refresh_from_db()
    assert request.due_on == dt.date(2026, 12, 5)
    assert request.deadlines.count() == 2


def test_a_law_without_this_right_is_refused_at_its_field_and_its_own_law_is_not_kept_twice(officer):
    form = {
        "type": "restriction", "received_at_0": "2026-11-20", "received_at_1": "12:00", "received_at": "2026-11-20 12:00",
        "channel": "email", "regime": "eu_gdpr", "also_under": ["eu_gdpr", "hk_pdpo"], "requester_name": "Anneke Brandt",
    }  # fmt: skip
    found = RequestForm(form)
    assert not found.is_valid() and "hk_pdpo has no request type" in str(found.errors["also_under"])
    found = RequestForm({**form, "also_under": ["eu_gdpr", "id_pdp"]})
    assert found.is_valid(), found.errors
    assert found.cleaned_data["also_under"] == ["id_pdp"]


def test_the_page_explains_each(client, officer):
    client.force_login(officer)
    html = client.get(f"/admin/dsar/subjectrequest/{asked(officer).pk}/change/").content.decode()
    assert "EU GDPR applies too" in html and "the earliest of all dates counts" in html
