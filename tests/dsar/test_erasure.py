"""Erasure on request: what was shown goes, by the door, and nothing of anybody else; the request stays and is answered."""

import pytest

from accounts import approvals
from accounts.models import Approval, Consent, Person, PersonErasure, Workspace
from dsar.models import Decision
from dsar.rights import UnableToCarryOut
from dsar.rights.decisions import decide, follow
from dsar.rights.erasure import told
from retention.holds import place_hold
from retention.models import DeletionJob, ErasedPerson, Notice, Rule
from retention.person_erasure import RULE
from retention.purge import carry_out as purge
from retention.upstream.notices import message_of
from tests import factories
from tests.dsar.rights import carry_out, chosen, show
from tests.factories import DAY, NOW
from tests.retention.recipients import make_recipient
from tests.retention.state import everything, lost
from tests.retention.test_children import family, ids_of_child  # noqa: F401  (a workspace that two people share)
from tests.retention.test_expiry import ids_of
from tests.retention.test_laws import make_law

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def armed():
    factories.arm()


@pytest.fixture
def officer():
    return factories.make_user()


def asked_by(person: Person, officer, **fields):
    request = factories.make_request(officer, type="erasure", person=person, requester_name="", **fields)
    factories.prove_identity(request, officer)
    request.refresh_from_db()
    return request


@pytest.fixture
def request_(family, officer):  # noqa: F811
    return asked_by(Person.objects.get(outside_id="P-child"), officer)


def test_everything_of_the_person_goes_as_shown_and_nothing_of_those_who_share_the_workspace(family, request_, officer):  # noqa: F811
    bystander = factories.make_customer(expires_at=NOW + 300 * DAY)
    shown = show(request_, "erasure")
    assert any(str(family) in note and "stays" in note for note in shown.notes)
    decision = carry_out(request_, "erasure", officer)
    assert decision.state == "under_way"
    expected, before = ids_of_child(family), everything()
    assert all(expected.values()), "there must be something of every kind, or this test proves nothing"
    (job,) = purge(NOW, now=NOW)
    assert (job.state, job.rule_id, job.stopped_because, job.workspace) == ("done", RULE, "", None)
    assert lost(before, everything()) == expected
    shown_rows = {line.what: line.rows for line in shown.lines}
    assert shown_rows["call records"] == len(expected["telecom_records.CallDetailRecord"])
    assert shown_rows["people"] == 1
    assert bystander.call_records.count() == 4
    assert ErasedPerson.objects.get().for_good is False


def test_the_request_stays_gets_its_certificate_and_goes_on_to_its_letter(request_, officer):
    person = request_.person
    decision = carry_out(request_, "erasure", officer)
    assert follow(decision.pk, now=NOW) is False
    (job,) = purge(NOW, now=NOW)
    assert follow(decision.pk, now=NOW) is True
    request_.refresh_from_db()
    decision.refresh_from_db()
    assert (request_.person, request_.requester_name, request_.requester_contact) == (None, person.name, person.email)
    assert (request_.state, decision.state, decision.result["jobs"]) == ("approved", "done", [str(job.pk)])
    assert decision.result["rows"] == job.rows_destroyed
    assert PersonErasure.objects.get().ended_at == NOW


def test_recipients_are_told_of_the_person_also_of_one_without_a_workspace(officer):
    person = factories.make_person()
    make_recipient(categories=["accounts.Person"])
    carry_out(asked_by(person, officer), "erasure", officer)
    (job,) = purge(NOW, now=NOW)
    notice = Notice.objects.get()
    assert (notice.job, notice.state, notice.categories) == (job, "waiting", ["accounts.Person"])
    assert message_of(notice, now=NOW)["customer"]["people"] == [person.outside_id]


def test_two_people_have_a_deletion_each(officer):
    requests = [asked_by(factories.make_person(), officer) for _ in range(2)]
    decisions = [carry_out(request, "erasure", officer) for request in requests]
    subjects = {decision.result["subject"] for decision in decisions}
    jobs = purge(NOW, now=NOW)
    assert {str(job.subject) for job in jobs} == subjects and len(jobs) == 2
    for decision in decisions:
        follow(decision.pk, now=NOW)
        decision.refresh_from_db()
        assert [str(job.pk) for job in jobs if str(job.subject) == decision.result["subject"]] == decision.result[
            "jobs"
        ]


def test_a_workspace_of_the_person_alone_goes_whole_when_they_end_its_contract(officer):
    alone = factories.make_customer(expires_at=NOW + 300 * DAY)
    request = asked_by(alone.memberships.get().person, officer)
    refused = show(request, "erasure", extent="everything")
    assert "contract" in refused.obstacles[0]
    decision = carry_out(request, "erasure", officer, extent="everything", ends_contract=True)
    expected, before = ids_of(alone), everything()
    purge(NOW, now=NOW)
    purge(NOW, now=NOW)
    assert lost(before, everything()) == expected
    assert Workspace.objects.get(pk=alone.pk).state == "emptied"
    assert follow(decision.pk, now=NOW) is True
    decision.refresh_from_db()
    assert {DeletionJob.objects.get(pk=pk).rule_id for pk in decision.result["jobs"]} >= {"workspace_expiry"}


def test_while_the_contract_runs_only_what_it_does_not_need_goes(officer):
    alone = factories.make_customer(expires_at=NOW + 300 * DAY)
    person = alone.memberships.get().person
    request = asked_by(person, officer)
    shown = show(request, "erasure")
    stays = {line.what: line.why for line in shown.lines if line.happens == "stays"}
    assert "The contract needs it until" in stays["identity documents"]
    decision = carry_out(request, "erasure", officer)
    consents, usage = (
        set(person.consents.values_list("pk", flat=True)),
        set(alone.usage_records.filter(person=person).values_list("pk", flat=True)),
    )
    before = everything()
    purge(NOW, now=NOW)
    assert lost(before, everything()) == {"accounts.Consent": consents, "telecom_records.UsageRecord": usage}
    assert follow(decision.pk, now=NOW) is True
    later = factories.make_consent(person)
    purge(NOW + DAY, now=NOW + DAY)
    assert Consent.objects.get() == later, "what comes afterwards is not erased any more"


def test_tickets_go_with_their_messages_and_files_and_calls_of_a_workspace_of_their_own_are_theirs(officer):
    alone = factories.make_customer(expires_at=NOW + 300 * DAY)
    request = asked_by(alone.memberships.get().person, officer)
    alone.call_records.update(own_number=alone.number_assignments.first().number.e164)
    carry_out(request, "erasure", officer, categories=["dsar.Ticket", "telecom_records.CallDetailRecord"])
    purge(NOW, now=NOW)
    assert (alone.tickets.count(), alone.call_records.count(), alone.recordings.count()) == (0, 0, 1)


def test_what_a_hold_keeps_is_said_stays_and_goes_when_it_is_lifted(family, request_, officer):  # noqa: F811
    person = request_.person
    place_hold(
        person=person, categories=["accounts.KycDocument"], reason="Dispute", authority="Order 7", owner=officer,
        review_on=NOW.date(), user=officer, now=NOW,
    )  # fmt: skip
    kept = {line.what: line.why for line in show(request_, "erasure").lines if line.happens == "kept"}
    assert "Order 7, until the hold is lifted" in kept["identity documents"] and "people" in kept
    decision = carry_out(request_, "erasure", officer)
    purge(NOW, now=NOW)
    assert person.kyc_documents.count() == 2 and not person.consents.exists()
    assert follow(decision.pk, now=NOW) is True
    request_.refresh_from_db()
    decision.refresh_from_db()
    assert request_.state == "approved"
    assert "identity documents (2). It is deleted when that ends" in " ".join(told(decision, "en"))
    from retention.holds import lift_hold
    from retention.models import Hold

    lift_hold(Hold.objects.get().pk, user=officer, now=NOW + DAY)
    purge(NOW + DAY, now=NOW + DAY)
    assert not Person.objects.filter(pk=person.pk).exists()


def test_what_a_law_keeps_is_said_with_its_end_and_told_in_the_letter(officer):
    alone = factories.make_customer(expires_at=NOW + 300 * DAY)
    Workspace.objects.filter(pk=alone.pk).update(country="HK")
    make_law()
    request = asked_by(alone.memberships.get().person, officer)
    shown = show(request, "erasure", extent="everything", ends_contract=True)
    (kept,) = [line for line in shown.lines if line.happens == "kept" and line.what == "billing records"]
    assert kept.rows == 1 and kept.why.startswith("Test Ordinance § 1 (7 years), until ")
    decision = carry_out(request, "erasure", officer, extent="everything", ends_contract=True)
    for _ in range(2):
        purge(NOW, now=NOW)
    assert follow(decision.pk, now=NOW) is True
    assert alone.billing_records.count() == 1 and Workspace.objects.get(pk=alone.pk).state == "remainder"
    decision.refresh_from_db()
    assert "billing records (1)" in " ".join(told(decision, "en")) and "須保留" in " ".join(told(decision, "zh-hant"))


def test_what_stops_it_stands_on_the_request(request_, officer):
    Rule.objects.filter(pk=RULE).update(state="observing")
    decision = carry_out(request_, "erasure", officer)
    from dsar.rights.erasure import progress

    assert "only observes" in progress(decision, NOW)[0]
    factories.arm()
    purge(NOW, now=NOW)
    DeletionJob.objects.update(state="quarantined", stopped_because="Two rows are still there.", done_at=None)
    assert "Two rows are still there." in progress(decision, NOW)[0]
    assert follow(decision.pk, now=NOW) is False


@pytest.mark.parametrize("why", ["identity", "nobody", "one officer", "refused", "changed"])
def test_nothing_goes_without(family, officer, why):  # noqa: F811
    person = Person.objects.get(outside_id="P-child")
    before, second = everything(), factories.make_user()
    if why == "identity":
        request = factories.make_request(officer, type="erasure", person=person)
        with pytest.raises(UnableToCarryOut, match="made sure yet who asks"):
            carry_out(request, "erasure", officer)
    elif why == "nobody":
        request = factories.make_request(officer, type="erasure")
        factories.prove_identity(request, officer)
        with pytest.raises(UnableToCarryOut, match="names no customer"):
            show(request, "erasure")
    else:
        request = asked_by(person, officer)
        picked = chosen(request, "erasure")
        if why == "changed":
            with pytest.raises(UnableToCarryOut, match="changed since"):
                decide(request.pk, "erasure", picked, seen="something else", user=officer, now=NOW)
        from dsar.rights import RIGHTS
        from dsar.rights.decisions import digest_of, preview_of

        seen = digest_of(RIGHTS["erasure"], picked, preview_of(request, RIGHTS["erasure"], picked, now=NOW))
        decide(request.pk, "erasure", picked, seen=seen, user=officer, now=NOW)
        approval = Approval.objects.get()
        if why == "one officer":
            with pytest.raises(approvals.UnableToApprove, match="Another officer"):
                approvals.decide(approval.pk, user=officer, agree=True, now=NOW)
        elif why == "refused":
            approvals.decide(approval.pk, user=second, agree=False, now=NOW)
        else:  # the person leaves the workspace meanwhile for one of their own
            alone = factories.make_workspace()
            alone.memberships.create(person=person, since=NOW)
            with pytest.raises(approvals.UnableToApprove, match="has changed"):
                approvals.decide(approval.pk, user=second, agree=True, now=NOW)
    purge(NOW, now=NOW)
    gone = lost(before, everything())
    assert {label for label in gone if label != "files"} <= set()
    assert not Decision.objects.filter(state="done").exists()


def test_a_whole_workspace_that_asks_itself_goes_with_everybody_who_is_only_there(officer):
    workspace = factories.make_customer(expires_at=NOW + 300 * DAY)
    factories.make_person(workspace)
    elsewhere = factories.make_person(workspace)
    factories.make_workspace().memberships.create(person=elsewhere, since=NOW)
    request = factories.make_request(officer, type="erasure", workspace=workspace, requester_name="The owner")
    factories.prove_identity(request, officer)
    request.refresh_from_db()
    with pytest.raises(UnableToCarryOut, match="The contract of .* runs"):
        carry_out(request, "erasure", officer)
    decision = carry_out(request, "erasure", officer, ends_contract=True)
    purge(NOW, now=NOW)
    assert follow(decision.pk, now=NOW) is True
    assert list(Person.objects.all()) == [elsewhere]
    request.refresh_from_db()
    assert (request.workspace.state, request.state) == ("emptied", "approved")
