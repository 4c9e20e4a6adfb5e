"""A narrow hold keeps the rows it covers, with what they point to, and everything else goes on time (mission P8)."""

import datetime as dt
import io

import pytest
from django.core.management import call_command
from django.test import TestCase

from accounts import evidence, files
from accounts.models import EvidenceEntry, KeyPair, Membership, Person, StoredFile, Workspace
from dsar.models import Attachment, OutgoingMail
from retention import deletion, holds, jobs, planning, purge
from retention.holds import UnableToHold, lift_hold, place_hold
from retention.models import DeletionJob, Hold, Remainder
from telecom_records.models import CallDetailRecord, Recording
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost

pytestmark = pytest.mark.django_db
PLACED = {"reason": "Dispute", "authority": "Order 1", "review_on": NOW.date() + dt.timedelta(days=30)}
CALLS, RECORDINGS, DOCUMENTS = "telecom_records.CallDetailRecord", "telecom_records.Recording", "accounts.KycDocument"


@pytest.fixture(autouse=True)
def armed(settings):
    factories.arm()
    settings.RETENTION_BATCH_ROWS = 2


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def alice():
    return factories.make_customer()


def hold(officer, *, at=NOW, **covers) -> Hold:
    return place_hold(owner=officer, user=officer, now=at, **PLACED, **covers)


def carry_out(at) -> list[DeletionJob]:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return purge.carry_out(at, now=at)


def ids(rows) -> set:
    return set(rows.values_list("pk", flat=True))


def person_of(workspace) -> Person:
    return Person.objects.get(memberships__workspace=workspace)


def link_of(workspace) -> set:
    """What leads from a person who is kept to the workspace."""
    return ids(workspace.memberships)


# What each kind of hold keeps of Alice's workspace, worked out by hand.


def of_calls(alice):
    return {"workspace": alice, "categories": [CALLS]}, {CALLS: ids(alice.call_records)}


def of_old_calls(alice):
    covers = {"workspace": alice, "categories": [CALLS], "rows_until": NOW - 30 * DAY}
    return covers, {CALLS: ids(alice.call_records.filter(started_at__lt=NOW - 30 * DAY))}


def of_young_rows(alice):
    person = person_of(alice)
    young = {
        CALLS: ids(alice.call_records.filter(started_at__gte=NOW - 3 * DAY)),
        "telecom_records.SmsRecord": ids(alice.sms_records),
        "telecom_records.UsageRecord": ids(alice.usage_records),
        RECORDINGS: ids(alice.recordings),
        "dsar.Ticket": ids(alice.tickets),
        "dsar.TicketMessage": {message.pk for ticket in alice.tickets.all() for message in ticket.messages.all()},
        "dsar.Attachment": ids(Attachment.objects.filter(message__ticket__workspace=alice)),
        "dsar.OutgoingMail": ids(OutgoingMail.objects.filter(ticket__workspace=alice)),
        "accounts.Person": {person.pk},
        "accounts.Membership": link_of(alice),
    }
    windows = ids(alice.number_assignments)  # they last into the time, whenever they began
    numbers = ids(alice.number_assignments.filter(number__is_voip=False).model.number.field.related_model.objects.filter(
        is_voip=False, assignments__workspace=alice))  # fmt: skip
    rest = {"telecom_records.NumberAssignment": windows, "telecom_records.Number": numbers}
    return {"workspace": alice, "rows_from": NOW - 3 * DAY, "rows_until": NOW - DAY / 2}, {**young, **rest}


def of_messages(alice):
    """A message keeps its ticket, and the ticket its person."""
    covers = {"workspace": alice, "categories": ["dsar.TicketMessage"]}
    return covers, {
        "dsar.TicketMessage": {message.pk for ticket in alice.tickets.all() for message in ticket.messages.all()},
        "dsar.Ticket": ids(alice.tickets),
        "accounts.Person": {person_of(alice).pk},
        "accounts.Membership": link_of(alice),
    }


def of_a_person(alice):
    person = person_of(alice)
    return {"person": person}, {
        "accounts.Person": {person.pk},
        "accounts.Membership": link_of(alice),
        DOCUMENTS: ids(alice.kyc_documents),
        "accounts.Consent": ids(person.consents),
        "dsar.Ticket": ids(alice.tickets),
        "dsar.TicketMessage": {message.pk for ticket in alice.tickets.all() for message in ticket.messages.all()},
        "dsar.Attachment": ids(Attachment.objects.filter(message__ticket__workspace=alice)),
        "dsar.OutgoingMail": ids(OutgoingMail.objects.filter(ticket__workspace=alice)),
    }


def of_a_number(alice):
    """Either side of a call counts."""
    mine = factories.make_calls(alice, 2, own_number="+442079460555")
    other = factories.make_calls(alice, 1, other_party="+442079460555")
    return {"number": "+442079460555"}, {CALLS: {call.pk for call in [*mine, *other]}}


def of_a_number_with_its_assignment(alice):
    assignment = alice.number_assignments.get(number__is_voip=False)
    covers = {"number": assignment.number.e164, "workspace": alice}
    return covers, {
        "telecom_records.NumberAssignment": {assignment.pk},
        "telecom_records.Number": {assignment.number_id},
    }


def of_documents(alice):
    return {"workspace": alice, "categories": [DOCUMENTS]}, {
        DOCUMENTS: ids(alice.kyc_documents),
        "accounts.Person": {person_of(alice).pk},
        "accounts.Membership": link_of(alice),
    }


def of_consents(alice):
    """A consent is of no workspace but by its person, so what leads to the person stays too."""
    person = person_of(alice)
    return {"workspace": alice, "categories": ["accounts.Consent"]}, {
        "accounts.Consent": ids(person.consents),
        "accounts.Person": {person.pk},
        "accounts.Membership": link_of(alice),
    }


def of_recordings_with_their_call(alice):
    call = factories.make_calls(alice, 1)[0]
    recording = alice.recordings.get()
    Recording.objects.filter(pk=recording.pk).update(call=call)
    return {"workspace": alice, "categories": [RECORDINGS]}, {RECORDINGS: {recording.pk}, CALLS: {call.pk}}


def of_a_category_everywhere(alice):
    return {"categories": ["accounts.BillingRecord"]}, {"accounts.BillingRecord": ids(alice.billing_records)}


KINDS = [
    of_calls, of_old_calls, of_young_rows, of_messages, of_a_person, of_a_number, of_a_number_with_its_assignment,
    of_documents, of_consents, of_recordings_with_their_call, of_a_category_everywhere,
]  # fmt: skip


def state_of(alice) -> dict[str, set]:
    """Return the ids of everything of Alice's by model: what her expiry loses without a hold."""
    person = person_of(alice)
    found = {
        entry.model: deletion.rows_of(entry, scope_of(alice)) for entry in deletion.maps_in_order("workspace_expiry")
    }
    assert person.pk in set(found["accounts.Person"].values_list("pk", flat=True))
    return {model: ids(rows) for model, rows in found.items() if rows.exists()}


def scope_of(alice) -> deletion.Scope:
    return planning.whole(alice.pk, rule="workspace_expiry", cutoff=NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_covers_stays_and_everything_else_goes_on_time(alice, officer, kind):
    bob = factories.make_customer(expires_at=NOW + DAY)
    covers, expected = kind(alice)
    everything_of_hers, before = state_of(alice), everything()
    assert all(expected.values()), "the hold must cover something, or this test proves nothing"
    placed = hold(officer, **covers)
    (job,) = carry_out(NOW)
    assert (job.state, job.destroyed, job.stopped_because) == (DeletionJob.State.DONE, job.planned, "")
    gone = {model: rows - expected.get(model, set()) for model, rows in everything_of_hers.items()}
    gone = {model: rows for model, rows in gone.items() if rows}
    now_gone = lost(before, everything())
    now_gone.pop("files", None), now_gone.pop("accounts.StoredFile", None)
    assert now_gone == gone
    alice.refresh_from_db(), bob.refresh_from_db()
    assert (alice.state, alice.name, bob.state) == ("remainder", "", "active")
    intent = EvidenceEntry.objects.get(type="INTENT", subject=str(job.pk))
    kept = {model: len(rows) for model, rows in expected.items()}
    assert intent.body["kept"] == {str(placed.pk): kept}
    assert EvidenceEntry.objects.get(type="DONE", subject=str(job.pk)).body["kept"] == kept
    assert Remainder.objects.get().kept == {str(placed.pk): kept}
    assert evidence.broken_entry() is None


@pytest.mark.parametrize("kind", KINDS)
def test_when_it_is_lifted_the_rest_goes_with_a_receipt_of_its_own(alice, officer, kind):
    covers, expected = kind(alice)
    placed = hold(officer, **covers)
    (first,) = carry_out(NOW)
    assert carry_out(NOW + DAY) == []
    before = everything()
    lift_hold(placed.pk, user=factories.make_user(), now=NOW + 2 * DAY)
    (second,) = carry_out(NOW + 2 * DAY)
    assert (second.state, second.destroyed) == (DeletionJob.State.DONE, second.planned)
    gone = lost(before, everything())
    gone.pop("files", None), gone.pop("accounts.StoredFile", None)
    assert gone == expected
    assert Remainder.objects.get().kept == {} and Remainder.objects.get().look_again_at is None
    alice.refresh_from_db()
    assert (alice.state, alice.country) == ("emptied", "")
    for kind_ in ("INTENT", "DONE"):
        assert EvidenceEntry.objects.filter(type=kind_, subject__in=[str(first.pk), str(second.pk)]).count() == 2
    placed.refresh_from_db()
    assert (placed.person, placed.number) == (None, "")
    assert set(placed.narrowed_by) == {"dates" if name.startswith("rows") else name for name in covers}


# Files


def test_a_kept_file_is_encrypted_to_the_holds_own_key_before_the_others_go(alice, officer):
    recording, document = alice.recordings.get(), alice.kyc_documents.get()
    placed = hold(officer, workspace=alice, categories=[RECORDINGS])
    person = person_of(alice)
    carry_out(NOW)
    kept = Recording.objects.get(pk=recording.pk)
    assert kept.file_key != recording.file_key
    assert set(files.store().list()) == {kept.file_key}
    assert files.read_encrypted(kept.file_key) == b"RIFF....WAVE"
    row = StoredFile.objects.get()
    assert (row.key, row.owner) == (kept.file_key, "keeper")
    readable = KeyPair.objects.filter(destroyed_at__isnull=True)
    assert list(readable.values_list("owner", "owner_id")) == [("keeper", row.owner_id)]
    assert KeyPair.objects.filter(owner_id__in=[alice.pk, person.pk], destroyed_at__isnull=False).count() == 2
    assert not StoredFile.objects.filter(key=document.file_key).exists()

    lift_hold(placed.pk, user=factories.make_user(), now=NOW)
    carry_out(NOW)
    assert not set(files.store().list())
    assert not KeyPair.objects.filter(destroyed_at__isnull=True).exists()


def test_no_key_goes_while_a_kept_file_cannot_be_copied_and_verified(alice, officer, monkeypatch):
    hold(officer, workspace=alice, categories=[RECORDINGS])
    person, before = person_of(alice), everything()

    def fails(*args, **kwargs):
        raise files.FileChanged("the copy differs")

    with monkeypatch.context() as patch:
        patch.setattr(files, "reencrypt", fails)
        jobs.schedule_due(NOW)
        job = DeletionJob.objects.get()
        for _ in range(jobs.MAX_ATTEMPTS + 1):
            jobs.run_job(job.pk, now=NOW)
    job.refresh_from_db()
    assert job.state == DeletionJob.State.QUARANTINED
    assert lost(before, everything()) == {}
    assert files.read_encrypted(alice.recordings.get().file_key) == b"RIFF....WAVE"
    with pytest.raises(LookupError):  # the person's key went first: nothing of theirs is kept
        files.read_encrypted(person.kyc_documents.get().file_key)
    jobs.retry(job, user=officer)
    (job,) = carry_out(NOW)
    assert job.state == DeletionJob.State.DONE
    assert files.read_encrypted(alice.recordings.get().file_key) == b"RIFF....WAVE"


def test_two_holds_on_one_recording_hand_it_from_one_key_to_the_other(alice, officer):
    first = hold(officer, workspace=alice, categories=[RECORDINGS])
    second = hold(officer, at=NOW + DAY, categories=[RECORDINGS, CALLS], workspace=alice)
    carry_out(NOW)
    key = alice.recordings.get().file_key
    lift_hold(first.pk, user=factories.make_user(), now=NOW)
    carry_out(NOW)
    alice.refresh_from_db()
    assert alice.state == "remainder"
    moved = alice.recordings.get().file_key
    assert moved != key
    assert files.read_encrypted(moved) == b"RIFF....WAVE"
    assert Remainder.objects.get().kept.keys() == {str(second.pk)}
    assert KeyPair.objects.filter(owner="keeper", destroyed_at__isnull=True).count() == 1
    lift_hold(second.pk, user=factories.make_user(), now=NOW)
    carry_out(NOW)
    alice.refresh_from_db()
    assert alice.state == "emptied"
    assert not KeyPair.objects.filter(destroyed_at__isnull=True).exists()
    assert not set(files.store().list())


# Whoever is needed


def test_of_two_people_only_the_one_whose_document_is_held_stays(alice, officer):
    second = factories.make_person(alice)
    factories.make_consent(second)
    hold(officer, workspace=alice, categories=[DOCUMENTS])
    carry_out(NOW)
    assert not Person.objects.filter(pk=second.pk).exists()
    assert Person.objects.count() == 1


def test_a_person_of_whom_only_a_remainder_is_left_leaves_with_the_last_live_workspace(alice, officer):
    person = person_of(alice)
    live = factories.make_workspace()
    factories.make_subscription(live, expires_at=NOW + DAY)
    Membership.objects.create(workspace=live, person=person, since=NOW - DAY)
    placed = hold(officer, workspace=alice, categories=[DOCUMENTS])
    carry_out(NOW)
    assert person.consents.exists()
    carry_out(NOW + DAY)
    assert not person.consents.exists()
    person.refresh_from_db()
    live.refresh_from_db()
    assert live.state == "remainder"
    lift_hold(placed.pk, user=factories.make_user(), now=NOW + DAY)
    carry_out(NOW + DAY)
    assert not Person.objects.exists()
    assert set(Workspace.objects.values_list("state", flat=True)) == {"emptied"}
    assert all((left.kept, left.look_again_at) == ({}, None) for left in Remainder.objects.all())


def test_a_hold_on_another_workspaces_ticket_keeps_the_person_it_is_about(alice, officer):
    bob = factories.make_customer(expires_at=NOW + DAY)
    person = person_of(alice)
    ticket = factories.make_ticket(bob, person)
    hold(officer, workspace=bob, categories=["dsar.Ticket"])
    carry_out(NOW)
    person.refresh_from_db()
    assert type(ticket).objects.filter(pk=ticket.pk).exists()
    assert not person.consents.exists()
    alice.refresh_from_db()
    assert alice.state == "remainder"


# Refusals


def refuse(officer, match, **covers):
    before = Hold.objects.count()
    with pytest.raises(UnableToHold, match=match) as caught:
        hold(officer, **covers)
    assert Hold.objects.count() == before
    entry = EvidenceEntry.objects.filter(type="HOLD_REFUSED").latest("sequence")
    assert entry.body["why"] == caught.value.code
    return entry


def test_what_cannot_be_is_refused_in_words_and_written_down(alice, officer):
    refuse(officer, "Say what is to be kept")
    refuse(officer, "wrong way round", workspace=alice, rows_from=NOW, rows_until=NOW - DAY)
    refuse(officer, "about no telephone number", number="+442079460100", categories=["accounts.Consent"])
    refuse(officer, "belong to no single customer", person=person_of(alice), categories=[CALLS])
    refuse(officer, "have no date", rows_from=NOW, categories=["telecom_records.Number"])
    refuse(officer, "no category dsar.Nothing", categories=["dsar.Nothing"])
    refuse(officer, "No category of records can fit", person=person_of(alice), number="+442079460100")
    refuse(officer, "keep nothing", number="+442079460999")
    entry = refuse(officer, "keep nothing", workspace=alice, categories=[CALLS], rows_from=NOW + DAY)
    assert entry.body == {"by": officer.pk, "why": "empty", "narrowed_by": ["workspace", "categories", "dates"]}


def test_it_comes_too_late_when_its_rows_are_gone_or_going(alice, officer):
    number = alice.number_assignments.first().number.e164
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    jobs.claim(job.pk)
    assert jobs.begin([job.pk], now=NOW)
    person = person_of(alice)
    for covers in (
        {"workspace": alice}, {"workspace": alice, "categories": [CALLS]}, {"person": person}, {"number": number},
        {"categories": ["accounts.Consent"]},
    ):  # fmt: skip
        assert refuse(officer, "Too late", **covers).body["why"] == "too_late"
    DeletionJob.objects.update(lease_until=None)
    carry_out(NOW)
    assert refuse(officer, "Too late", number=number).body["why"] == "too_late"
    assert refuse(officer, "Too late", workspace=alice).body["why"] == "too_late"


def test_a_hold_that_reaches_over_a_deletion_under_way_says_what_it_cannot_keep(alice, officer):
    bob = factories.make_customer(expires_at=NOW + DAY)
    jobs.schedule_due(NOW)
    assert jobs.begin([DeletionJob.objects.get().pk], now=NOW)
    placed = hold(officer, categories=[CALLS])
    entry = EvidenceEntry.objects.get(type="HOLD_PLACED", subject=str(placed.pk))
    assert entry.body["too_late"] == {CALLS: 4}
    carry_out(NOW)
    alice.refresh_from_db()
    assert (alice.state, CallDetailRecord.objects.filter(workspace=bob).count()) == ("emptied", 4)


# By age


def test_a_clock_of_its_own_keeps_what_a_narrow_hold_covers(officer):
    customer = factories.make_customer(expires_at=NOW + 400 * DAY)
    held, other = customer.recordings.get(), factories.make_recording(customer)
    for recording in (held, other):
        Recording.objects.filter(pk=recording.pk).update(started_at=NOW - 50 * DAY)
    Recording.objects.filter(pk=held.pk).update(other_party="+442079460777")
    placed = hold(officer, number="+442079460777")
    carry_out(NOW)
    assert set(Recording.objects.filter(workspace=customer)) == {held}
    lift_hold(placed.pk, user=factories.make_user(), now=NOW)
    carry_out(NOW)
    assert not Recording.objects.filter(workspace=customer).exists()


# What is shown, and four eyes


def test_the_preview_counts_what_it_would_keep_and_places_nothing(alice, officer):
    covers = holds.Covers(workspace=alice, categories=(DOCUMENTS,))
    entries = EvidenceEntry.objects.count()
    assert holds.preview_hold(covers, user=officer, now=NOW) == {
        DOCUMENTS: 1, "accounts.Person": 1,
    }  # fmt: skip
    assert (Hold.objects.count(), EvidenceEntry.objects.count()) == (0, entries)


def test_the_second_officer_agrees_to_exactly_what_was_asked(alice, officer):
    placed = hold(officer, number="+442079460100")
    before = holds.facts(str(placed.pk))
    for change in ({"number": "+442079460199"}, {"categories": [CALLS]}, {"rows_from": NOW}, {"workspace": alice}):
        Hold.objects.filter(pk=placed.pk).update(**change)
        assert holds.facts(str(placed.pk)) != before
        Hold.objects.filter(pk=placed.pk).update(number="+442079460100", categories=[], rows_from=None, workspace=None)
    assert holds.facts(str(placed.pk)) == before
    assert "+44" not in str(before)


def test_the_number_of_a_lifted_hold_stays_while_a_deletion_goes_by_it(alice, officer):
    placed = hold(officer, number="+442079460100", categories=[CALLS])
    jobs.schedule_due(NOW)
    assert jobs.begin([DeletionJob.objects.get().pk], now=NOW)
    lift_hold(placed.pk, user=factories.make_user(), now=NOW)
    placed.refresh_from_db()
    assert placed.number == "+442079460100"
    jobs_done = carry_out(NOW)
    assert [job.state for job in jobs_done] == [DeletionJob.State.DONE]
    assert CallDetailRecord.objects.filter(workspace=alice).count() == 4  # as it was frozen
    placed.refresh_from_db()
    assert placed.number == ""
    carry_out(NOW)
    alice.refresh_from_db()
    assert (alice.state, CallDetailRecord.objects.filter(workspace=alice).exists()) == ("emptied", False)


# The broken variants: each must be seen


def test_a_deletion_that_forgets_what_is_kept_is_caught(alice, officer, monkeypatch):
    factories.make_calls(alice, 2, at=NOW - 40 * DAY)
    hold(officer, workspace=alice, categories=[CALLS], rows_from=NOW - 30 * DAY)
    jobs.schedule_due(NOW)
    job = DeletionJob.objects.get()
    assert jobs.begin([job.pk], now=NOW)
    monkeypatch.setattr(deletion, "kept_condition", lambda entry, scope: None)
    while jobs.run_job(job.pk, now=NOW).state == DeletionJob.State.RUNNING:
        pass
    job.refresh_from_db()
    assert job.state == DeletionJob.State.QUARANTINED
    assert "had to be kept are missing: 3 call records" in job.stopped_because
    assert not EvidenceEntry.objects.filter(type="DONE").exists()


def test_the_command_says_what_is_kept(alice, officer):
    hold(officer, workspace=alice, categories=[CALLS])
    out = io.StringIO()
    call_command("purge_expired", "--at", NOW.isoformat(), stdout=out)
    assert "kept because Order 1" in out.getvalue()


# Coming back


def test_an_old_file_brings_nobody_back_while_a_remainder_is_kept(alice, officer):
    import tablib

    from accounts.resources import PersonResource, WorkspaceResource

    person = person_of(alice)
    hold(officer, workspace=alice, categories=[DOCUMENTS])
    carry_out(NOW)
    kept = Person.objects.filter(pk=person.pk).values().get()
    rows = tablib.Dataset([person.outside_id, "Another name"], headers=["outside_id", "name"])
    result = PersonResource().import_data(rows, raise_errors=False)
    assert "must be kept" in str([error for row in result.rows for error in row.errors]) + str(result.invalid_rows)
    assert Person.objects.filter(pk=person.pk).values().get() == kept
    rows = tablib.Dataset([alice.outside_id, "Another name"], headers=["outside_id", "name"])
    result = WorkspaceResource().import_data(rows, raise_errors=False)
    assert result.has_errors() or result.has_validation_errors()
    alice.refresh_from_db()
    assert (alice.state, alice.name) == ("remainder", "")


def test_a_hold_on_the_category_of_customers_alone_keeps_the_customers(officer, alice):
    person = person_of(alice)

    hold(officer, categories=["accounts.Person"])
    carry_out(NOW + 40 * DAY)

    assert ids(Person.objects) == {person.pk}
    assert not CallDetailRecord.objects.exists()
