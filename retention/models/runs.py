"""What came due together, and the limits by which it is judged before any of it is destroyed."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Workspace
from retention.models.rules import Rule


class DeletionRun(models.Model):
    """What one tick found due under one rule, frozen: exactly these deletions, counted, digested and judged together."""

    class Kind(models.TextChoices):
        KNOWN = "known", "Known in advance"
        SURPRISE = "surprise", "Changed at the last moment"

    class State(models.TextChoices):
        GOING = "going", "Going on"
        CANARY = "canary", "The first ones go first"
        STOPPED = "stopped", "Stopped: needs a decision"
        CALLED_OFF = "called_off", "Called off"
        OVER = "over", "Over"

    class Cause(models.TextChoices):
        SURPRISES = "surprises", "Too many ends were changed at the last moment"
        AMOUNT = "amount", "Too much at once"
        PACE = "pace", "Far more than on other days"
        CANARY = "canary", "One of the first ones failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.KNOWN)
    state = models.CharField(max_length=10, choices=State, default=State.GOING)
    cutoff = models.DateTimeField(help_text="What was due at this instant.")
    frozen_at = models.DateTimeField("frozen", help_text="By the database's clock.")
    amount = models.PositiveBigIntegerField(help_text="Workspaces, or rows of a rule by age.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the deletions: their ids, instants and chosen rows.")
    oldest_due_at = models.DateTimeField("oldest due")
    newest_due_at = models.DateTimeField("newest due")
    cause = models.CharField("stopped by", max_length=10, choices=Cause, blank=True)
    stopped_because = models.CharField(max_length=300, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField("decided", null=True)

    class Meta:
        verbose_name = "run"
        constraints = [
            models.CheckConstraint(condition=~Q(state="stopped") | ~Q(cause=""), name="run_stopped_by_something"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True, decided_at__isnull=True)
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="run_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="called_off") | Q(decided_by__isnull=False), name="run_called_off_by_somebody"
            ),
        ]
        indexes = [
            models.Index(fields=["rule", "frozen_at"]),
            models.Index(fields=["state"], condition=~Q(state__in=["over", "called_off"]), name="run_open"),
        ]

    def __str__(self) -> str:
        return f"run {str(self.pk)[:8]}"

    @property
    def reference(self) -> str:
        return str(self.pk)[:8]


class BreakerLimit(models.Model):
    """How much may go without somebody looking. What stands here counts only within the bounds in ``breaker.py``."""

    key = models.SlugField(primary_key=True, max_length=20)
    value = models.IntegerField(null=True)

    class Meta:
        verbose_name = "limit"

    def __str__(self) -> str:
        return self.key


class Allowance(models.Model):
    """What two officers knew would go when they armed a rule or shortened a period: expected, and no surprise."""

    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="allowances")
    amount = models.PositiveBigIntegerField(help_text="Workspaces, or rows of a rule by age.")
    granted_at = models.DateTimeField("granted", help_text="By the database's clock.")

    class Meta:
        indexes = [models.Index(fields=["rule", "granted_at"])]

    def __str__(self) -> str:
        return f"allowance {self.pk}"


class Reprieve(models.Model):
    """An officer's word that the end of a workspace is wrong: it is not due until its dates are changed, or two say so."""

    class Ending(models.TextChoices):
        CORRECTED = "corrected", "Its dates were changed"
        OFFICERS = "officers", "Two officers ended it"

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="reprieves")
    job = models.ForeignKey("DeletionJob", on_delete=models.PROTECT, related_name="reprieves")
    reason = models.CharField(max_length=300, help_text="What is wrong, in words that another officer understands.")
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField("granted", help_text="By the database's clock.")
    ending = models.CharField(max_length=10, choices=Ending, blank=True)
    ended_at = models.DateTimeField("ended", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(ended_at__isnull=True), name="reprieve_one_open_per_workspace"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ending="") | Q(ended_at__isnull=False) & ~Q(ending=""),
                name="reprieve_ended_by_something",
            ),
        ]

    def __str__(self) -> str:
        return f"reprieve {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


class Heartbeat(models.Model):
    """When a part of the schedule was last alive, by the database's clock."""

    name = models.SlugField(primary_key=True, max_length=40)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
