"""The pages on which recordings are added, and given to their calls."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts import files
from accounts.models import AccessLogEntry
from accounts.roles import PRIVACY_OFFICER
from telecom_records.models import Recording, WaitingRecording
from telecom_records.recordings.placing import AlreadyThere
from telecom_records.recordings.taking import place_waiting
from tests import factories
from tests.factories import DAY, NOW
from tests.telecom_records import sounds
from tests.telecom_records.recordings import AT, OURS, SECOND, THEIRS, bring, call
from tests.telecom_records.test_recording_arrivals import zipped
from tests.telecom_records.test_recording_names import TWILIO

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_now")]


# Adding


def upload(client, *given: tuple[str, bytes], **fields):
    data = {
        "source": "pbx",
        "kind": "subscriber",
        "sounds": [SimpleUploadedFile(name, content) for name, content in given],
    }
    return client.post("/admin/calls/recordings/add/", {**data, **fields})


def test_several_files_at_once_are_each_answered_for(client, officer, made):
    group = f"{int(AT.timestamp())}.5"
    made.call_group = group
    made.save()
    page = json.dumps({"recordings": [TWILIO]}).encode()
    response = upload(
        client, (f"{group}.wav", sounds.wav(0.1, level=1)), ("same.wav", sounds.wav(0.1, level=1)), ("no.html", b"<html>"),
        ("none.mp3", b""), ("list.json", page), ("box.zip", zipped(("x.wav", sounds.wav(0.1, level=2)))),
    )  # fmt: skip
    assert response.status_code == 200
    outcomes = [line["outcome"][0] for line in response.context["lines"]]
    assert outcomes == [
        "Stored with its call",
        "Known already",
        "Refused",
        "Refused",
        "Waits for its call",
        "Waits for its call",
    ]
    assert Recording.objects.count() == 1 and WaitingRecording.objects.count() == 2
    assert "The file is a web page" in response.content.decode()


def test_a_call_may_be_named_and_a_ticket_must_be_for_a_fault(client, officer, made, alice):
    text = client.get(f"/admin/calls/recordings/add/?call={made.pk}").content.decode()
    assert f'value="{made.pk}"' in text
    sound = ("x.wav", sounds.wav(0.1))
    assert upload(client, sound, kind="diagnostic", call=made.pk).status_code == 400
    assert upload(client, sound, kind="diagnostic", ticket="TCK-0", call=made.pk).status_code == 400
    ticket = factories.make_ticket(alice)
    assert upload(client, sound, kind="diagnostic", ticket=ticket.reference, call=made.pk).status_code == 200
    recording = Recording.objects.get()
    assert (recording.kind, recording.ticket_reference, recording.call) == ("diagnostic", ticket.reference, made)


@pytest.mark.parametrize("fields", [{"call": 0}, {"call": 10**12}, {"call": "x"}, {"source": "ü b"}, {"kind": "x"}, {"time_zone": "Nowhere"},
                                    {"country": "XX"}])  # fmt: skip
def test_what_cannot_be_is_told_at_its_field_and_nothing_is_taken(client, officer, made, fields):
    response = upload(client, ("x.wav", sounds.wav(0.1)), **fields)
    assert response.status_code == 400
    assert not Recording.objects.exists() and not WaitingRecording.objects.exists() and not list(files.store().walk())


def test_no_file_too_many_and_too_much_are_refused(client, officer, monkeypatch):
    assert upload(client).status_code == 400
    monkeypatch.setattr("telecom_records.recording_forms.MAX_FILES", 1)
    assert upload(client, ("a.wav", b"x"), ("b.wav", b"x")).status_code == 400
    monkeypatch.setattr("telecom_records.recording_forms.MAX_UPLOAD_BYTES", 1)
    assert upload(client, ("a.wav", b"xx")).status_code == 400


# Placing


@pytest.fixture
def waiting(source):
    bring(source, numbers=(OURS,), started_at=AT)
    return WaitingRecording.objects.get()


def page_of(client, waiting) -> str:
    return client.get(f"/admin/telecom_records/waitingrecording/{waiting.pk}/change/").content.decode()


def test_the_calls_that_fit_stand_side_by_side_and_the_chosen_one_gets_it(client, officer, alice, source, waiting):
    first = call(alice, source, group="a")
    second = call(alice, source, group="b", at=AT + 30 * SECOND)
    far = call(alice, source, group="c", at=AT + 3 * 3600 * SECOND)
    text = page_of(client, waiting)
    assert all(f'name="call" value="{each.pk}"' in text for each in (first, second))
    assert f'value="{far.pk}"' not in text and OURS in text and THEIRS in text
    look = AccessLogEntry.objects.get(of="telecom_records.WaitingRecording")
    assert (look.subject, look.user) == (str(waiting.pk), officer)
    place = f"/admin/calls/recordings/waiting/{waiting.pk}/place/"
    assert client.get(place).status_code == 405
    for nothing in ({}, {"call": "x"}, {"other": 10**12}):
        client.post(place, nothing)
        assert WaitingRecording.objects.exists()
    response = client.post(place, {"call": second.pk})
    assert response.headers["Location"].endswith(f"/calldetailrecord/{second.pk}/change/")
    assert Recording.objects.get().call == second and not WaitingRecording.objects.exists()


def test_another_call_is_chosen_by_its_number_and_none_is_set_aside(client, officer, alice, source, waiting):
    far = call(alice, source, group="c", at=AT + 3 * 3600 * SECOND)
    place = f"/admin/calls/recordings/waiting/{waiting.pk}/place/"
    client.post(place, {"none": "1"})
    waiting.refresh_from_db()
    assert waiting.set_aside_at == NOW and "of none of our calls" in page_of(client, waiting)
    client.post(place, {"other": far.pk})
    assert Recording.objects.get().call == far


def test_the_second_of_two_officers_is_told_that_the_first_has_placed_it(client, officer, alice, source, waiting):
    made = call(alice, source)
    place_waiting(waiting.pk, [made], now=NOW)
    with pytest.raises(AlreadyThere, match="Somebody else"):
        place_waiting(waiting.pk, [made], now=NOW)
    assert client.post(f"/admin/calls/recordings/waiting/{waiting.pk}/place/", {"call": made.pk}).status_code == 404
    assert Recording.objects.count() == 1


def test_a_call_that_no_page_shows_is_no_candidate_and_cannot_be_chosen(client, officer, alice, source, waiting):
    made = call(alice, source, group="a")
    alice.state = "hidden"
    alice.save(update_fields=["state"])
    assert f'value="{made.pk}"' not in page_of(client, waiting)
    client.post(f"/admin/calls/recordings/waiting/{waiting.pk}/place/", {"call": made.pk})
    assert WaitingRecording.objects.exists() and not Recording.objects.exists()


def test_a_waiting_recording_past_its_time_is_on_no_page_and_cannot_be_placed(client, officer, waiting, made):
    factories.arm("waiting_recording")
    WaitingRecording.objects.update(received_at=NOW - 7 * DAY)
    assert client.get(f"/admin/telecom_records/waitingrecording/{waiting.pk}/change/").status_code == 404
    assert client.post(f"/admin/calls/recordings/waiting/{waiting.pk}/place/", {"call": made.pk}).status_code == 404
    assert str(waiting.pk) not in client.get("/admin/telecom_records/waitingrecording/").content.decode()


def test_who_sees_numbers_masked_sees_those_of_a_waiting_recording_masked(client, officer, waiting, made):
    from django.contrib.auth.models import Group, Permission

    group = Group.objects.get(name=PRIVACY_OFFICER)
    group.permissions.remove(Permission.objects.get(codename="view_clear_values"))
    text = page_of(client, waiting)
    assert OURS not in text and THEIRS not in text and "+44 ••• 101" in text
    assert not AccessLogEntry.objects.exists()
