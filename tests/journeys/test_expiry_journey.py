"""An officer watches an expired workspace disappear by itself, with a receipt; and a worker that is killed changes nothing."""

import csv
import datetime as dt
import json
import os
import re
import signal
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(420), pytest.mark.xdist_group("journeys")]
PORTAL_ZONE = ZoneInfo("Asia/Hong_Kong")
PROMISED_SECONDS = 120
OTHER_CALLS = "SELECT workspace_id::text, count(*) FROM telecom_records_calldetailrecord WHERE workspace_id <> %s GROUP BY 1 ORDER BY 1"


def expire_soon(page, subscription: str, *, seconds: int = 4) -> None:
    """Set the expiry of a subscription through its form, a few seconds from now."""
    page.goto(f"/admin/accounts/subscription/?q={subscription}")
    page.click(f"#result_list a:has-text('{subscription}')")
    at = dt.datetime.now(PORTAL_ZONE) + dt.timedelta(seconds=seconds)
    page.fill("[name=expires_at_0]", f"{at:%d/%m/%Y}")
    page.fill("[name=expires_at_1]", f"{at:%H:%M:%S}")
    page.click("button[name=_save]")
    expect(page.locator("body")).to_contain_text("without recovery")


def workspace_id(portal, outside_id: str) -> str:
    return str(portal.query("SELECT id FROM accounts_workspace WHERE outside_id = %s", outside_id)[0][0])


def test_an_officer_sees_the_queue_and_watches_a_workspace_go(portal, sign_in):
    page = sign_in("officer@example.test")
    expect(page.locator("body")).to_contain_text("Most urgent")
    page.click("a:has-text('DSR-2026-0001')")
    expect(page.locator("body")).to_contain_text("How the date came about")
    expect(page.locator("body")).to_contain_text("days late")

    target = workspace_id(portal, "W-1006")
    others = portal.query(OTHER_CALLS, target)
    page.goto(f"/admin/accounts/workspace/{target}/change/")
    expect(page.locator("body")).to_contain_text("Call records")
    expire_soon(page, "S-2006")

    page.goto(f"/admin/accounts/workspace/{target}/change/")
    wait_for(
        lambda: "Emptied on" in (page.reload() and page.inner_text("body")),
        seconds=PROMISED_SECONDS,
        what="the workspace is empty",
        every=1,
    )
    expect(page.locator("body")).not_to_contain_text("Petrel")

    page.goto("/admin/retention/deletionjob/?q=W-1006")
    page.click("#result_list tbody a")
    expect(page.locator("body")).to_contain_text("nothing is left")
    sealed = "SELECT count(*) FROM accounts_checkpoint c JOIN retention_deletionjob j ON c.size >= j.done_sequence WHERE j.workspace_id = %s"
    wait_for(
        lambda: portal.query(sealed, target)[0][0], seconds=PROMISED_SECONDS, what="a checkpoint covers it", every=1
    )
    with page.expect_download() as download:
        page.click("a:has-text('Certificate as JSON')")
    certificate = json.loads(download.value.path().read_text())
    own = [entry for entry in certificate["evidence"] if entry["subject"] == certificate["deletion"]]
    assert [entry["type"] for entry in own] == ["INTENT", "DONE"]
    assert certificate["planned"] == certificate["destroyed"]
    assert certificate["destroyed"]["accounts.Credit"] == 1
    assert certificate["destroyed"]["telecom_records.Number"] == 1
    assert certificate["destroyed"]["telecom_records.CallDetailRecord"] > 0
    assert portal.query(OTHER_CALLS, target) == others
    assert portal.query("SELECT count(*) FROM telecom_records_calldetailrecord WHERE workspace_id = %s", target) == [
        (0,)
    ]


def test_a_killed_worker_changes_nothing_about_the_outcome(portal, sign_in, tmp_path):
    target = workspace_id(portal, "W-1008")
    (number,) = portal.query(
        "SELECT e164 FROM telecom_records_number n JOIN telecom_records_numberassignment a ON a.number_id = n.id"
        " WHERE a.workspace_id = %s", target,
    )[0]  # fmt: skip
    path = tmp_path / "many.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["call_id", "started_at", "from", "to"])
        start = dt.datetime.now(dt.UTC) - dt.timedelta(days=3)
        writer.writerows(
            [f"many-{count}", (start + dt.timedelta(seconds=count)).isoformat(), number, "+13125550117"]
            for count in range(12_000)
        )
    assert (
        json.loads(portal.manage("import_cdrs", "--source", "many", str(path)).strip().splitlines()[-1])["inserted"]
        == 12_000
    )
    others = portal.query(OTHER_CALLS, target)
    job = "SELECT state, coalesce((destroyed->>'telecom_records.CallDetailRecord')::int, 0), planned, destroyed, id FROM retention_deletionjob WHERE workspace_id = %s"

    expire_soon(sign_in("officer@example.test"), "S-2008")
    worker = portal.pid_of("worker")
    wait_for(
        lambda: (rows := portal.query(job, target)) and rows[0][0] == "running" and rows[0][1] > 0,
        seconds=PROMISED_SECONDS, what="the deletion is under way", every=0.02,
    )  # fmt: skip
    os.killpg(worker, signal.SIGKILL)
    state, gone, *_ = portal.query(job, target)[0]
    assert (state, gone < 12_000) == ("running", True), "the worker was killed too late for this test to prove anything"

    wait_for(
        lambda: portal.query(job, target)[0][0] == "done",
        seconds=PROMISED_SECONDS,
        what="the deletion is done",
        every=1,
    )
    _, _, planned, destroyed, job_id = portal.query(job, target)[0]
    assert planned == destroyed
    assert portal.pid_of("worker") != worker
    assert portal.query("SELECT count(*) FROM telecom_records_calldetailrecord WHERE workspace_id = %s", target) == [
        (0,)
    ]
    assert portal.query(OTHER_CALLS, target) == others
    kinds = portal.query(
        "SELECT type, count(*) FROM accounts_evidenceentry WHERE subject = %s GROUP BY 1 ORDER BY 1", str(job_id)
    )
    assert kinds == [("DONE", 1), ("INTENT", 1), ("RECIPIENTS_TOLD", 1)]
    assert portal.query("SELECT state, name FROM accounts_workspace WHERE id = %s", target) == [("emptied", "")]


def test_a_file_uploaded_by_an_officer_goes_in_with_progress(portal, sign_in, tmp_path):
    page = sign_in("officer@example.test")
    page.goto("/admin/telecom_records/importrun/")
    page.click("a:has-text('Import call records')")
    page.set_input_files("input[type=file]", str(portal.var / "samples" / "calls.csv"))
    page.fill("[name=source]", "demo-switch")
    page.click("button:has-text('Import')")
    expect(page.locator("body")).to_contain_text("The same file was imported on")
    page.set_input_files("input[type=file]", str(portal.var / "samples" / "calls.csv"))
    page.get_by_label("Also if it is known").check()
    page.click("button:has-text('Import')")
    expect(page.locator("body")).to_contain_text("rows read")
    expect(page.locator("#run-progress")).to_contain_text("Known already", timeout=60_000)
    expect(page.locator("#run-progress h2").first).to_have_text("calls.csv")
    expect(page.locator("#run-progress")).to_contain_text(re.compile("Done"), timeout=60_000)
    run = portal.query(
        "SELECT read, inserted, rejected, file_key FROM telecom_records_importrun ORDER BY created_at DESC LIMIT 1"
    )
    assert run[0][1:] == (0, 1, "") or run[0][1] == 0
    assert run[0][0] == 421


def test_two_officers_stop_and_arm_a_rule(portal, sign_in):
    first, second = sign_in("officer@example.test"), sign_in("second.officer@example.test")
    first.goto("/admin/retention/rule/free_tool_session/change/")
    first.click("text=Stop deleting")
    first.click("#dialog button[type=submit]")
    expect(first.locator("body")).to_contain_text("only observe, and delete nothing")
    first.click("text=Confirm the seed")
    first.click("#dialog button[type=submit]")
    expect(first.locator("body")).not_to_contain_text("not confirmed yet")
    first.click("text=Ask to arm")
    first.click("#dialog button[type=submit]")
    expect(first.locator("body")).to_contain_text("Another officer now finds it")

    first.goto("/admin/accounts/approval/")
    first.click("#result_list tbody a")
    expect(first.locator("body")).not_to_contain_text("Approve and do it now")
    expect(first.locator("a:has-text('Approve')").locator("visible=true")).to_have_count(0)

    second.goto("/admin/accounts/approval/")
    second.click("#result_list tbody a")
    second.click("text=Approve")
    second.click("#dialog button[type=submit]")
    expect(second.locator("body")).to_contain_text("Approved and done")
    second.goto("/admin/")
    expect(second.locator("body")).not_to_contain_text("only observe")
