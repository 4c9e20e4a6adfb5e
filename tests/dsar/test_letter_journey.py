"""From the letter that an officer sends to the answer on a person's telephone, in a real browser."""

import re
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client

from accounts.models import AccessLogEntry
from accounts.roles import PRIVACY_OFFICER, SUPPORT_AGENT
from dsar import downloads, outbox
from dsar.identity.proof import Proof, prove
from dsar.models import DownloadLink, Letter, OutgoingMail, SubjectRequest
from tests import factories
from tests.portal.conftest import plain_static  # noqa: F401
from tests.portal.test_pages_are_safe import Watch, axe_faults, page_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def sign_in(chromium, live_server, plain_static):  # noqa: F811
    contexts = []

    def open_for(user, size=None):
        contexts.append(chromium.new_context(base_url=live_server.url, viewport=size or {"width": 1440, "height": 900}))
        if user:
            client = Client()  # of its own: a second sign-in would end the first
            client.force_login(user)
            name = django_settings.SESSION_COOKIE_NAME
            contexts[-1].add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        contexts[-1].set_default_timeout(10_000)
        return contexts[-1].new_page()

    yield open_for
    for context in contexts:
        context.close()


def test_an_agent_makes_a_request_of_a_mail_and_answers_it(sign_in, live_server):
    agent = factories.make_user(SUPPORT_AGENT)
    workspace = factories.make_workspace()
    person = factories.make_person(workspace, name="Anneke Brandt", email="anneke@brandt.example")
    ticket = factories.make_ticket(workspace, person, contact="anneke@brandt.example", contact_name="Anneke Brandt")
    page = sign_in(agent)
    watch = Watch(page, live_server.url)
    page.goto("/admin/dsar/ticket/")
    page.click(f"text={ticket.reference}")
    page.fill("textarea[name=text]", "We have made it a request.")
    page.click("text=Send to the customer")
    page.wait_for_selector("text=Your answer is on its way")
    assert outbox.content_of(OutgoingMail.objects.get()).to == "anneke@brandt.example"
    page.click("text=Make a privacy request >> nth=0")
    page.wait_for_selector("#modal-content select[name=type]")
    page.click("#modal-content button:has-text('Make the request')")
    page.wait_for_url("**/subjectrequest/**")
    assert SubjectRequest.objects.get().ticket_reference == ticket.reference
    assert "anneke@brandt.example" not in page.content() and not AccessLogEntry.objects.exists()
    assert watch.take() == []


def test_a_person_takes_the_answer_on_a_telephone(sign_in, live_server, monkeypatch):
    file = downloads.AnswerFile("answer.zip", "application/zip", 3, lambda: iter([b"zip"]))
    monkeypatch.setattr(downloads, "_finder", lambda request: file)
    officer = factories.make_user(PRIVACY_OFFICER)
    asked = factories.make_request(officer, requester_name="Anneke Brandt", requester_contact="anneke@brandt.example")
    factories.bring_to(asked, "approved", officer)
    prove(asked.pk, "email", "anneke@brandt.example", Proof.CODE, user=None, now=factories.NOW)
    page = sign_in(officer)
    page.goto(f"/admin/dsar/subjectrequest/{asked.pk}/change/")
    page.click("text=Write the answer >> nth=0")
    page.select_option("select[name=code_to]", "anneke@brandt.example")
    page.click("button:has-text('Show the letter')")
    assert "Your data is ready" in page.inner_text(".pp-letter")
    page.click("button:has-text('Send this letter')")
    page.wait_for_selector("text=The letter is on its way")
    asked.refresh_from_db()
    assert Letter.objects.get().request == asked and asked.state == "delivered"
    text = outbox.content_of(OutgoingMail.objects.get(purpose="letter")).text
    address = re.search(r"https?://\S+/download/\S+/", text)[0]

    phone = sign_in(None, PHONE)
    watch = Watch(phone, live_server.url)
    phone.goto(address)
    assert watch.take() + page_faults(phone) + axe_faults(phone) == []
    phone.click("text=Send me a code")
    code = re.search(r"\d{8}", outbox.content_of(OutgoingMail.objects.get(purpose="code")).text)[0]
    phone.fill("#code", "00000000" if code != "00000000" else "11111111")
    phone.click("button:has-text('Download')")
    assert phone.locator("[role=alert]").inner_text().startswith("This is not the code")
    assert page_faults(phone) + axe_faults(phone) == []
    phone.fill("#code", code)
    with phone.expect_download() as got:
        phone.click("button:has-text('Download')")
    assert got.value.suggested_filename == "answer.zip" and Path(got.value.path()).read_bytes() == b"zip"
    assert phone.context.cookies() == []
    assert DownloadLink.objects.get().first_downloaded_at
    page.goto("/admin/dsar/downloadlink/")
    assert page.locator("text=Downloaded").count() >= 1
