"""Mapping the columns of an unknown file in a real browser: every choice is previewed at once."""

import pytest

from telecom_records.models import ImportRun
from tests.portal.test_pages_are_safe import PHONE, WIDE, Watch, page_faults

pytestmark = pytest.mark.browser
ROWS = b"".join(
    b"01/07/2026 10:0%d:00,02079460101,02079460871,%d,%s\n" % (n, n, b"OK" if n % 2 else b"occupied") for n in range(6)
)


def test_an_unknown_file_is_uploaded_mapped_with_a_live_preview_and_imported(page, live_server):
    watch = Watch(page, live_server.url)
    page.goto("/admin/calls/import/")
    page.set_input_files("input[type=file]", {"name": "carrier.csv", "mimeType": "text/csv", "buffer": ROWS})
    page.fill("[name=source]", "carrier-x")
    page.click("button:has-text('Import')")
    page.wait_for_url("**/columns/")
    preview = page.locator("#preview")
    assert "never guessed" in preview.inner_text()

    page.select_option("#id_time_style", "dmy")
    preview.locator("text=0 of 6 taken").wait_for()
    page.fill("#id_time_zone", "Europe/London")
    page.press("#id_time_zone", "Tab")
    preview.locator("text=6 rows hold a number that cannot be read").wait_for()
    assert page.evaluate("document.activeElement.id") == "id_country", "the focus stays where it was"
    page.fill("#id_country", "gb")
    page.select_option("#id_means_5", "status")
    page.locator("#id_status_1").wait_for()
    page.select_option("#id_status_1", "busy")
    preview.locator("td:has-text('Busy')").first.wait_for()
    page.select_option("#id_means_4", "talk")
    preview.locator("td:has-text('5 s')").wait_for()
    row = preview.locator("tbody tr").nth(1).inner_text().split("\t")
    told = ["2", "01 Jul 2026 09:01:00", "01 Jul 10:01:00", "+442079460101", "+442079460871", "Answered", "1 s"]
    assert [cell.strip() for cell in row] == told

    page.set_viewport_size(PHONE)
    faults = watch.take() + page_faults(page)
    page.set_viewport_size(WIDE)
    page.select_option("#id_layout", "fixed")  # the whole page follows
    page.locator("#id_place_1").wait_for()
    faults += watch.take() + page_faults(page)
    page.select_option("#id_layout", "delimited")
    page.locator("#id_means_5").wait_for()
    assert faults == []

    for place, means in (("1", "start"), ("2", "caller"), ("3", "dialled"), ("4", "talk"), ("5", "status")):
        page.select_option(f"#id_means_{place}", means)
    page.select_option("#id_time_style", "dmy")
    preview.locator("text=6 of 6 taken").wait_for()
    page.locator("button:has-text('Save and import')").click()
    page.wait_for_url("**/importrun/*/change/")
    run = ImportRun.objects.get(source__name="carrier-x")
    assert (run.state, run.format, run.country) == ("waiting", "mapped", "GB")
    assert watch.take() == []
