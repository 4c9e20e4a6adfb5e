"""Restriction and objection really stop the use: seen before, and afterwards in no list, page, search, export or form."""

import datetime as dt

import pytest
from django.contrib.admin import site
from django.urls import NoReverseMatch, reverse

from accounts.models import Person, Restriction, Workspace
from accounts.verdicts import Goes, data_map
from dsar.letters import sending
from dsar.mail.taking import find_person
from dsar.models import Ticket
from dsar.packages.subject import Subject
from dsar.rights import UnableToCarryOut
from retention.models import Hold
from retention.purge import carry_out as purge
from retention.visibility import on_pages
from tests import factories
from tests.dsar.rights import carry_out, show
from tests.factories import DAY, NOW
from tests.retention.test_children import family, ids_of_child  # noqa: F401  (a workspace that two people share)
from tests.retention.test_expiry import ids_of

pytestmark = pytest.mark.django_db
TOKEN = "Quetzalcoatl"
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def alone():
    """The workspace of one person, both with a name to look for."""
    workspace = factories.make_customer(expires_at=NOW + 300 * DAY)
    Workspace.objects.filter(pk=workspace.pk).update(name=TOKEN)
    Person.objects.filter(memberships__workspace=workspace).update(name=TOKEN, email="quetzal@example.test")
    return workspace


def asked_by(person: Person, officer, type="restriction", **fields):
    request = factories.make_request(officer, type=type, person=person, requester_name="", **fields)
    factories.prove_identity(request, officer)
    request.refresh_from_db()
    return request


def rows_on_pages() -> dict[str, set]:
    """Return the ids of the rows that pages, searches and exports may show, by model."""
    entries = [entry for entry in data_map().values() if entry.goes is not Goes.KEEP]
    return {
        entry.model: set(on_pages(entry.model_class._default_manager.all()).values_list("pk", flat=True))
        for entry in entries
    }


def gone(before: dict[str, set], after: dict[str, set]) -> dict[str, set]:
    return {model: ids - after[model] for model, ids in before.items() if ids - after[model]}


def lists_with_the_token(client, officer) -> set[str]:
    """Return the addresses of lists, searches and exports of the admin in which the token stands."""
    client.force_login(officer)
    found = set()
    for model, page in site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses = [reverse(f"{name}_changelist")]
        if page.search_fields:
            addresses.append(f"{addresses[0]}?q=quetzal")
        try:
            addresses.append(reverse(f"{name}_export"))
        except NoReverseMatch:
            pass
        for address in addresses:
            response = client.get(address)
            if response.status_code == 200 and TOKEN in response.content.decode(errors="replace"):
                found.add(address)
    return found


def told_of_lifting(request, officer, *, at):
    draft = sending.Draft(kind="lifting", language="en", way="post", particulars="The address was corrected.")
    return sending.send(request.pk, draft, base_url="https://portal.example", user=officer, now=at)


def test_everything_of_a_workspace_of_their_own_leaves_the_pages_and_comes_back_when_it_is_lifted(alone, officer):
    factories.make_customer(expires_at=NOW + 300 * DAY)
    request = asked_by(alone.memberships.get().person, officer)
    before = rows_on_pages()
    expected = {model: ids for model, ids in ids_of(alone).items() if model != "files"} | {
        "accounts.Workspace": {alone.pk}
    }
    shown = show(request, "restriction")
    assert {"recordings", "consents", "tickets"} & {line.what for line in shown.lines}
    carry_out(request, "restriction", officer)
    assert gone(before, rows_on_pages()) == expected
    assert request.state == "approved"
    told_of_lifting(request, officer, at=NOW)
    carry_out(request, "restriction", officer, now=NOW + 7 * DAY)
    assert gone(before, rows_on_pages()) == {}
    assert Restriction.objects.get().ended_by


def test_of_a_shared_workspace_only_what_is_theirs_leaves_the_pages(family, officer):  # noqa: F811
    request = asked_by(Person.objects.get(outside_id="P-child"), officer)
    before = rows_on_pages()
    expected = {model: ids for model, ids in ids_of_child(family).items() if model != "files"}
    carry_out(request, "restriction", officer)
    assert gone(before, rows_on_pages()) == expected


def test_no_list_search_or_export_of_the_portal_shows_them(client, alone, officer):
    person = alone.memberships.get().person
    request = asked_by(person, officer)
    before = lists_with_the_token(client, officer)
    assert {"/admin/accounts/person/", "/admin/accounts/person/?q=quetzal", "/admin/accounts/workspace/"} <= before
    carry_out(request, "restriction", officer)
    queue = {reverse("admin:dsar_subjectrequest_changelist")}
    assert {address.split("?")[0] for address in lists_with_the_token(client, officer)} == queue, "their own request"
    for name, row in (("person", person), ("workspace", alone)):
        assert client.get(reverse(f"admin:accounts_{name}_change", args=[row.pk])).status_code == 404
    assert client.get(reverse("retention:record", args=["accounts.Person", person.pk])).status_code == 404
    page = client.get(reverse("admin:dsar_subjectrequest_change", args=[request.pk])).content.decode()
    assert TOKEN in page and f"/admin/accounts/person/{person.pk}/" not in page and "restricted" in page


def test_their_own_requests_and_mails_go_on(alone, officer):
    person = alone.memberships.get().person
    carry_out(asked_by(person, officer), "restriction", officer)
    access = asked_by(person, officer, type="access")
    rows = [row for category in Subject.of(access, as_of=NOW).places for row in [category.workspace]]
    assert rows == [alone]
    assert find_person("quetzal@example.test")[0] == person
    ticket = factories.make_ticket(alone, person)
    Ticket.objects.filter(pk=ticket.pk).update(opened_at=NOW + SECOND)
    assert list(on_pages(Ticket.objects.filter(person=person))) == [ticket], "what they write afterwards is answered"


@pytest.mark.parametrize(("ground", "stays"), [("accuracy", False), ("unlawful", True), ("claims", True)])
def test_asked_for_instead_of_erasure_it_keeps_like_a_hold_until_it_is_lifted(alone, officer, ground, stays):
    factories.arm()
    request = asked_by(alone.memberships.get().person, officer)
    carry_out(request, "restriction", officer, ground=ground)
    assert Hold.objects.filter(request_id=request.pk, lifted_at__isnull=True).exists() is stays
    after = NOW + 301 * DAY
    purge(after, now=after)
    assert Person.objects.filter(name=TOKEN).exists() is stays
    if stays:
        told_of_lifting(request, officer, at=after)
        carry_out(request, "restriction", officer, now=after + 8 * DAY)
        for _ in range(2):
            purge(after + 8 * DAY, now=after + 8 * DAY)
        assert not Person.objects.filter(name=TOKEN).exists()


def test_it_is_lifted_only_a_week_after_the_person_was_told_and_by_two(alone, officer):
    request = asked_by(alone.memberships.get().person, officer)
    carry_out(request, "restriction", officer)
    with pytest.raises(UnableToCarryOut, match="Tell the person first"):
        carry_out(request, "restriction", officer)
    told_of_lifting(request, officer, at=NOW)
    with pytest.raises(UnableToCarryOut, match="can be lifted from"):
        carry_out(request, "restriction", officer, now=NOW + 7 * DAY - SECOND)
    assert show(request, "restriction", now=NOW + 7 * DAY).needs_second
    decision = carry_out(request, "restriction", officer, now=NOW + 7 * DAY)
    assert decision.confirmed_by and decision.confirmed_by != officer
    assert Restriction.objects.get().ended_at == NOW + 7 * DAY
