"""Those outside who hold our customers' data too, and what they were told of erasures (mission P12)."""

import datetime as dt
import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from retention.models.jobs import DeletionJob

LONGEST_DEADLINE_DAYS = 90  # Article 17 GDPR says "without undue delay"; security.md e5: all copies within 90 days


class Recipient(models.Model):
    """Somebody outside who receives customers' data and is told when it must be erased (Article 19 GDPR).

    A draft is filled in by one officer; two of them let it begin, and two end it. Where it is told is sealed:
    an address may hold a token, and a webhook's secret is one.
    """

    class Kind(models.TextChoices):
        PLATFORM = "platform", "Service platform"
        PAYMENT = "payment", "Payment processor"
        CARRIER = "carrier", "Carrier"
        SUPPORT = "support", "Support desk"
        IDENTITY = "identity", "Identity check"
        OTHER = "other", "Another processor"

    class Channel(models.TextChoices):
        WEBHOOK = "webhook", "Signed webhook"
        EMAIL = "email", "E-mail"

    class KnownBy(models.TextChoices):
        ACCOUNT = "account", "Account and customer numbers"
        PAYMENT = "payment", "Payment references"
        NUMBER = "number", "Telephone numbers"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.OTHER)
    known_by = models.CharField(
        "knows a customer by",
        max_length=8,
        choices=KnownBy,
        default=KnownBy.ACCOUNT,
        help_text="They are told these ids and nothing else of a customer.",
    )
    categories = models.JSONField(default=list, help_text="What they receive of a customer: models of the data map.")
    deadline_days = models.PositiveSmallIntegerField(
        "must confirm within (days)",
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DEADLINE_DAYS)],
    )
    contact = models.CharField(max_length=200, blank=True, help_text="Whom to ask when nothing comes back.")
    channel = models.CharField("told by", max_length=8, choices=Channel, default=Channel.WEBHOOK)
    address_shown = models.CharField("address", max_length=254, blank=True, editable=False)
    sealed_address = models.BinaryField(null=True, editable=False)
    active_from = models.DateTimeField("told since", null=True, editable=False)
    active_until = models.DateTimeField("told until", null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(active_from__isnull=True) | Q(sealed_address__isnull=False),
                name="recipient_active_has_address",
            ),
            models.CheckConstraint(
                condition=Q(active_until__isnull=True) | Q(active_until__gte=models.F("active_from")),
                name="recipient_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(deadline_days__gte=1, deadline_days__lte=LONGEST_DEADLINE_DAYS),
                name="recipient_deadline_in_bounds",
            ),
        ]
        permissions = [("activate_recipient", "Can begin or end telling a recipient, with a second officer")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """Whether it is told of erasures now: begun by two officers, and not ended."""
        return self.active_from is not None and self.active_until is None


class Notice(models.Model):
    """What one recipient is told of one deletion, or of one change that a person asked for, and by when to confirm.

    Holds no id of a customer. A change has the opaque id of its request in place of a deletion; ``erased_at`` is then
    the instant of the change.
    """

    class Kind(models.TextChoices):
        ERASURE = "erasure", "Erasure"
        CORRECTION = "correction", "Correction"
        WITHDRAWAL = "withdrawal", "Withdrawal of consent"
        RESTRICTION = "restriction", "Restriction"
        LIFTING = "lifting", "End of a restriction"

    class State(models.TextChoices):
        PREPARED = "prepared", "Waits for the deletion to end"
        WAITING = "waiting", "To be sent"
        SENT = "sent", "Sent, not confirmed"
        CONFIRMED = "confirmed", "Confirmed"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Not delivered"
        CLOSED = "closed", "Closed without confirmation"

    class Settled(models.TextChoices):
        ANSWER = "answer", "In the answer"
        CALL_BACK = "call_back", "By a signed call back"
        OFFICER = "officer", "By an officer"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recipient = models.ForeignKey(Recipient, on_delete=models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=11, choices=Kind, default=Kind.ERASURE)
    job = models.ForeignKey(DeletionJob, on_delete=models.PROTECT, related_name="notices", null=True)
    request_id = models.UUIDField("request", null=True, editable=False, db_index=True)
    state = models.CharField(max_length=10, choices=State, default=State.PREPARED)
    categories = models.JSONField(default=list, help_text="What went of what they receive: models of the data map.")
    prepared_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField("to be confirmed by", null=True)
    next_try_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    answer = models.CharField("last answer", max_length=80, blank=True)
    sent_at = models.DateTimeField("sent", null=True)
    settled_at = models.DateTimeField("settled", null=True)
    settled_how = models.CharField(max_length=9, choices=Settled, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "recipient"], name="notice_once"),
            models.CheckConstraint(
                condition=Q(kind="erasure", job__isnull=False, request_id__isnull=True)
                | (~Q(kind="erasure") & Q(job__isnull=True, request_id__isnull=False)),
                name="notice_of_deletion_or_change",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["prepared"]) | Q(erased_at__isnull=False, due_at__isnull=False),
                name="notice_only_after_deletion",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["confirmed", "closed"], settled_at__isnull=False)
                | Q(~Q(state__in=["confirmed", "closed"]), settled_at__isnull=True),
                name="notice_settled_has_instant",
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="notice_to_send"),
            models.Index(fields=["state", "due_at"], name="notice_due"),
        ]
        permissions = [("settle_notice", "Can send again, confirm and close notices to recipients")]

    def __str__(self) -> str:
        return f"notice {str(self.pk)[:8]}"

    @property
    def is_open(self) -> bool:
        return self.state not in (self.State.CONFIRMED, self.State.CLOSED)

    def is_late(self, now: dt.datetime) -> bool:
        """Return whether the recipient should have confirmed by ``now`` and has not."""
        return self.is_open and self.due_at is not None and self.due_at <= now


class NoticeContent(models.Model):
    """The ids by which a recipient knows the erased customer: sealed, and gone a while after the notice is settled."""

    notice = models.OneToOneField(Notice, on_delete=models.PROTECT, primary_key=True, related_name="content")
    sealed = models.BinaryField()
    settled_at = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return f"content of notice {str(self.pk)[:8]}"
