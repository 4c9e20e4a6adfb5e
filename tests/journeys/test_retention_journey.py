"""Two officers shorten a rule, hold one workspace while another one expires, and prove it to somebody without the portal."""

import datetime as dt
import json
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import wait_for
from tests.journeys.test_expiry_journey import PORTAL_ZONE, PROMISED_SECONDS, expire_soon, workspace_id

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300), pytest.mark.xdist_group("journeys")]
RULE = "usage_record"
NIGHT_PASSES = (
    "UPDATE retention_ruleversion SET effective_at = effective_at - interval '1 day' WHERE rule_id = %s RETURNING number",
    "UPDATE retention_allowance SET granted_at = granted_at - interval '1 day' WHERE rule_id = %s RETURNING amount",
)
JOB = "SELECT state, destroyed FROM retention_deletionjob WHERE rule_id = %s ORDER BY created_at DESC LIMIT 1"


def confirm(page) -> None:
    page.click("#dialog button[type=submit]")


def shorten_by_two(portal, first, second) -> int:
    """Change the rule's period to a day; return how many rows its impact named."""
    first.goto(f"/admin/retention/rules/{RULE}/period/")
    first.fill("[name=number]", "1")
    first.click("button:has-text('Show what it would do')")
    impact = first.get_by_role("region", name="What it would do")
    expect(impact.locator("h2")).to_contain_text(re.compile(r"^1 day instead of \d+ days"))
    expect(impact).to_contain_text("a second officer must agree")
    (rows,) = re.findall(r"Usage records\s+([\d,]+)", impact.inner_text())
    first.click("button:has-text('Ask a second officer')")
    expect(first.locator("body")).to_contain_text("Another officer")
    second.goto("/admin/accounts/approval/")
    second.click("#result_list tbody a >> nth=0")
    expect(second.locator("body")).to_contain_text(f"It would delete {rows} usage records at once")
    second.click("text=Approve")
    confirm(second)
    expect(second.locator("body")).to_contain_text("Approved and done")
    return int(rows.replace(",", ""))


def hold_by_the_form(page, workspace: str) -> None:
    page.goto("/admin/retention/hold/add/")
    page.fill("[name=workspace]", workspace)
    page.fill("[name=reason]", "The customer disputes an invoice")
    page.fill("[name=authority]", "Claim 2026-204, district court")
    review = dt.datetime.now(PORTAL_ZONE).date() + dt.timedelta(days=60)
    page.fill("[name=review_on]", review.isoformat())
    page.click("button[name=preview]")
    expect(page.get_by_role("region", name="What it would keep now")).to_contain_text("Call records")
    page.click("button[name=place]")
    expect(page.locator("body")).to_contain_text("The hold is in force")


def download(page, click: str, to) -> bytes:
    with page.expect_download() as taken:
        page.click(click)
    taken.value.save_as(to)
    return to.read_bytes()


def verify(folder, *files: str) -> tuple[int, str]:
    """Run the stand-alone verifier as an auditor does: by itself, away from the portal."""
    done = subprocess.run(
        [sys.executable, "-I", "verify_evidence.py", *files], cwd=folder, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout


def test_a_rule_is_shortened_a_hold_keeps_and_a_deletion_is_proved(portal, sign_in, tmp_path):
    first, second = sign_in("officer@example.test"), sign_in("second.officer@example.test")
    rows = shorten_by_two(portal, first, second)
    assert rows > 0
    usage = "SELECT count(*) FROM telecom_records_usagerecord"
    before = portal.query(usage)[0][0]
    (gone_before,) = portal.query("SELECT count(*) FROM retention_deletionjob WHERE rule_id = %s", RULE)[0]
    assert gone_before == 0, "an approved period begins on the next day only"
    for statement in NIGHT_PASSES:
        assert portal.query(statement, RULE)
    wait_for(
        lambda: portal.query(JOB, RULE)[:1] and portal.query(JOB, RULE)[0][0] == "done",
        seconds=PROMISED_SECONDS, what="what the shorter period lets go is gone",
    )  # fmt: skip
    assert portal.query(JOB, RULE) == [("done", {"telecom_records.UsageRecord": rows})]
    assert portal.query(usage)[0][0] == before - rows

    held, goes = workspace_id(portal, "W-1001"), workspace_id(portal, "W-1005")
    hold_by_the_form(first, "W-1001")
    expire_soon(first, "S-2001")
    expire_soon(first, "S-2005")
    first.goto(f"/admin/accounts/workspace/{goes}/change/")
    wait_for(
        lambda: "Emptied on" in (first.reload() and first.inner_text("body")),
        seconds=PROMISED_SECONDS, what="the workspace is empty", every=0.5,
    )  # fmt: skip
    calls = "SELECT count(*) FROM telecom_records_calldetailrecord WHERE workspace_id = %s"
    assert portal.query(calls, goes) == [(0,)]
    assert portal.query(calls, held)[0][0] > 0
    first.goto("/admin/retention/deletionjob/?q=W-1001")
    expect(first.locator("#result_list")).to_contain_text(re.compile("held", re.IGNORECASE))

    first.goto("/admin/retention/deletionjob/?q=W-1005")
    first.click("#result_list tbody a")
    covered = "SELECT count(*) FROM accounts_checkpoint c JOIN retention_deletionjob j ON c.size >= j.done_sequence WHERE j.workspace_id = %s"
    wait_for(lambda: portal.query(covered, goes)[0][0], seconds=PROMISED_SECONDS, what="a checkpoint covers it")
    certificate = json.loads(download(first, "a:has-text('Certificate as JSON')", tmp_path / "certificate.json"))
    assert certificate["planned"] == certificate["destroyed"]
    first.get_by_role("link", name="Certificate", exact=True).click()
    expect(first.locator("body")).to_contain_text(certificate["deletion"])

    first.goto("/admin/retention/evidence/")
    download(first, "a:has-text('The verifier')", tmp_path / "verify_evidence.py")
    (tmp_path / "keys.txt").write_bytes(first.request.get("/evidence-key.txt").body())
    first.fill("[name=reason]", "Yearly audit")
    bundle = download(first, "button:has-text('Take the whole bundle')", tmp_path / "bundle.json")
    assert certificate["deletion"].encode() in bundle
    code, said = verify(tmp_path, "bundle.json", "keys.txt")
    assert (code, "PASS" in said) == (0, True), said
    (tmp_path / "forged.json").write_bytes(bundle.replace(b'"DONE"', b'"GONE"', 1))
    code, said = verify(tmp_path, "forged.json", "keys.txt")
    assert (code, "FAIL" in said) == (1, True), said
