"""The pages of recordings: who may listen and says why, parts of a sound, nothing after its day."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import files
from accounts.models import AccessLogEntry, KeyPair
from accounts.roles import AUDITOR, SECURITY_ADMINISTRATOR, SUPPORT_AGENT
from retention.deletion import open_door
from retention.restrictions import restrict
from telecom_records.models import Recording
from telecom_records.recordings import playback
from telecom_records.recordings.ranges import NotSatisfiable, range_of
from tests import factories
from tests.factories import DAY, NOW
from tests.telecom_records import sounds
from tests.telecom_records.recordings import AT, SECOND, bring
from tests.telecom_records.test_formats_all import a_few

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_now")]
LONG = sounds.wav(30, level=77)  # of several pieces
WHY = {"reason": "The customer disputes the call", "ticket": "TCK-1"}
LISTEN = "/admin/calls/recordings/listen/"


@pytest.fixture
def recording(made, source):
    bring(source, LONG, chosen=[made])
    return Recording.objects.get()


def address(recording) -> str:
    return f"/admin/calls/recordings/{recording.pk}/sound/"


def body(response) -> bytes:
    return b"".join(response.streaming_content)


@pytest.fixture
def granted(client, officer, recording):
    client.post(LISTEN, {**WHY, "recording": recording.pk})
    return recording


# Who, and why


def test_a_sound_is_sent_only_after_somebody_has_said_why_and_that_is_written_down_once(client, officer, recording):
    page = f"/admin/telecom_records/recording/{recording.pk}/change/"
    assert client.get(address(recording)).status_code == 403
    assert "<audio" not in client.get(page).content.decode()
    for missing in (
        {"reason": "", "ticket": "T"},
        {"reason": "x", "ticket": ""},
        {"reason": "4111 1111 1111 1111", "ticket": "T"},
    ):
        client.post(LISTEN, {**missing, "recording": recording.pk})
        assert client.get(address(recording)).status_code == 403
    looks = AccessLogEntry.objects.filter(of="telecom_records.Recording", ticket="TCK-1")
    assert not looks.exists()

    response = client.post(LISTEN, {**WHY, "recording": recording.pk})
    assert response.headers["Location"] == page
    assert f'src="{address(recording)}"' in client.get(page).content.decode()
    for _ in range(3):
        assert body(client.get(address(recording))) == LONG
    look = looks.get()
    assert (look.user, look.subject, look.reason, look.action) == (officer, str(recording.pk), WHY["reason"], "look")


def test_what_was_said_counts_for_this_recording_this_person_and_this_session_alone(client, granted, alice, source):
    bring(source, sounds.wav(1, level=3), chosen=[granted.call])
    other = Recording.objects.exclude(pk=granted.pk).get()
    assert client.get(address(other)).status_code == 403
    client.logout()
    assert client.get(address(granted)).status_code == 403
    client.force_login(factories.make_user())
    assert client.get(address(granted)).status_code == 403


@pytest.mark.parametrize("role", [SUPPORT_AGENT, AUDITOR, SECURITY_ADMINISTRATOR, None])
def test_who_may_not_listen_gets_nothing_whatever_they_say(client, granted, role):
    client.force_login(factories.make_user(role))
    session = client.session
    session[playback.GRANTS] = [str(granted.pk)]
    session.save()
    before = AccessLogEntry.objects.count()
    assert client.post(LISTEN, {**WHY, "recording": granted.pk}).status_code == 403
    for method in (client.get, client.head):
        assert method(address(granted)).status_code == 403
    for path in ("add/", f"waiting/{granted.pk}/place/"):
        assert client.post(f"/admin/calls/recordings/{path}").status_code == 403
    assert AccessLogEntry.objects.count() == before


def test_listening_is_asked_for_by_post_alone_and_not_from_elsewhere(client, officer, recording):
    assert client.get(LISTEN).status_code == 405
    assert client.post(address(recording)).status_code == 405
    strict = type(client)(enforce_csrf_checks=True)
    strict.force_login(officer)
    assert strict.post(LISTEN, {**WHY, "recording": recording.pk}).status_code == 403


def test_all_recordings_of_a_call_are_on_its_page_and_asked_for_at_once_each_written_down(
    client, officer, made, source
):
    for level in (1, 2, 3):
        bring(source, sounds.wav(0.2, level=level), chosen=[made])
    page = f"/admin/telecom_records/calldetailrecord/{made.pk}/change/"
    ids = [str(pk) for pk in Recording.objects.values_list("pk", flat=True)]
    text = client.get(page).content.decode()
    assert all(f'value="{pk}"' in text for pk in ids) and "<audio" not in text
    assert client.post(LISTEN, {**WHY, "recording": ids, "call": made.pk}).headers["Location"] == page
    assert client.get(page).content.decode().count("<audio") == 3
    looks = AccessLogEntry.objects.filter(of="telecom_records.Recording", ticket="TCK-1")
    assert set(looks.values_list("subject", flat=True)) == set(ids) and looks.count() == 3


@pytest.mark.parametrize(
    "ids", [[], ["x"], ["'; --"], ["0" * 36], ["-" * 36], ["00000000-0000-0000-0000-000000000000"]]
)
def test_ids_that_are_none_are_answered_with_words(client, officer, ids):
    response = client.post(LISTEN, {**WHY, "recording": ids, "call": "٣"}, follow=False)
    assert response.status_code == 302 and not AccessLogEntry.objects.filter(ticket="TCK-1").exists()


# Parts of a sound


@pytest.mark.parametrize(
    ("header", "begin", "end"),
    [
        ("bytes=0-", 0, None), ("bytes=0-0", 0, 1), ("bytes=100-199", 100, 200), ("bytes=300000-", 300_000, None),
        ("bytes=-100", -100, None), ("bytes=-99999999", 0, None), ("bytes=10-99999999", 10, None), ("BYTES = 5-6", 5, 7),
        ("bytes=65535-65536", 65_535, 65_537), ("bytes=131072-262143", 131_072, 262_144),
    ],
)  # fmt: skip
def test_a_part_of_a_sound_is_sent_as_it_is_asked_for(client, granted, header, begin, end):
    response = client.get(address(granted), HTTP_RANGE=header)
    expected = LONG[begin:end]
    assert response.status_code == 206 and body(response) == expected
    first = begin % len(LONG) if begin < 0 else begin
    assert response["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{len(LONG)}"
    assert response["Content-Length"] == str(len(expected))


@pytest.mark.parametrize(
    "header",
    [
        "bytes=",
        "bytes=-",
        "bytes=-0",
        "bytes=9-5",
        "bytes=0-1,5-9",
        "bytes=x-",
        "bytes=99999999-",
        "bytes=٠-١",
        "bytes",
    ],
)
def test_a_part_that_is_none_or_several_at_once_are_refused(client, granted, header):
    response = client.get(address(granted), HTTP_RANGE=header)
    assert response.status_code == 416 and response.content == b""
    assert response["Content-Range"] == f"bytes */{len(LONG)}"


@pytest.mark.parametrize(
    "headers", [{}, {"HTTP_RANGE": "seconds=1-2"}, {"HTTP_RANGE": "bytes=1-2", "HTTP_IF_RANGE": '"x"'}]
)
def test_without_a_range_that_counts_all_of_it_is_sent(client, granted, headers):
    response = client.get(address(granted), **headers)
    assert response.status_code == 200 and body(response) == LONG and "Content-Range" not in response


def test_a_sound_stays_in_no_cache_is_not_compressed_and_opens_nothing(client, granted):
    for response in (
        client.get(address(granted), HTTP_ACCEPT_ENCODING="gzip"),
        client.get(address(granted), HTTP_RANGE="bytes=5-90000", HTTP_ACCEPT_ENCODING="gzip, br"),
        client.head(address(granted)), client.get(address(granted), HTTP_RANGE="bytes=-0"),
    ):  # fmt: skip
        assert "no-store" in response["Cache-Control"] and response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"].startswith("sandbox") and response["Content-Encoding"] == "identity"
        assert not response.has_header("ETag") and not response.has_header("Last-Modified")
    head = client.head(address(granted))
    assert (head["Content-Length"], head["Accept-Ranges"], head["Content-Type"]) == (
        str(len(LONG)),
        "bytes",
        "audio/wav",
    )
    assert head["Content-Disposition"].startswith("inline") or head["Content-Disposition"] == "inline"


@a_few
@given(st.one_of(st.text(max_size=40), st.from_regex(r"bytes=\d{0,6}-\d{0,6}", fullmatch=True)), st.integers(1, 10**6))
def test_every_range_is_inside_the_sound_or_refused(header, size):
    try:
        wanted = range_of(header, size)
    except NotSatisfiable:
        return
    if wanted:
        begin, length = wanted
        assert 0 <= begin < size and 0 < length <= size - begin


def test_what_browsers_do_not_play_is_handed_over_as_a_file_and_written_down_as_taken(client, officer, made, source):
    bring(source, sounds.wav(1, codec=0x31), chosen=[made])
    recording = Recording.objects.get()
    page = f"/admin/telecom_records/recording/{recording.pk}/change/"
    client.post(LISTEN, {**WHY, "recording": recording.pk})
    text = client.get(page).content.decode()
    assert "<audio" not in text and "Download the GSM in WAV file" in text
    response = client.get(address(recording))
    assert response["Content-Disposition"] == f'attachment; filename="recording-{str(recording.pk)[:8]}.wav"'
    assert body(response) == sounds.wav(1, codec=0x31)
    assert AccessLogEntry.objects.get(subject=str(recording.pk), ticket="TCK-1").action == "export"


# Never after its day, and never what no page shows


def past(recording):
    factories.arm("subscriber_recording")
    Recording.objects.update(started_at=NOW - 14 * DAY)


def held(recording):
    factories.make_user()
    from tests.retention.test_clocks import hold

    hold(recording.workspace)
    past(recording)


def restricted(recording):
    person = factories.make_person(recording.workspace)
    user = factories.make_user()
    request = factories.make_request(user, person=person, type="restriction")
    restrict(person, ground="contested", request_id=request.pk, user=user, now=NOW)


def hidden(recording):
    recording.workspace.state = "hidden"
    recording.workspace.save(update_fields=["state"])


def erased(recording):
    with open_door():
        recording.delete()


@pytest.mark.parametrize("gone", [past, held, restricted, hidden, erased])
def test_none_is_readable_after_its_day_or_when_its_customer_is_hidden(client, granted, gone):
    page = f"/admin/telecom_records/recording/{granted.pk}/change/"
    of_call = f"/admin/telecom_records/calldetailrecord/{granted.call_id}/change/"
    lists = "/admin/telecom_records/recording/"
    assert (
        str(granted.pk) in client.get(lists).content.decode()
        and str(granted.pk) in client.get(of_call).content.decode()
    )
    pk = granted.pk
    gone(granted)
    for headers in ({}, {"HTTP_RANGE": "bytes=0-10"}):
        assert client.get(f"/admin/calls/recordings/{pk}/sound/", **headers).status_code == 404
    assert client.get(page).status_code == 404
    assert str(pk) not in client.get(lists).content.decode() + client.get(of_call).content.decode()
    before = AccessLogEntry.objects.filter(ticket="TCK-1").count()
    client.post(LISTEN, {**WHY, "recording": pk})
    assert AccessLogEntry.objects.filter(ticket="TCK-1").count() == before


def test_one_second_before_its_end_it_is_played(client, granted):
    factories.arm("subscriber_recording")
    Recording.objects.update(started_at=NOW - 14 * DAY + SECOND)
    assert body(client.get(address(granted))) == LONG
    Recording.objects.update(started_at=NOW - 14 * DAY)
    assert client.get(address(granted)).status_code == 404


def test_without_its_key_there_is_no_sound(client, granted):
    with open_door():
        KeyPair.objects.filter(owner="workspace", owner_id=granted.workspace_id).update(wrapped=None, destroyed_at=NOW)
    for headers in ({}, {"HTTP_RANGE": "bytes=0-10"}):
        response = client.get(address(granted), **headers)
        assert response.status_code == 410 and b"cannot be read" in response.content


def test_a_store_that_does_not_answer_is_told_so_that_it_is_tried_again(client, granted, monkeypatch):
    def broken(key):
        raise files.UnableToAsk("no answer")

    monkeypatch.setattr(files, "stream", broken)
    assert client.get(address(granted)).status_code == 503


def test_a_stream_under_way_ends_when_the_recording_may_not_be_heard_any_more(client, granted, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(playback.time, "monotonic", lambda: next(clock))  # every piece a second after the one before
    pieces = iter(client.get(address(granted)).streaming_content)
    heard = next(pieces)
    hidden(granted)
    with pytest.raises(ConnectionResetError):
        for piece in pieces:
            heard += piece
    assert 0 < len(heard) < len(LONG) and LONG.startswith(heard)
    assert client.get(address(granted), HTTP_RANGE=f"bytes={len(heard)}-").status_code == 404


def test_a_listener_who_leaves_ends_the_decryption_and_nothing_plain_touches_a_disk(
    client, granted, monkeypatch, tmp_path
):
    import threading

    before = threading.active_count()
    response = client.get(address(granted))
    next(iter(response.streaming_content))
    response.close()
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and thread.daemon and "decrypt" in thread.name:
            thread.join(5)
    assert threading.active_count() <= before
    assert LONG[44:80] not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_recording_whose_sound_is_to_come_has_no_player(client, officer, made, source):
    bring(source, None, recording_id="RE1", chosen=[made], started_at=AT)
    recording = Recording.objects.get()
    assert (
        "has not come in yet" in client.get(f"/admin/telecom_records/recording/{recording.pk}/change/").content.decode()
    )
    client.post(LISTEN, {**WHY, "recording": recording.pk})
    assert client.get(address(recording)).status_code == 404
