"""The clock of a request: what moved it, and every answer it has given."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from dsar.deadlines.events import EVENT_KINDS, WEATHER
from dsar.models.requests import SubjectRequest


class ClockEvent(models.Model):
    """A question, an answer or a notice that moves the date of a request. A mistaken one is withdrawn, not removed."""

    class Kind(models.TextChoices):
        EXTEND = "extend", "Extension notice sent"
        PAUSE_IDENTITY = "pause-identity", "Proof of identity asked for"
        PAUSE_CLARIFICATION = "pause-clarification", "Clarification asked for"
        PAUSE_FEE = "pause-fee", "Fee asked for"
        RESUME_IDENTITY = "resume-identity", "Identity proved"
        RESUME_CLARIFICATION = "resume-clarification", "Clarification received"
        RESUME_FEE = "resume-fee", "Fee paid"
        CONFIRM = "confirm", "Second step of the deletion confirmed"

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="clock_events")
    kind = models.CharField(max_length=20, choices=Kind)
    on = models.DateField(help_text="The day of it where the law's clock runs.")
    until = models.DateField("new date", null=True, blank=True, help_text="The date that an extension notice names.")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(kind="extend", until__gt=models.F("on")), name="new_date_after_notice"
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["request", "on"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class DeadlineResult(models.Model):
    """One answer of the calculation: what it was given, by which version, and what came out. The last one counts."""

    class Cause(models.TextChoices):
        REGISTERED = "registered", "Registered"
        CORRECTED = "corrected", "Details corrected"
        EVENT = "event", "Something happened"
        WITHDRAWN = "withdrawn", "An event was withdrawn"
        WEATHER = "weather", "A weather warning in Hong Kong"
        VERSION = "version", "New rules or holidays"

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="deadlines")
    cause = models.CharField(max_length=10, choices=Cause)
    computed_at = models.DateTimeField()
    regime = models.CharField(max_length=20)
    rule_version = models.CharField(max_length=40)
    holiday_data = models.CharField(max_length=60, blank=True)
    given = models.JSONField(help_text="Type, instant of receipt, region and events.")
    answer = models.JSONField(help_text="Dates and steps.")
    others = models.JSONField(default=list, help_text="The same of each other law that applies, with its rule.")
    ended_at = models.DateTimeField(null=True, help_text="When a later answer took its place.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request"], condition=Q(ended_at__isnull=True), name="one_deadline_counts"),
        ]
        indexes = [
            models.Index(fields=["request", "id"]),
            models.Index(
                fields=["regime", "rule_version", "holiday_data"], condition=Q(ended_at__isnull=True), name="deadline_versions"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"deadline {self.pk}"


class WeatherWarning(models.Model):
    """A day on which a gale or black rainstorm warning was in force in Hong Kong: it is no working day there."""

    kind = models.CharField(max_length=10, choices=[(kind, EVENT_KINDS[kind].capitalize()) for kind in WEATHER])
    on = models.DateField("day")
    recorded_at = models.DateTimeField(editable=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "on"], name="warning_recorded_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.on}"
