"""Mail that comes in and goes out: where it was left off, and what is to be sent."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from dsar.models.tickets import Ticket


class Mailbox(models.Model):
    """Up to where a mailbox has been read (RFC 9051 section 2.3.1.1). Written in the transaction that stores a mail."""

    name = models.CharField(max_length=200, unique=True)
    uid_validity = models.BigIntegerField(null=True)
    next_uid = models.BigIntegerField(default=1)
    checked_at = models.DateTimeField("last looked into", null=True)
    problem = models.CharField(max_length=200, blank=True)
    problem_since = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "mailboxes"

    def __str__(self) -> str:
        return f"mailbox {self.pk}"


class TakenMail(models.Model):
    """A keyed hash by which a mail that was taken once is known again, after its ticket is long gone."""

    digest = models.BinaryField(primary_key=True)
    taken_at = models.DateTimeField()

    def __str__(self) -> str:
        return "taken mail"


class OutgoingMail(models.Model):
    """One e-mail to somebody, until the mail server has it. Whom it is to and what it says is sealed; its id is its Message-ID."""

    class State(models.TextChoices):
        QUEUED = "queued", "To be sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"
        UNDELIVERABLE = "undeliverable", "Undeliverable"
        CLOSED = "closed", "Closed by hand"

    class Purpose(models.TextChoices):
        REPLY = "reply", "Answer in a ticket"
        LETTER = "letter", "Letter"
        CODE = "code", "One-time code"
        NOTICE = "notice", "Notice"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=8, choices=Purpose)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, null=True, related_name="outgoing")
    about = models.CharField("request", max_length=20, blank=True, help_text="The reference of a request.")
    state = models.CharField(max_length=13, choices=State, default=State.QUEUED)
    sealed = models.BinaryField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    created_at = models.DateTimeField("written", default=timezone.now)
    give_up_at = models.DateTimeField("tried until")
    next_try_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    answer = models.CharField("last answer", max_length=80, blank=True)
    sent_at = models.DateTimeField("sent", null=True)
    settled_at = models.DateTimeField("settled", null=True)

    class Meta:
        verbose_name = "outgoing mail"
        verbose_name_plural = "outgoing mail"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="queued", next_try_at__isnull=False, settled_at__isnull=True)
                | (~Q(state="queued") & Q(next_try_at__isnull=True, settled_at__isnull=False)),
                name="outgoing_queued_or_settled",
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="outgoing_to_send"),
            models.Index(fields=["state", "created_at"], name="outgoing_by_state"),
            models.Index(fields=["settled_at"], name="outgoing_settled"),
        ]
        permissions = [("settle_outgoingmail", "Can send again and close outgoing mail")]

    def __str__(self) -> str:
        return f"mail {str(self.pk)[:8]}"
