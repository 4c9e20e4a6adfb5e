"""Mail goes out to a real mail server: tried again until it is there, under one Message-ID, and alarmed about when not."""

import datetime as dt
import threading
from email import message_from_bytes, policy

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from dsar import outbox
from dsar.models import OutgoingMail
from dsar.tasks import deliver_mail
from tests import factories
from tests.dsar.mail_servers import smtp_server
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)
State = OutgoingMail.State


@pytest.fixture
def postman(settings):
    with smtp_server(settings) as found:
        yield found


def queue(now=NOW, **fields) -> OutgoingMail:
    defaults = {
        "to": "edwin@marsh.example",
        "subject": "Ihre Anfrage – 刪除",
        "text": "Grüße\n.\nend",
        "purpose": "reply",
    }
    return outbox.send(**{**defaults, **fields}, now=now)


def read(raw: bytes):
    return message_from_bytes(raw, policy=policy.default)


def test_a_mail_is_sent_once_with_its_own_message_id(postman):
    mail = queue(answers=["last@marsh.example", "first@marsh.example"])
    sent = outbox.deliver(mail.pk, now=NOW)
    assert (sent.state, sent.answer, sent.sent_at, sent.settled_at, sent.next_try_at) == (
        State.SENT,
        "sent",
        NOW,
        NOW,
        None,
    )
    assert outbox.deliver(mail.pk, now=NOW + DAY) is None
    (raw,) = postman.mails
    got = read(raw)
    assert postman.recipients == ["edwin@marsh.example"]
    assert (got["Subject"], got["Message-ID"]) == ("Ihre Anfrage – 刪除", f"<{outbox.message_id(mail)}>")
    assert (got["In-Reply-To"], got["References"]) == (
        "<last@marsh.example>",
        "<first@marsh.example> <last@marsh.example>",
    )
    assert got.get_content().replace("\r\n", "\n") == "Grüße\n.\nend\n"
    assert (
        got["Auto-Submitted"] is None
        and read(outbox.as_message(queue(purpose="code")).message().as_bytes())["Auto-Submitted"] == "auto-generated"
    )


def test_nothing_of_a_mail_is_readable_in_its_row(postman):
    mail = queue()
    row = OutgoingMail.objects.filter(pk=mail.pk).values_list().get()
    assert not any(
        word in str([bytes(value) if isinstance(value, memoryview) else value for value in row])
        for word in ("marsh", "Grüße", "Anfrage")
    )
    assert outbox.content_of(mail).to == "edwin@marsh.example"


def test_a_mail_belongs_to_the_transaction_that_wrote_it():
    with pytest.raises(RuntimeError), transaction.atomic():
        queue()
        raise RuntimeError
    assert not OutgoingMail.objects.exists()


@pytest.mark.parametrize(
    ("answer", "state"), [("550 5.1.1 nobody", State.UNDELIVERABLE), ("451 4.3.0 later", State.QUEUED)]
)
@pytest.mark.parametrize("step", ["rcpt_answer", "data_answer"])
def test_what_the_server_answers_decides(postman, step, answer, state):
    setattr(postman, step, answer)
    mail = queue()
    got = outbox.deliver(mail.pk, now=NOW)
    assert (got.state, got.answer) == (state, f"SMTP {answer[:3]}")
    assert got.next_try_at == (NOW + MINUTE if state == State.QUEUED else None)
    setattr(postman, step, "")
    assert (outbox.deliver(mail.pk, now=NOW + MINUTE) is None) == (state == State.UNDELIVERABLE)


def test_a_server_that_is_not_there_is_tried_ever_more_rarely_until_the_mail_is_given_up(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    mail, now, waits = queue(), NOW, []
    while (got := outbox.deliver(mail.pk, now=now)).state == State.QUEUED:
        waits.append(got.next_try_at - now)
        assert outbox.deliver(mail.pk, now=got.next_try_at - dt.timedelta(seconds=1)) is None
        now = got.next_try_at
    assert waits[:7] == list(outbox.INTERVALS) and set(waits[7:]) == {outbox.INTERVALS[-1]}
    assert (got.state, got.answer) == (State.FAILED, "not sent (ConnectionRefusedError)")
    assert now <= NOW + outbox.GIVE_UP_AFTER < now + outbox.INTERVALS[-1]


def test_a_code_is_given_up_when_it_ends(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    mail = queue(purpose="code", give_up_after=2 * MINUTE)
    assert outbox.deliver(mail.pk, now=NOW).state == State.QUEUED
    assert outbox.deliver(mail.pk, now=NOW + MINUTE).state == State.FAILED


def test_a_worker_killed_after_the_server_had_the_mail_sends_it_once_more_under_the_same_message_id(
    postman, monkeypatch
):
    mail = queue()

    class Killed(BaseException):
        pass

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "_record", die)
        with pytest.raises(Killed):
            outbox.deliver(mail.pk, now=NOW)
    assert outbox.deliver(mail.pk, now=NOW) is None, "its lease has not run out"
    OutgoingMail.objects.update(lease_until=timezone.now() - MINUTE)
    assert outbox.deliver(mail.pk, now=NOW).state == State.SENT
    assert len({read(raw)["Message-ID"] for raw in postman.mails}) == 1
    assert len({raw for raw in postman.mails}) == 1, "the same mail to the letter"


def test_a_connection_that_breaks_after_the_mail_is_tried_again(postman):
    postman.data_answer = "drop"
    mail = queue()
    assert outbox.deliver(mail.pk, now=NOW).state == State.QUEUED
    postman.data_answer = ""
    assert outbox.deliver(mail.pk, now=NOW + MINUTE).state == State.SENT


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_sends(postman):
    mail = queue()
    both, found = threading.Barrier(2), []

    def run():
        try:
            both.wait()
            found.append(outbox.deliver(mail.pk, now=NOW))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(postman.mails) == 1 and sorted(one is None for one in found) == [False, True]


def test_a_mail_that_came_back_is_undeliverable_and_only_ours_can(postman):
    mail = queue()
    outbox.deliver(mail.pk, now=NOW)
    assert outbox.note_bounce("x@y.example", status="5.1.1", now=NOW) is None
    assert outbox.note_bounce(f"{mail.pk}@elsewhere.example", status="5.1.1", now=NOW) is None
    got = outbox.note_bounce(outbox.message_id(mail), status="5.1.1", now=NOW)
    assert (got.state, got.answer) == (State.UNDELIVERABLE, "came back (5.1.1)")
    outbox.note_bounce(outbox.message_id(mail), status="5.1.1", now=NOW)


def test_somebody_must_see_to_what_failed_or_waits_long():
    a, b, c = (queue(now=NOW - DAY) for _ in range(3))
    fresh = queue()
    OutgoingMail.objects.filter(pk=a.pk).update(state=State.FAILED, next_try_at=None, settled_at=NOW)
    OutgoingMail.objects.filter(pk=b.pk).update(state=State.UNDELIVERABLE, next_try_at=None, settled_at=NOW)
    assert set(outbox.needs_somebody(NOW)) == {a, b, c} and fresh not in outbox.needs_somebody(NOW)
    outbox.close(b.pk, now=NOW)
    outbox.send_again(a.pk, now=NOW)
    a.refresh_from_db()
    assert (a.state, a.next_try_at, a.settled_at, a.tries) == (State.QUEUED, NOW, None, 0)
    with pytest.raises(outbox.UnableToSend, match="cannot become"):
        outbox.send_again(b.pk, now=NOW)


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "nobody"},
        {"to": "a@b.example\nBcc: x@y.example"},
        {"to": "ü@b.example"},
        {"subject": " "},
        {"text": "\n"},
    ],
)
def test_what_cannot_be_sent_is_told_when_it_is_written(fields):
    with pytest.raises(outbox.UnableToSend):
        queue(**fields)
    assert not OutgoingMail.objects.exists()


def test_a_subject_of_several_lines_becomes_one(postman):
    mail = queue(subject="Hello\r\nBcc: x@y.example")
    outbox.deliver(mail.pk, now=NOW)
    assert read(postman.mails[0])["Subject"] == "Hello Bcc: x@y.example" and postman.recipients == [
        "edwin@marsh.example"
    ]


def test_the_database_refuses_a_mail_that_is_neither_waiting_nor_settled():
    mail = queue()
    with pytest.raises(IntegrityError, match="outgoing_queued_or_settled"), transaction.atomic():
        OutgoingMail.objects.filter(pk=mail.pk).update(state=State.SENT)


def test_a_worker_sends_what_a_tick_finds(postman):
    mail = queue(now=timezone.now())
    assert list(outbox.to_send(timezone.now())) == [mail]
    deliver_mail(str(mail.pk))
    assert len(postman.mails) == 1 and not outbox.to_send(timezone.now())


def test_the_page_of_mails_masks_the_address_and_tells_what_is_wrong(client):
    OutgoingMail.objects.filter(pk=queue(now=NOW - DAY).pk).update(
        state=State.UNDELIVERABLE, next_try_at=None, settled_at=NOW
    )
    mail = OutgoingMail.objects.get()
    for role, clear in (("Support agent", False), ("Privacy officer", True)):
        client.force_login(factories.make_user(role))
        for url in ("/admin/dsar/outgoingmail/?stands=wrong", f"/admin/dsar/outgoingmail/{mail.pk}/change/"):
            html = client.get(url).content.decode()
            assert ("edwin@marsh.example" in html) == clear and ("e•••@marsh.example" in html) != clear, (role, url)
            assert "A mail to somebody has not arrived" in html
    from accounts.models import AccessLogEntry

    assert set(AccessLogEntry.objects.values_list("of", "action")) == {
        ("dsar.OutgoingMail", "look"),
        ("dsar.OutgoingMail", "list"),
    }
    client.post(f"/admin/dsar/outgoingmail/{mail.pk}/again/", {"_form_submitted": "True"})
    mail.refresh_from_db()
    assert mail.state == State.QUEUED
