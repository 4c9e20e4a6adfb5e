"""One officer, one day: a file that nothing knows comes in, a number is found, its call is heard, and the list leaves."""

import csv
import io

import pytest
from django.utils import timezone

from telecom_records import imports, tasks
from telecom_records.models import CallDetailRecord, ImportRun
from tests import factories
from tests.dsar.test_letter_journey import sign_in  # noqa: F401
from tests.factories import DAY
from tests.portal.conftest import plain_static  # noqa: F401
from tests.portal.test_pages_are_safe import Watch, page_faults
from tests.telecom_records import sounds
from tests.telecom_records.test_recording_journey import HEARD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COLUMNS = {"1": "start", "2": "caller", "3": "dialled", "4": "talk", "5": "status", "6": "id"}


def test_from_an_unknown_file_to_a_list_that_leaves(sign_in, live_server, alice, source, monkeypatch):  # noqa: F811
    day = (timezone.now() - DAY).replace(hour=10, minute=0, second=0, microsecond=0)
    alice.subscriptions.update(expires_at=None)
    rows = [f"{day:%d/%m/%Y} 10:{n:02d}:00,02079460101,02079460871,{n},OK,{day.timestamp():.0f}.{n}" for n in range(9)]
    rows.append(f"{day:%d/%m/%Y} 11:00:00,02079460872,02079460101,7,OK,{day.timestamp():.0f}.99")
    monkeypatch.setattr(tasks.run_import, "delay", lambda run_id: None)
    for name, value in (("READ_ROWS", 4), ("CHUNK_ROWS", 6)):
        monkeypatch.setattr(imports, name, value)
    page = sign_in(factories.make_user())
    watch = Watch(page, live_server.url)

    page.goto("/admin/calls/import/")
    page.set_input_files("input[type=file]", {"name": "carrier.csv", "mimeType": "text/csv", "buffer": "\n".join(rows).encode()})  # fmt: skip
    page.fill("[name=source]", "pbx")
    page.click("button:has-text('Import')")
    page.wait_for_url("**/columns/")
    page.fill("#id_time_zone", "UTC")
    page.fill("#id_country", "gb")
    for place, means in COLUMNS.items():
        page.select_option(f"#id_means_{place}", means)
    page.select_option("#id_time_style", "dmy")
    page.locator("#preview").locator("text=10 of 10 taken").wait_for()
    page.locator("button:has-text('Save and import')").click()
    page.wait_for_url("**/importrun/*/change/")

    run = ImportRun.objects.get()
    monkeypatch.setattr(tasks, "SECONDS", 1e-9)
    page.get_by_text("Waiting for a worker").wait_for()
    tasks.run_import(str(run.pk))
    page.get_by_text("Reading: 4 rows so far").wait_for()
    for _ in range(3):
        tasks.run_import(str(run.pk))
    page.locator("[role=progressbar], progress").first.wait_for()
    assert CallDetailRecord.objects.count() == 6
    monkeypatch.setattr(tasks, "SECONDS", 30)
    tasks.run_import(str(run.pk))
    page.get_by_text("Done", exact=True).first.wait_for()
    assert page.locator("dl dd").first.inner_text() == "10"
    assert watch.take() + page_faults(page) == []

    call = CallDetailRecord.objects.get(other_party="+442079460872")
    page.goto("/admin/calls/recordings/add/")
    sound = {"name": f"{call.source_key}.wav", "mimeType": "audio/wav", "buffer": sounds.wav(20)}
    page.set_input_files("input[type=file]", sound)
    page.fill("input[name=source]", "pbx")
    page.click("button:has-text('Add recordings')")
    page.wait_for_selector("text=1 recording read")

    page.goto("/admin/telecom_records/calldetailrecord/")
    page.locator("#searchbar").fill("020 7946 0872")
    page.locator("#searchbar").press("Enter")
    page.locator("#result_list tbody tr").first.wait_for()
    assert page.locator("#result_list tbody tr").count() == 1
    page.locator("#result_list tbody a").first.click()
    page.fill("input[name=reason]", "The customer asks")
    page.fill("input[name=ticket]", "TCK-1")
    page.click("button:has-text('Listen')")
    page.wait_for_selector("audio")
    page.evaluate("document.querySelector('audio').muted = true; document.querySelector('audio').play()")
    page.wait_for_function(HEARD)

    page.goto(f"/admin/telecom_records/calldetailrecord/?account={alice.outside_id}")
    page.get_by_role("link", name="Export").click()
    page.get_by_label("Reason").fill("The customer asks who called")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the file").click()
    taken = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert len(taken) == 11 and sum("'+442079460872" in row for row in taken) == 1
    assert watch.take() == []
