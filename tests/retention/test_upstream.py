"""Recipients outside are told of erasures until they have confirmed them (mission P12; Article 19 GDPR)."""

import json

import pytest
from cryptography.exceptions import InvalidTag
from django.core import mail
from django.db import IntegrityError, transaction

from accounts import evidence, keys
from accounts.delivery import DAY, HOUR, MINUTE, Outcome, Result
from accounts.models import EvidenceEntry, Person
from retention import jobs
from retention.models import DeletionJob, Notice, NoticeContent
from retention.purge import carry_out
from retention.upstream import notices, signatures, webhook
from tests import factories
from tests.factories import NOW
from tests.retention.recipients import SECRET, Endpoint, confirm, make_recipient, reply

pytestmark = pytest.mark.django_db
State = Notice.State


@pytest.fixture(autouse=True)
def armed(settings):
    factories.arm()
    settings.UPSTREAM_PRIVATE_ADDRESSES = True


def erase(workspace=None, *, now=NOW) -> DeletionJob:
    """Delete a customer to the end; return the deletion."""
    workspace = workspace or factories.make_customer()
    done = [job for job in carry_out(now, now=now) if job.workspace_id == workspace.pk]
    assert [job.state for job in done] == [DeletionJob.State.DONE]
    return done[0]


def content_of(notice: Notice) -> dict:
    return notices.message_of(notice, now=NOW)["customer"]


# --- Who is told what ---------------------------------------------------------------------------------------------


def test_each_recipient_is_told_by_the_ids_it_knows_and_of_nothing_else():
    alice, bob = factories.make_customer(), factories.make_customer(expires_at=NOW + DAY)
    person = Person.objects.get(memberships__workspace=alice)
    numbers = sorted(alice.number_assignments.values_list("number__e164", flat=True))
    token = alice.payment_references.get()
    platform = make_recipient(categories=["accounts.Workspace", "telecom_records.CallDetailRecord"])
    stripe = make_recipient(known_by="payment", categories=["accounts.PaymentReference", "dsar.Ticket"])
    carrier = make_recipient(known_by="number", categories=["telecom_records.NumberAssignment"])
    job = erase(alice)
    told = {notice.recipient: notice for notice in job.notices.all()}
    assert set(told) == {platform, stripe, carrier}
    assert content_of(told[platform]) == {"workspaces": [alice.outside_id], "people": [person.outside_id]}
    assert content_of(told[stripe]) == {"payment_references": [{"processor": token.processor, "token": token.token}]}
    assert [one["number"] for one in content_of(told[carrier])["numbers"]] == numbers
    assert told[stripe].categories == ["accounts.PaymentReference", "dsar.Ticket"]
    everything = json.dumps([content_of(notice) for notice in told.values()])
    assert bob.outside_id not in everything and alice.name not in everything and person.email not in everything


def test_a_recipient_of_nothing_that_went_is_told_nothing():
    make_recipient(categories=["telecom_records.Recording"])
    workspace = factories.make_workspace()
    factories.make_subscription(workspace)
    assert not erase(workspace).notices.exists()


def test_a_draft_and_an_ended_one_are_told_nothing():
    make_recipient(active=False)
    ended = make_recipient()
    ended.active_until = NOW
    ended.save()
    assert not erase().notices.exists()


def test_rows_past_their_own_time_are_told_with_their_dates():
    workspace = factories.make_workspace()
    factories.make_subscription(workspace, expires_at=None)
    recording = factories.make_recording(workspace)
    type(recording).objects.update(keep_days=1)
    platform = make_recipient(categories=["telecom_records.Recording"])
    (job,) = carry_out(NOW, now=NOW)
    assert job.rule_id == "subscriber_recording" and job.state == DeletionJob.State.DONE
    notice = job.notices.get(recipient=platform)
    dated = {"category": "recordings", "workspace": workspace.outside_id, "person": "",
             "of": evidence.rfc3339(recording.started_at)}  # fmt: skip
    assert content_of(notice) == {"workspaces": [workspace.outside_id], "rows": [dated]}


def test_the_notice_is_chosen_at_intent_and_goes_out_only_when_all_is_gone():
    alice = factories.make_customer(calls=5)
    make_recipient()
    jobs.schedule_due(NOW)
    job_id = DeletionJob.objects.get().pk
    jobs.run_job(job_id, now=NOW, seconds=0)
    notice = Notice.objects.get()
    assert (notice.state, notice.due_at) == (State.PREPARED, None)
    assert not notices.to_send(NOW + 365 * DAY).exists()
    assert alice.outside_id.encode() not in bytes(notice.content.sealed)
    while jobs.run_job(job_id, now=NOW).state == DeletionJob.State.RUNNING:
        pass
    notice.refresh_from_db()
    assert (notice.state, notice.erased_at, notice.due_at) == (State.WAITING, NOW, NOW + 20 * DAY)
    assert list(notices.to_send(NOW)) == [notice]


def test_the_database_refuses_a_second_notice_and_a_confirmation_without_instant():
    make_recipient()
    notice = erase().notices.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.create(recipient=notice.recipient, job=notice.job, prepared_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(state=State.CONFIRMED)


# --- Sending ------------------------------------------------------------------------------------------------------


def test_a_recipient_that_confirms_in_its_answer_is_done():
    with Endpoint(confirm) as endpoint:
        make_recipient(endpoint.url)
        job = erase()
        notice = notices.send(job.notices.get().pk, now=NOW + MINUTE)
    assert (notice.state, notice.settled_at, notice.settled_how) == (State.CONFIRMED, NOW + MINUTE, "answer")
    assert notices.everywhere(job).is_complete and notices.gone_by(job) == NOW + MINUTE
    ((headers, body),) = endpoint.calls
    given = {name.lower(): value for name, value in headers.items()}
    assert signatures.check_signature(SECRET, given, body, now=NOW + MINUTE) == str(notice.pk)
    assert given["idempotency-key"] == str(notice.pk) == json.loads(body)["id"]
    assert evidence.broken_entry() is None
    assert EvidenceEntry.objects.get(type="NOTICE_CONFIRMED").subject == str(notice.pk)


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        ((200, b"ok"), State.SENT, "HTTP 200"),
        ((200, b'{"confirmed": true}'), State.SENT, "HTTP 200"),
        ((200, b'{"confirmed": "another"}'), State.SENT, "HTTP 200"),
        ((200, b"[" * 100_000), State.SENT, "HTTP 200"),
        ((200, b'"confirmed"' * 200_000), State.SENT, "HTTP 200"),
        ((202, b""), State.SENT, "HTTP 202"),
        ((500, b"{}"), State.WAITING, "HTTP 500"),
        ((429, b"{}"), State.WAITING, "HTTP 429"),
        ((404, b"{}"), State.REFUSED, "HTTP 404"),
        ((401, b"{}"), State.REFUSED, "HTTP 401"),
    ],
)
def test_every_answer_but_a_confirmation_of_this_notice_leaves_it_open(answer, state, said):
    with Endpoint(answer) as endpoint:
        make_recipient(endpoint.url)
        notice = notices.send(erase().notices.get().pk, now=NOW)
    assert (notice.state, notice.answer, notice.settled_at) == (state, said, None)
    assert len(endpoint.calls) == 1


def test_a_redirect_is_not_followed():
    with (
        Endpoint(confirm) as elsewhere,
        Endpoint(lambda handler, body: reply(handler, 302, location=elsewhere.url)) as endpoint,
    ):
        make_recipient(endpoint.url)
        notice = notices.send(erase().notices.get().pk, now=NOW)
    assert (notice.state, notice.answer, elsewhere.calls) == (State.REFUSED, "HTTP 302, a redirect", [])


@pytest.mark.parametrize("behaviour", ["hang", "drip"])
def test_a_server_that_never_ends_its_answer_is_cut_off(monkeypatch, behaviour):
    monkeypatch.setattr(webhook, "SECONDS", 0.3)
    with Endpoint() as endpoint:
        endpoint.answers = [getattr(endpoint, behaviour)]
        make_recipient(endpoint.url)
        notice = notices.send(erase().notices.get().pk, now=NOW)
    assert (notice.state, notice.answer) == (State.WAITING, "timeout")


def test_a_server_that_is_not_there_is_tried_at_growing_intervals_and_given_up_after_the_deadline():
    recipient = make_recipient("http://127.0.0.1:1/")
    notice = erase().notices.get()
    now, waits = NOW, []
    while notices.send(notice.pk, now=now):
        notice.refresh_from_db()
        assert notice.answer == "no answer (ConnectionRefusedError)"
        if notice.state == State.FAILED:
            break
        waits.append(notice.next_try_at - now)
        now = notice.next_try_at
    assert waits[:8] == [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY]
    assert notice.state == State.FAILED and not notices.to_send(NOW + 999 * DAY).exists()
    assert now <= NOW + (recipient.deadline_days + 7) * DAY < now + 2 * DAY
    assert EvidenceEntry.objects.filter(type="NOTICE_FAILED", subject=str(notice.pk)).count() == 1


def test_two_workers_at_once_send_once(monkeypatch):
    make_recipient()
    notice = erase().notices.get()
    second = []

    def attempt(found, *, now):
        second.append(notices.send(found.pk, now=now))
        return Outcome(Result.TAKEN, "HTTP 200")

    monkeypatch.setattr(notices, "attempt", attempt)
    assert notices.send(notice.pk, now=NOW).state == State.SENT
    assert second == [None]


def test_a_worker_killed_between_sending_and_writing_it_down_sends_once_more_under_the_same_id(monkeypatch):
    with Endpoint((500, b""), (200, b""), confirm) as endpoint:
        endpoint.answers = [(200, b""), confirm]
        make_recipient(endpoint.url)
        notice = erase().notices.get()
        with monkeypatch.context() as patch:
            patch.setattr(notices, "record", lambda *_, **__: (_ for _ in ()).throw(SystemExit("killed")))
            with pytest.raises(SystemExit):
                notices.send(notice.pk, now=NOW)
        assert notices.send(notice.pk, now=NOW + MINUTE) is None  # its lease runs
        Notice.objects.update(lease_until=NOW - DAY)  # the lease's clock is the database's
        assert notices.send(notice.pk, now=NOW + MINUTE).state == State.CONFIRMED
        assert notices.send(notice.pk, now=NOW + DAY) is None
    assert len(endpoint.calls) == 2
    assert len({headers["idempotency-key"] for headers, _ in endpoint.calls}) == 1


def test_a_fault_of_the_portal_is_counted_like_any_failure():
    make_recipient()
    notice = erase().notices.get()
    NoticeContent.objects.update(sealed=b"x" * 40)
    notice = notices.send(notice.pk, now=NOW)
    assert (notice.state, notice.answer) == (State.WAITING, "a fault of the portal (InvalidTag)")
    assert notice.next_try_at == NOW + MINUTE and notice.lease_until is None


# --- Reminders, confirmation, escalation ----------------------------------------------------------------------------


def test_who_has_it_and_does_not_confirm_is_reminded_before_and_after_the_deadline_and_then_chased():
    with Endpoint((200, b"")) as endpoint:
        make_recipient(endpoint.url, deadline_days=20)
        notice = notices.send(erase().notices.get().pk, now=NOW)
        reminded = []
        while notice.next_try_at:
            reminded.append((notice.next_try_at - NOW) / DAY)
            notice = notices.send(notice.pk, now=notice.next_try_at)
    assert reminded == [15, 20, 23, 27]
    assert [json.loads(body)["reminder"] for _, body in endpoint.calls] == [False, True, True, True, True]
    assert not notices.needs_somebody(NOW + 19 * DAY).exists()
    assert list(notices.needs_somebody(NOW + 20 * DAY)) == [notice] and notice.is_late(NOW + 20 * DAY)


def signed(client, notice, *, body=None, at=None, secret=SECRET, message_id=None):
    from django.utils import timezone

    body = json.dumps({"confirmed": str(notice.pk)}).encode() if body is None else body
    headers = signatures.sign(secret, message_id or str(notice.pk), at or timezone.now(), body)
    return client.post(f"/upstream/confirm/{notice.pk}/", body, content_type="application/json", headers=headers)


def test_a_signed_call_confirms_once(client):
    make_recipient()
    notice = erase().notices.get()
    assert signed(client, notice).json() == {"confirmed": str(notice.pk)}
    notice.refresh_from_db()
    assert (notice.state, notice.settled_how, notice.next_try_at) == (State.CONFIRMED, "call_back", None)
    assert signed(client, notice).status_code == 200
    assert EvidenceEntry.objects.filter(type="NOTICE_CONFIRMED").count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "another secret of many characters, wrong"},
        {"secret": ""},
        {"body": b'{"confirmed": true}'},
        {"body": b"not json"},
        {"body": b"x" * 5000},
        {"at": NOW - 400 * DAY},
        {"message_id": "another"},
    ],
)
def test_a_call_that_is_not_signed_confirms_nothing(client, wrong):
    make_recipient()
    notice = erase().notices.get()
    assert signed(client, notice, **wrong).status_code == 403
    notice.refresh_from_db()
    assert notice.state == State.WAITING


def test_our_own_message_sent_back_to_us_confirms_nothing(client):
    with Endpoint((200, b"")) as endpoint:
        make_recipient(endpoint.url)
        notice = notices.send(erase().notices.get().pk, now=NOW)
    ((headers, body),) = endpoint.calls
    from django.utils import timezone

    again = signatures.sign(SECRET, str(notice.pk), timezone.now(), body)
    response = client.post(f"/upstream/confirm/{notice.pk}/", body, content_type="application/json", headers=again)
    assert response.status_code == 403


def test_a_recipient_told_by_mail_or_nobody_cannot_call(client):
    make_recipient(email="erasures@example.test")
    notice = erase().notices.get()
    assert signed(client, notice, secret="").status_code == 403
    assert client.post("/upstream/confirm/00000000-0000-0000-0000-000000000000/").status_code == 403
    assert client.get(f"/upstream/confirm/{notice.pk}/").status_code == 405


def test_a_confirmation_while_the_notice_is_being_sent_stays(monkeypatch):
    make_recipient()
    notice = erase().notices.get()

    def attempt(found, *, now):
        notices.confirm_by_call(found, now=now)
        return Outcome(Result.FAILED, "timeout")

    monkeypatch.setattr(notices, "attempt", attempt)
    assert notices.send(notice.pk, now=NOW).state == State.CONFIRMED


def test_an_officer_confirms_closes_and_sends_again_with_a_note():
    officer = factories.make_user()
    for count in range(3):
        make_recipient(name=f"R{count}")
    job = erase()
    first, second, third = job.notices.order_by("recipient__name")
    notices.settle_by_hand(first.pk, confirmed=True, note="Letter of 3 December", user=officer, now=NOW + DAY)
    with pytest.raises(notices.UnableToSettle):
        notices.settle_by_hand(first.pk, confirmed=False, note="no", user=officer, now=NOW + DAY)
    with pytest.raises(notices.UnableToSettle):
        notices.settle_by_hand(second.pk, confirmed=True, note="  ", user=officer, now=NOW + DAY)
    notices.settle_by_hand(second.pk, confirmed=False, note="The company was wound up", user=officer, now=NOW + DAY)
    notices.record(third.pk, Outcome(Result.REFUSED, "HTTP 404"), now=NOW)
    assert list(notices.needs_somebody(NOW)) == [third]
    notices.send_again(third.pk, user=officer, now=NOW + DAY)
    assert list(notices.to_send(NOW + DAY)) == [third]
    found = notices.everywhere(job)
    assert (found.confirmed, found.is_complete) == (1, False)
    body = EvidenceEntry.objects.get(type="NOTICE_CLOSED").body
    assert body == {"job": str(job.pk), "recipient": str(second.recipient_id), "how": "officer", "by": officer.pk}


def test_gone_everywhere_is_the_last_deadline_until_all_have_confirmed():
    make_recipient(deadline_days=10)
    make_recipient(deadline_days=40)
    job = erase()
    assert notices.gone_by(job) == NOW + 40 * DAY
    for notice in job.notices.order_by("-due_at"):
        notices.confirm_by_call(notice, now=NOW + 2 * DAY)
        assert notices.gone_by(job) == (NOW + 10 * DAY if not notices.everywhere(job).is_complete else NOW + 2 * DAY)


# --- By e-mail ------------------------------------------------------------------------------------------------------


def test_mail_carries_the_notice_and_waits_for_people():
    make_recipient(email="erasures@example.test")
    alice = factories.make_customer()
    job = erase(alice)
    notice = notices.send(job.notices.get().pk, now=NOW)
    assert (notice.state, notice.answer) == (State.SENT, "sent")
    (sent,) = mail.outbox
    assert sent.to == ["erasures@example.test"]
    assert alice.outside_id not in sent.body + sent.subject
    ((name, content, _),) = sent.attachments
    assert json.loads(content)["customer"]["workspaces"] == [alice.outside_id]
    again = notices.send(notice.pk, now=notice.next_try_at)
    assert again.state == State.SENT and "reminder" in mail.outbox[1].subject
    assert {message.extra_headers["Message-ID"] for message in mail.outbox} == {f"<{notice.pk}@callmama.invalid>"}


def test_mail_to_a_recipient_with_a_key_is_readable_by_it_only():
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    make_recipient(email="numbers@example.test", key=str(identity.to_public()), known_by="number")
    alice = factories.make_customer()
    number = alice.number_assignments.first().number.e164
    notices.send(erase(alice).notices.get().pk, now=NOW)
    ((_, sealed, _),) = mail.outbox[0].attachments
    assert number.encode() not in mail.outbox[0].message().as_bytes() and number.encode() not in sealed
    assert number in pyrage.decrypt(sealed, [identity]).decode()


def test_a_mail_server_that_is_not_there_is_tried_again(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    make_recipient(email="erasures@example.test")
    notice = notices.send(erase().notices.get().pk, now=NOW)
    assert (notice.state, notice.answer) == (State.WAITING, "not sent (ConnectionRefusedError)")


# --- The ids go -----------------------------------------------------------------------------------------------------


def test_the_ids_go_a_while_after_the_confirmation_and_the_receipt_stays():
    make_recipient()
    make_recipient()
    job = erase()
    settled, still_open = job.notices.order_by("pk")
    notices.confirm_by_call(settled, now=NOW + DAY)
    assert carry_out(NOW + 8 * DAY - MINUTE, now=NOW + 8 * DAY - MINUTE) == []
    (done,) = carry_out(NOW + 8 * DAY, now=NOW + 8 * DAY)
    assert (done.rule_id, done.state) == ("upstream_notice", DeletionJob.State.DONE)
    assert set(NoticeContent.objects.values_list("pk", flat=True)) == {still_open.pk}
    assert set(job.notices.all()) == {settled, still_open}
    assert not done.notices.exists()


def test_nothing_personal_is_in_the_evidence_and_nothing_readable_in_the_notices():
    alice = factories.make_customer()
    person = Person.objects.get(memberships__workspace=alice)
    number = alice.number_assignments.first().number.e164
    with Endpoint(confirm) as endpoint:
        for known_by in ("account", "payment", "number"):
            make_recipient(endpoint.url, known_by=known_by)
        job = erase(alice)
        for notice in job.notices.all():
            notices.send(notice.pk, now=NOW)
    assert all(notice.state == State.CONFIRMED for notice in job.notices.all())
    told = b"".join(body for _, body in endpoint.calls).decode()
    assert person.outside_id in told and number in told
    written = str(list(EvidenceEntry.objects.values_list("body", "subject"))) + str(list(Notice.objects.values_list()))
    written += str([bytes(sealed) for (sealed,) in NoticeContent.objects.values_list("sealed")])
    for token in (person.outside_id, person.email, alice.outside_id, alice.name, number, "tok_", "hooks.example"):
        assert token not in written, token


def test_a_sealed_address_opens_for_its_own_row_only():
    first, second = make_recipient(), make_recipient()
    first.sealed_address = second.sealed_address
    with pytest.raises(InvalidTag):
        notices.address_of(first)
    assert keys.unseal(bytes(second.sealed_address), purpose="addresses of recipients", bound_to=str(second.pk))


def test_mail_of_a_portal_that_is_tried_out_goes_to_a_folder_of_its_own(settings):
    assert settings.EMAIL_FILE_PATH == settings.VAR_DIR / "mail" and settings.EMAIL_FILE_PATH.is_absolute()
