"""A browser through access and portability: from the website's form over the package to the answer on a telephone."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from django.utils import timezone

from dsar import outbox
from dsar.models import DownloadLink, OutgoingMail, Package
from dsar.packages.building import build
from dsar.workflow import move_request
from tests import factories
from tests.dsar.test_intake import Website
from tests.dsar.test_letter_journey import PHONE, sign_in  # noqa: F401
from tests.dsar.test_rights_journey import ask, customer, prove
from tests.portal.conftest import plain_static  # noqa: F401
from tests.portal.test_pages_are_safe import Watch, axe_faults, page_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("type", ["access", "portability"])
def test_a_package_goes_from_the_form_to_the_telephone(type, sign_in, live_server, client):  # noqa: F811
    officer, second = factories.make_user(), factories.make_user()
    anneke, other = customer("Anneke Brandt"), customer("Bela Kovacs")
    page = sign_in(officer)
    watch = Watch(page, live_server.url)
    request = ask(Website(client), type, anneke)
    prove(page, request)

    page.goto(f"/admin/packages/{request.pk}/")
    assert watch.take() + page_faults(page) + axe_faults(page) == []
    page.click("button:has-text('Make the package')")
    page.wait_for_selector("text=Waits for a worker >> nth=0")
    package = Package.objects.get()
    build(package.pk, now=timezone.now())
    page.goto(f"/admin/packages/{request.pk}/")
    assert watch.take() + page_faults(page) + axe_faults(page) == []
    page.click("button:has-text('Approve')")
    page.wait_for_selector("text=Somebody else must approve this package")

    reviewer = sign_in(second)
    reviewer.goto(f"/admin/packages/{request.pk}/")
    reviewer.click("button:has-text('Approve')")
    reviewer.wait_for_selector("text=Approved")
    for state in ("review", "approved"):
        move_request(request.pk, state, user=officer, now=timezone.now())

    page.goto(f"/admin/dsar/letter/write/{request.pk}/")
    page.select_option("select[name=kind]", "answer")
    page.select_option("select[name=code_to]", anneke.email)
    page.click("button:has-text('Show the letter')")
    page.click("button:has-text('Send this letter')")
    page.wait_for_selector("text=The letter is on its way")
    address = re.search(
        r"https?://\S+/download/\S+/", outbox.content_of(OutgoingMail.objects.get(purpose="letter")).text
    )[0]

    phone = sign_in(None, PHONE)
    phone.goto(address)
    phone.click("text=Send me a code")
    sent = OutgoingMail.objects.filter(purpose="code").latest("created_at")
    phone.fill("#code", re.search(r"\d{8}", outbox.content_of(sent).text)[0])
    with phone.expect_download() as got:
        phone.click("button:has-text('Download')")
    archive = zipfile.ZipFile(io.BytesIO(Path(got.value.path()).read_bytes()))
    manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["kind"], manifest["request"]) == (type, request.reference)
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert anneke.email.encode() in everything
    assert other.email.encode() not in everything and other.outside_id.encode() not in everything
    request.refresh_from_db()
    assert request.state == "delivered" and DownloadLink.objects.get().first_downloaded_at
