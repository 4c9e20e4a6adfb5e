"""An open access or portability request keeps its customer's data until it is over; then deletion goes on by itself."""

import pytest
from django.test import TestCase

from accounts import approvals
from accounts.models import EvidenceEntry, Membership, Person
from dsar.models import SubjectRequest
from dsar.packages import states
from dsar.services import redate_request
from dsar.workflow import move_request
from retention import jobs, purge
from retention.approved_actions import LIFT_HOLD
from retention.models import DeletionJob, Hold
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost

pytestmark = pytest.mark.django_db
State = DeletionJob.State


@pytest.fixture(autouse=True)
def armed():
    factories.arm("workspace_expiry", "withdrawn_consent")


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def alice():
    return factories.make_customer()


def person_of(workspace) -> Person:
    return Person.objects.get(memberships__workspace=workspace)


def carry_out(at=NOW) -> list[DeletionJob]:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return purge.carry_out(at, now=at)


def of(request) -> set:
    active = Hold.objects.filter(request_id=request.pk, lifted_at__isnull=True)
    return set(active.values_list("workspace", "person"))


@pytest.mark.parametrize("type_", ["access", "portability"])
@pytest.mark.parametrize("end", ["approved", "refused", "withdrawn", "expired"])
def test_it_keeps_from_registration_to_the_end_and_deletion_goes_on_by_itself(alice, officer, type_, end):
    request = factories.make_request(officer, type=type_, person=person_of(alice))
    before = everything()
    (job,) = carry_out()
    assert (job.state, lost(before, everything())) == (State.HELD, {})
    assert "open request" in job.stopped_because
    move_request(request.pk, "identity", user=officer, now=NOW)
    if end == "approved":
        factories.bring_to(request, "review", officer)
    carry_out()
    assert lost(before, everything()) == {}
    if end == "refused":
        factories.refuse(request, officer)
    elif end == "approved":
        factories.bring_to(request, end, officer)
    else:
        move_request(request.pk, end, user=officer, now=NOW)
    assert of(request) == set()
    (job,) = carry_out()
    assert job.state == State.DONE
    assert not Person.objects.exists()
    kinds = EvidenceEntry.objects.filter(type__startswith="HOLD_").order_by("sequence").values_list("type", flat=True)
    assert set(kinds) == {"HOLD_BY_REQUEST", "HOLD_ENDED"}


def test_it_covers_the_person_and_every_workspace_they_are_in(alice, officer):
    person, second = person_of(alice), factories.make_workspace()
    Membership.objects.create(workspace=second, person=person, since=NOW - DAY)
    request = factories.make_request(officer, person=person)
    assert of(request) == {(alice.pk, None), (second.pk, None), (None, person.pk)}


def test_of_somebody_without_a_workspace_it_keeps_what_there_is(officer):
    person = factories.make_person()
    request = factories.make_request(officer, person=person)
    assert of(request) == {(None, person.pk)}


@pytest.mark.parametrize("type_", ["erasure", "rectification", "objection", "withdraw_consent"])
def test_a_request_of_another_kind_keeps_nothing(alice, officer, type_):
    request = factories.make_request(officer, type=type_, person=person_of(alice))
    assert of(request) == set()
    carry_out()
    alice.refresh_from_db()
    assert alice.state == "emptied"


def test_a_request_of_nobody_known_keeps_nothing(officer):
    assert of(factories.make_request(officer)) == set()


def test_a_restriction_stays_when_it_is_answered_until_two_officers_lift_it(alice, officer):
    request = factories.make_request(officer, type="restriction", workspace=alice)
    factories.bring_to(request, "closed", officer)
    assert of(request) == {(alice.pk, None)}
    carry_out()
    hold = Hold.objects.get()
    second = factories.make_user()
    asked = approvals.ask(LIFT_HOLD, target=str(hold.pk), summary="Lift", user=officer, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    (job,) = carry_out()
    assert job.state == State.DONE


def test_a_refused_restriction_keeps_nothing(alice, officer):
    request = factories.make_request(officer, type="restriction", workspace=alice)
    factories.refuse(request, officer)
    assert of(request) == set()


def test_reopened_it_keeps_again_and_a_corrected_customer_is_the_one_that_is_kept(alice, officer):
    bob = factories.make_customer()
    request = factories.make_request(officer, workspace=alice)
    factories.bring_to(request, "closed", officer)
    move_request(request.pk, "collecting", user=officer, now=NOW)
    assert of(request) == set()  # its package holds what was asked for
    states.drop(request.packages.get().pk, user=officer, now=NOW)
    assert of(request) == {(alice.pk, None)}
    request = SubjectRequest.objects.get(pk=request.pk)
    request.workspace = bob
    redate_request(request, user=officer, now=NOW)
    assert of(request) == {(bob.pk, None)}
    redate_request(request, user=officer, now=NOW)
    assert of(request) == {(bob.pk, None)}
    carry_out()
    alice.refresh_from_db(), bob.refresh_from_db()
    assert (alice.state, bob.state) == ("emptied", "hidden")


def test_two_requests_keep_until_both_are_over(alice, officer):
    first, second = (factories.make_request(officer, workspace=alice) for _ in range(2))
    factories.bring_to(first, "closed", officer)
    assert carry_out()[0].state == State.HELD
    factories.bring_to(second, "closed", officer)
    assert carry_out()[0].state == State.DONE


def test_it_is_registered_all_the_same_when_the_deletion_has_begun(alice, officer):
    person = person_of(alice)
    jobs.schedule_due(NOW)
    assert jobs.begin([DeletionJob.objects.get().pk], now=NOW)
    request = factories.make_request(officer, person=person, workspace=alice)
    assert of(request) == set()
    assert (request.person, request.requester_name) == (None, "Somebody")
    refused = EvidenceEntry.objects.filter(type="HOLD_REFUSED")
    assert {(entry.subject, entry.body["why"]) for entry in refused} == {(str(alice.pk), "too_late")}
    assert carry_out()[0].state == State.DONE
