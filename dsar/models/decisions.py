"""What officers decide to do for a request under one right, and what was done (policy § 6)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from dsar.models.requests import SubjectRequest

OPEN = ["waiting", "under_way"]  # Decision.OPEN_STATES, for the constraint


class Decision(models.Model):
    """What an officer decided for a request: which right, what was chosen, and what came of it."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waits for a second officer"
        UNDER_WAY = "under_way", "Being carried out"
        DONE = "done", "Carried out"
        DROPPED = "dropped", "Not carried out"

    OPEN_STATES = (State.WAITING, State.UNDER_WAY)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="decisions")
    right = models.CharField(max_length=24)
    choices = models.JSONField(default=dict, blank=True, help_text="What the officer chose on the page of the right.")
    state = models.CharField(max_length=9, choices=State)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField("decided")
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, verbose_name="second officer"
    )
    result = models.JSONField(default=dict, help_text="What was done: codes, counts and opaque ids.")
    ended_at = models.DateTimeField("over", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "right"], condition=Q(state__in=OPEN), name="decision_one_open_per_right"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, ended_at__isnull=True) | (~Q(state__in=OPEN) & Q(ended_at__isnull=False)),
                name="decision_over_with_date",
            ),
        ]
        indexes = [models.Index(fields=["decided_at"], condition=Q(state="under_way"), name="decision_under_way")]
        permissions = [
            ("confirm_decision", "Can have a decision carried out, with a second officer where it needs one")
        ]

    @property
    def tone(self) -> str:
        """The tone of its badge."""
        return {"waiting": "warning", "under_way": "info", "done": "success"}.get(self.state, "")

    def __str__(self) -> str:
        return f"decision {str(self.pk)[:8]}"
