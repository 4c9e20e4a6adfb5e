"""A browser through correction, withdrawal of consent, opt-out and California: from the website's form to the letter."""

import pytest
from django.utils import timezone

from accounts.models import Consent, Person
from accounts.roles import AUDITOR, SUPPORT_AGENT
from dsar import marketing
from dsar.models import Correction, OptOut, RegisterEntry, Statement, SubjectRequest
from tests import factories
from tests.dsar.test_intake import Website
from tests.dsar.test_letter_journey import PHONE, sign_in  # noqa: F401
from tests.dsar.test_rights_journey import approve, ask, customer, look, open_right, prove, write
from tests.portal.conftest import plain_static  # noqa: F401
from tests.portal.test_pages_are_safe import WIDE, Watch, axe_faults, change_look, page_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def on_the_list() -> set[str]:
    return {each.person.name for each in marketing.audience("marketing_email", now=timezone.now())}


def test_each_choice_from_the_form_to_the_letter(sign_in, live_server, client):  # noqa: F811
    officer, second = factories.make_user(), factories.make_user()
    website = Website(client)
    anneke, bela = customer("Anneke Brandt"), customer("Bela Kovacs")
    page, other = sign_in(officer), sign_in(second)
    watch = Watch(page, live_server.url)

    # Correction: shown before and after, agreed by a second officer, what they say of the rest beside the data.
    request = ask(website, "rectification", bela, message="My name is Béla Kovács, and I live in Wales.")
    prove(page, request)
    open_right(page, request, "Correction")
    assert bela.email not in page.content()
    page.fill("[name='accounts.Person.name']", "Béla Kovács")
    page.locator("label", has_text="Country").last.click()
    page.fill("[name=statement]", "I have always lived in Wales.")
    page.click("button:has-text('Show what would happen')")
    assert "“Bela Kovacs” becomes “Béla Kovács”" in page.inner_text("#preview")
    look(page, "correction")
    assert watch.take() + page_faults(page) + axe_faults(page) == []
    page.set_viewport_size(PHONE)
    assert page_faults(page) == []
    look(page, "correction_phone")
    page.set_viewport_size(WIDE)
    page.click("button:has-text('Ask a second officer')")
    page.wait_for_selector("text=Another officer now finds it")
    assert Person.objects.get(pk=bela.pk).name == "Bela Kovacs"
    other.goto(f"/admin/rights/{request.pk}/correction/")
    assert "becomes “Béla Kovács”" in other.inner_text("[aria-label='What is asked']")
    look(other, "correction_asked")
    approve(other)
    assert Person.objects.get(pk=bela.pk).name == "Béla Kovács" and Correction.objects.get().before == "Bela Kovacs"
    assert Statement.objects.get().person == bela
    assert "Corrected: name." in write(page, request, "answer")
    page.goto(f"/admin/accounts/person/{bela.pk}/change/")
    assert "I have always lived in Wales." in page.content()
    look(page, "person_with_statement")

    # Withdrawal of consent: nobody is asked for a proof; the list is shorter at once.
    assert on_the_list() == {"Anneke Brandt", "Béla Kovács"}
    request = ask(website, "withdraw_consent", bela)
    open_right(page, request, "Withdrawal of consent")
    look(page, "consent")
    assert watch.take() + page_faults(page) + axe_faults(page) == []
    page.click("button[name=confirm]")
    page.wait_for_selector("text=Carried out")
    assert on_the_list() == {"Anneke Brandt"}
    assert "Withdrawn: marketing by e-mail." in write(page, request, "answer")

    # Opt-out: done with the form itself; one step from a ticket does the same.
    request = ask(website, "unsubscribe", anneke)
    assert on_the_list() == set() and OptOut.objects.count() == 2
    assert not Consent.objects.filter(person=anneke, purpose__in=marketing.REACHES, withdrawn_at__isnull=True).exists()
    page.goto(f"/admin/dsar/subjectrequest/{request.pk}/change/")
    page.wait_for_selector("section[aria-label='What is done'] >> text=Marketing opt-out")
    look(page, "opt_out")
    assert "We send you no marketing any more" in write(page, request, "answer")
    agent = sign_in(factories.make_user(SUPPORT_AGENT))
    ticket = factories.make_ticket(contact="carla@example.test", contact_name="Carla Rossi")
    agent.goto(f"/admin/dsar/ticket/{ticket.pk}/change/")
    agent.click("text=Make a privacy request >> nth=0")
    agent.wait_for_selector("#modal-content select[name=type]")
    agent.select_option("#modal-content select[name=type]", "unsubscribe")
    agent.click("#modal-content button:has-text('Make the request')")
    agent.wait_for_url("**/subjectrequest/**")
    assert marketing.opted_out_since("carla@example.test", now=timezone.now())

    # The page of marketing.
    page.goto("/admin/marketing/")
    page.fill("[name=address]", "carla@example.test")
    page.click("button:has-text('Look')")
    page.wait_for_selector("text=No marketing")
    look(page, "marketing")
    assert watch.take() + page_faults(page) + axe_faults(page) == []
    page.fill("[name=reason]", "Winter")
    with page.expect_download() as got:
        page.click("button:has-text('Take the list as CSV')")
    assert got.value.suggested_filename.startswith("marketing-marketing_email-")
    page.set_viewport_size(PHONE)
    page.goto("/admin/marketing/")
    assert page_faults(page) == []
    look(page, "marketing_phone")
    page.set_viewport_size(WIDE)

    # California: the categories in the letter, and the register.
    request = ask(website, "access", anneke)
    SubjectRequest.objects.filter(pk=request.pk).update(regime="us_ca_ccpa")
    prove(page, request)
    open_right(page, request, "Categories of data")
    page.uncheck("[name=with_pieces]", force=True)
    page.click("button:has-text('Show what would happen')")
    page.wait_for_selector("[name=with_pieces]:not(:checked)", state="attached")
    for size in (WIDE, PHONE):
        change_look(page, size=size)
        look(page, f"categories_{size['width']}")
        assert page_faults(page) + axe_faults(page) == []
    page.set_viewport_size(WIDE)
    page.click("button:has-text('Disclose these categories')")
    page.wait_for_selector("text=Carried out")
    text = write(page, request, "answer")
    assert "A. Identifiers" in text and "We have sold none of it" in text
    assert RegisterEntry.objects.get().outcome == "complied"
    auditor = sign_in(factories.make_user(AUDITOR))
    auditor.goto("/admin/california/")
    assert request.reference in auditor.content()
    look(auditor, "california")
    assert page_faults(auditor) + axe_faults(auditor) == []
    with auditor.expect_download() as got:
        auditor.click("text=Register as CSV")
    assert got.value.suggested_filename.startswith("ccpa-register-")
    auditor.set_viewport_size(PHONE)
    assert page_faults(auditor) == []
    look(auditor, "california_phone")
