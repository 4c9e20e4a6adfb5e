"""What is past its time is on no page of customers and records: seen before, not after, by walking every page."""

import datetime as dt
import json

import pytest
from django.contrib.admin import site
from django.db import models
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Person, Subscription, Workspace
from accounts.verdicts import Goes, data_map
from retention import jobs, stops, tasks, visibility
from retention.models import DeletionRun, EngineStop, Rule
from telecom_records.models import FreeToolSession, Recording
from tests import factories
from tests.factories import DAY

pytestmark = pytest.mark.django_db
TOKEN = "Quetzalcoatl"
PLANTED = f"{TOKEN} Xiuhtecuhtli"  # a part of it is what is searched for
PHONE = "+447700900777"
HOUR = dt.timedelta(hours=1)
# Pages of retention and evidence show opaque ids and counts on purpose, never contents: the token is not in them either.


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def officer(client):
    officer = factories.make_user()
    client.force_login(officer)
    return officer


@pytest.fixture
def customer(now, officer):
    """A workspace with the token in every text of every row, and everything else as a customer has it."""
    factories.arm("workspace_expiry")
    workspace = factories.make_customer(expires_at=now + 100 * DAY)
    plant_token(workspace)
    factories.make_request(officer, person=workspace.memberships.get().person, workspace=workspace)
    return workspace


def plant_token(workspace: Workspace) -> None:
    person = workspace.memberships.get().person
    for entry in data_map().values():
        if entry.goes is Goes.KEEP:
            continue
        rows = rows_of(entry, workspace, person)
        for field in entry.model_class._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField) and not field.choices and not field.unique:
                if field.name in ("phone", "own_number", "other_party"):
                    rows.update(**{field.name: PHONE})
                elif (field.max_length or 200) >= len(PLANTED) and not set(field.name.split("_")) & {
                    "key", "zone", "country", "reference", "type", "status", "processor", "region", "explanation",
                }:  # fmt: skip
                    value = f"{PLANTED.replace(' ', '.')}@example.test" if field.name == "email" else PLANTED
                    if rows.exists() and field.name not in ("tool", "channel"):
                        rows.update(**{field.name: value})


def rows_of(entry, workspace, person):
    manager = entry.model_class._default_manager
    if entry.workspace:
        return manager.filter(**{entry.workspace: workspace.pk})
    if entry.last_of:
        return manager.filter(**{f"{entry.last_of}__workspace": workspace.pk})
    return manager.filter(**{entry.person: person.pk}) if entry.person else manager.none()


def pages(client, workspace) -> dict[str, str]:
    """Return the text of every page that may show something of this workspace, by its address."""
    person_id = Membership.objects.get(workspace=workspace).person_id
    urls = ["/admin/", "/admin/retention/due/", "/admin/retention/console/", "/admin/retention/conformance/"]
    for model in site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        listing = reverse(f"{name}_changelist")
        urls.append(listing)
        entry = data_map().get(model._meta.label)
        if entry and entry.goes is not Goes.KEEP:
            urls += [f"{listing}?q={TOKEN}", f"{listing}?q={PHONE}"]
            row = rows_of(entry, workspace, Person.objects.get(pk=person_id)).first()
            if row is not None:
                urls += [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history")]
        for field in site._registry[model].autocomplete_fields or []:
            urls.append(
                f"{reverse('admin:autocomplete')}?app_label={model._meta.app_label}&model_name={model._meta.model_name}"
                f"&field_name={field}&term={TOKEN}"
            )
    urls.append(reverse("admin:dsar_subjectrequest_add") + f"?person={person_id}")
    return {url: client.get(url).content.decode() for url in dict.fromkeys(urls)}


def seen_in(found: dict[str, str]) -> set[str]:
    """Return the addresses of the pages on which the token is; a search repeats what was searched for."""
    return {
        url
        for url, text in found.items()
        if PLANTED.split()[1] in text
        or (PHONE in text and f"q={PHONE}" not in url)
        or (f"q={PHONE}" in url and "/change/" in rows_in(text))
    }


def rows_in(text: str) -> str:
    return text.partition("<tbody")[2].rpartition("</tbody>")[0]


def exported(client, model: str) -> str:
    url = f"/admin/accounts/{model}/export/"
    form = client.get(url).context["form"]
    boxes = {name: "on" for name in form.fields if name.startswith(f"{model}resource_")}
    return client.post(url, {"format": "0", "resource": "", **boxes}).content.decode()


def test_every_page_shows_it_before_and_no_page_after(client, customer, now):
    pages_before = pages(client, customer)
    before = seen_in(pages_before)
    for expected in (
        "/admin/accounts/workspace/", "/admin/accounts/person/", "/admin/dsar/ticket/", "/admin/dsar/subjectrequest/",
        f"/admin/accounts/workspace/{customer.pk}/change/", f"/admin/telecom_records/calldetailrecord/?q={PHONE}",
    ):  # fmt: skip
        assert expected in before, expected
    assert len(before) > 15
    assert PLANTED in exported(client, "workspace") and PLANTED in exported(client, "person")
    Subscription.objects.filter(workspace=customer).update(expires_at=now - HOUR)
    jobs.hide(now)
    customer.refresh_from_db()
    assert customer.state == Workspace.State.HIDDEN
    after = pages(client, customer)
    assert after.keys() == pages_before.keys()
    assert seen_in(after) == set()
    assert PLANTED not in exported(client, "workspace") and PLANTED not in exported(client, "person")


@pytest.mark.parametrize("state", [Workspace.State.HIDDEN, Workspace.State.EMPTYING, Workspace.State.REMAINDER])
def test_its_own_pages_are_not_found_in_any_state_before_it_is_empty(client, customer, state):
    person = customer.memberships.get().person
    Workspace.objects.filter(pk=customer.pk).update(state=state)
    for url in (
        f"/admin/accounts/workspace/{customer.pk}/change/",
        f"/admin/accounts/person/{person.pk}/change/",
        f"/admin/accounts/subscription/{customer.subscriptions.get().pk}/change/",
        f"/admin/dsar/ticket/{customer.tickets.get().pk}/change/",
    ):
        assert client.get(url).status_code == 404, url


def test_a_person_who_is_elsewhere_too_stays_without_the_hidden_part(client, customer, now):
    person = customer.memberships.get().person
    other = factories.make_workspace(name="Elsewhere")
    factories.make_subscription(other, expires_at=None)
    Membership.objects.create(workspace=other, person=person)
    Workspace.objects.filter(pk=customer.pk).update(state=Workspace.State.HIDDEN)
    html = client.get(f"/admin/accounts/person/{person.pk}/change/").content.decode()
    assert "Elsewhere" in html and str(customer) not in html


def test_a_renewal_brings_everything_back(client, customer, now):
    def shown() -> dict[str, int]:
        return {
            entry.model: visibility.visible(entry.model_class._default_manager.all()).count()
            for entry in data_map().values()
        }

    before = shown()
    Subscription.objects.filter(workspace=customer).update(expires_at=now - HOUR)
    jobs.hide(now)
    assert shown() != before
    Subscription.objects.filter(workspace=customer).update(expires_at=now + DAY)
    jobs.hide(now)
    assert shown() == before
    assert PLANTED in client.get(f"/admin/accounts/workspace/{customer.pk}/change/").content.decode()


def test_others_lose_nothing(customer, now):
    bob = factories.make_customer(expires_at=now + DAY)
    Workspace.objects.filter(pk=customer.pk).update(state=Workspace.State.HIDDEN)
    for entry in data_map().values():
        if entry.goes is Goes.KEEP or not entry.workspace:
            continue
        rows = entry.model_class._default_manager
        theirs = set(rows.filter(**{entry.workspace: bob.pk}).values_list("pk", flat=True))
        shown = set(visibility.visible(rows.all()).values_list("pk", flat=True))
        assert theirs <= shown, entry.model
        assert shown.isdisjoint(rows.filter(**{entry.workspace: customer.pk}).values_list("pk", flat=True)), entry.model


def test_a_voip_number_is_the_pools_and_stays_while_a_non_voip_one_hides(customer):
    Workspace.objects.filter(pk=customer.pk).update(state=Workspace.State.HIDDEN)
    numbers = [assignment.number for assignment in customer.number_assignments.select_related("number")]
    assert {number.is_voip: visibility.is_visible(number) for number in numbers} == {True: True, False: False}


def test_a_row_past_its_own_clock_hides_only_under_an_armed_rule_and_a_row_without_a_date_stays(client, customer, now):
    old, young = factories.make_tool_session(started_at=now - 2 * HOUR), factories.make_tool_session(started_at=now)
    recording = customer.recordings.get()
    Recording.objects.filter(pk=recording.pk).update(keep_days=None, started_at=now)
    sessions = FreeToolSession.objects.all()
    assert set(visibility.visible(sessions, now=now)) == {old, young}
    factories.arm("free_tool_session", "subscriber_recording")
    assert set(visibility.visible(sessions, now=now)) == {young}
    assert visibility.is_visible(recording)
    Rule.objects.filter(pk="free_tool_session").update(state=Rule.State.OBSERVING)
    assert set(visibility.visible(sessions, now=now)) == {old, young}


def test_an_observing_rule_hides_nothing_and_disarming_shows_again(customer, now):
    Subscription.objects.filter(workspace=customer).update(expires_at=now - HOUR)
    Rule.objects.update(state=Rule.State.OBSERVING)
    jobs.hide(now)
    customer.refresh_from_db()
    assert customer.state == Workspace.State.ACTIVE
    factories.arm("workspace_expiry")
    jobs.hide(now)
    customer.refresh_from_db()
    assert customer.state == Workspace.State.HIDDEN
    Rule.objects.update(state=Rule.State.OBSERVING)
    jobs.hide(now)
    customer.refresh_from_db()
    assert customer.state == Workspace.State.ACTIVE


def test_while_an_officer_has_stopped_everything_what_is_due_is_hidden_all_the_same(customer, officer, now):
    Subscription.objects.filter(workspace=customer).update(expires_at=now - HOUR)
    stops.stop(EngineStop.Kind.OFFICER, reason="Look first", user=officer, now=now)
    tasks.find_due()
    customer.refresh_from_db()
    assert customer.state == Workspace.State.HIDDEN and not DeletionRun.objects.exists()


def test_a_request_of_a_hidden_person_is_worked_on_without_showing_who_it_is(client, customer, now):
    request = customer.requests.get()
    Workspace.objects.filter(pk=customer.pk).update(state=Workspace.State.HIDDEN)
    page = client.get(f"/admin/dsar/subjectrequest/{request.pk}/change/")
    assert page.status_code == 200 and TOKEN not in page.content.decode()
    form = page.context["adminform"].form
    data = {name: value for name, value in form.initial.items() if name in form.fields and value is not None}
    data |= {"received_at_0": "2026-11-20", "received_at_1": "12:00", "note": "Called back"}
    answer = client.post(f"/admin/dsar/subjectrequest/{request.pk}/change/", {**data, "_save": "Save"})
    assert answer.status_code == 302, answer.context["errors"]
    before = request.person_id
    request.refresh_from_db()
    assert (request.note, request.person_id) == ("Called back", before)


def test_a_list_of_records_is_filtered_without_a_join_for_each_row(customer):
    """Of calls, the plan looks the hidden workspaces up once: a hashed set, and no nested loop over the rows."""
    rows = visibility.visible(data_map()["telecom_records.CallDetailRecord"].model_class._default_manager.all())
    plan = json.loads(rows.order_by("-started_at")[:25].explain(format="json"))[0]
    assert "hashed SubPlan" in json.dumps(plan) and "Nested Loop" not in json.dumps(plan)
