"""Correspondence with customers (policy § 2.1, § 12)."""

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
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="tickets"
    )
    opened_at = models.DateTimeField("opened", default=timezone.now, editable=False)
    closed_at = models.DateTimeField("closed", null=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["state", "opened_at"])]
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

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.RECEIVED)
    body = models.TextField("text", validators=[refuse_card_numbers])
    at = models.DateTimeField("when", default=timezone.now)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False
    )

    class Meta:
        verbose_name = "message"
        indexes = [models.Index(fields=["ticket", "at"])]

    def __str__(self) -> str:
        return f"message {self.pk}"
