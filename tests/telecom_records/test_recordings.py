"""Recordings in: with their call to whoever took part and may have them; the rest waits, sealed, or is refused."""

import io

import pytest
from django.db import connection

from accounts import files
from accounts.models import KeyPair, PersonErasure, StoredFile
from retention.purge import carry_out
from telecom_records import tasks
from telecom_records.models import CallDetailRecord, ImportRun, Recording, WaitingRecording
from telecom_records.recordings import taking
from telecom_records.recordings.matching import Facts, candidates, find_call
from telecom_records.recordings.placing import PlainFile, Refused
from telecom_records.recordings.taking import (
    Outcome,
    open_facts,
    place_waiting,
    retry_waiting,
    set_aside,
    take,
)
from tests import factories
from tests.factories import DAY, NOW
from tests.telecom_records import sounds
from tests.telecom_records.recordings import AT, HERS, OURS, SECOND, SOUND, THEIRS, bring, call, customer, material

pytestmark = pytest.mark.django_db


# Whose it is


def test_a_recording_goes_to_its_customer_encrypted_with_what_it_is_and_how_long_it_stays(alice, source):
    made = call(alice, source)
    assert bring(source, call_id="1795.1", started_at=AT + 3 * SECOND).outcome == Outcome.STORED
    recording = Recording.objects.get()
    assert (recording.workspace, recording.call, recording.kind) == (alice, made, "subscriber")
    assert (recording.own_number, recording.other_party, recording.keep_days) == (OURS, THEIRS, 14)
    assert (recording.started_at, float(recording.duration_s), recording.channels) == (AT + 3 * SECOND, 0.5, 1)
    assert (recording.content_type, recording.file_bytes) == ("audio/wav", len(SOUND))
    assert files.read_encrypted(recording.file_key) == SOUND
    stored = StoredFile.objects.get()
    assert (stored.owner, stored.owner_id) == ("workspace", alice.pk)
    assert SOUND[44:100] not in b"".join(path.read_bytes() for path in files.store().root.rglob("*") if path.is_file())


@pytest.mark.parametrize(("key", "group"), [("1795.1.7", ""), ("1795.1/0a0b", "9.9"), ("x", "1795.1"), ("1795.1", "")])
def test_a_call_is_found_by_the_id_of_its_channel_its_group_or_its_own(alice, source, key, group):
    call(alice, source, key=key, group=group)
    call(alice, source, key="1795.11.7", group="1795.11")  # near miss: another id that begins alike
    assert find_call(Facts(call_id="1795.1", started_at=AT), source, now=NOW)[0].source_key == key


@pytest.mark.parametrize("numbers", [(), (OURS,), (HERS,)])
def test_an_id_counts_whatever_the_numbers_say(alice, source, numbers):
    made = call(alice, source)
    call(alice, source, group="other", at=AT + 10 * SECOND)
    assert find_call(Facts(call_id="1795.1", numbers=numbers, started_at=AT), source, now=NOW) == [made]


def test_the_id_of_another_source_or_of_another_day_is_not_the_same_call(alice, source):
    call(alice, factories.make_source("another"))
    call(alice, source, at=AT - 2 * DAY)
    assert find_call(Facts(call_id="1795.1", started_at=AT), source, now=NOW) is None


@pytest.mark.parametrize(
    ("numbers", "offset", "found"),
    [
        ((OURS, THEIRS), 0, True), ((THEIRS,), 30, True), ((OURS,), 60 + 119, True), ((OURS,), -119, True),
        ((OURS,), 60 + 121, False), ((OURS,), -121, False), ((OURS, HERS), 0, False), ((), 0, False),
    ],
)  # fmt: skip
def test_numbers_and_a_time_within_the_call_find_it_to_two_minutes(alice, source, numbers, offset, found):
    call(alice, source)
    facts = Facts(numbers=numbers, started_at=AT + offset * SECOND)
    assert bool(find_call(facts, source, now=NOW)) == found


def test_the_calls_of_an_import_that_is_undone_are_found_by_nothing(alice, source):
    run = ImportRun.objects.create(source=source, format="csv", file_name="x", file_bytes=1, file_sha256="0" * 64)
    call(alice, source, run=run)
    for facts in (Facts(call_id="1795.1", started_at=AT), Facts(numbers=(OURS,), started_at=AT)):
        ImportRun.objects.update(undone_at=None)
        assert find_call(facts, source, now=NOW)
        ImportRun.objects.update(undone_at=NOW)
        assert find_call(facts, source, now=NOW) is None and candidates(facts, source, now=NOW) == []


def test_two_calls_that_fit_are_none(alice, source):
    call(alice, source, group="a")
    call(alice, source, group="b", at=AT + 30 * SECOND)
    facts = Facts(numbers=(OURS,), started_at=AT + 40 * SECOND)
    assert find_call(facts, source, now=NOW) is None
    assert len(candidates(facts, source, now=NOW)) == 2


def test_the_recorders_own_source_counts_before_the_carriers(alice, source):
    mine = call(alice, source, group="a")
    call(alice, factories.make_source("carrier"), group="b")
    assert find_call(Facts(numbers=(OURS,), started_at=AT), source, now=NOW) == [mine]


def test_the_legs_of_one_call_are_one_candidate_and_the_answered_one_is_named(alice, source):
    call(alice, source, key="x1", status="no_answer", at=AT - 5 * SECOND)
    answered = call(alice, source, key="x2")
    assert bring(source, numbers=(OURS,), started_at=AT).outcome == Outcome.STORED
    assert Recording.objects.get().call == answered


def test_a_call_between_two_customers_gives_each_a_row_and_a_file_of_their_own(alice, source):
    bela = customer(HERS, days=5)
    call(alice, source, other=HERS)
    call(bela, source, own=HERS, other=OURS, direction="inbound")
    assert bring(source, call_id="1795.1", started_at=AT).outcome == Outcome.STORED
    rows = {row.workspace_id: row for row in Recording.objects.all()}
    assert {pk: (row.own_number, row.other_party, row.keep_days) for pk, row in rows.items()} == {
        alice.pk: (OURS, HERS, 14), bela.pk: (HERS, OURS, 5),
    }  # fmt: skip
    assert {stored.key: stored.owner_id for stored in StoredFile.objects.all()} == {
        row.file_key: pk for pk, row in rows.items()
    }
    assert all(files.read_encrypted(row.file_key) == SOUND for row in rows.values())


def test_who_has_not_the_feature_gets_none_of_a_call_that_the_other_may_keep(alice, source):
    bela = customer(HERS, days=None)
    call(alice, source, other=HERS)
    call(bela, source, own=HERS, other=OURS)
    bring(source, call_id="1795.1", started_at=AT)
    assert [row.workspace for row in Recording.objects.all()] == [alice]


def test_one_call_has_several_recordings(alice, source):
    made = call(alice, source)
    for level in (100, 200, 300):
        assert bring(source, sounds.wav(0.1, level=level), call_id="1795.1", started_at=AT).outcome == Outcome.STORED
    assert made.recordings.count() == 3


# What is refused


def refused(taken) -> str:
    assert taken.outcome == Outcome.REFUSED and taken.message
    assert not StoredFile.objects.exists() and not list(files.store().walk())
    assert not Recording.objects.exists() and not WaitingRecording.objects.exists()
    return taken.code


def test_a_subscribers_recording_without_the_paid_feature_is_refused(source):
    call(customer(OURS, days=None), source)
    assert refused(bring(source, call_id="1795.1", started_at=AT)) == "no_feature"


def test_the_feature_counts_at_the_time_of_the_call(source):
    workspace = customer(OURS, days=None)
    factories.make_subscription(workspace, starts_at=AT - DAY, expires_at=AT, recording_enabled=True, recording_days=30)
    call(workspace, source)
    assert refused(bring(source, call_id="1795.1", started_at=AT)) == "no_feature"
    workspace.subscriptions.filter(recording_enabled=True).update(expires_at=AT + SECOND)
    assert bring(source, call_id="1795.1", started_at=AT).outcome == Outcome.STORED


def test_of_two_subscriptions_the_strictest_period_counts(alice, source):
    factories.make_subscription(alice, expires_at=None, recording_enabled=True, recording_days=3)
    call(alice, source)
    bring(source, call_id="1795.1", started_at=AT)
    assert Recording.objects.get().keep_days == 3


@pytest.mark.parametrize(("days", "outcome"), [(2, "refused"), (3, "stored")])
def test_what_would_be_past_its_day_at_once_is_refused(source, days, outcome):
    call(customer(OURS, days=days), source)
    assert bring(source, call_id="1795.1", started_at=AT).outcome == outcome


def test_what_nobody_could_keep_any_more_does_not_wait(source):
    facts = {"numbers": (OURS,), "started_at": NOW - 30 * DAY}
    assert refused(bring(source, **facts)) == "over"
    assert bring(source, **{**facts, "started_at": NOW - 30 * DAY + SECOND}).outcome == Outcome.WAITING


def test_an_erased_customers_recordings_do_not_come_back_and_the_new_owners_do(alice, source):
    factories.arm("workspace_expiry")
    alice.subscriptions.update(expires_at=NOW - DAY)
    factories.know_for_long()
    number = alice.number_assignments.get().number
    carry_out(NOW, now=NOW)
    assert refused(bring(source, numbers=(OURS,), started_at=AT)) == "erased_customer"
    bela = factories.make_workspace()
    factories.make_assignment(bela, number, since=NOW)
    factories.make_subscription(bela, expires_at=None, recording_enabled=True, recording_days=9)
    call(bela, source, at=NOW + SECOND)
    later = NOW + 60 * SECOND
    assert bring(source, numbers=(OURS,), started_at=NOW + SECOND, now=later).outcome == Outcome.STORED


def test_recordings_that_a_person_had_erased_do_not_come_back_and_later_ones_are_taken(alice, source):
    call(alice, source)
    person = factories.make_person(alice)
    erasure = {"person": person, "subject": person.pk, "request": person.pk, "ended_at": NOW}
    PersonErasure.objects.create(**erasure, categories=["accounts.Consent"], decided_at=AT + SECOND)
    of_recordings = PersonErasure.objects.create(
        **erasure, categories=["telecom_records.Recording"], decided_at=AT + SECOND
    )
    assert refused(bring(source, call_id="1795.1", started_at=AT)) == "erased_customer"
    of_recordings.decided_at = AT
    of_recordings.save(update_fields=["decided_at"])
    assert bring(source, call_id="1795.1", started_at=AT).outcome == Outcome.STORED


def test_a_workspace_that_is_being_emptied_takes_no_recording(alice, source):
    made = call(alice, source)
    alice.state = "emptying"
    alice.save(update_fields=["state"])
    assert refused(bring(source, chosen=[made])) == "erased_customer"


def test_a_file_that_changes_while_it_is_read_is_refused(alice, source):
    made = call(alice, source)
    changed = PlainFile(io.BytesIO(sounds.wav(0.6)), material().sound)
    assert refused(take(Facts(), changed, source=source, now=NOW, call=[made])) == "changed"


def test_a_failing_store_leaves_nothing_half_done(alice, source, monkeypatch):
    bela = customer(HERS)
    call(alice, source, other=HERS)
    call(bela, source, own=HERS, other=OURS)
    put, times = files.put_encrypted, []

    def second_fails(*args, **kwargs):
        times.append(1)
        if len(times) == 2:
            raise files.UnableToStore("full")
        return put(*args, **kwargs)

    monkeypatch.setattr(files, "put_encrypted", second_fails)
    with pytest.raises(files.UnableToStore):
        bring(source, call_id="1795.1", started_at=AT)
    assert len(times) == 2
    assert not Recording.objects.exists() and not StoredFile.objects.exists() and not list(files.store().walk())


# Recordings of a fault


def test_a_recording_of_a_fault_belongs_to_the_customer_of_the_ticket_alone_and_needs_no_feature(alice, source):
    bela = customer(HERS, days=None)
    call(alice, source, other=HERS)
    call(bela, source, own=HERS, other=OURS)
    ticket = factories.make_ticket(bela)
    taken = bring(source, call_id="1795.1", started_at=AT, kind="diagnostic", ticket=ticket.reference)
    assert taken.outcome == Outcome.STORED
    recording = Recording.objects.get()
    assert (recording.workspace, recording.keep_days, recording.ticket_reference) == (bela, None, ticket.reference)


def test_a_recording_of_a_fault_wants_an_open_ticket_of_who_took_part(alice, source):
    call(alice, source)
    closed, of_nobody, of_another = (
        factories.make_ticket(alice, closed_at=NOW, state="closed"), factories.make_ticket(), factories.make_ticket(customer(HERS)),
    )  # fmt: skip
    facts = {"call_id": "1795.1", "started_at": AT, "kind": "diagnostic"}
    for reference in ("", "T-0", closed.reference, of_nobody.reference):
        assert refused(bring(source, **facts, ticket=reference)) == "no_ticket"
    assert refused(bring(source, **facts, ticket=of_another.reference)) == "not_of_ticket"


# The same again


def test_the_same_sound_again_is_known_and_of_another_source_it_is_not(alice, source):
    call(alice, source)
    other = factories.make_source("other")
    call(alice, other)
    assert [bring(source, call_id="1795.1", started_at=AT).outcome for _ in range(2)] == ["stored", "known"]
    assert bring(other, call_id="1795.1", started_at=AT).outcome == "stored"
    assert bring(source, recording_id="RE1", call_id="1795.1", started_at=AT).outcome == "known"
    assert Recording.objects.count() == 2 and StoredFile.objects.count() == 2


def test_two_recordings_with_ids_of_their_own_may_both_be_silence(alice, source):
    call(alice, source)
    ids = ("RE1", "RE2", "RE1")
    outcomes = [bring(source, recording_id=each, call_id="1795.1", started_at=AT).outcome for each in ids]
    assert outcomes == ["stored", "stored", "known"]


def test_the_database_refuses_what_two_uploads_at_once_would_double(alice, source, monkeypatch):
    made = call(alice, source)
    bring(source, recording_id="RE1", chosen=[made])
    monkeypatch.setattr(
        taking, "_told_of", lambda facts, source: []
    )  # the other had not committed when this one looked
    assert bring(source, recording_id="RE1", chosen=[made]).outcome == Outcome.KNOWN
    assert Recording.objects.count() == StoredFile.objects.count() == len(list(files.store().walk())) == 1


# A list before the sound, and the sound before the list


def test_a_list_tells_of_a_recording_and_its_sound_comes_after(alice, source):
    call(alice, source)
    told = {"recording_id": "RE1", "call_id": "1795.1", "started_at": AT}
    assert bring(source, None, **told, channels=2).outcome == Outcome.ANNOUNCED
    recording = Recording.objects.get()
    assert (recording.has_sound, recording.channels, recording.content_type) == (False, 2, "")
    assert bring(source, None, **told).outcome == Outcome.KNOWN
    assert bring(source, recording_id="RE1").outcome == Outcome.STORED
    recording.refresh_from_db()
    assert recording.has_sound and files.read_encrypted(recording.file_key) == SOUND
    assert (recording.content_type, recording.channels, float(recording.duration_s)) == ("audio/wav", 1, 0.5)
    assert bring(source, recording_id="RE1").outcome == Outcome.KNOWN


def test_a_sound_waits_for_its_list_and_both_for_their_call(alice, source):
    assert bring(source, recording_id="RE1").outcome == Outcome.WAITING
    told = {"recording_id": "RE1", "call_id": "1795.1", "started_at": AT}
    assert bring(source, None, **told).outcome == Outcome.WAITING
    assert [bring(source, None, **told).outcome, bring(source, recording_id="RE1").outcome] == ["known", "known"]
    row = WaitingRecording.objects.get()
    assert (open_facts(row).call_id, row.started_at) == ("1795.1", AT)
    call(alice, source)
    assert retry_waiting(NOW) == 1
    assert files.read_encrypted(Recording.objects.get().file_key) == SOUND


def test_a_list_waits_for_its_call_and_the_sound_finds_it_there(alice, source):
    told = {"recording_id": "RE1", "call_id": "1795.1", "started_at": AT}
    assert bring(source, None, **told).outcome == Outcome.WAITING
    call(alice, source)
    assert bring(source, recording_id="RE1").outcome == Outcome.STORED
    assert Recording.objects.get().has_sound and not WaitingRecording.objects.exists()


def test_a_sound_that_is_told_of_is_refused_once_its_days_are_over(alice, source):
    call(alice, source)
    bring(source, None, recording_id="RE1", call_id="1795.1", started_at=AT)
    late = AT + 14 * DAY
    assert bring(source, recording_id="RE1", now=late).code == "over"
    assert bring(source, recording_id="RE1", now=late - SECOND).outcome == Outcome.STORED


# Waiting


def test_what_waits_is_sealed_and_its_numbers_stand_nowhere(source):
    bring(source, numbers=(OURS, THEIRS), call_id="1795.1", started_at=AT)
    row = WaitingRecording.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(w)::text FROM telecom_records_waitingrecording w")
        text = cursor.fetchone()[0]
    assert OURS not in text and OURS.encode().hex() not in text and "1795.1" not in text
    assert open_facts(row).numbers == (OURS, THEIRS)
    stored = StoredFile.objects.get()
    assert (stored.key, stored.owner, stored.owner_id) == (row.file_key, "import", row.pk)


@pytest.mark.django_db(transaction=True)
def test_a_late_call_takes_its_recording_up_and_nothing_is_left_of_the_waiting(alice, source):
    bring(source, numbers=(OURS,), started_at=AT)
    row = WaitingRecording.objects.get()
    assert retry_waiting(NOW) == 0
    call(alice, source)
    tasks.match_recordings()
    assert not WaitingRecording.objects.exists()
    recording = Recording.objects.get()
    assert files.read_encrypted(recording.file_key) == SOUND
    assert [found.key for found in files.store().walk()] == [recording.file_key]
    assert KeyPair.objects.get(owner="import", owner_id=row.pk).destroyed_at


@pytest.mark.django_db(transaction=True)
def test_what_turns_out_to_be_nobodys_to_keep_is_discarded(source):
    bring(source, numbers=(OURS,), started_at=AT)
    call(customer(OURS, days=None), source)
    assert retry_waiting(NOW) == 0
    assert not Recording.objects.exists() and not WaitingRecording.objects.exists()
    assert not StoredFile.objects.exists() and not list(files.store().walk())


def test_an_officers_choice_places_it_and_a_wrong_one_lets_it_wait(alice, source):
    bring(source, numbers=(OURS,), started_at=AT)
    row = WaitingRecording.objects.get()
    wrong = call(customer(HERS, days=None), source, own=HERS, group="w")
    with pytest.raises(Refused, match="does not have call recording"):
        place_waiting(row.pk, [wrong], now=NOW)
    assert WaitingRecording.objects.exists() and not Recording.objects.exists()
    assert place_waiting(row.pk, [call(alice, source)], now=NOW) == 1
    assert not WaitingRecording.objects.exists()


def test_a_recording_of_a_fault_whose_ticket_is_closed_while_it_waits_is_discarded(alice, source):
    ticket = factories.make_ticket(alice)
    bring(source, numbers=(OURS,), started_at=AT, kind="diagnostic", ticket=ticket.reference)
    made = call(alice, source)
    ticket.state, ticket.closed_at = "closed", NOW
    ticket.save(update_fields=["state", "closed_at"])
    with pytest.raises(Refused, match="no open ticket"):
        place_waiting(WaitingRecording.objects.get().pk, [made], now=NOW)
    assert retry_waiting(NOW) == 0 and not WaitingRecording.objects.exists() and not Recording.objects.exists()


def test_what_was_set_aside_is_not_looked_at_again(alice, source):
    bring(source, numbers=(OURS,), started_at=AT)
    row = WaitingRecording.objects.get()
    assert set_aside(row.pk, now=NOW) and not set_aside(row.pk, now=NOW)
    call(alice, source)
    assert retry_waiting(NOW) == 0 and WaitingRecording.objects.exists()


@pytest.mark.parametrize(("started", "received", "gone"), [
    (AT, NOW - 7 * DAY, True), (AT, NOW - 7 * DAY + SECOND, False), (NOW - 30 * DAY, NOW - DAY, True),
    (NOW - 30 * DAY + SECOND, NOW - DAY, False), (None, NOW - 7 * DAY, True), (None, NOW - DAY, False),
])  # fmt: skip
def test_a_waiting_recording_goes_by_its_rule_with_its_file(source, started, received, gone):
    factories.arm("waiting_recording")
    bring(source, numbers=(OURS,), started_at=AT)
    WaitingRecording.objects.update(started_at=started, received_at=received)
    before = WaitingRecording.objects.get()
    carry_out(NOW, now=NOW)
    assert WaitingRecording.objects.exists() is not gone
    assert bool(list(files.store().walk())) is not gone
    if gone:
        with pytest.raises(FileNotFoundError):
            files.read_encrypted(before.file_key)


def test_calls_of_nobody_here_give_no_candidates(source):
    assert candidates(Facts(numbers=(OURS,), started_at=AT), source, now=NOW) == []
    assert candidates(Facts(), source, now=NOW) == []
    assert not CallDetailRecord.objects.exists()
