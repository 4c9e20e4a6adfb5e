"""An officer who looks for a number, goes through a customer's calls, and takes a list away: on a desk and on a telephone."""

import csv
import io

import pytest

from accounts.models import Workspace
from tests import factories
from tests.factories import DAY, NOW
from tests.portal.test_pages_are_safe import PHONE, WIDE, Watch, axe_faults, change_look, page_faults, show

pytestmark = pytest.mark.browser
CALLS = "/admin/telecom_records/calldetailrecord/"


def test_calls_are_searched_looked_through_and_taken_away(page, live_server, tmp_path):
    watch = Watch(page, live_server.url)
    workspace = Workspace.objects.get(outside_id=factories.make_workspace(name="Long Calls Ltd").outside_id)
    factories.make_subscription(workspace, expires_at=NOW + 300 * DAY)
    for back in range(60):
        factories.make_calls(workspace, 1, at=NOW - back * 3 * DAY, direction=("inbound", "outbound")[back % 2])
    factories.make_calls(workspace, 1, other_party="+442079460555", at=NOW - 150 * DAY)
    factories.make_source("london", country="GB")
    faults = []

    def look(name: str) -> None:
        for size in (PHONE, WIDE):
            change_look(page, size=size)
            page.screenshot(path=tmp_path / f"{name}-{size['width']}.png", full_page=True)
            faults.extend(f"{name}: {fault}" for fault in watch.take() + page_faults(page) + axe_faults(page))

    show(page, f"{CALLS}?account={workspace.outside_id}", size=WIDE, theme="light")
    assert page.locator("#result_list tbody tr").count() == 25
    page.get_by_role("link", name="Older").click()
    page.get_by_role("link", name="Newer").wait_for()
    look("list")
    page.locator("#searchbar").fill("020 7946 0555")
    page.locator("#searchbar").press("Enter")
    page.get_by_text("The end: nothing older.").wait_for()
    assert page.locator("#result_list tbody tr").count() == 1

    page.get_by_role("link", name="Export").click()
    page.get_by_label("Reason").fill("The customer asks who called")
    look("export")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the file").click()
    rows = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert download.value.suggested_filename.startswith("call-records-")
    assert [row[2] for row in rows] == ["Other party", "'+442079460555"]

    page.goto(f"/admin/accounts/workspace/{workspace.pk}/change/")
    page.get_by_text("All of it goes together").wait_for()
    page.get_by_role("link", name="Calls and messages").click()
    page.get_by_text("In 12 months: outgoing").first.wait_for()
    look("traffic")
    assert faults == []
