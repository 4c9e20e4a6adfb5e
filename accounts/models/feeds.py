"""Feeds: where customers come from without a person, each signed with a secret of its own (mission R14)."""

import datetime as dt

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.validators import validate_time_zone


class Kind(models.TextChoices):
    """What a feed can carry, in the order in which it is taken: what is referred to comes first."""

    WORKSPACES = "workspaces", "Workspaces"
    PEOPLE = "people", "People"
    MEMBERSHIPS = "memberships", "Memberships"
    SUBSCRIPTIONS = "subscriptions", "Subscriptions, renewals and cancellations"
    ASSIGNMENTS = "assignments", "Number assignments"
    CONSENTS = "consents", "Consents and opt-outs"


class Feed(models.Model):
    """A sender of customers' data. While it is late, nothing expires that it could have renewed."""

    name = models.CharField(
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z][a-z0-9-]*$", "Small letters, digits and hyphens; a letter first.")],
        help_text="Stands in its address: /feeds/<name>.",
    )
    carries = ArrayField(models.CharField(max_length=16, choices=Kind), verbose_name="carries")
    expected_minutes = models.PositiveSmallIntegerField(
        "expected every (minutes)",
        default=60,
        validators=[MinValueValidator(5), MaxValueValidator(24 * 60)],
        help_text="When it is older than that, it is late: what it dates stops expiring, and every page says so.",
    )
    date_zone = models.CharField(
        "zone of its dates",
        max_length=64,
        blank=True,
        validators=[validate_time_zone],
        help_text="Only for a feed that gives dates without a time. Empty: such dates are refused.",
    )
    date_hour = models.PositiveSmallIntegerField(
        "hour at which its days end",
        default=24,
        validators=[MaxValueValidator(24)],
        help_text="A date of an end means this hour of that day; 24 is the midnight after it.",
    )
    secret = models.BinaryField(null=True, editable=False)
    secret_set_at = models.DateTimeField("secret made", null=True, editable=False)
    sequence = models.BigIntegerField("last number", null=True, editable=False)
    as_of = models.DateTimeField("tells all up to", null=True, editable=False)
    heard_at = models.DateTimeField("last heard", null=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    created_at = models.DateTimeField("made", default=timezone.now, editable=False)
    retired_at = models.DateTimeField("retired", null=True, editable=False)

    class Meta:
        permissions = [
            ("rotate_feed", "Can make a new secret for a feed"),
            ("retire_feed", "Can retire a feed or restart its count, with a second officer"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def expected(self) -> dt.timedelta:
        return dt.timedelta(minutes=self.expected_minutes)

    def is_late(self, now: dt.datetime) -> bool:
        """Return whether the feed tells nothing about the last ``expected``; one never heard is late from the start."""
        return self.as_of is None or self.as_of < now - self.expected


class FeedDelivery(models.Model):
    """One signed message of a feed: its counts and which items were at fault, never their content."""

    class State(models.TextChoices):
        OPEN = "open", "Being taken"
        TAKEN = "taken", "Taken"
        REFUSED = "refused", "Refused"

    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="deliveries")
    nonce = models.CharField(max_length=64)
    received_at = models.DateTimeField("received")
    sequence = models.BigIntegerField("number", null=True)
    as_of = models.DateTimeField("tells all up to", null=True)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    items = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    ignored = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=30, blank=True)
    faults = models.JSONField("items at fault", default=list)

    class Meta:
        verbose_name = "feed message"
        constraints = [
            models.UniqueConstraint(fields=["feed", "nonce"], name="feed_nonce_once"),
            models.CheckConstraint(
                condition=~Q(state="taken") | Q(sequence__isnull=False, as_of__isnull=False),
                name="feed_taken_has_number",
            ),
        ]
        indexes = [models.Index(fields=["feed", "received_at"]), models.Index(fields=["received_at"])]

    def __str__(self) -> str:
        return f"delivery {self.pk}"
