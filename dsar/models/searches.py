"""What was searched for when somebody asks who is no customer."""

import uuid

from django.conf import settings
from django.db import models

from dsar.models.requests import SubjectRequest


class RecordSearch(models.Model):
    """One search of everything for one address or number of the person who asks, and how much was found."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        PHONE = "phone", "Telephone number"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="searches")
    kind = models.CharField(max_length=5, choices=Kind)
    value = models.CharField(max_length=254, help_text="An e-mail in small letters, or E.164.")
    on = models.DateField(null=True, help_text="The day in question, for a number that has had several holders.")
    found = models.JSONField(default=dict, help_text="How many rows, by what they are; only what there is.")
    searched_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    searched_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["request", "searched_at"])]
        permissions = [("search_records", "Can search all records for who is no customer")]

    def __str__(self) -> str:
        return f"search {str(self.pk)[:8]}"
