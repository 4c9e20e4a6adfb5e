"""What people agreed to, under which version of the policy."""

import uuid

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.billing import RECORDING_DAYS_CEILING
from accounts.models.customers import Person
from accounts.validators import refuse_card_numbers


class PolicyVersion(models.Model):
    """One published version of the privacy policy (policy § 11)."""

    version = models.CharField(max_length=20, unique=True)
    effective_on = models.DateField("effective from")
    published_at = models.DateTimeField("published", null=True, blank=True)
    summary = models.TextField("what changed", blank=True)
    recording_days = models.PositiveSmallIntegerField(
        "recordings at most (days)",
        null=True,
        blank=True,
        help_text="The longest time that this version lets customers keep call recordings. Empty: the 30 days of § 2.2.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(recording_days__isnull=True) | Q(recording_days__range=(1, RECORDING_DAYS_CEILING)),
                name="policy_version_recording_days",
                violation_error_message=f"Recordings can be kept for {RECORDING_DAYS_CEILING} days at most.",
            ),
        ]

    def __str__(self) -> str:
        return self.version


class Consent(models.Model):
    """A person's consent to one purpose. Acceptance of the policy is not a consent and has no purpose here."""

    class Purpose(models.TextChoices):
        MARKETING_EMAIL = "marketing_email", "Marketing by e-mail"
        MARKETING_SMS = "marketing_sms", "Marketing by SMS"
        MARKETING_CALL = "marketing_call", "Marketing by telephone"
        ANALYTICS_COOKIES = "analytics_cookies", "Analytics cookies"
        ADVERTISING_COOKIES = "advertising_cookies", "Advertising cookies"
        TESTIMONIAL = "testimonial", "Testimonial with name and photo"
        DATA_SHARING = "data_sharing", "Sharing with a partner"

    class Channel(models.TextChoices):
        WEBSITE = "website", "Website"
        APP = "app", "App"
        EMAIL = "email", "E-mail"
        PHONE = "phone", "Telephone or WhatsApp"
        CHAT = "chat", "Chat"
        LETTER = "letter", "Letter"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    outside_id = models.CharField("id in the service platform", max_length=64, unique=True)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="consents")
    purpose = models.CharField(max_length=24, choices=Purpose)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="consents")
    given_at = models.DateTimeField("given", default=timezone.now)
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.WEBSITE)
    evidence = models.CharField(
        max_length=300,
        blank=True,
        help_text="Where it can be seen, such as a form's id.",
        validators=[refuse_card_numbers],
    )
    withdrawn_at = models.DateTimeField("withdrawn", null=True, blank=True)
    fed_at = models.DateTimeField("last heard of", null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("given_at")),
                name="consent_withdrawn_after_given",
                violation_error_message="A consent cannot be withdrawn before it was given.",
            ),
            models.UniqueConstraint(
                fields=["person", "purpose"],
                condition=Q(withdrawn_at__isnull=True),
                name="consent_one_open_per_purpose",
            ),
        ]

    def __str__(self) -> str:
        return self.outside_id

    def clean(self):
        """Refuse to take a withdrawal back: whoever agrees again gives a consent of its own."""
        before = Consent.objects.filter(pk=self.pk).values_list("withdrawn_at", flat=True).first()
        if before and (self.withdrawn_at is None or self.withdrawn_at > before):
            raise ValidationError(
                {"withdrawn_at": "A withdrawal is final. If the person has agreed again, add a new consent."}
            )
