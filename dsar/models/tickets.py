"""Correspondence with customers (policy § 2.1, § 12)."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Person, Workspace
from accounts.validators import refuse_card_numbers


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"
    WEBSITE = "website", "Website"
    TICKET = "ticket", "Ticket system"
    CHAT = "chat", "Chat"
    PHONE = "phone", "Telephone or WhatsApp"
    LETTER = "letter", "Letter"


class Ticket(models.Model):
    """A conversation with a customer."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        WAITING = "waiting", "Waiting for the customer"
        CLOSED = "closed", "Closed"

    reference = models.CharField(max_length=20, unique=True, editable=False)
    subject = models.CharField(max_length=200, validators=[refuse_card_numbers])
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.EMAIL)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, null=True, blank=True, related_name="tickets")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="tickets")
    contact_name = models.CharField("name", max_length=200, blank=True, validators=[refuse_card_numbers])
    contact = models.CharField(
        "answers go to",
        max_length=254,
        blank=True,
        validators=[refuse_card_numbers],
        help_text="The e-mail address, or the telephone number, at which this person is answered.",
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="tickets"
    )
    opened_at = models.DateTimeField("opened", default=timezone.now, editable=False)
    closed_at = models.DateTimeField("closed", null=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["state", "opened_at"]),
            models.Index(
                fields=["assignee", "opened_at"], condition=models.Q(closed_at__isnull=True), name="ticket_open_of"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="closed", closed_at__isnull=False)
                | (~models.Q(state="closed") & models.Q(closed_at__isnull=True)),
                name="ticket_closed_with_date",
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class TicketMessage(models.Model):
    """One message of a conversation, or an internal note on it."""

    class Kind(models.TextChoices):
        RECEIVED = "received", "From the customer"
        SENT = "sent", "To the customer"
        NOTE = "note", "Internal note"

    class Warning(models.TextChoices):
        """Why a mail may not be from whom it says (mission R4). It never delays anything."""

        LOOKALIKE = "lookalike", "The sender’s domain looks like ours and is not"
        NAMED = "named", "The sender’s name is one of our addresses, and the address is another one"
        UNPROVED = "unproved", "It says that it is from us, and nothing proves it"
        OTHER = "other", "Written from another address than the ticket’s"

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.RECEIVED)
    body = models.TextField("text", validators=[refuse_card_numbers])
    at = models.DateTimeField("when", default=timezone.now)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False
    )
    sender = models.CharField("from", max_length=320, blank=True, editable=False)
    mail_id = models.CharField("Message-ID", max_length=255, blank=True, editable=False)
    warning = models.CharField(max_length=9, choices=Warning, blank=True, editable=False)
    remark = models.CharField(max_length=300, blank=True, editable=False, help_text="What the portal says about it.")

    class Meta:
        verbose_name = "message"
        indexes = [
            models.Index(fields=["ticket", "at"]),
            models.Index(fields=["mail_id"], condition=~models.Q(mail_id=""), name="message_by_mail_id"),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"


class Attachment(models.Model):
    """A file of a message, encrypted: what was attached to it, or the mail itself as it came."""

    class Kind(models.TextChoices):
        PART = "part", "Attached"
        ORIGINAL = "original", "The mail as it came"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(TicketMessage, on_delete=models.PROTECT, related_name="attachments")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.PART)
    name = models.CharField("file name", max_length=200)
    content_type = models.CharField(max_length=100, help_text="By its content, whatever its name says.")
    said_type = models.CharField("type it came with", max_length=100, blank=True)
    size = models.BigIntegerField("size (bytes)")
    file_key = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["message"])]

    def __str__(self) -> str:
        return f"attachment {str(self.pk)[:8]}"


class ReplyTemplate(models.Model):
    """Approved words for an answer that is often given; {name}, {ticket} and {agent} are filled in."""

    name = models.CharField(max_length=80)
    language = models.CharField(
        max_length=7, choices=[("en", "English"), ("zh-hant", "Traditional Chinese")], default="en"
    )
    text = models.TextField()
    is_active = models.BooleanField("in use", default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "language"], name="reply_template_once")]

    def __str__(self) -> str:
        return self.name
