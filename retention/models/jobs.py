"""Deletions as rows."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Workspace
from retention.models.rules import Rule
from retention.models.runs import DeletionRun

OPEN = ["pending", "held", "paused", "running", "quarantined"]  # not over: no second one is made meanwhile


class DeletionJob(models.Model):
    """One deletion: of a workspace, or of the rows of a category that are older than a cut-off."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting for a worker"
        HELD = "held", "Held"
        PAUSED = "paused", "Paused by an officer"
        RUNNING = "running", "Deleting"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "No longer due"
        QUARANTINED = "quarantined", "Stopped: needs a decision"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="jobs")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="deletion_jobs", null=True)
    run = models.ForeignKey(DeletionRun, on_delete=models.PROTECT, related_name="jobs", null=True)
    subject = models.UUIDField(
        null=True, help_text="The opaque id of the person whose request for erasure it carries out."
    )
    canary = models.BooleanField(
        default=False, help_text="One of the first of its run: the rest waits until it is done."
    )
    surprise = models.BooleanField(default=False, help_text="Its end was changed at the last moment.")
    due_at = models.DateTimeField("due")
    cutoff = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State, default=State.PENDING)
    scope = models.JSONField(
        default=dict, help_text="What goes, ids by model: of rows by age chosen when the run is frozen."
    )
    planned = models.JSONField(default=dict, help_text="Rows by model, counted at INTENT.")
    kept = models.JSONField(default=dict, help_text="What stays, frozen at INTENT: rows by model, and by hold or law.")
    destroyed = models.JSONField(default=dict, help_text="Rows by model, counted as they went.")
    left = models.JSONField(
        default=dict, help_text="Of rows by age that are gone: their stored files and keys, until these are gone, too."
    )
    stopped_because = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    intent_at = models.DateTimeField(null=True)
    intent_sequence = models.BigIntegerField(null=True)
    outside_at = models.DateTimeField("written outside the database", null=True)
    done_at = models.DateTimeField(null=True)
    done_sequence = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = "deletion"
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "workspace"],
                condition=Q(state__in=OPEN, workspace__isnull=False),
                name="job_one_open_per_workspace",
            ),
            models.UniqueConstraint(
                fields=["rule", "subject"],
                condition=Q(state__in=OPEN, workspace__isnull=True),
                nulls_distinct=False,
                name="job_one_open_per_aged_rule",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["running", "done"]) | Q(intent_sequence__isnull=False),
                name="job_destroys_only_after_intent",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(done_sequence__isnull=False, done_at__isnull=False),
                name="job_done_has_receipt",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "lease_until"]),
            models.Index(fields=["done_at"]),
            models.Index(fields=["created_at"]),
        ]
        permissions = [("decide_job", "Can pause a deletion, and decide about stopped ones")]

    def __str__(self) -> str:
        return f"deletion {self.reference}"

    @property
    def reference(self) -> str:
        return str(self.pk)[:8]

    @property
    def rows_planned(self) -> int:
        return sum(self.planned.values())

    @property
    def rows_destroyed(self) -> int:
        return sum(self.destroyed.values())


class EngineStop(models.Model):
    """A time in which nothing is deleted: stopped by an officer, or because the clock could not be right."""

    class Kind(models.TextChoices):
        OFFICER = "officer", "By an officer"
        CLOCK = "clock", "The clock"

    kind = models.CharField(max_length=8, choices=Kind, default=Kind.OFFICER, editable=False)
    reason = models.CharField(
        max_length=300, help_text="Why everything must stop; other officers see it on every page."
    )
    began_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    began_at = models.DateTimeField("stopped", editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    ended_at = models.DateTimeField("went on", null=True, editable=False)

    class Meta:
        verbose_name = "stop"
        constraints = [
            models.UniqueConstraint(
                fields=["ended_at"], condition=Q(ended_at__isnull=True), nulls_distinct=False, name="stop_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="stop_ended_by_somebody",
            ),
        ]
        permissions = [("end_enginestop", "Can let deletions go on")]

    def __str__(self) -> str:
        return f"stop {self.pk}"


class Slot(models.Model):
    """One tick of the schedule. The first scheduler to write its row has the tick; a second one finds it taken."""

    name = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "at"], name="slot_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.at}"
