"""Retention rules."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Q


class Rule(models.Model):
    """One promise of the policy. Until two officers arm it, it only shows what it would delete (mission P14)."""

    class State(models.TextChoices):
        OBSERVING = "observing", "Observing"
        ARMED = "armed", "Armed"

    key = models.SlugField(primary_key=True, max_length=40)
    state = models.CharField(max_length=10, choices=State, default=State.OBSERVING)
    armed_at = models.DateTimeField(null=True)

    class Meta:
        permissions = [("arm_rule", "Can arm or disarm a retention rule, with a second officer")]

    def __str__(self) -> str:
        return self.key.replace("_", " ").capitalize()


class RuleVersion(models.Model):
    """A period that officers set for a rule: asked for by one, approved by another, in force from its instant on."""

    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    period = models.DurationField()
    effective_at = models.DateTimeField("in force from")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField("approved")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="rule_version_once"),
            models.CheckConstraint(condition=Q(period__gt=dt.timedelta(0)), name="rule_version_period_not_zero"),
            models.CheckConstraint(condition=~Q(asked_by=models.F("approved_by")), name="rule_version_by_two"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.number}"
