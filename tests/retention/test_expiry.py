"""An expired workspace is emptied, and nothing else is touched (mission P1, P2; policy § 5.2)."""

import datetime as dt

import pytest
from django.db import transaction

from accounts import evidence, files, keys
from accounts.models import EvidenceEntry, KeyPair, Membership, Person, Workspace
from accounts.verdicts import data_map
from dsar.models import Attachment, Correction, OutgoingMail, Statement, TicketMessage
from retention import jobs
from retention.due import due_workspaces
from retention.holds import place_hold
from retention.models import DeletionJob, Tombstone
from retention.purge import carry_out
from telecom_records.models import Number
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost, models_that_go

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def armed():
    factories.arm()


def ids_of(workspace: Workspace) -> dict[str, set]:
    """Return the ids of everything that must go with this workspace, found by hand and not by the data map."""
    person = Person.objects.filter(memberships__workspace=workspace)
    found = {
        "accounts.Person": person,
        "accounts.Consent": [consent for one in person for consent in one.consents.all()],
        "telecom_records.Number": Number.objects.filter(is_voip=False, assignments__workspace=workspace),
        "dsar.TicketMessage": TicketMessage.objects.filter(ticket__workspace=workspace),
        "dsar.Attachment": Attachment.objects.filter(message__ticket__workspace=workspace),
        "dsar.OutgoingMail": OutgoingMail.objects.filter(ticket__workspace=workspace),
        "dsar.Correction": Correction.objects.filter(person__in=person),
        "dsar.Statement": Statement.objects.filter(person__in=person),
    }
    for model, relation in {
        "accounts.Membership": "memberships",
        "accounts.Subscription": "subscriptions",
        "accounts.Suspension": "suspensions",
        "accounts.PaymentReference": "payment_references",
        "accounts.BillingRecord": "billing_records",
        "accounts.KycDocument": "kyc_documents",
        "telecom_records.NumberAssignment": "number_assignments",
        "telecom_records.CallDetailRecord": "call_records",
        "telecom_records.SmsRecord": "sms_records",
        "telecom_records.Recording": "recordings",
        "telecom_records.UsageRecord": "usage_records",
        "dsar.Ticket": "tickets",
    }.items():
        found[model] = getattr(workspace, relation).all()
    ids = {model: {row.pk for row in rows} for model, rows in found.items()}
    ids["accounts.Credit"] = {workspace.credit.pk}
    ids["accounts.BusinessClient"] = {workspace.client.pk}
    written = Attachment.objects.filter(message__ticket__workspace=workspace)
    ids["files"] = {row.file_key for row in [*workspace.recordings.all(), *workspace.kyc_documents.all(), *written]}
    return {model: found for model, found in ids.items() if found}


def test_everything_of_an_expired_workspace_goes_and_nothing_of_anybody_else():
    alice, bob = factories.make_customer(), factories.make_customer(expires_at=NOW + DAY)
    factories.correct(alice), factories.correct(bob)
    expected = ids_of(alice)
    before = everything()
    assert set(expected) == models_that_go() | {"files"}, "something in every table, or this test proves nothing"

    (job,) = carry_out(NOW, now=NOW)

    assert (job.state, job.stopped_because) == (DeletionJob.State.DONE, "")
    assert lost(before, everything()) == expected
    alice.refresh_from_db()
    assert (alice.state, alice.name, alice.country) == ("emptied", "", "")
    assert alice.emptied_at == NOW
    assert alice.expired_at == NOW - DAY
    bob.refresh_from_db()
    assert bob.state == "active"


def test_the_empty_record_keeps_its_id_and_its_dates():
    alice = factories.make_customer()
    carry_out(NOW, now=NOW)
    kept = Workspace.objects.get(pk=alice.pk)
    assert (kept.outside_id, kept.created_at) == (alice.outside_id, alice.created_at)


@pytest.mark.parametrize(("expires_at", "goes"), [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False)])
def test_the_instant_of_expiry_decides(expires_at, goes):
    workspace = factories.make_customer(expires_at=expires_at)
    carry_out(NOW, now=NOW)
    workspace.refresh_from_db()
    assert (workspace.state == "emptied") is goes


def test_a_missing_expiry_keeps_the_workspace():
    workspace = factories.make_workspace()
    factories.make_subscription(workspace, expires_at=NOW - DAY)
    factories.make_subscription(workspace, expires_at=None)
    assert not due_workspaces(NOW).exists()


def test_a_workspace_without_a_subscription_is_kept():
    factories.make_workspace()
    assert not due_workspaces(NOW).exists()


def test_one_subscription_that_runs_on_keeps_the_workspace():
    workspace = factories.make_workspace()
    factories.make_subscription(workspace, expires_at=NOW - DAY)
    factories.make_subscription(workspace, expires_at=NOW + DAY)
    assert not due_workspaces(NOW).exists()


def test_a_person_with_another_workspace_stays_with_consents_and_documents_of_their_own():
    alice, other = factories.make_customer(), factories.make_workspace()
    person = Person.objects.get(memberships__workspace=alice)
    Membership.objects.create(workspace=other, person=person)
    own_document = factories.make_kyc(person)
    carry_out(NOW, now=NOW)
    person.refresh_from_db()
    assert list(person.memberships.values_list("workspace", flat=True)) == [other.pk]
    assert person.consents.count() == 1
    assert list(person.kyc_documents.all()) == [own_document]
    assert files.read_encrypted(own_document.file_key) == b"\x89PNG image"


def test_a_non_voip_number_goes_and_a_voip_number_returns_to_the_pool():
    alice = factories.make_workspace()
    factories.make_subscription(alice)
    voip, own = factories.make_number(), factories.make_number(is_voip=False)
    shared = factories.make_number(is_voip=False)
    for number in (voip, own):
        factories.make_assignment(alice, number)
    factories.make_assignment(alice, shared, until=NOW - 2 * DAY)
    factories.make_assignment(factories.make_workspace(), shared, since=NOW - 2 * DAY)
    carry_out(NOW, now=NOW)
    assert set(Number.objects.all()) == {voip, shared}


def test_the_keys_are_destroyed_and_the_files_cannot_be_read():
    alice = factories.make_customer()
    recording = alice.recordings.get()
    assert files.read_encrypted(recording.file_key) == b"RIFF....WAVE"
    carry_out(NOW, now=NOW)
    with pytest.raises(keys.KeyDestroyed):
        keys.identity_of("workspace", alice.pk)
    with pytest.raises(keys.KeyDestroyed):
        keys.recipient_of("workspace", alice.pk)
    assert not KeyPair.objects.filter(destroyed_at__isnull=True).exists()


def test_an_open_request_stays_answerable_and_only_loses_its_link():
    alice = factories.make_customer()
    person = Person.objects.get(memberships__workspace=alice)
    request = factories.make_request(
        factories.make_user(), type="erasure", person=person, workspace=alice, requester_contact="a@example.test"
    )
    carry_out(NOW, now=NOW)
    request.refresh_from_db()
    assert (request.person, request.requester_contact) == (None, "a@example.test")


def test_a_held_workspace_stays_and_says_why():
    alice = factories.make_customer()
    officer = factories.make_user()
    place_hold(
        workspace=alice, reason="Dispute", authority="Court order 7/26", owner=officer,
        review_on=NOW.date(), user=officer, now=NOW,
    )  # fmt: skip
    before = everything()
    (job,) = carry_out(NOW, now=NOW)
    assert job.state == DeletionJob.State.HELD
    assert "hold" in job.stopped_because
    assert lost(before, everything()) == {}
    assert EvidenceEntry.objects.filter(type="REFUSED_BY_HOLD", subject=str(job.pk)).count() == 1


def test_a_held_workspace_goes_when_the_hold_is_lifted():
    from retention.holds import lift_hold

    alice = factories.make_customer()
    officer = factories.make_user()
    hold = place_hold(
        workspace=alice, reason="Dispute", authority="Order", owner=officer, review_on=NOW.date(), user=officer, now=NOW
    )
    carry_out(NOW, now=NOW)
    lift_hold(hold.pk, user=factories.make_user(), now=NOW)
    (job,) = carry_out(NOW, now=NOW)
    assert job.state == DeletionJob.State.DONE


def test_a_renewal_before_the_worker_comes_cancels_the_deletion():
    alice = factories.make_customer()
    jobs.schedule_due(NOW)
    alice.subscriptions.update(expires_at=NOW + 30 * DAY)
    before = everything()
    (job,) = carry_out(NOW, now=NOW)
    assert job.state == DeletionJob.State.CANCELLED
    assert lost(before, everything()) == {}


def test_an_observing_rule_makes_no_job():
    from retention.models import Rule

    Rule.objects.update(state=Rule.State.OBSERVING)
    factories.make_customer()
    before = everything()
    assert carry_out(NOW, now=NOW) == []
    assert lost(before, everything()) == {}


def test_the_receipt_counts_what_went_and_holds_nothing_personal():
    alice = factories.make_customer(calls=7)
    (job,) = carry_out(NOW, now=NOW)
    intent = EvidenceEntry.objects.get(type="INTENT", subject=str(job.pk))
    done = EvidenceEntry.objects.get(type="DONE", subject=str(job.pk))
    assert intent.sequence < done.sequence == job.done_sequence
    assert intent.body["planned"] == done.body["destroyed"] == job.destroyed
    assert job.destroyed["telecom_records.CallDetailRecord"] == 8
    assert job.destroyed["files"] == 3
    assert done.body["intent"] == intent.sequence
    assert evidence.broken_entry() is None
    text = str(list(EvidenceEntry.objects.values_list("body", flat=True)))
    assert alice.name not in text
    assert "+44" not in text


def test_a_second_run_changes_nothing():
    factories.make_customer()
    (job,) = carry_out(NOW, now=NOW)
    before, entries = everything(), EvidenceEntry.objects.count()
    assert carry_out(NOW + DAY, now=NOW + DAY) == []
    assert jobs.run_job(job.pk, now=NOW) is None
    assert lost(before, everything()) == {}
    assert EvidenceEntry.objects.count() == entries


def test_a_count_that_differs_stops_the_job_instead_of_certifying_it():
    factories.make_customer()
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    claimed = jobs.claim(job.pk)
    assert jobs.begin([claimed.pk], now=NOW)
    DeletionJob.objects.filter(pk=job.pk).update(
        planned={**DeletionJob.objects.get().planned, "accounts.Person": 9}, lease_until=None
    )
    job = jobs.run_job(job.pk, now=NOW)
    assert job.state == DeletionJob.State.QUARANTINED
    assert not EvidenceEntry.objects.filter(type="DONE").exists()
    assert EvidenceEntry.objects.filter(type="QUARANTINED").exists()


def test_a_tombstone_remembers_each_number_and_its_time_without_naming_it():
    alice = factories.make_workspace()
    factories.make_subscription(alice)
    assignment = factories.make_assignment(alice, since=NOW - 100 * DAY)
    carry_out(NOW, now=NOW)
    stone = Tombstone.objects.get()
    assert (stone.window.lower, stone.window.upper) == (NOW - 100 * DAY, NOW)
    assert assignment.number.e164.encode() not in bytes(stone.number_hash)


def test_free_tool_sessions_go_when_they_end_or_after_an_hour():
    ended = factories.make_tool_session(started_at=NOW - 5 * SECOND, ended_at=NOW)
    old = factories.make_tool_session(started_at=NOW - dt.timedelta(hours=1))
    young = factories.make_tool_session(started_at=NOW - dt.timedelta(minutes=59))
    before = everything()
    (job,) = carry_out(NOW, now=NOW)
    assert job.state == DeletionJob.State.DONE
    assert lost(before, everything()) == {"telecom_records.FreeToolSession": {ended.pk, old.pk}}
    assert young.pk in everything()["telecom_records.FreeToolSession"]


def test_no_trace_of_an_erased_customer_is_left_in_any_column():
    alice = factories.make_customer()
    token = "Zyzzyva"
    Workspace.objects.filter(pk=alice.pk).update(name=token)
    for entry in data_map().values():
        if entry.model not in models_that_go():
            continue
        texts = [
            field.name
            for field in entry.model_class._meta.concrete_fields
            if field.get_internal_type() in ("CharField", "TextField") and not field.choices and not field.unique
            and (field.max_length or 99) >= 40 and not field.name.endswith("_key")
        ]  # fmt: skip
        if texts:
            entry.model_class._default_manager.update(**dict.fromkeys(texts, token))
    assert len(tables_with(token)) >= 8
    carry_out(NOW, now=NOW)
    assert tables_with(token) == []


def tables_with(token: str) -> list[str]:
    """Return the tables of the database in which any row, seen as text, holds the token."""
    from django.db import connection

    found = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE %s', [f"%{token}%"])
            if cursor.fetchone()[0]:
                found.append(table)
    return found
