"""Mail becomes messages of tickets, from a real mail server: once, whole, whatever it is."""

import datetime as dt
import threading
from email import policy
from email.message import EmailMessage

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone

from accounts import files
from accounts.models import StoredFile
from dsar import outbox
from dsar.mail import fetching, taking
from dsar.mail.imap import read_address
from dsar.models import Attachment, Mailbox, TakenMail, Ticket, TicketMessage
from dsar.tasks import fetch_mail
from tests import factories
from tests.dsar.mail_servers import imap_server

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def shared_server():
    with imap_server() as server:
        yield server


@pytest.fixture
def server(shared_server):
    shared_server.empty()
    return shared_server


def mail(
    text: str = "Please delete my data.", *, sender="Edwin Marsh <edwin@marsh.example>", **headers
) -> EmailMessage:
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"], made["Subject"] = sender, "support@callmama.com", headers.pop("subject", "My data")
    made["Message-ID"] = headers.pop("mail_id", f"<{factories.next_number()}@marsh.example>")
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def fetch(server, after: str = "flag") -> fetching.Fetched:
    (found,) = fetching.fetch_all([server.url(after)], now=timezone.now())
    return found


def original_of(message: TicketMessage) -> bytes:
    return files.read_encrypted(message.attachments.get(kind="original").file_key)


def test_a_mail_becomes_a_ticket_with_its_text_its_files_and_itself_as_it_came(server):
    written = mail("Grüße, please delete my data.", subject="Löschung – 刪除")
    written.add_attachment(
        b"%PDF-1.7 rest", maintype="application", subtype="octet-stream", filename="../../ID “copy”.pdf"
    )
    server.put(written.as_bytes())
    before = timezone.now()
    assert vars(fetch(server)) | {"mailbox": ""} == {"mailbox": "", "taken": 1, "known": 0, "problem": ""}
    ticket = Ticket.objects.get()
    message = ticket.messages.get()
    assert (ticket.subject, ticket.channel, ticket.state) == ("Löschung – 刪除", "email", "open")
    assert (ticket.contact_name, ticket.contact) == ("Edwin Marsh", "edwin@marsh.example")
    assert (message.kind, message.body, message.remark, message.warning) == (
        "received",
        "Grüße, please delete my data.",
        "",
        "",
    )
    part = message.attachments.get(kind="part")
    assert (part.name, part.content_type, part.said_type, part.size) == (
        "ID “copy”.pdf", "application/pdf", "application/octet-stream", 13,
    )  # fmt: skip
    assert files.read_encrypted(part.file_key) == b"%PDF-1.7 rest"
    assert original_of(message) == written.as_bytes()
    assert abs(ticket.opened_at - before) < dt.timedelta(minutes=1), "received when the server had it"
    assert not any(b"Marsh" in path.read_bytes() for path in files.store().root.rglob("*") if path.is_file())


def test_the_same_mail_twice_is_one_and_another_with_its_message_id_is_not(server):
    first = mail(mail_id="<same@marsh.example>")
    by_other_way = b"Received: from another mailbox\r\nDelivered-To: info@callmama.com\r\n" + first.as_bytes()
    other = mail("Something else.", mail_id="<same@marsh.example>")
    server.put(first.as_bytes(), first.as_bytes(), by_other_way, other.as_bytes())
    found = fetch(server)
    assert (found.taken, found.known, found.problem) == (2, 2, "")
    assert set(TicketMessage.objects.values_list("body", flat=True)) == {"Please delete my data.", "Something else."}
    assert (fetch(server).taken, TicketMessage.objects.count()) == (0, 2)


def test_what_somebody_has_read_in_another_program_is_taken_all_the_same(server):
    server.put(mail().as_bytes())
    with server.client() as client:
        client.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Seen \Flagged)")
    assert fetch(server).taken == 1


def test_mails_are_marked_or_deleted_on_the_server_as_its_address_says(server):
    server.put(mail().as_bytes())
    fetch(server)
    assert all(r"\Seen" in line for line in server.flags()) and len(server.flags()) == 1
    server.put(mail("Second").as_bytes())
    assert fetch(server, "delete").taken == 1
    assert server.flags() == []  # the first one, too: it is stored here and should not be there any more


@pytest.mark.parametrize("after", ["flag", "delete"])
def test_a_run_killed_between_storing_and_marking_loses_nothing_and_doubles_nothing(server, monkeypatch, after):
    server.put(mail("one").as_bytes(), mail("two").as_bytes())

    class Killed(BaseException):
        pass

    def die(*args):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("dsar.mail.imap.Inbox.settle", die)
        with pytest.raises(Killed):
            fetch(server, after)
    assert list(TicketMessage.objects.values_list("body", flat=True)) == ["one"]
    assert fetch(server, after).taken == 1
    assert sorted(TicketMessage.objects.values_list("body", flat=True)) == ["one", "two"]
    assert len(server.flags()) == (0 if after == "delete" else 2)


def test_a_run_killed_while_it_stores_leaves_nothing_half_done(server, monkeypatch):
    written = mail()
    written.add_attachment(b"a file", maintype="text", subtype="plain", filename="a.txt")
    server.put(written.as_bytes())

    class Killed(BaseException):
        pass

    def die(*args):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("dsar.mail.taking._store_files", die)
        with pytest.raises(Killed):
            fetch(server)
    assert not Ticket.objects.exists() and not TakenMail.objects.exists()
    assert fetch(server).taken == 1
    assert Attachment.objects.count() == 2


def test_when_the_server_renumbers_its_mails_they_are_known_again_even_after_their_ticket_is_gone(server):
    server.put(mail().as_bytes())
    fetch(server)
    factories.arm("closed_ticket")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('callmama.door', 'open', true)")
    for model in (Attachment, TicketMessage, Ticket):
        model.objects.all().delete()
    Mailbox.objects.update(uid_validity=1)
    found = fetch(server)
    assert (found.taken, found.known) == (0, 1)
    assert not Ticket.objects.exists()


def test_an_answer_joins_the_ticket_of_the_mail_it_answers(server):
    agent = factories.make_user("Support agent")
    ticket = factories.make_ticket(contact="edwin@marsh.example")
    sent = outbox.send(
        to=ticket.contact, subject="Re", text="We look into it.", purpose="reply", now=timezone.now(), ticket=ticket
    )
    TicketMessage.objects.create(ticket=ticket, kind="sent", body="x", mail_id=outbox.message_id(sent), author=agent)
    Ticket.objects.filter(pk=ticket.pk).update(state="closed", closed_at=timezone.now())
    answers = [
        mail("by In-Reply-To", In_Reply_To=f"<{outbox.message_id(sent)}>"),
        mail("by References", References=f"<older@x.example> <{outbox.message_id(sent)}> <unknown@y.example>"),
        mail("by the subject", subject=f"AW: [{ticket.reference}] Bad line"),
        mail("a stranger who knows the thread", sender="x@strange.example", In_Reply_To=f"<{outbox.message_id(sent)}>"),
    ]
    server.put(*(one.as_bytes() for one in answers))
    assert fetch(server).taken == 4
    ticket.refresh_from_db()
    assert (ticket.state, ticket.closed_at) == ("open", None)
    assert list(ticket.messages.filter(mail_id__contains="marsh").order_by("pk").values_list("body", "warning")) == [
        ("by In-Reply-To", ""), ("by References", ""), ("by the subject", ""), ("a stranger who knows the thread", "other"),
    ]  # fmt: skip
    assert Ticket.objects.count() == 1


def test_a_reference_that_a_stranger_writes_opens_a_ticket_of_its_own(server):
    ticket = factories.make_ticket(contact="edwin@marsh.example")
    server.put(mail(sender="x@strange.example", subject=f"Re: {ticket.reference}").as_bytes())
    fetch(server)
    other = Ticket.objects.exclude(pk=ticket.pk).get()
    assert other.messages.get().remark.startswith(
        f"Its subject names {ticket.reference}, whose person writes from another"
    )
    assert ticket.messages.count() == 1


def test_the_customer_is_found_by_the_address_unless_the_mail_poses_as_us_or_two_have_it(server):
    workspace = factories.make_workspace()
    person = factories.make_person(workspace, email="Edwin@Marsh.example")
    twin, _ = factories.make_person(email="two@marsh.example"), factories.make_person(email="TWO@marsh.example")
    factories.make_person(workspace, email="boss@ca11mama.com")
    server.put(
        mail("mine").as_bytes(),
        mail("twins", sender=twin.email).as_bytes(),
        mail("poses", sender="boss@ca11mama.com").as_bytes(),
    )
    fetch(server)
    found = {message.body: message.ticket for message in TicketMessage.objects.select_related("ticket")}
    assert (found["mine"].person, found["mine"].workspace) == (person, workspace)
    assert (found["twins"].person, found["poses"].person) == (None, None)
    keys = StoredFile.objects.filter(owner="workspace", owner_id=workspace.pk)
    assert set(keys.values_list("key", flat=True)) == {found["mine"].messages.get().attachments.get().file_key}
    assert {message.warning for message in TicketMessage.objects.filter(body="poses")} == {"lookalike"}


def test_a_mail_that_comes_back_is_noted_at_the_mail_and_in_its_ticket(server):
    ticket = factories.make_ticket(contact="gone@marsh.example")
    sent = outbox.send(to=ticket.contact, subject="Re", text="x", purpose="reply", now=timezone.now(), ticket=ticket)
    type(sent).objects.update(state="sent", next_try_at=None, settled_at=timezone.now())
    report = (
        "From: MAILER-DAEMON@mx.example\r\nTo: support@callmama.com\r\nSubject: Undelivered\r\nMessage-ID: <b1@mx.example>\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nNobody of that name.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; gone@marsh.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{outbox.message_id(sent)}>\r\nSubject: Re\r\n\r\nx\r\n--b--\r\n"
    )
    server.put(report.encode())
    fetch(server)
    sent.refresh_from_db()
    assert (sent.state, sent.answer) == ("undeliverable", "came back (5.1.1)")
    note = ticket.messages.get(kind="note")
    assert "came back (5.1.1)" in note.body and "Nobody of that name." in note.body
    assert Ticket.objects.count() == 1


# --- Mail that is not as it should be ----------------------------------------------------------------------------------


def test_a_mail_of_50_mb_is_kept_whole_and_its_beginning_is_shown(server, settings):
    line = b"x" * 998 + b"\r\n"
    head = b"From: big@marsh.example\r\nSubject: Big\r\nMessage-ID: <big@marsh.example>\r\n\r\nHere are my scans.\r\n"
    raw = head + line * 52_500
    assert len(raw) > 50 * 1024 * 1024
    server.put(raw)
    found = fetch(server)
    assert (found.taken, found.problem) == (1, "")
    message = TicketMessage.objects.get()
    assert message.body.startswith("Here are my scans.") and "too large to be taken apart" in message.remark
    assert original_of(message) == raw


def test_of_a_mail_beyond_all_size_the_beginning_is_taken_and_the_mail_stays_on_the_server(server, settings):
    settings.MAIL_LARGEST_BYTES, settings.MAIL_PARSE_BYTES = 200_000, 100_000
    raw = mail("My scans follow.").as_bytes() + b"y" * 300_000
    server.put(raw, mail("after it").as_bytes())
    assert (fetch(server, "delete").taken, len(server.flags())) == (2, 1)
    message = TicketMessage.objects.get(body__startswith="My scans")
    assert "only its beginning was fetched" in message.remark
    assert original_of(message) == raw[:100_000]
    fetch(server, "delete")
    assert len(server.flags()) == 1


HOSTILE = {
    "no boundary": (b"Content-Type: multipart/mixed\r\n\r\nstill my words", "still my words", "parts are broken"),
    "boundary never closed": (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nstill my words', "still my words", "",
    ),
    "unknown charset": (b"Content-Type: text/plain; charset=klingon\r\n\r\ncaf\xe9 words", "café words", "character set"),
    "wrong charset": (b"Content-Type: text/plain; charset=ascii\r\n\r\ncaf\xc3\xa9 words", "café words", ""),
    "nul and controls": (b"Content-Type: text/plain\r\n\r\nmy\x00 \x1b[31mwords\x07", "my\ufffd \ufffd[31mwords\ufffd", ""),
    "broken base64": (
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nbXkgd29yZHM=====!!!\r\n", "my words", "",
    ),
    "html only": (
        b"Content-Type: text/html\r\n\r\n<p>my <b>words</b><script>alert(1)</script><img src=x onerror=alert(1)>", "my words", "HTML",
    ),
    "no headers": (b"\r\n\r\njust words", "just words", ""),
    "empty": (b"", "(no text)", ""),
    "headers only": (b"X-Long: " + b"a" * 90_000 + b"\r\n\r\n", "(no text)", ""),
    "broken header words": (b"Subject: =?utf-8?B?!!!?= =?nope?Q?x?=\r\n\r\nmy words", "my words", ""),
    "unpaired surrogate": (b"Subject: \xed\xa0\x80\r\nContent-Type: text/plain; charset=utf-16\r\n\r\n\x00\xd8a", None, ""),
    "utf-7": (b"Content-Type: text/plain; charset=utf-7\r\n\r\n+ADw-script+AD4- words", "<script> words", ""),
    "deep nesting": (
        b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(3000)) + b"\r\nwords", None, "",
    ),
    "thousand parts": (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a\r\n\r\nx\r\n" * 1000 + b"--b--",
        "(no text)", "more than 100 parts",
    ),
    "html bomb": (b"Content-Type: text/html\r\n\r\n" + b"<div>" * 300_000 + b"words", None, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_mail_that_is_broken_is_kept_as_it_came_with_a_word_about_it(name):
    import io

    raw, text, remark = HOSTILE[name]
    if name not in ("no headers", "empty"):
        raw = b"From: a@b.example\r\n" + raw
    message = taking.take(taking.Raw(io.BytesIO(raw), len(raw), True), received_at=timezone.now(), now=timezone.now())
    assert message is not None
    message.refresh_from_db()
    assert text is None or message.body == text
    assert remark in message.remark
    assert original_of(message) == raw
    assert message.ticket.subject


def test_a_mail_that_nothing_can_read_does_not_hold_up_the_others(server, monkeypatch):
    server.put(mail("poison").as_bytes(), mail("after it").as_bytes())

    def fail(raw, **_):
        if b"poison" in raw:
            raise RuntimeError("no way")
        return read(raw, **_)

    read = taking.read_mail
    monkeypatch.setattr(taking, "read_mail", fail)
    assert (found := fetch(server)).taken == 2 and not found.problem
    bodies = dict(TicketMessage.objects.values_list("body", "remark"))
    assert bodies == {"(no text)": "It could not be read: the original has all of it.", "after it": ""}
    assert b"poison" in original_of(TicketMessage.objects.get(body="(no text)"))


def test_when_files_cannot_be_stored_the_mail_waits_on_the_server_and_every_page_says_so(
    server, monkeypatch, client, settings
):
    settings.MAIL_IN = [server.url()]
    server.put(mail().as_bytes())

    def full(*args, **kwargs):
        raise files.UnableToStore("No space left")

    with monkeypatch.context() as patch:
        patch.setattr(files, "put_encrypted", full)
        assert fetch(server).problem == "No space left"
    assert not Ticket.objects.exists() and fetching.problems()
    client.force_login(factories.make_user("Support agent"))
    assert "No space left" in client.get("/admin/").content.decode()
    fetch_mail()
    assert Ticket.objects.count() == 1 and not fetching.problems()


def test_a_card_number_is_not_stored_anywhere(server):
    number = b"4111 1111 1111 1111"
    server.put(mail("Refund to 4111 1111 1111 1111 please", subject="Card 4111111111111111").as_bytes())
    fetch(server)
    message = TicketMessage.objects.select_related("ticket").get()
    assert message.body == "Refund to •••• 1111 please" and message.ticket.subject == "Card •••• 1111"
    assert "card numbers are never stored" in message.remark and not message.attachments.exists()
    assert number not in message.body.encode()


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_take_each_mail_once(server):
    server.put(*(mail(f"mail {count}").as_bytes() for count in range(12)))
    both = threading.Barrier(2)
    found = []

    def run():
        try:
            both.wait()
            found.append(fetch(server))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.problem for one in found] == ["", ""]
    assert TicketMessage.objects.count() == 12
    assert sum(one.taken for one in found) == 12


# --- The command -------------------------------------------------------------------------------------------------------


def test_the_command_tells_what_it_took_and_fails_when_a_mailbox_cannot_be_read(server, capsys):
    server.put(mail().as_bytes())
    call_command("fetch_mail", server.url())
    assert "1 taken, 0 known already" in capsys.readouterr().out
    for url, says in {
        server.url().replace("secret", "wrong"): "does not let us in",
        "imap://a:b@127.0.0.1:1/INBOX": "cannot be reached",
        server.url().replace("INBOX", "Nowhere"): "cannot be opened",
    }.items():
        with pytest.raises(CommandError, match="still on the server"):
            call_command("fetch_mail", url)
        told = capsys.readouterr().out
        assert says in told and "wrong" not in told
    with pytest.raises(CommandError, match="No mailbox is set"):
        call_command("fetch_mail")


@pytest.mark.parametrize(
    "url", ["https://a:b@c/d", "imaps://host/INBOX", "imaps://u@host/INBOX", "imaps://u:p@h/I?after=shred"]
)
def test_an_address_that_is_none_is_told_without_the_password(url):
    with pytest.raises(ValueError) as fault:
        read_address(url)
    assert "p@h" not in str(fault.value)
    with pytest.raises(CommandError):
        call_command("fetch_mail", url)
