"""A browser through erasure, restriction, objection and a child's data: from the website's form to the letter."""

import os
import re
from pathlib import Path

import pytest
from django.core import mail
from django.utils import timezone

from accounts import checkpoints
from accounts.models import Approval, Consent, Person, Restriction
from dsar import outbox, steps
from dsar.identity import codes
from dsar.models import Decision, Identifier, Letter, OutgoingMail, SubjectRequest
from dsar.rights.decisions import follow
from retention.purge import carry_out as purge
from tests import factories
from tests.dsar.test_intake import Website
from tests.dsar.test_letter_journey import PHONE, sign_in  # noqa: F401
from tests.factories import DAY
from tests.portal.conftest import plain_static  # noqa: F401
from tests.portal.test_pages_are_safe import Watch, axe_faults, change_look, page_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def look(page, name: str) -> None:
    """Keep a picture where somebody wants to look at them."""
    if folder := os.environ.get("LOOK_AT"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def customer(name: str) -> Person:
    """Return somebody with a workspace of their own whose contract runs."""
    workspace = factories.make_customer(expires_at=timezone.now() + 300 * DAY)
    person = workspace.memberships.get().person
    Person.objects.filter(pk=person.pk).update(name=name, email=f"{name.split()[0].lower()}@example.test")
    person.refresh_from_db()
    return person


def ask(website: Website, type: str, person: Person, **fields) -> SubjectRequest:
    answer = website.send(type=type, customer=person.outside_id, name=person.name, email=person.email, **fields)
    return SubjectRequest.objects.get(reference=answer.json()["request"])


def prove(page, request: SubjectRequest) -> None:
    """Send the code from the page of the request; the person reads it back."""
    page.goto(f"/admin/dsar/subjectrequest/{request.pk}/change/")
    page.locator("a, button", has_text="Check identity").locator("visible=true").first.click()
    page.click("#modal-content button:has-text('Send the codes')")
    page.wait_for_selector("text=The codes are on their way")
    now = timezone.now()
    for step_id in steps.to_run(now):
        steps.run_step(step_id, now=now)
    factories.deliver_mails(timezone.now())
    code = re.search(r"Code: (\d{6})", mail.outbox[-1].body)[1]
    codes.enter_code(Identifier.objects.get(request=request).pk, code, user=None, now=timezone.now())


def open_right(page, request: SubjectRequest, title: str) -> None:
    page.goto(f"/admin/dsar/subjectrequest/{request.pk}/change/")
    section = page.locator("section[aria-label='What is done']")
    section.locator(".pp-row", has_text=title).locator(
        "a:has-text('Preview and decide'), a:has-text('Open')"
    ).first.click()
    page.wait_for_url("**/admin/rights/**")


def approve(page) -> None:
    """Agree, as the other officer does."""
    waiting = Approval.objects.get(state=Approval.State.WAITING)
    page.goto(f"/admin/accounts/approval/{waiting.pk}/change/")
    page.click("text=Approve")
    page.click("#modal-content button:has-text('Approve')")
    page.wait_for_selector("text=Approved and done")


def write(page, request: SubjectRequest, kind: str, **fields) -> str:
    """Write the letter of a request and return what was mailed."""
    page.goto(f"/admin/dsar/letter/write/{request.pk}/")
    page.select_option("select[name=kind]", kind)
    for name, value in fields.items():
        page.fill(f"[name={name}]", value)
    page.click("button:has-text('Show the letter')")
    page.click("button:has-text('Send this letter')")
    page.wait_for_selector("text=The letter is on its way")
    assert Letter.objects.filter(request=request, kind=kind).exists()
    return outbox.content_of(OutgoingMail.objects.filter(purpose="letter").latest("created_at")).text


def test_each_right_from_the_form_to_the_letter(sign_in, live_server, client):  # noqa: F811
    factories.arm()
    officer, second = factories.make_user(), factories.make_user()
    website = Website(client)
    anneke, bela, carla = customer("Anneke Brandt"), customer("Bela Kovacs"), customer("Carla Rossi")
    page, other = sign_in(officer), sign_in(second)
    watch = Watch(page, live_server.url)

    # Objection to marketing: at once.
    request = ask(website, "objection", bela)
    prove(page, request)
    open_right(page, request, "Objection")
    look(page, "objection")
    assert watch.take() + page_faults(page) + axe_faults(page) == []
    page.click("button:has-text('Stop all marketing now')")
    page.wait_for_selector("text=Carried out")
    assert not Consent.objects.filter(person=bela, purpose="marketing_email", withdrawn_at=None).exists()
    assert "no marketing from us any more" in write(page, request, "answer")

    # Restriction: gone from the lists, and told before it is lifted.
    request = ask(website, "restriction", bela, message="It is wrong.")
    prove(page, request)
    page.goto("/admin/accounts/person/?q=Bela")
    assert page.locator("#result_list", has_text="Bela Kovacs").count()
    open_right(page, request, "Restriction")
    look(page, "restriction")
    page.click("button:has-text('Restrict this person')")
    page.wait_for_selector("text=Carried out")
    page.goto("/admin/accounts/person/?q=Bela")
    assert "Bela Kovacs" not in page.content()
    assert "only store this data" in write(page, request, "answer")
    open_right(page, request, "Restriction")
    assert "Tell the person first" in page.content() and page.locator("button[name=confirm]").count() == 0
    assert "not earlier than seven days" in write(page, request, "lifting", particulars="The address was corrected.")
    Letter.objects.filter(kind="lifting").update(sent_at=timezone.now() - 8 * DAY)
    Restriction.objects.update(began_at=timezone.now() - 9 * DAY)
    open_right(page, request, "Restriction")
    look(page, "lifting")
    page.click("button:has-text('Lift the restriction')")
    page.wait_for_selector("text=Another officer now finds it")
    approve(other)
    page.goto("/admin/accounts/person/?q=Bela")
    assert "Bela Kovacs" in page.content()

    # Erasure: what the contract needs is said; ended, it all goes, and the certificate is in the letter.
    request = ask(website, "erasure", anneke)
    prove(page, request)
    open_right(page, request, "Erasure")
    assert "The contract needs it until" in page.inner_text("#preview")
    look(page, "erasure_part")
    change_look(page, size=PHONE)
    look(page, "erasure_part_dark")
    assert page_faults(page) + axe_faults(page) == []
    change_look(page, size={"width": 1440, "height": 900})
    page.locator("label", has_text="Everything of the person").click()
    page.click("button:has-text('Show what would happen')")
    assert page.locator("button[name=confirm]").count() == 0 and "contract" in page.inner_text("#preview .pp-note")
    page.locator("[name=ends_contract]").check(force=True)
    page.click("button:has-text('Show what would happen')")
    look(page, "erasure")
    assert watch.take()[1:] + page_faults(page) + axe_faults(page) == []
    page.set_viewport_size(PHONE)
    assert page_faults(page) == []
    look(page, "erasure_phone")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.click("button:has-text('Ask a second officer')")
    page.wait_for_selector("text=Another officer now finds it")
    approve(other)
    look(other, "approval")
    for _ in range(2):
        purge(timezone.now(), now=timezone.now())
    page.goto(f"/admin/rights/{request.pk}/erasure/")
    look(page, "erasure_running")
    assert follow(Decision.objects.get(request=request).pk, now=timezone.now())
    assert not Person.objects.filter(pk=anneke.pk).exists()
    page.goto(f"/admin/dsar/subjectrequest/{request.pk}/change/")
    page.wait_for_selector("text=Certificates of deletion")
    look(page, "request_after_erasure")
    checkpoints.write()  # as the schedule does every half minute: a certificate names one
    page.goto(page.get_attribute("section[aria-label='What is done'] a:has-text('Certificate ')", "href"))
    assert "Certificate" in page.inner_text("h1")
    text = write(page, request, "answer")
    assert "Dear Anneke Brandt" in text and "Certificates of deletion: " in text

    # A child: the authority of the parent, and 72 hours.
    request = ask(website, "child", carla)
    open_right(page, request, "Child")
    assert page.locator("button[name=confirm]").count() == 0
    page.locator("label", has_text="Called back on a number known before").click()
    page.click("button:has-text('Show what would happen')")
    look(page, "child")
    assert watch.take()[1:] + page_faults(page) + axe_faults(page) == []
    page.click("button:has-text('Record it and ask')")
    page.wait_for_selector("text=It is being carried out")
    assert "waits for a second officer" in page.content()
    approve(other)
    for _ in range(2):
        purge(timezone.now(), now=timezone.now())
    assert follow(Decision.objects.get(request=request).pk, now=timezone.now())
    assert not Person.objects.filter(pk=carla.pk).exists()
    assert "The data of your child was deleted" in write(page, request, "answer")
