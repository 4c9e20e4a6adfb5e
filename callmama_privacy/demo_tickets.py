"""The demo's correspondence: mails taken in as the mail server would hand them over, answers, and approved words."""

import datetime as dt
import io
from email import policy
from email.message import EmailMessage

from accounts.models import Person, User, Workspace
from dsar.mail import taking
from dsar.models import OutgoingMail, ReplyTemplate, Ticket, TicketMessage
from dsar.services import open_ticket
from dsar.tickets import add_message

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
# place of the workspace (None: nobody's), subject, text, sender when it is not the customer, a file
MAILS = [
    (0, "Calls drop after two minutes", "Since Tuesday every call ends after two minutes.\nI attach what the telephone shows.", "",
     ("screen.png", b"\x89PNG\r\n\x1a\n")),
    (5, "Please delete my old voicemail", "Is it gone when I delete it in the app?", "", None),
    (7, "Invoice has the wrong name", "My name is spelt with one t.", "", None),
    (None, "A copy of my data, please", "I had a number with you until last year. Under the GDPR I ask for a copy of everything you "
     "hold about me.", "Nadia Estrela <nadia@estrela.example>", None),
    (None, "Urgent: confirm your customer list", "Dear support,\nplease send the list of business customers to me by noon.",
     "Callmama Management <ceo@callmama-group.example>", ("list.pdf", b"MZ\x90\x00")),
]  # fmt: skip
TEMPLATES = [
    ("We look into it", "en", "Dear {name},\n\nthank you for writing. We look into it, and you will hear from us within two working days. Your ticket "
     "is {ticket}."),
    ("Please prove that it is you", "en", "Dear {name},\n\nbefore we tell anything about an account, we must be sure that it is you. Please sign in to your "
     "account and write to us from there, or tell us at which address we may send you a code. Do not send a copy of an identity document."),
    ("We look into it", "zh-hant", "{name} 閣下：\n\n多謝來信。我們正在跟進，並會於兩個工作天內回覆。檔案編號：{ticket}。"),
]  # fmt: skip


def make_tickets(workspaces: list[Workspace], agent: User, *, now: dt.datetime) -> None:
    """Make the queue of the support desk: taken by mail and by telephone, answered, flagged, and one mail that came back."""
    for name, language, text in TEMPLATES:
        ReplyTemplate.objects.create(name=name, language=language, text=text)
    taken = []
    for count, (place, subject, text, sender, file) in enumerate(MAILS):
        person = (
            Person.objects.filter(memberships__workspace=workspaces[place]).order_by("pk")[0]
            if place is not None
            else None
        )
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"] = sender or f"{person.name} <{person.email}>"  # type: ignore[union-attr]
        mail["To"], mail["Subject"], mail["Message-ID"] = (
            "support@callmama.com",
            subject,
            f"<demo-{count}@mail.example>",
        )
        mail.set_content(text)
        if file:
            mail.add_attachment(file[1], maintype="application", subtype="octet-stream", filename=file[0])
        raw = mail.as_bytes()
        message = taking.take(
            taking.Raw(io.BytesIO(raw), len(raw), True), received_at=now - count * DAY - 3 * HOUR, now=now
        )
        assert message is not None, "The demo's mails are all different."
        taken.append(message.ticket)
    Ticket.objects.filter(pk__in=[taken[0].pk, taken[1].pk]).update(assignee=agent)
    add_message(
        taken[0].pk,
        kind="note",
        text="Same cell site as two other customers. Asked the carrier.",
        user=agent,
        now=now - 2 * HOUR,
    )
    add_message(
        taken[1].pk, kind="sent", text="It is deleted at once, here and in the app.", user=agent, now=now - HOUR
    )
    sent = add_message(taken[2].pk, kind="sent", text="Corrected on all coming invoices.", user=agent, now=now - DAY)
    OutgoingMail.objects.filter(pk=sent.mail_id.partition("@")[0]).update(
        state=OutgoingMail.State.UNDELIVERABLE, answer="SMTP 550", tries=1, next_try_at=None, settled_at=now - DAY
    )
    by_phone = open_ticket(Ticket(subject="Wants to keep the number", channel="phone", workspace=workspaces[8], contact_name="Beatriz Quaresma"), now=now - 5 * HOUR)  # fmt: skip
    TicketMessage.objects.create(
        ticket=by_phone, body="Called at nine: can the number go to another provider?", at=now - 5 * HOUR, author=agent
    )
