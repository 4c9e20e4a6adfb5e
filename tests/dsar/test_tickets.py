"""An agent's day with tickets: the queue, the conversation, answers by mail, notes, files, and the customer masked beside it."""

import datetime as dt
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts import files
from accounts.models import AccessLogEntry, KeyPair, StoredFile
from accounts.roles import AUDITOR, PRIVACY_OFFICER, SUPPORT_AGENT
from dsar import attachments, outbox
from dsar.models import Attachment, OutgoingMail, ReplyTemplate, SubjectRequest, Ticket, TicketMessage
from dsar.tickets import UnableToAnswer, add_message, move_ticket
from retention.purge import carry_out
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.test_rules import set_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent():
    return factories.make_user(SUPPORT_AGENT)


@pytest.fixture
def ticket():
    workspace = factories.make_workspace(name="Harbour Lights")
    person = factories.make_person(workspace, name="Edwin Marsh", email="edwin@marsh.example", phone="+447700900123")
    return factories.make_ticket(workspace, person, contact_name="Edwin Marsh", contact="edwin@marsh.example")


def page(client, ticket) -> str:
    return client.get(f"/admin/dsar/ticket/{ticket.pk}/change/").content.decode()


def answer(client, ticket, kind: str, text: str = "We look into it.", **more):
    return client.post(f"/admin/dsar/ticket/{ticket.pk}/answer/", {"kind": kind, "text": text, **more}, follow=True)


# --- Answers -----------------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_and_goes_out_as_a_mail_in_the_thread(client, agent, ticket):
    TicketMessage.objects.filter(ticket=ticket).update(mail_id="first@marsh.example")
    client.force_login(agent)
    html = answer(client, ticket, "sent").content.decode()
    assert "Your answer is on its way" in html and "To be sent" in html
    ticket.refresh_from_db()
    assert (ticket.state, ticket.assignee) == ("waiting", agent)
    message, mail = ticket.messages.get(kind="sent"), OutgoingMail.objects.get()
    assert (message.body, message.author, message.mail_id) == ("We look into it.", agent, outbox.message_id(mail))
    content = outbox.content_of(mail)
    assert (content.to, content.subject) == ("edwin@marsh.example", f"Re: Bad line [{ticket.reference}]")
    assert content.answers == ["first@marsh.example"]
    assert content.text.startswith("We look into it.\n\n-- \n") and ticket.reference in content.text


def test_a_note_is_never_mailed(client, agent, ticket):
    client.force_login(agent)
    assert "Internal note" in answer(client, ticket, "note", "Sounds like line 3.").content.decode()
    assert not OutgoingMail.objects.exists()
    ticket.refresh_from_db()
    assert (ticket.state, ticket.assignee) == ("open", None)


@pytest.mark.parametrize("channel", ["phone", "letter", "chat", "ticket"])
def test_of_other_channels_both_sides_are_written_down_and_nothing_is_mailed(client, agent, ticket, channel):
    Ticket.objects.filter(pk=ticket.pk).update(channel=channel, state="waiting")
    client.force_login(agent)
    assert "Write down what the customer said" in page(client, ticket)
    answer(client, ticket, "received", "It still hisses.")
    assert Ticket.objects.get().state == "open"
    answer(client, ticket, "sent", "We sent an engineer.", close="on")
    assert not OutgoingMail.objects.exists()
    assert list(ticket.messages.order_by("pk").values_list("kind", "author"))[1:] == [
        ("received", agent.pk),
        ("sent", agent.pk),
    ]
    assert Ticket.objects.get().closed_at is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "Write something first"), ("  \n ", "Write something first"), ("card 4111 1111 1111 1111", "payment card")],
)
def test_what_cannot_be_sent_comes_back_with_the_words_kept(client, agent, ticket, text, says):
    client.force_login(agent)
    html = answer(client, ticket, "sent", text).content.decode()
    assert says in html and (not text.strip() or text in html)
    assert not OutgoingMail.objects.exists() and ticket.messages.count() == 1


def test_an_answer_without_an_address_is_not_lost(client, agent, ticket):
    Ticket.objects.filter(pk=ticket.pk).update(contact="")
    client.force_login(agent)
    html = answer(client, ticket, "sent", "A long answer.").content.decode()
    assert "to which e-mail address" in html and "A long answer." in html
    assert not ticket.messages.filter(kind="sent").exists()


def test_html_and_scripts_are_shown_as_they_were_written(client, agent, ticket):
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    factories.TicketMessage.objects.create(ticket=ticket, body=evil, sender=f"{evil} <x@y.example>", remark=evil)
    Ticket.objects.filter(pk=ticket.pk).update(subject=evil, contact_name=evil)
    client.force_login(agent)
    for html in (page(client, ticket), client.get("/admin/dsar/ticket/").content.decode()):
        assert "<script>alert" not in html and "<img src=x" not in html and "&lt;script&gt;" in html


def test_approved_words_are_filled_in_and_the_typed_ones_stay(client, agent, ticket):
    words = ReplyTemplate.objects.create(name="Received", text="Dear {name},\nyour ticket is {ticket}.\n{agent}")
    client.force_login(agent)
    html = answer(client, ticket, "insert", "Typed before.", template=words.pk).content.decode()
    assert f"Typed before.\n\nDear Edwin Marsh,\nyour ticket is {ticket.reference}.\n{agent.name}" in html
    assert ticket.messages.count() == 1
    assert "Choose the words" in answer(client, ticket, "insert", "Typed").content.decode()


def test_a_conversation_is_added_to_and_never_rewritten(client, agent, ticket):
    client.force_login(agent)
    (message,) = ticket.messages.all()
    for url in (f"/admin/dsar/ticketmessage/{message.pk}/change/", f"/admin/dsar/ticketmessage/{message.pk}/delete/"):
        assert client.post(url, {"body": "rewritten"}).status_code == 404
    message.refresh_from_db()
    assert message.body == "I hear nothing."


# --- The customer beside it ---------------------------------------------------------------------------------------------


def test_an_agent_sees_the_customer_masked_and_an_officers_look_is_written_down(client, agent, ticket):
    client.force_login(agent)
    html = page(client, ticket)
    for text in ("Edwin Marsh", "Harbour Lights", "e•••@marsh.example", "+44 ••• 123"):
        assert text in html, text
    for text in ("edwin@marsh.example", "+447700900123"):
        assert text not in html, text
    assert not AccessLogEntry.objects.exists()
    officer = factories.make_user(PRIVACY_OFFICER)
    client.force_login(officer)
    html = page(client, ticket)
    assert "edwin@marsh.example" in html and "+447700900123" in html
    entry = AccessLogEntry.objects.get()
    assert (entry.user, entry.of, entry.subject, entry.action) == (officer, "dsar.Ticket", str(ticket.pk), "look")


def test_the_sender_of_a_mail_is_masked_too(client, agent, ticket):
    TicketMessage.objects.filter(ticket=ticket).update(sender="Edwin Marsh <other@marsh.example>", warning="other")
    client.force_login(agent)
    html = page(client, ticket)
    assert "o•••@marsh.example" in html and "other@marsh.example" not in html
    assert "Written from another address" in html


def test_who_sees_it_masked_gives_an_address_to_a_ticket_that_has_none_and_reads_no_other(client, agent, ticket):
    client.force_login(agent)
    url = f"/admin/dsar/ticket/{ticket.pk}/change/"
    form = {
        "subject": "Bad line", "channel": "email", "state": "open", "workspace": str(ticket.workspace_id),
        "person": str(ticket.person_id), "contact_name": "E. Marsh", "contact": "thief@x.example", "assignee": "",
    }  # fmt: skip
    assert client.post(url, form).status_code == 302
    ticket.refresh_from_db()
    assert (ticket.contact_name, ticket.contact) == ("E. Marsh", "edwin@marsh.example")
    Ticket.objects.filter(pk=ticket.pk).update(contact="")
    assert client.post(url, {**form, "contact": "new@marsh.example"}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.contact == "new@marsh.example"


def test_roles(client, ticket):
    for role, sees, answers in ((SUPPORT_AGENT, 200, 302), (PRIVACY_OFFICER, 200, 302), (AUDITOR, 403, 403)):
        client.force_login(factories.make_user(role))
        assert client.get(f"/admin/dsar/ticket/{ticket.pk}/change/").status_code == sees
        assert (
            client.post(f"/admin/dsar/ticket/{ticket.pk}/answer/", {"kind": "note", "text": "x"}).status_code == answers
        )


def test_a_ticket_that_is_past_its_time_takes_no_answer(client, agent, ticket):
    client.force_login(agent)
    type(ticket.workspace).objects.filter(pk=ticket.workspace_id).update(state="hidden")
    assert answer(client, ticket, "note").status_code == 404
    assert client.get(f"/admin/dsar/ticket/{ticket.pk}/change/").status_code == 404


# --- The queue ---------------------------------------------------------------------------------------------------------


def test_the_queue_shows_what_is_open_mine_nobodys_or_waiting(client, agent):
    open_one, mine, waiting, closed = (factories.make_ticket(contact_name=name) for name in ("Ann", "Ben", "Cy", "Dee"))
    Ticket.objects.filter(pk=mine.pk).update(assignee=agent)
    Ticket.objects.filter(pk=waiting.pk).update(state="waiting", assignee=agent)
    move_ticket(closed.pk, "closed", now=NOW)
    client.force_login(agent)
    expected = {
        "": {open_one, mine, waiting}, "?queue=mine": {mine, waiting}, "?queue=nobody": {open_one}, "?queue=waiting": {waiting},
        "?queue=closed": {closed}, "?queue=all": {open_one, mine, waiting, closed},
    }  # fmt: skip
    for query, tickets in expected.items():
        html = client.get(f"/admin/dsar/ticket/{query}").content.decode()
        assert {one for one in (open_one, mine, waiting, closed) if one.reference in html} == tickets, query


def test_a_ticket_is_taken_closed_and_opened_again(client, agent, ticket):
    client.force_login(agent)
    for act, state, is_closed in (("take", "open", False), ("close", "closed", True), ("reopen", "open", False)):
        client.post(f"/admin/dsar/ticket/{ticket.pk}/{act}/", {"_form_submitted": "True"})
        ticket.refresh_from_db()
        assert (ticket.assignee, ticket.state, ticket.closed_at is not None) == (agent, state, is_closed)


def test_a_request_is_made_of_a_ticket_of_nobody_known_for_who_wrote(client, agent):
    ticket = factories.make_ticket(contact_name="Anneke Brandt", contact="anneke@brandt.example")
    client.force_login(agent)
    data = {"_form_submitted": "True", "type": "erasure", "regime": "policy_default", "region": ""}
    client.post(f"/admin/dsar/ticket/{ticket.pk}/make_request/", data)
    request = SubjectRequest.objects.get()
    assert (request.requester_name, request.requester_contact, request.received_at) == (
        "Anneke Brandt", "anneke@brandt.example", ticket.opened_at,
    )  # fmt: skip
    assert request.reference in page(client, ticket)


# --- Files -------------------------------------------------------------------------------------------------------------


def test_a_file_is_stored_encrypted_by_its_content_and_taken_out_with_a_trace(client, agent, ticket):
    client.force_login(agent)
    upload = SimpleUploadedFile("invoice.pdf", b"MZ\x90 a program", content_type="application/pdf")
    html = answer(client, ticket, "note", "See the file.", file=upload).content.decode()
    assert "invoice.pdf" in html and "Not what its name says" in html
    file = Attachment.objects.get()
    assert file.content_type == "application/vnd.microsoft.portable-executable"
    response = client.get(f"/admin/dsar/ticket/{ticket.pk}/file/{file.pk}/")
    assert b"".join(response.streaming_content) == b"MZ\x90 a program"
    assert (
        response["Content-Disposition"].startswith("attachment")
        and response["Content-Type"] == "application/octet-stream"
    )
    assert "sandbox" in response["Content-Security-Policy"] and "no-store" in response["Cache-Control"]
    entry = AccessLogEntry.objects.get()
    assert (entry.of, entry.subject, entry.ticket) == ("dsar.Attachment", str(file.pk), ticket.reference)
    other = factories.make_ticket()
    assert client.get(f"/admin/dsar/ticket/{other.pk}/file/{file.pk}/").status_code == 404


def test_the_mail_as_it_came_is_for_those_who_see_addresses_in_clear(client, agent, ticket):
    raw = b"From: edwin@marsh.example\r\n\r\nx"
    file = attachments.attach(
        ticket.messages.get(),
        io.BytesIO(raw),
        name="mail.eml",
        said_type="message/rfc822",
        size=len(raw),
        kind="original",
    )
    url = f"/admin/dsar/ticket/{ticket.pk}/file/{file.pk}/"
    client.force_login(agent)
    assert url not in page(client, ticket) and client.get(url).status_code == 403
    client.force_login(factories.make_user(PRIVACY_OFFICER))
    assert url in page(client, ticket) and b"".join(client.get(url).streaming_content) == raw


def test_when_the_customer_is_found_out_the_files_go_to_that_customers_key(client, agent):
    ticket = factories.make_ticket(contact="edwin@marsh.example")
    file = attachments.attach_bytes(ticket.messages.get(), b"a scan", name="scan", said_type="")
    old = file.file_key
    assert StoredFile.objects.get(pk=old).owner == KeyPair.Owner.IMPORT
    workspace = factories.make_workspace()
    client.force_login(agent)
    form = {
        "subject": "Bad line",
        "channel": "email",
        "state": "open",
        "workspace": str(workspace.pk),
        "person": "",
        "contact_name": "",
        "assignee": "",
    }
    assert client.post(f"/admin/dsar/ticket/{ticket.pk}/change/", form).status_code == 302
    file.refresh_from_db()
    stored = StoredFile.objects.get(pk=file.file_key)
    assert (stored.owner, stored.owner_id, files.read_encrypted(file.file_key)) == (
        "workspace",
        workspace.pk,
        b"a scan",
    )
    assert not StoredFile.objects.filter(pk=old).exists()


def test_a_file_that_cannot_be_stored_leaves_no_half_message(agent, ticket, monkeypatch):
    def full(*args, **kwargs):
        raise files.UnableToStore("No space left")

    monkeypatch.setattr(files, "put_encrypted", full)
    with pytest.raises(files.UnableToStore):
        add_message(ticket.pk, kind="sent", text="x", user=agent, now=NOW, files=[SimpleUploadedFile("a", b"x")])
    assert ticket.messages.count() == 1 and not OutgoingMail.objects.exists()


def test_an_answer_to_no_address_raises_for_other_callers_too(agent, ticket):
    Ticket.objects.filter(pk=ticket.pk).update(contact="not an address")
    with pytest.raises(UnableToAnswer):
        add_message(ticket.pk, kind="sent", text="x", user=agent, now=NOW)


# --- Their clocks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "goes"), [(dt.timedelta(seconds=-1), False), (dt.timedelta(0), True)])
def test_a_closed_ticket_goes_with_its_messages_files_and_mails(agent, ticket, late, goes):
    set_version("closed_ticket", 50 * DAY)
    factories.arm("closed_ticket")
    message = add_message(
        ticket.pk, kind="sent", text="x", user=agent, now=NOW, files=[SimpleUploadedFile("a", b"x")], close=True
    )
    other = factories.make_ticket(contact="bob@example.test")
    file = message.attachments.get()
    (jobs) = carry_out(NOW + 50 * DAY + late, now=NOW + 50 * DAY + late)
    assert [job.state for job in jobs] == (["done"] if goes else [])
    assert Ticket.objects.filter(pk=ticket.pk).exists() != goes
    assert OutgoingMail.objects.exists() != goes and Attachment.objects.exists() != goes
    assert bool(list(files.store().list())) != goes and StoredFile.objects.filter(pk=file.file_key).exists() != goes
    assert Ticket.objects.filter(pk=other.pk).exists() and other.messages.exists()


@pytest.mark.parametrize(("late", "goes"), [(dt.timedelta(seconds=-1), False), (dt.timedelta(0), True)])
def test_the_copy_from_which_a_mail_was_sent_goes_after_its_own_time_and_the_message_stays(agent, ticket, late, goes):
    factories.arm("sent_mail")
    add_message(ticket.pk, kind="sent", text="x", user=agent, now=NOW)
    waiting = outbox.send(to="a@b.example", subject="x", text="x", purpose="letter", now=NOW - 300 * DAY)
    OutgoingMail.objects.filter(ticket=ticket).update(state="sent", next_try_at=None, settled_at=NOW)
    carry_out(NOW + 30 * DAY + late, now=NOW + 30 * DAY + late)
    assert set(OutgoingMail.objects.values_list("pk", flat=True)) == {waiting.pk} | (
        set() if goes else {*OutgoingMail.objects.filter(ticket=ticket).values_list("pk", flat=True)}
    )
    assert OutgoingMail.objects.filter(ticket=ticket).exists() != goes
    assert ticket.messages.filter(kind="sent").exists()


def test_the_age_of_the_newest_is_told(client, agent, ticket):
    TicketMessage.objects.filter(ticket=ticket).update(at=timezone.now() - 2 * DAY)
    client.force_login(agent)
    assert "2 days ago" in client.get("/admin/dsar/ticket/").content.decode()
