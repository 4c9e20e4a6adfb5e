"""What a customer has bought, and the references to how it was paid. Never a card number (mission R2)."""

import datetime as dt
import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Coalesce, Least
from django.utils import timezone

from accounts.models.customers import Workspace
from accounts.validators import refuse_card_numbers, validate_currency

RECORDING_DAYS_CEILING = (
    365  # in code; the cap in force is lower (``accounts/recording_cap.py``), and a trigger holds it
)


class Subscription(models.Model):
    """A plan of a workspace. When the last one has expired, everything of the workspace goes (policy § 5.2)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    outside_id = models.CharField("id in the service platform", max_length=64, unique=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.CharField(max_length=80, validators=[refuse_card_numbers])
    starts_at = models.DateTimeField("starts", default=timezone.now)
    expires_at = models.DateTimeField(
        "expires",
        null=True,
        blank=True,
        help_text="Everything of the workspace is deleted at this instant, without recovery. Empty: it does not expire.",
    )
    cancelled_at = models.DateTimeField("cancelled", null=True, blank=True)
    next_billing_at = models.DateTimeField("next billing", null=True, blank=True)
    agreed_end_at = models.DateTimeField(
        "agreed end",
        null=True,
        blank=True,
        help_text="After a cancellation: the workspace's own timeline, instead of the next billing.",
    )
    ends_at = models.GeneratedField(
        expression=Case(
            When(cancelled_at__isnull=True, then=F("expires_at")),
            default=Least(F("expires_at"), Coalesce(F("agreed_end_at"), F("next_billing_at"))),
        ),
        output_field=models.DateTimeField("ends"),
        db_persist=True,
    )
    recording_enabled = models.BooleanField("call recording", default=False)
    recording_days = models.PositiveSmallIntegerField(
        "keep recordings (days)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(RECORDING_DAYS_CEILING)],
    )
    # When one of the dates that end it was last written, by the database's clock; none: before that was watched. Only the
    # database writes it (migration 0005), so that a bulk change, an import and a form are all seen.
    end_changed_at = models.DateTimeField(null=True, editable=False)
    fed_at = models.DateTimeField("last heard of", null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("starts_at")),
                name="subscription_expires_after_start",
                violation_error_message="The expiry must be later than the start.",
            ),
            models.CheckConstraint(
                condition=Q(recording_enabled=False, recording_days__isnull=True)
                | Q(recording_enabled=True, recording_days__range=(1, RECORDING_DAYS_CEILING)),
                name="subscription_recording_days",
                violation_error_message="With call recording, say for how many days; without it, leave it empty.",
            ),
        ]
        indexes = [models.Index(fields=["ends_at"]), models.Index(fields=["workspace", "ends_at"])]

    def __str__(self) -> str:
        return self.outside_id

    @property
    def end(self) -> dt.datetime | None:
        """The instant that dates the workspace's data, as the database computes ``ends_at`` when the row is saved.

        A cancelled subscription ends at the next billing, or at the agreed end, unless it expires earlier (mission P3;
        policy § 5.2). None: nothing dates it, so it is kept.
        """
        if self.cancelled_at is None:
            return self.expires_at
        known = [instant for instant in (self.expires_at, self.agreed_end_at or self.next_billing_at) if instant]
        return min(known, default=None)


class Credit(models.Model):
    """The remaining credit of a workspace; it goes with the workspace."""

    workspace = models.OneToOneField(Workspace, on_delete=models.PROTECT, related_name="credit")
    amount = models.DecimalField(max_digits=14, decimal_places=4, validators=[MinValueValidator(0)])
    currency = models.CharField(max_length=3, default="USD", validators=[validate_currency])
    as_of = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="credit_not_negative")]

    def __str__(self) -> str:
        return f"credit of {self.workspace_id}"


class PaymentReference(models.Model):
    """A customer's means of payment as the processor knows it: a token and four digits, nothing more."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="payment_references")
    processor = models.CharField(max_length=40, default="Stripe")
    token = models.CharField(max_length=120, validators=[refuse_card_numbers])
    last_four = models.CharField("last four digits", max_length=4)
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["processor", "token"], name="payment_reference_once"),
            models.CheckConstraint(condition=Q(last_four__regex=r"^[0-9]{4}$"), name="payment_last_four_digits"),
            models.CheckConstraint(condition=~Q(token__regex=r"^[0-9 -]{12,}$"), name="payment_token_is_no_card"),
        ]

    def __str__(self) -> str:
        return f"{self.processor} reference {self.pk}"


class BillingRecord(models.Model):
    """An invoice or a payment of a workspace, minimised to what the books need."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", "Invoice"
        PAYMENT = "payment", "Payment"

    outside_id = models.CharField("id in the billing system", max_length=64, unique=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="billing_records")
    kind = models.CharField(max_length=8, choices=Kind)
    issued_at = models.DateTimeField("issued", default=timezone.now)
    amount = models.DecimalField(max_digits=14, decimal_places=4)
    currency = models.CharField(max_length=3, default="USD", validators=[validate_currency])

    def __str__(self) -> str:
        return self.outside_id
