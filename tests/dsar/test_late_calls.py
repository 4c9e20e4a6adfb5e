"""Calls that an import brings behind a package's back: whoever reviews it is told, and decides."""

import pytest

from dsar.packages import late
from telecom_records.imports import import_file, source_for
from telecom_records.models import ImportRun
from tests import factories
from tests.factories import DAY, NOW
from tests.telecom_records.test_imports import HEADER, OTHERS, OURS, THEIRS, line

pytestmark = pytest.mark.django_db
LATER = NOW + DAY


@pytest.fixture
def package(monkeypatch):
    alice, bob = factories.make_customer(expires_at=NOW + 30 * DAY), factories.make_customer(expires_at=NOW + 30 * DAY)
    factories.make_assignment(alice, factories.make_number(OURS))
    factories.make_assignment(bob, factories.make_number(OTHERS))
    request = factories.make_request(factories.make_user(), person=alice.memberships.get().person)
    return factories.make_package(request, state="sealed")


def load(tmp_path, *rows: str) -> ImportRun:
    (tmp_path / "calls.csv").write_text(HEADER + "".join(rows))
    return import_file(tmp_path / "calls.csv", source=source_for("switch"), now=LATER)


def test_only_this_persons_calls_that_came_since_are_told(package, tmp_path):
    run = load(tmp_path, line("a", OURS, THEIRS), line("b", OURS, THEIRS), line("c", OTHERS, THEIRS))
    assert run.inserted == 3 and late.came_since(package, now=LATER) == 2
    package.as_of = LATER + DAY
    assert late.came_since(package, now=LATER) == 0


def test_what_an_undone_import_brought_is_not_told(package, tmp_path):
    run = load(tmp_path, line("a", OURS, THEIRS))
    ImportRun.objects.filter(pk=run.pk).update(undone_at=LATER)
    assert late.came_since(package, now=LATER) == 0


def test_the_page_says_so_where_a_package_waits_for_its_review_and_no_longer_when_it_is_approved(
    package, tmp_path, client
):
    client.force_login(factories.make_user())
    page = f"/admin/packages/{package.request_id}/"
    assert "came in by imports since" not in client.get(page).content.decode()
    load(tmp_path, line("a", OURS, THEIRS))
    assert "1 call or message of this person came in by imports since" in client.get(page).content.decode()
    type(package).objects.update(state="approved")
    assert "came in by imports since" not in client.get(page).content.decode()
