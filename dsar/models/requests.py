"""Requests of data subjects (policy § 6)."""

import datetime as dt
import functools
import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import Person, Workspace
from accounts.validators import refuse_card_numbers
from dsar.deadlines import REGIMES, REGIONS, REQUEST_TYPES
from dsar.models.tickets import Channel

OPEN = ["received", "identity", "collecting", "review", "approved"]  # SubjectRequest.OPEN_STATES, for the constraint


class SubjectRequest(models.Model):
    """What a person asks of us, and by when the answer is due."""

    class State(models.TextChoices):
        RECEIVED = "received", "Received"
        IDENTITY = "identity", "Waiting for identity"
        COLLECTING = "collecting", "Collecting"
        REVIEW = "review", "In review"
        APPROVED = "approved", "Approved"
        DELIVERED = "delivered", "Delivered"
        CLOSED = "closed", "Closed"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        ROUTED = "routed", "Routed to client"
        EXPIRED = "expired", "Expired unverified"
        MERGED = "merged", "Merged"

    OPEN_STATES = (State.RECEIVED, State.IDENTITY, State.COLLECTING, State.REVIEW, State.APPROVED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=20, unique=True, editable=False)
    type = models.CharField(max_length=24, choices=list(REQUEST_TYPES.items()))
    received_at = models.DateTimeField(
        "received", help_text="When it reached us on any official channel, in the portal’s time zone."
    )
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.EMAIL)
    regime = models.CharField(
        max_length=20, choices=[(key, regime.label) for key, regime in REGIMES.items()], default="policy_default"
    )
    region = models.CharField(
        "member state or nation",
        max_length=6,
        blank=True,
        choices=list(REGIONS.items()),
        help_text="Under EU and UK law: where the person lives, for its public holidays. Empty: not known.",
    )
    also_under = models.JSONField(
        "other laws", default=list, blank=True,
        help_text="Where more than one applies: the earliest of all dates is the one that counts.",
    )  # fmt: skip
    person = models.ForeignKey(
        Person,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="requests",
        verbose_name="customer",
        help_text="Empty when the person is no customer of ours.",
    )
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, null=True, blank=True, related_name="requests")
    requester_name = models.CharField("name", max_length=200, blank=True, validators=[refuse_card_numbers])
    requester_contact = models.CharField(
        "where to answer",
        max_length=200,
        blank=True,
        validators=[refuse_card_numbers],
        help_text="The e-mail or postal address they wrote from.",
    )
    contact_key = models.BinaryField(
        null=True, editable=False, help_text="A keyed hash of it, by which another request of the same person is found."
    )
    note = models.TextField(blank=True, validators=[refuse_card_numbers], help_text="What they ask for, in short.")
    ticket_reference = models.CharField("ticket", max_length=20, blank=True, editable=False)
    contests = models.UUIDField(
        null=True, editable=False, db_index=True,
        help_text="Of a complaint or an appeal: the request whose answer it is about. A reference: nothing is deleted along it.",
    )  # fmt: skip
    merged_into = models.UUIDField(
        null=True, editable=False, help_text="The request that asks for the same, and is answered instead of this one."
    )
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED, editable=False)
    state_since = models.DateTimeField(editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="requests"
    )
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    registered_at = models.DateTimeField(editable=False)
    statutory_due_on = models.DateField("statutory date", null=True, editable=False)
    statutory_due_at = models.DateTimeField(null=True, editable=False)
    also_due_on = models.DateField("earliest date of the other laws", null=True, editable=False)
    also_due_at = models.DateTimeField(null=True, editable=False)
    service_target_on = models.DateField("service target", editable=False)
    service_target_at = models.DateTimeField(editable=False)
    due_at = models.DateTimeField(
        "due", editable=False, help_text="The earliest of them, and of the parts to be passed on, as an instant."
    )
    due_on = models.DateField("due on", editable=False)
    is_paused = models.BooleanField("legal clock stands still", default=False, editable=False)
    acknowledge_by_on = models.DateField("acknowledge by", null=True, editable=False)
    acknowledge_by_at = models.DateTimeField(null=True, editable=False)
    acknowledged_at = models.DateTimeField("acknowledged", null=True, editable=False)
    remind_at = models.DateTimeField(
        null=True, editable=False, help_text="When its owner is told next that time passes; null once it is over."
    )
    closed_at = models.DateTimeField("closed", null=True, editable=False)

    class Meta:
        verbose_name = "request"
        constraints = [
            models.CheckConstraint(
                condition=Q(received_at__lte=F("registered_at")), name="request_not_from_the_future"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, closed_at__isnull=True) | (~Q(state__in=OPEN) & Q(closed_at__isnull=False)),
                name="request_closed_with_date",
            ),
            models.CheckConstraint(
                condition=~Q(state="merged") | Q(merged_into__isnull=False), name="request_merged_into_another"
            ),
            models.CheckConstraint(
                condition=Q(contests__isnull=True) | Q(type__in=["complaint", "appeal"]), name="request_contests"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "reference"], condition=Q(closed_at__isnull=True), name="request_open_by_due"),
            models.Index(fields=["due_at", "reference"], name="request_by_due"),
            models.Index(fields=["remind_at"], condition=Q(remind_at__isnull=False), name="request_by_reminder"),
            models.Index(fields=["received_at"]),
            models.Index(fields=["contact_key"], condition=Q(contact_key__isnull=False), name="request_by_contact"),
            models.Index(fields=["closed_at"]),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.reference

    @property
    def answer_on(self) -> dt.date:
        """The day by which the person is answered; what is due may be something before it, such as a part to be passed on."""
        return min(day for day in (self.statutory_due_on, self.also_due_on, self.service_target_on) if day)

    @functools.cached_property
    def contested(self) -> "SubjectRequest | None":
        """The request whose answer a complaint or an appeal is about; None of another request."""
        return SubjectRequest.objects.filter(pk=self.contests).first() if self.contests else None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class NotSame(models.Model):
    """That an officer has looked at two requests, and found that they do not ask for the same. The smaller id comes first."""

    first = models.UUIDField()
    second = models.UUIDField()
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    said_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="not_same_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="not_same_in_order"),
        ]
        indexes = [models.Index(fields=["second"])]

    def __str__(self) -> str:
        return f"not same {self.pk}"


class RequestEvent(models.Model):
    """One thing that happened to a request; the trail is never rewritten. `state` is where a move has led to."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=20)
    text = models.CharField(max_length=300)
    state = models.CharField(max_length=10, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)

    class Meta:
        indexes = [models.Index(fields=["request", "at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Watcher(models.Model):
    """A member of staff who is told what the owner of a request is told."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="watchers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "user"], condition=Q(ended_at__isnull=True), name="watches_once")
        ]

    def __str__(self) -> str:
        return f"watcher {self.pk}"
