"""Work on a request that the portal does by itself, and that can fail."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from dsar.models.requests import SubjectRequest


class RequestStep(models.Model):
    """One piece of work for a request, such as sending a code. Its failures stand in the trail of the request."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        STOPPED = "stopped", "Failed: needs somebody"
        DROPPED = "dropped", "No longer needed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=20)
    about = models.CharField(max_length=60, blank=True, help_text="What of the request: an id or a code.")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField("next attempt")
    lease_until = models.DateTimeField(null=True)
    planned_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    fault = models.CharField("last fault", max_length=200, blank=True)
    retried_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state__in=["waiting", "running"]), name="step_to_run"),
            models.Index(fields=["request", "planned_at"]),
            models.Index(fields=["request"], condition=Q(state="stopped"), name="step_stopped"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class RequestPace(models.Model):
    """How long answered requests of a type took from a state on: nobody's, a figure over many."""

    type = models.CharField(max_length=24)
    state = models.CharField(max_length=10)
    requests = models.PositiveIntegerField()
    seconds = models.PositiveBigIntegerField(help_text="Four of five took no longer.")
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["type", "state"], name="one_pace_of_each")]

    def __str__(self) -> str:
        return f"{self.type} from {self.state}"
