"""A request of a client's own customer, from the split to the complaint, and the list as a whole, in a real browser."""

import re

import pytest

from dsar import bulk
from dsar.models import BulkAction, SubjectRequest
from tests import factories
from tests.dsar.test_letter_journey import sign_in  # noqa: F401
from tests.portal.conftest import plain_static  # noqa: F401
from tests.portal.test_pages_are_safe import Watch, axe_faults, page_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def more(page, button: str) -> None:
    """Press a button of the “More” menu, and wait for its dialog."""
    page.locator("a, button", has_text=re.compile(r"\bMore\b")).locator("visible=true").first.click()
    page.click(f"text={button} >> visible=true")
    page.wait_for_selector("#modal-content form")


def test_a_clients_part_is_passed_on_ours_refused_and_contested(sign_in, live_server):  # noqa: F811
    officer, second = factories.make_user(), factories.make_user()
    client = factories.make_client()
    asked = factories.make_request(
        officer, type="erasure", regime="us_va_vcdpa", requester_name="Anneke Brandt", requester_contact="anneke@brandt.example"
    )  # fmt: skip
    page = sign_in(officer)
    watch = Watch(page, live_server.url)
    page.goto(f"/admin/dsar/subjectrequest/{asked.pk}/change/")
    more(page, "Split for a client")
    page.fill("#modal-content input[name=account]", client.workspace.outside_id)
    page.click("#modal-content button:has-text('Split')")
    page.wait_for_selector("text=We ourselves")
    assert watch.take() + page_faults(page) + axe_faults(page) == []

    page.click("text=Pass on to the client >> nth=0")
    page.wait_for_selector("#modal-content select[name=language]")
    page.click("#modal-content button:has-text('Pass it on')")
    page.wait_for_selector("text=With the client since")

    page.goto(f"/admin/dsar/letter/write/{asked.pk}/?kind=refusal")
    page.check("input[name=reasons][value=not_identified]")
    page.click("button:has-text('Show the letter')")
    assert "You may appeal against this decision" in page.inner_text(".pp-letter")
    page.click("button:has-text('Send this letter')")
    page.wait_for_selector("text=The letter is on its way")

    page.goto(f"/admin/dsar/subjectrequest/{asked.pk}/change/")
    more(page, "Complaint or appeal")
    page.select_option("#modal-content select[name=type]", "appeal")
    page.click("#modal-content button:has-text('Register it')")
    page.wait_for_selector("text=another officer than who answered it decides")
    appeal = SubjectRequest.objects.get(contests=asked.pk)
    assert watch.take() + page_faults(page) + axe_faults(page) == []

    factories.bring_to(appeal, "approved", second, now=appeal.registered_at)
    other = sign_in(second)
    other.goto(f"/admin/dsar/subjectrequest/{appeal.pk}/change/")
    other.click("text=Write the answer >> nth=0")
    other.select_option("select[name=kind]", "upheld")
    other.click("button:has-text('Show the letter')")
    other.click("button:has-text('Send this letter')")
    other.wait_for_selector("text=The letter is on its way")
    asked.refresh_from_db()
    appeal.refresh_from_db()
    assert (asked.state, appeal.state) == ("identity", "delivered")


def test_something_is_done_to_the_whole_list_and_a_double_is_merged(sign_in, live_server):  # noqa: F811
    officer = factories.make_user()
    early, late = (factories.make_request(officer, requester_contact="anneke@brandt.example") for _ in range(2))
    page = sign_in(officer, {"width": 390, "height": 844})
    watch = Watch(page, live_server.url)
    page.goto("/admin/dsar/subjectrequest/?type__exact=access")
    page.click("text=For all of this list")
    page.select_option("select[name=kind]", "receipt")
    page.click("button:has-text('Do it for 2 requests')")
    page.wait_for_selector("text=0 of 2")
    bulk.carry_on(BulkAction.objects.get().pk, now=factories.NOW)
    page.wait_for_selector("text=2 of 2")  # by itself
    assert page.locator("text=The letter is on its way").count() == 2
    assert watch.take() + page_faults(page) + axe_faults(page) == []

    page = sign_in(officer)
    page.goto(f"/admin/dsar/subjectrequest/{late.pk}/change/")
    more(page, "Merge with the same")
    page.click("#modal-content button:has-text('Merge')")
    page.wait_for_url(f"**/{early.pk}/change/")
    late.refresh_from_db()
    assert late.state == "merged"
