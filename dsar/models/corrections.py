"""What was corrected at somebody's request, and what they say of data that was not (policy § 6.1)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Person, Workspace
from accounts.validators import refuse_card_numbers
from dsar.models.requests import SubjectRequest


class Correction(models.Model):
    """One field that was corrected: what it was and what it is. It goes a while after the request, or with the person."""

    class Evidence(models.TextChoices):
        WORD = "word", "The person’s word, once identified"
        DOCUMENT = "document", "A document in the ticket"
        ACCOUNT = "account", "Set by them in their account"
        PROVIDER = "provider", "Looked up at an outside provider"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="corrections")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="corrections")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, null=True, related_name="corrections")
    model = models.CharField("of", max_length=60, help_text="A model of the data map.")
    field = models.CharField(max_length=40)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    evidence = models.CharField("shown by", max_length=8, choices=Evidence)
    file = models.UUIDField("document", null=True, help_text="The opaque id of the file of the ticket that shows it.")
    at = models.DateTimeField("corrected")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(model="accounts.Person", person__isnull=False, workspace__isnull=True)
                | Q(model="accounts.Workspace", workspace__isnull=False),
                name="correction_of_person_or_workspace",
            ),
            models.CheckConstraint(
                condition=Q(evidence="document", file__isnull=False) | (~Q(evidence="document") & Q(file__isnull=True)),
                name="correction_document_has_file",
            ),
        ]
        indexes = [models.Index(fields=["model", "at"])]

    def __str__(self) -> str:
        return f"correction {str(self.pk)[:8]}"


class Statement(models.Model):
    """What a person says of data of theirs that we did not correct: it stands beside the data for as long as that does."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="statements")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="statements")
    fields = models.JSONField("of", default=list, help_text="What it is about: model and field.")
    text = models.TextField(validators=[refuse_card_numbers])
    made_at = models.DateTimeField("made")
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"statement {str(self.pk)[:8]}"
