"""Who may open what: every page of the admin for every role, asked of the server and not of the menu."""

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts.roles import AUDITOR, PRIVACY_OFFICER, ROLES, SECURITY_ADMINISTRATOR, SUPPORT_AGENT
from callmama_privacy.navigation import ENTRIES
from telecom_records.models import Number
from tests import factories
from tests.factories import DAY, NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("facts_remembered")]
CUSTOM = {
    "/admin/dsar/subjectrequest/bulk/": {PRIVACY_OFFICER},
    "/admin/retention/console/": {PRIVACY_OFFICER, AUDITOR},
    "/admin/retention/restore/": {PRIVACY_OFFICER, SECURITY_ADMINISTRATOR},
    "/admin/retention/due/": {PRIVACY_OFFICER, AUDITOR},
    "/admin/retention/conformance/": {PRIVACY_OFFICER, AUDITOR},
    "/admin/retention/reviews/": {PRIVACY_OFFICER, AUDITOR},
    "/admin/retention/reviews/workspace_expiry/": {PRIVACY_OFFICER, AUDITOR},
    "/admin/retention/schedule/": {PRIVACY_OFFICER, AUDITOR, SECURITY_ADMINISTRATOR},
    "/admin/retention/schedule.csv": {PRIVACY_OFFICER, AUDITOR, SECURITY_ADMINISTRATOR},
    "/admin/retention/rules/closed_ticket/period/": {PRIVACY_OFFICER},
    "/admin/calls/import/": {PRIVACY_OFFICER},
    "/admin/retention/evidence/": {PRIVACY_OFFICER, AUDITOR},
    "/admin/retention/evidence/verify_evidence.py": {PRIVACY_OFFICER, AUDITOR},
    "/admin/calls/figures/": {PRIVACY_OFFICER, AUDITOR},
    "/admin/calls/figures.csv": {PRIVACY_OFFICER, AUDITOR},
}


@pytest.fixture(params=list(ROLES))
def role(request):
    return request.param


@pytest.fixture
def signed_in(client, role):
    client.force_login(factories.make_user(role))
    return client


@pytest.fixture
def rows():
    workspace = factories.make_customer(expires_at=NOW + 400 * DAY)
    officer = factories.make_user(email="somebody@example.test")
    factories.make_request(officer, workspace=workspace)
    factories.make_tool_session()
    factories.make_notice()
    return workspace


def allowed(role: str, verb: str, model) -> bool:
    return f"{model._meta.app_label}.{verb}_{model._meta.model_name}" in ROLES[role]


def test_each_page_opens_for_the_roles_that_may_and_for_no_other(signed_in, role, rows):
    wrong = []
    for model, model_admin in site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        may_view = allowed(role, "view", model)
        pages = {reverse(f"{name}_changelist"): may_view}
        pages[reverse(f"{name}_add")] = (
            allowed(role, "add", model) and model_admin.has_add_permission.__qualname__.split(".")[0] != "ReadOnlyAdmin"
        )
        row = model._default_manager.first()
        if row is not None:
            pages[reverse(f"{name}_change", args=[row.pk])] = may_view
            pages[reverse(f"{name}_history", args=[row.pk])] = may_view
            pages[reverse(f"{name}_delete", args=[row.pk])] = False
        for url, may in pages.items():
            status = signed_in.get(url).status_code
            if (status == 200) is not may or status not in (200, 403):
                wrong.append((url, may, status))
    for url, roles in CUSTOM.items():
        if (signed_in.get(url).status_code == 200) is not (role in roles):
            wrong.append((url, role in roles, "custom"))
    assert wrong == []


def test_the_menu_shows_what_opens_and_nothing_else(signed_in, role):
    html = signed_in.get("/admin/").content.decode()
    for _, entries in ENTRIES:
        for title, _, url, permission, _ in entries:
            if permission:
                assert (f'href="{reverse(url)}"' in html) is (permission in ROLES[role]), title


def test_every_entry_of_the_menu_opens(signed_in, role):
    for _, entries in ENTRIES:
        for title, _, url, permission, _ in entries:
            if not permission or permission in ROLES[role]:
                assert signed_in.get(reverse(url)).status_code == 200, title


def test_a_role_can_post_only_where_it_may_change(signed_in, role, rows):
    for model in site._registry:
        if allowed(role, "change", model) or allowed(role, "add", model):
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert signed_in.post(reverse(f"{name}_add"), {}).status_code == 403, model._meta.label
        row = model._default_manager.first()
        if row is not None:
            assert signed_in.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code in (403,), model._meta.label


def test_nobody_who_is_not_signed_in_sees_anything(client, rows):
    for model in site._registry:
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        response = client.get(url)
        assert (response.status_code, response["Location"].split("?")[0]) == (302, "/admin/login/")
    for url in CUSTOM:
        assert client.get(url).status_code in (302, 403)


def test_somebody_without_a_role_sees_an_empty_portal(client):
    client.force_login(factories.make_user(None))
    assert "You have no role yet" in client.get("/admin/").content.decode()
    assert client.get("/admin/accounts/person/").status_code == 403


@pytest.mark.parametrize("role", [SUPPORT_AGENT, AUDITOR], indirect=True)
def test_clear_values_are_not_sent_to_those_who_see_masked_ones(signed_in, role, rows):
    person = rows.memberships.get().person
    number = rows.number_assignments.first().number
    assert isinstance(number, Number)
    for model, row in [("person", person), ("workspace", rows)]:
        if f"accounts.view_{model}" in ROLES[role]:
            for url in (
                f"/admin/accounts/{model}/",
                f"/admin/accounts/{model}/{row.pk}/change/",
                f"/admin/accounts/{model}/{row.pk}/history/",
            ):
                html = signed_in.get(url).content.decode()
                assert person.phone not in html, url
                assert person.email not in html, url
    for url in (
        f"/admin/telecom_records/number/{number.pk}/change/",
        "/admin/telecom_records/number/",
        "/admin/telecom_records/numberassignment/",
    ):
        assert number.e164 not in signed_in.get(url).content.decode(), url


def test_an_officer_sees_them_in_clear(client, rows):
    client.force_login(factories.make_user(PRIVACY_OFFICER))
    person = rows.memberships.get().person
    assert person.phone in client.get(f"/admin/accounts/person/{person.pk}/change/").content.decode()


def test_an_agent_finds_a_customer_by_the_whole_number_but_not_by_a_part_of_the_name(client):
    client.force_login(factories.make_user(SUPPORT_AGENT))
    person = factories.make_person(name="Edwina Marsh")
    found = client.get("/admin/accounts/person/", {"q": person.phone}).content.decode()
    assert "Edwina Marsh" in found
    assert "Edwina Marsh" not in client.get("/admin/accounts/person/", {"q": "Edwin"}).content.decode()


def test_the_groups_follow_the_list_of_roles():
    for role, permissions in ROLES.items():
        group = Group.objects.get(name=role)
        assert {
            f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.select_related("content_type")
        } == set(permissions)


def test_no_role_can_both_approve_and_administer_staff():
    assert not set(ROLES[SECURITY_ADMINISTRATOR]) & {
        "retention.arm_rule",
        "retention.lift_hold",
        "accounts.view_clear_values",
    }
    assert "accounts.change_user" not in ROLES[PRIVACY_OFFICER]


@pytest.mark.parametrize("wrong", ["None", "0", "x" * 400, "00000000-0000-0000-0000-000000000000", "1_27or1"])
def test_an_address_of_nothing_is_told_and_is_no_fault(client, wrong):
    client.force_login(factories.make_user(PRIVACY_OFFICER))
    for model in site._registry:
        name = f"{model._meta.app_label}.view_{model._meta.model_name}"
        if name in ROLES[PRIVACY_OFFICER]:
            url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[wrong])
            assert client.get(url).status_code in (302, 404), url


def test_the_page_of_a_person_tells_where_they_are_a_customer_and_what_they_asked(client, rows):
    officer = factories.make_user(PRIVACY_OFFICER)
    person = rows.memberships.get().person
    asked = factories.make_request(officer, type="erasure", person=person)
    client.force_login(officer)
    html = client.get(f"/admin/accounts/person/{person.pk}/change/").content.decode()
    assert str(rows) in html and "but a hold keeps it" in html  # the open access request that the fixture made
    assert asked.reference in html and f"?person={person.pk}" in html
    client.force_login(factories.make_user(AUDITOR))
    html = client.get(f"/admin/accounts/person/{person.pk}/change/").content.decode()
    assert f"?person={person.pk}" not in html
