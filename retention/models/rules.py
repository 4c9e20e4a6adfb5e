"""Retention rules."""

from django.db import models


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
