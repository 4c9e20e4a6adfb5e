"""Every page of the portal, opened in a real browser: nothing breaks the policy, loads from outside or shuts anyone out."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse

from tests.portal.pages import CUSTOM_PAGES, pages_of_rows

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.usefixtures("facts_remembered")]

AXE = (Path(__file__).parent.parent / "vendor" / "axe.min.js").read_text()
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
WITH_SIDEBAR = 8  # pages, in each size and theme: it is the same on all of them, and half of what axe looks at
HISTORIES = 3  # they are one template, and say the same of every row

# Visible, reacts to a click, and neither it nor anything around or inside it can take the keyboard's focus.
UNREACHABLE = """() => {
  const focusable = "a[href], button, input, select, textarea, summary, label, [tabindex]";
  const pointer = (element) => getComputedStyle(element).cursor === "pointer";
  return [...document.querySelectorAll("body *")].filter((element) => {
    if (!element.checkVisibility({visibilityProperty: true})) return false;
    const reacts = element.hasAttribute("x-on:click") || element.matches("[hx-get]:not(input, [hx-trigger])")
      || (pointer(element) && !pointer(element.parentElement));
    return reacts && !element.closest(focusable) && !element.querySelector(focusable);
  }).map((element) => element.outerHTML.slice(0, 160));
}"""
AXE_FAULTS = """async (context) => (await axe.run(context, {resultTypes: ["violations"], preload: false})).violations
  .filter((violation) => ["critical", "serious"].includes(violation.impact))
  .map((violation) => `${violation.id}: ${violation.nodes[0].html.slice(0, 200)} ${violation.nodes[0].failureSummary}`)"""


class Watch:
    """What a browser page complains about, and what it asks of other hosts."""

    def __init__(self, page, home: str):
        self.faults: list[str] = []
        self.home = urlsplit(home).netloc
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))
        page.on("request", self.request)
        page.on("requestfailed", self.request_failed)
        page.on("response", self.response)

    def console(self, message):
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(f"console: {message.text[:300]}")

    def request(self, request):
        if urlsplit(request.url).scheme in ("http", "https", "ws", "wss") and urlsplit(request.url).netloc != self.home:
            self.faults.append(f"asks another host: {request.url}")

    def request_failed(self, request):
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {request.url} {request.failure}")

    def response(self, response):
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")

    def take(self) -> list[str]:
        """Return the faults seen since the last call."""
        taken, self.faults = self.faults, []
        return taken


def admin_pages(user) -> list[str]:
    """Return the addresses of the index and, of each registered model, the pages this person may open."""
    request = RequestFactory().get("/")
    request.user = user
    found, histories = [reverse("admin:index")], []
    for model, model_admin in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if not model_admin.has_view_or_change_permission(request):
            continue
        found.append(reverse(f"{name}_changelist"))
        if model_admin.has_add_permission(request):
            found.append(reverse(f"{name}_add"))
        row = model_admin.get_queryset(request).first()
        if row is not None:
            found.append(reverse(f"{name}_change", args=[row.pk]))
            histories.append(reverse(f"{name}_history", args=[row.pk]))
            if model_admin.has_delete_permission(request, row):
                found.append(reverse(f"{name}_delete", args=[row.pk]))
        for verb in ("import", "export"):
            allowed = getattr(model_admin, f"has_{verb}_permission", None)
            if allowed and allowed(request):
                try:
                    found.append(reverse(f"{name}_{verb}"))
                except NoReverseMatch:
                    continue
    return found + histories[:HISTORIES]


def show(page, address: str, *, size: dict, theme: str) -> None:
    """Open ``address`` at this size and in this theme, and wait until its scripts have run."""
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=theme)
    page.goto(address)
    page.wait_for_function("!window.Alpine || document.querySelector('html:not([x-cloak])')")
    settle(page)


def settle(page) -> None:
    """Wait until what the scripts have changed is drawn."""
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


def change_look(page, *, size: dict) -> None:
    """Give the open page this size and the other theme, as somebody does who turns the screen and the switch."""
    page.set_viewport_size(size)
    page.evaluate("document.documentElement.classList.toggle('dark')")
    settle(page)


def axe_faults(page, *, within: str = "html", without: str = "") -> list[str]:
    """Return what axe calls critical or serious ``within`` a part of the page as it stands, but for what is ``without``."""
    page.evaluate(AXE)
    context = {"include": [within], **({"exclude": [without]} if without else {})}
    return [f"axe {fault}" for fault in page.evaluate(AXE_FAULTS, context)]


def page_faults(page) -> list[str]:
    """Return controls the keyboard cannot reach, and content wider than the screen."""
    faults = [f"cannot be reached: {control}" for control in page.evaluate(UNREACHABLE)]
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return faults + ([f"{wider} px wider than the screen"] if wider > 0 else [])


def test_every_page_is_safe_and_reachable_in_both_themes_and_widths(page, live_server, officer):
    watch = Watch(page, live_server.url)
    faults = []
    for number, address in enumerate(admin_pages(officer) + CUSTOM_PAGES + pages_of_rows()):
        sizes = (WIDE, PHONE) if number % 2 else (PHONE, WIDE)
        themes = ("light", "dark") if number // 2 % 2 else ("dark", "light")
        show(page, address, size=sizes[0], theme=themes[0])
        for look, (size, theme) in enumerate(zip(sizes, themes, strict=True)):
            if look:
                change_look(page, size=size)
            seen = watch.take() + page_faults(page)
            if look == number // 4 % 2:
                seen += axe_faults(page, without="#nav-sidebar" if number >= WITH_SIDEBAR else "")
            faults += [f"{address} ({size['width']} px, {theme}): {fault}" for fault in seen]
    assert not faults, "\n".join(faults)


TRIED_BY_KEYBOARD = 8  # in each size and theme twice: the sheet is one template, and only what is in it differs


def test_an_open_filter_sheet_is_a_dialog_that_keeps_and_returns_the_focus(page, live_server, officer, client):
    watch = Watch(page, live_server.url)
    tried = 0
    for number, address in enumerate(address for address in admin_pages(officer) if address.count("/") == 4):
        if "Filters" not in client.get(address).content.decode():
            continue
        show(page, address, size=WIDE if number % 2 else PHONE, theme="dark" if number // 2 % 2 else "light")
        opener = page.locator("[aria-label='Open filters'], a:has-text('Filters')[role=button]").first
        if opener.count() == 0:
            continue
        tried += 1
        opener.focus()
        page.keyboard.press("Enter")
        sheet = page.get_by_role("dialog", name="Filters")
        sheet.wait_for(state="visible", timeout=2_000)
        settle(page)
        part = "html" if tried <= TRIED_BY_KEYBOARD else "[role=dialog]"  # the page behind it is looked at by the walk
        assert watch.take() + page_faults(page) + axe_faults(page, within=part) == [], address
        if tried > TRIED_BY_KEYBOARD:
            continue
        for _ in range(40):
            page.keyboard.press("Tab")
        assert sheet.evaluate("sheet => sheet.contains(document.activeElement)"), address
        page.keyboard.press("Escape")
        sheet.wait_for(state="hidden", timeout=2_000)
        assert opener.evaluate("opener => opener === document.activeElement"), address
    assert tried > 10, "the lists have lost their filters"


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_account_menu_is_opened_used_and_left_by_keyboard(page, live_server, size):
    watch = Watch(page, live_server.url)
    show(page, "/admin/", size=size, theme="light")
    if size is PHONE:
        page.get_by_role("button", name="Open menu").press("Enter")
        page.wait_for_timeout(300)
    toggle = page.locator("[data-toggles=openUserLinks]")
    toggle.press("Enter")
    page.wait_for_timeout(400)
    assert page.locator("#logout-form").is_visible()
    assert toggle.get_attribute("aria-expanded") == "true"
    assert axe_faults(page) == []

    page.locator("a:has-text('Dark')").press("Space")
    page.wait_for_timeout(300)
    assert "dark" in page.locator("html").get_attribute("class")
    assert axe_faults(page) == []

    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    assert not page.locator("#logout-form").is_visible()
    assert toggle.evaluate("toggle => toggle === document.activeElement")
    page.reload()
    page.wait_for_timeout(300)
    assert "dark" in page.locator("html").get_attribute("class"), "the choice outlives the page"
    assert watch.take() == []


def test_the_sidebar_closes_and_stays_closed(page, live_server):
    watch = Watch(page, live_server.url)
    show(page, "/admin/", size=WIDE, theme="light")
    page.get_by_role("button", name="Toggle sidebar").press("Enter")
    page.wait_for_timeout(200)
    assert not page.locator("#nav-sidebar").is_visible()
    page.reload()
    page.wait_for_timeout(300)
    assert not page.locator("#nav-sidebar").is_visible()
    page.get_by_role("button", name="Toggle sidebar").click()
    assert page.locator("#nav-sidebar").is_visible()
    assert watch.take() == []


def test_the_first_tab_stop_skips_to_the_content(page):
    show(page, "/admin/", size=WIDE, theme="light")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_an_inline_script_is_refused(page, live_server):
    """Near miss: the policy is on, and the walk would have seen a breach."""
    watch = Watch(page, live_server.url)
    show(page, "/admin/", size=WIDE, theme="light")
    page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.breached = true";
      document.body.append(script);
    }""")
    page.wait_for_timeout(100)
    assert page.evaluate("window.breached") is None
    assert any("Content Security Policy" in fault for fault in watch.take())
