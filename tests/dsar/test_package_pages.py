"""An officer sees what a package would hold, has it made, takes it for review and approves it; others may not."""

import io
import zipfile

import pytest

from accounts import keys
from accounts.models import AccessLogEntry
from dsar.models import Package
from dsar.packages import states
from tests import factories
from tests.dsar.packages import build
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db(transaction=True)
ROLES = ["Privacy officer", "Support agent", "Auditor", "Security administrator"]


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def alice():
    return factories.make_customer(expires_at=NOW + 30 * DAY)


@pytest.fixture
def request_(alice, officer):
    return factories.make_request(officer, person=alice.memberships.get().person)


def url(what: str, pk) -> str:
    return f"/admin/packages/{pk}/{what}"


def test_the_preview_counts_what_a_package_would_hold_and_the_package_holds_just_that(client, officer, request_):
    client.force_login(officer)
    html = client.get(url("preview/", request_.pk)).content.decode()
    counts, _ = states.preview(request_, now=NOW)
    assert f"{sum(counts.values())} rows now" in html
    assert {name: made["rows"] for name, made in build(request_).contents.items()} == counts


def test_an_officer_has_it_made_takes_it_and_approves_it_and_the_access_log_says_who_took_it(client, officer, request_):
    client.force_login(officer)
    client.post(url("make/", request_.pk))
    assert "Waits for a worker" in client.get(url("", request_.pk)).content.decode()
    Package.objects.all().update(state="dropped", decided_at=NOW)
    package = build(request_)
    response = client.post(url("archive.zip", package.pk), headers={"accept-encoding": "gzip"})
    data = b"".join(response.streaming_content)
    assert len(data) == int(response["Content-Length"]) == package.file_bytes
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    entry = AccessLogEntry.objects.get(of="dsar.Package")
    assert (entry.user, entry.subject, entry.action) == (officer, str(package.pk), "export")
    client.post(url("approve/", package.pk))
    package.refresh_from_db()
    assert (package.state, package.decided_by) == ("approved", officer)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("what", "method", "may"),
    [
        ("", "get", {"Privacy officer", "Auditor"}),
        ("preview/", "get", {"Privacy officer", "Auditor"}),
        ("make/", "post", {"Privacy officer"}),
        ("approve/", "post", {"Privacy officer"}),
        ("drop/", "post", {"Privacy officer"}),
        ("archive.zip", "post", {"Privacy officer"}),
    ],
)
def test_who_may_do_what(client, officer, request_, role, what, method, may):
    package = Package.objects.create(request=request_, kind="access", asked_by=officer, asked_at=NOW, state="failed")
    client.force_login(factories.make_user(role))
    on_package = what in ("approve/", "drop/", "archive.zip")
    response = getattr(client, method)(url(what, package.pk if on_package else request_.pk))
    assert (response.status_code != 403) == (role in may)


@pytest.mark.parametrize("what", ["make/", "approve/", "drop/", "retry/", "archive.zip"])
def test_nothing_happens_by_following_a_link(client, officer, request_, what):
    client.force_login(officer)
    assert client.get(url(what, request_.pk)).status_code == 405


def test_a_package_that_cannot_be_read_says_so(client, officer, request_):
    client.force_login(officer)
    package = build(request_)
    keys.destroy_keys("package", [package.key_id])
    response = client.post(url("archive.zip", package.pk), follow=True)
    assert "cannot be read" in response.content.decode()
    assert not AccessLogEntry.objects.filter(of="dsar.Package").exists()


def test_a_request_without_a_customer_or_for_something_else_says_why_there_is_no_package(client, officer):
    client.force_login(officer)
    unknown, erasure = factories.make_request(officer), factories.make_request(officer, type="erasure")
    assert "names no customer" in client.get(url("preview/", unknown.pk)).content.decode()
    assert "names no customer" in client.post(url("make/", unknown.pk), follow=True).content.decode()
    assert "No package for this kind of request" in client.get(url("", erasure.pk)).content.decode()


def test_a_failed_package_shows_why_and_can_be_tried_again(client, officer, request_):
    client.force_login(officer)
    package = states.ask(request_.pk, user=officer, now=NOW)
    Package.objects.update(state="failed", problem="The file store broke off.", attempts=3)
    for page in (url("", request_.pk), url("summary/", request_.pk)):
        assert "The file store broke off." in client.get(page).content.decode()
    assert f"The package for {request_.reference} could not be made." in client.get("/admin/").content.decode()
    client.post(url("retry/", package.pk))
    package.refresh_from_db()
    assert (package.state, package.attempts) == ("waiting", 0)
