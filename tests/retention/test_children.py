"""A child's data goes, all of it and nobody else's, when two officers have agreed (mission P9; policy § 8)."""

import datetime as dt

import pytest
import tablib
from django.utils import timezone

from accounts import approvals, files, keys
from accounts.models import Approval, ChildFinding, EvidenceEntry, Person, Workspace
from accounts.resources import PersonResource
from dsar.models import Attachment, OutgoingMail, TicketMessage
from retention import children
from retention.conformance import conformance
from retention.holds import place_hold
from retention.models import ErasedPerson
from retention.purge import carry_out
from telecom_records.models import CallDetailRecord
from tests import factories
from tests.accounts.test_feeds import Sender
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost
from tests.retention.test_expiry import ids_of, tables_with

pytestmark = pytest.mark.django_db
SECOND, HOUR = dt.timedelta(seconds=1), dt.timedelta(hours=1)
NUMBER, OTHERS = "+442079460161", "+442079460162"


@pytest.fixture(autouse=True)
def armed():
    factories.arm()


def found(person: Person, **fields) -> ChildFinding:
    return children.record(
        person,
        user=factories.make_user(),
        now=NOW,
        **{"found_at": NOW - HOUR, "how": "staff", "authority": "not_needed", **fields},
    )


def agreed(finding: ChildFinding, *, at=NOW) -> Approval:
    asked = children.ask_to_remove(finding, user=factories.make_user(), now=at)
    return approvals.decide(asked.pk, user=factories.make_user(), agree=True, now=at)


@pytest.fixture
def family() -> Workspace:
    """A workspace with a parent, who is to lose nothing, and a child with rows of every kind."""
    workspace = factories.make_customer(expires_at=NOW + 300 * DAY)
    child = factories.make_person(workspace, outside_id="P-child", name="Zyzzyva")
    parent = Person.objects.get(memberships__workspace=workspace, name__startswith="Person")
    factories.make_kyc(child, workspace)
    factories.make_kyc(child)
    factories.make_consent(child)
    factories.make_correspondence(factories.make_ticket(workspace, child))
    factories.make_usage(workspace, child)
    factories.make_usage(workspace)
    ours, theirs = factories.make_number(NUMBER), factories.make_number(OTHERS)
    factories.make_assignment(workspace, ours, since=NOW - 30 * DAY, until=NOW - 5 * DAY, person=child)
    factories.make_assignment(workspace, ours, since=NOW - 5 * DAY, person=parent)
    factories.make_assignment(workspace, theirs, person=parent)
    for at in (NOW - 30 * DAY, NOW - 5 * DAY - SECOND):  # the first and the last of the child's
        factories.make_calls(workspace, at=at, own_number=NUMBER)
    for own, at in ((NUMBER, NOW - 30 * DAY - SECOND), (NUMBER, NOW - 5 * DAY), (OTHERS, NOW - 10 * DAY)):
        factories.make_calls(workspace, at=at, own_number=own)
    for own in (NUMBER, OTHERS):
        made = factories.make_recording(workspace)
        workspace.recordings.filter(pk=made.pk).update(own_number=own, started_at=NOW - 10 * DAY)
        made = factories.make_message(workspace, at=NOW - 10 * DAY)
        workspace.sms_records.filter(pk=made.pk).update(own_number=own)
    return workspace


def child_of(workspace: Workspace) -> Person:
    return Person.objects.get(outside_id="P-child")


def ids_of_child(workspace: Workspace) -> dict[str, set]:
    """Return everything of the child, found by hand."""
    child = child_of(workspace)
    on_number = {"own_number": NUMBER, "started_at__gte": NOW - 30 * DAY, "started_at__lt": NOW - 5 * DAY}
    recordings = workspace.recordings.filter(**on_number)
    rows = {
        "accounts.Person": [child],
        "accounts.Membership": child.memberships.all(),
        "accounts.KycDocument": child.kyc_documents.all(),
        "accounts.Consent": child.consents.all(),
        "dsar.Ticket": child.tickets.all(),
        "dsar.TicketMessage": TicketMessage.objects.filter(ticket__person=child),
        "dsar.Attachment": Attachment.objects.filter(message__ticket__person=child),
        "dsar.OutgoingMail": OutgoingMail.objects.filter(ticket__person=child),
        "telecom_records.UsageRecord": child.usage_records.all(),
        "telecom_records.CallDetailRecord": workspace.call_records.filter(**on_number),
        "telecom_records.SmsRecord": workspace.sms_records.filter(own_number=NUMBER),
        "telecom_records.Recording": recordings,
    }
    ids = {model: {row.pk for row in found} for model, found in rows.items()}
    ids["files"] = {row.file_key for row in [*child.kyc_documents.all(), *recordings, *rows["dsar.Attachment"]]}
    return ids


def test_everything_of_the_child_goes_and_nothing_of_anybody_else(family):
    bystander = factories.make_customer(expires_at=NOW + 300 * DAY)
    agreed(found(child_of(family)))
    expected, before = ids_of_child(family), everything()
    assert all(expected.values()), "the child must have something of every kind, or this test proves nothing"
    (job,) = carry_out(NOW, now=NOW)
    assert (job.state, job.rule_id, job.stopped_because) == ("done", "childs_data", "")
    assert lost(before, everything()) == expected
    assert {label: len(ids) for label, ids in expected.items()} == job.destroyed
    assert family.number_assignments.get(number__e164=NUMBER, window__endswith=NOW - 5 * DAY).person is None
    finding = ChildFinding.objects.get()
    assert (finding.person, finding.state) == (None, "Removed")
    assert bystander.call_records.count() == 4
    assert all(line.is_kept for line in conformance(NOW + HOUR) if line.rule == "childs_data")


def test_the_childs_key_is_destroyed_and_the_workspaces_is_not(family):
    child = child_of(family)
    document = child.kyc_documents.first()
    assert files.read_encrypted(document.file_key)
    agreed(found(child))
    carry_out(NOW, now=NOW)
    with pytest.raises(keys.KeyDestroyed):
        keys.identity_of("person", child.pk)
    keys.identity_of("workspace", family.pk)


def test_nothing_of_the_child_is_found_anywhere_afterwards(family):
    agreed(found(child_of(family)))
    assert "accounts_person" in tables_with("Zyzzyva")
    carry_out(NOW, now=NOW)
    assert tables_with("Zyzzyva") == tables_with("P-child") == []


def test_a_workspace_that_only_the_child_has_goes_whole_whatever_its_subscription_says():
    alone = factories.make_customer(expires_at=NOW + 300 * DAY)
    shared = factories.make_customer(expires_at=NOW + 300 * DAY)
    child = alone.memberships.get().person
    shared.memberships.create(person=child, since=NOW)
    agreed(found(child))
    expected = ids_of(alone)
    expected["accounts.Membership"] |= set(child.memberships.values_list("pk", flat=True))
    before = everything()
    for _ in range(2):  # the rows wait for the workspace, which the child is in too
        carry_out(NOW, now=NOW)
    assert lost(before, everything()) == expected
    states = Workspace.objects.order_by("pk").values_list("pk", "state")
    assert dict(states) == {alone.pk: "emptied", shared.pk: "active"}
    assert ChildFinding.objects.get().state == "Removed"


def test_a_child_in_no_workspace_goes_too():
    child = factories.make_person()
    consent = factories.make_consent(child)
    agreed(found(child))
    before = everything()
    carry_out(NOW, now=NOW)
    assert lost(before, everything()) == {"accounts.Person": {child.pk}, "accounts.Consent": {consent.pk}}


def test_a_request_about_the_child_stays_in_the_register_and_loses_its_link(family):
    officer = factories.make_user()
    request = factories.make_request(officer, type="erasure", person=child_of(family), requester_name="A parent")
    agreed(found(child_of(family), how="parent", authority="call_back"))
    carry_out(NOW, now=NOW)
    request.refresh_from_db()
    assert (request.person, request.requester_name) == (None, "A parent")


@pytest.mark.parametrize("why", ["not confirmed", "dropped", "refused", "held", "observing"])
def test_the_child_stays_when(family, why):
    finding = found(child_of(family))
    if why == "dropped":
        children.drop(finding.pk, user=factories.make_user(), now=NOW)
    elif why == "refused":
        asked = children.ask_to_remove(finding, user=factories.make_user(), now=NOW)
        approvals.decide(asked.pk, user=factories.make_user(), agree=False, now=NOW)
    elif why in ("held", "observing"):
        agreed(finding)
    if why == "held":
        officer = factories.make_user()
        place_hold(
            workspace=family,
            reason="Dispute",
            authority="Order",
            owner=officer,
            review_on=NOW.date(),
            user=officer,
            now=NOW,
        )
    elif why == "observing":
        from retention.models import Rule

        Rule.objects.filter(pk="childs_data").update(state="observing")
    before = everything()
    carry_out(NOW, now=NOW)
    assert lost(before, everything()) == {}
    assert why in ("dropped",) or children.what_stops_it(ChildFinding.objects.get()) != ""


def test_a_late_feed_does_not_stop_it():
    alone = factories.make_customer(expires_at=NOW + 300 * DAY)
    factories.make_feed()
    agreed(found(alone.memberships.get().person))
    carry_out(NOW, now=NOW)
    alone.refresh_from_db()
    assert alone.state == "emptied" and not Person.objects.exists()


def test_no_file_and_no_feed_brings_the_child_back_into_any_workspace(family, client):
    finding = found(child_of(family))
    agreed(finding)
    carry_out(NOW, now=NOW)
    assert ErasedPerson.objects.get().for_good
    text = f"outside_id,name,workspaces\nP-child,Zyzzyva,{family}\n"
    result = PersonResource().import_data(tablib.Dataset().load(text, format="csv"), raise_errors=False)
    assert "does not return" in str(result.invalid_rows[0].error if result.invalid_rows else result.row_errors())
    item = {"outside_id": "P-child", "name": "Zyzzyva", "workspaces": [str(family)]}
    answer = Sender(client, factories.make_feed()).send(people=[item])
    assert answer.json()["ignored"] == [{"item": "people/0", "why": "erased"}]
    assert tables_with("Zyzzyva") == []


# Four eyes, words, deadline


def test_it_takes_two_officers_and_the_request_says_what_goes_in_numbers(family):
    finding = found(child_of(family))
    first, second = factories.make_user(), factories.make_user()
    asked = children.ask_to_remove(finding, user=first, now=NOW)
    expected = sum(len(ids) for ids in ids_of_child(family).values())
    assert f"{expected} rows" in asked.summary
    assert ChildFinding.objects.get().confirmed_at is None, "the preview is rolled back"
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(asked.pk, user=first, agree=True, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    entry = EvidenceEntry.objects.get(type="CHILD_CONFIRMED")
    assert entry.body == {"whole": [], "by": [first.pk, second.pk]}


def test_a_workspace_that_becomes_shared_meanwhile_voids_the_request():
    alone = factories.make_customer(expires_at=NOW + 300 * DAY)
    finding = found(alone.memberships.get().person)
    asked = children.ask_to_remove(finding, user=factories.make_user(), now=NOW)
    factories.make_person(alone)
    with pytest.raises(approvals.UnableToApprove, match="has changed"):
        approvals.decide(asked.pk, user=factories.make_user(), agree=True, now=NOW)
    assert Workspace.objects.get().goes_at is None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"found_at": NOW + SECOND}, "future"),
        ({"how": "parent"}, "authority of the parent"),
    ],
)
def test_a_finding_that_cannot_be_is_refused(fields, says):
    person = factories.make_person()
    with pytest.raises(children.UnableToRecord, match=says):
        found(person, **fields)
    found(person)
    with pytest.raises(children.UnableToRecord, match="already"):
        found(person)


@pytest.mark.parametrize(
    ("age", "alarms"), [(48 * HOUR - SECOND, False), (48 * HOUR, True), (72 * HOUR, True), (100 * HOUR, True)]
)
def test_the_alarm_comes_a_day_before_the_72_hours_are_over(age, alarms):
    finding = found(factories.make_person(), found_at=NOW - age)
    assert ([one for one, _ in children.late_findings(NOW)] == [finding]) is alarms
    children.drop(finding.pk, user=factories.make_user(), now=NOW)
    assert children.late_findings(NOW) == []


def test_every_page_says_it_and_the_officer_goes_the_whole_way_by_the_pages(client):
    person = factories.make_person(factories.make_workspace())
    first, second = factories.make_user(), factories.make_user()
    client.force_login(first)
    assert "This is a child" in client.get(f"/admin/accounts/person/{person.pk}/change/").content.decode()
    day, time = timezone.localtime(timezone.now() - 71 * HOUR).strftime("%Y-%m-%d %H:%M:%S").split()
    data = {
        "person": str(person.pk),
        "found_at_0": day,
        "found_at_1": time,
        "how": "document",
        "authority": "not_needed",
    }
    assert client.post("/admin/accounts/childfinding/add/", data).status_code == 302
    finding = ChildFinding.objects.get()
    html = client.get("/admin/").content.decode()
    assert "A child’s data must be gone by" in html and "No officer has asked to remove it." in html
    page = f"/admin/accounts/childfinding/{finding.pk}/change/"
    assert "nobody else is in it" in client.get(page).content.decode()
    client.post(f"/admin/accounts/childfinding/{finding.pk}/ask_to_remove/", {"_form_submitted": "True"})
    assert "It waits for a second officer." in client.get("/admin/").content.decode()
    client.force_login(second)
    client.post(f"/admin/accounts/approval/{Approval.objects.get().pk}/approve/", {"_form_submitted": "True"})
    now = timezone.now() + SECOND
    carry_out(now, now=now)
    assert not Person.objects.exists()
    html = client.get(page).content.decode()
    assert "The person is gone" in html and "Removed" in html
    assert CallDetailRecord.objects.count() == 0
