"""Following every link as each role: none ends in a refusal, a missing page or an error."""

import re
from html import unescape
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from accounts.roles import PRIVACY_OFFICER, ROLES
from retention.promises import PROMISES
from tests import factories
from tests.portal import pages

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(400), pytest.mark.usefixtures("facts_remembered")]
LINK = re.compile(r'(?:href|hx-get)="([^"#][^"]*)"')
NOT_FOLLOWED = ("/static/", "/admin/logout/", "/admin/jsi18n/")
SORTED = re.compile(r"[?&](o|all|p)=")
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/)|=[^&]*")
CARRIED = re.compile(r"(?<=[?&])(_changelist_filters|_facets|_popup|_to_field)=[^&]*&?")  # along, by the admin itself
RULES = re.compile("|".join(PROMISES))
SAME_SHAPE = 2  # addresses that differ only in ids: the first few stand for all


def links_of(html: str, page: str) -> set[str]:
    """Return the addresses inside the portal that a page links to."""
    found = {urldefrag(urljoin(page, unescape(href))).url for href in LINK.findall(html)}
    inside = {url for url in found if not urlsplit(url).netloc and url.startswith("/")}
    return {url for url in inside if not url.startswith(NOT_FOLLOWED) and not SORTED.search(url)}


@pytest.mark.parametrize("role", list(ROLES))
def test_no_link_ends_in_a_refusal(client, role):
    officer = factories.make_user(email="somebody@example.test")
    pages.make_rows(officer)
    client.force_login(factories.make_user(role))
    waiting, seen, shapes, wrong = [("/admin/", "the start")], {"/admin/"}, {}, []
    while waiting:
        url, came_from = waiting.pop(0)
        response = client.get(url)
        if response.status_code >= 400:
            wrong.append(f"{response.status_code} {url} (from {came_from})")
        if "text/html" not in response.get("Content-Type", "") or response.status_code != 200:
            continue
        for link in sorted(links_of(response.content.decode(), url)):
            shape = IDS.sub("…", CARRIED.sub("", link).rstrip("?&"))
            if role != PRIVACY_OFFICER or shape.endswith("/history/"):  # one role opens the pages of every rule
                shape = RULES.sub("…", shape)
            few = 1 if "?" in shape or shape.endswith("/history/") else SAME_SHAPE
            if link not in seen and shapes.get(shape, 0) < few:
                shapes[shape] = shapes.get(shape, 0) + 1
                seen.add(link)
                waiting.append((link, url))
    assert len(seen) > 5
    assert wrong == []
