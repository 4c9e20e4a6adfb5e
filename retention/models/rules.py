"""Retention rules."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import PolicyVersion
from accounts.models.billing import RECORDING_DAYS_CEILING
from accounts.recording_cap import POLICY_DAYS
from accounts.validators import validate_country


class Rule(models.Model):
    """One promise of the policy. Until two officers arm it, it only shows what it would delete (mission P14)."""

    class State(models.TextChoices):
        OBSERVING = "observing", "Observing"
        ARMED = "armed", "Armed"

    key = models.SlugField(primary_key=True, max_length=40)
    state = models.CharField(max_length=10, choices=State, default=State.OBSERVING)
    armed_at = models.DateTimeField(null=True)
    seed_confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    seed_confirmed_at = models.DateTimeField("period of the policy confirmed", null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(seed_confirmed_by__isnull=True, seed_confirmed_at__isnull=True)
                | Q(seed_confirmed_by__isnull=False, seed_confirmed_at__isnull=False),
                name="rule_seed_confirmed_by_somebody",
            ),
        ]
        permissions = [("arm_rule", "Can arm or disarm a retention rule, with a second officer")]

    def __str__(self) -> str:
        return self.key.replace("_", " ").capitalize()


class RuleVersion(models.Model):
    """A period that officers set for a rule, everywhere or in one country, in force from its instant on.

    One officer may lengthen what is in force; whatever shortens it, or is new, was approved by a second one.
    """

    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    country = models.CharField(
        max_length=2, blank=True, validators=[validate_country], help_text="Of the workspace. Empty: everywhere else."
    )
    period = models.DurationField(null=True, help_text="Empty: this country has no period of its own any more.")
    policy_version = models.ForeignKey(
        PolicyVersion,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        help_text="Which published version of the policy allows more than the others do.",
    )
    effective_at = models.DateTimeField("in force from")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    approved_at = models.DateTimeField("decided")
    cancelled_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    cancelled_at = models.DateTimeField("cancelled before it began", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="rule_version_once"),
            models.CheckConstraint(
                condition=Q(period__gt=dt.timedelta(0)) | (Q(period__isnull=True) & ~Q(country="")),
                name="rule_version_period_not_zero",
            ),
            models.CheckConstraint(condition=~Q(asked_by=F("approved_by")), name="rule_version_by_two"),
            models.CheckConstraint(
                condition=~Q(rule="subscriber_recording")
                | Q(period__isnull=True)
                | Q(period__lte=dt.timedelta(days=POLICY_DAYS))
                | Q(
                    period__lte=dt.timedelta(days=RECORDING_DAYS_CEILING),
                    policy_version__isnull=False,
                    approved_by__isnull=False,
                ),
                name="rule_version_recording_cap",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_by__isnull=True)
                | Q(cancelled_at__lt=F("effective_at"), cancelled_by__isnull=False),
                name="rule_version_cancelled_before_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.number}"
