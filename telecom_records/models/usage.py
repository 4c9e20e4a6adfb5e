"""Device and usage records, and the sessions of the free tools (policy § 2.2, § 2.5)."""

import uuid

from django.db import models

from accounts.models import Person, Workspace


class UsageRecord(models.Model):
    """One visit of a customer to the website or the app. No Do-Not-Track signal is stored (policy § 9.2)."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="usage_records", db_index=False)
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="usage_records", null=True, blank=True, db_index=False
    )
    occurred_at = models.DateTimeField("when")
    event = models.CharField(max_length=60)
    ip_address = models.GenericIPAddressField("IP address", null=True)
    device = models.CharField(max_length=80, blank=True)
    browser = models.CharField(max_length=80, blank=True)
    operating_system = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=2, blank=True)
    privacy_control = models.BooleanField("Global Privacy Control", default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "occurred_at", "id"], name="usage_key"),
        ]
        indexes = [
            models.Index(fields=["occurred_at", "id"], name="usage_occurred"),
            models.Index(fields=["person", "occurred_at"], name="usage_person"),
            models.Index(fields=["id"], name="usage_id"),
        ]

    def __str__(self) -> str:
        return f"usage {self.pk}"


class FreeToolSession(models.Model):
    """What a visitor typed into a free tool: discarded when the session ends, at the latest within the hour."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tool = models.CharField(max_length=60)
    started_at = models.DateTimeField("started", db_index=True)
    ended_at = models.DateTimeField("ended", null=True)
    entered = models.JSONField("what was entered", default=dict)

    def __str__(self) -> str:
        return str(self.pk)
