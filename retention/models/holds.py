"""Legal holds."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.models import Person, Workspace
from accounts.validators import E164

WHAT_NARROWS = ("workspace", "person", "number", "categories", "dates")


class Hold(models.Model):
    """A reason why data must stay although its time is over. It stops every path of deletion for the rows it covers.

    It covers the rows that fit everything it gives: a workspace, a customer, a telephone number, categories of the data
    map, a range of dates. When it is lifted, the customer and the number are blanked; ``narrowed_by`` still says that
    there were some.
    """

    class Kind(models.TextChoices):
        OFFICER = "officer", "Placed by an officer"
        REQUEST = "request", "By an open request"
        RESTRICTION = "restrict", "Restriction instead of erasure"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.OFFICER, editable=False)
    request_id = models.UUIDField("request", null=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="holds", null=True, blank=True)
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="holds", null=True, blank=True, verbose_name="customer"
    )
    number = models.CharField(max_length=16, blank=True)
    categories = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    rows_from = models.DateTimeField("from", null=True, blank=True)
    rows_until = models.DateTimeField("until", null=True, blank=True, help_text="The first instant that is not held.")
    narrowed_by = ArrayField(models.CharField(max_length=12), default=list, editable=False)
    reason = models.CharField(max_length=300, help_text="In words that another officer understands.")
    authority = models.CharField(max_length=200, help_text="The law, order or claim it rests on.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="holds_owned")
    review_on = models.DateField("review on", help_text="When somebody must ask whether it is still needed.")
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    placed_at = models.DateTimeField("placed", editable=False)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    lifted_at = models.DateTimeField("lifted", null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(lifted_by__isnull=True, lifted_at__isnull=True)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False)
                | (Q(lifted_at__isnull=False) & ~Q(kind="officer")),
                name="hold_lifted_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=False)
                | Q(workspace__isnull=False)
                | Q(person__isnull=False)
                | ~Q(number="")
                | Q(categories__len__gt=0)
                | Q(rows_from__isnull=False)
                | Q(rows_until__isnull=False),
                name="hold_covers_something",
            ),
            models.CheckConstraint(
                condition=Q(rows_from__isnull=True) | Q(rows_until__isnull=True) | Q(rows_from__lt=F("rows_until")),
                name="hold_dates_in_order",
            ),
            models.CheckConstraint(condition=Q(number="") | Q(number__regex=E164), name="hold_number_e164"),
            models.CheckConstraint(
                condition=Q(kind="officer", request_id__isnull=True)
                | (~Q(kind="officer") & Q(request_id__isnull=False)),
                name="hold_by_request_names_it",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace"], condition=Q(lifted_at__isnull=True), name="hold_active"),
            models.Index(fields=["request_id"], condition=Q(request_id__isnull=False), name="hold_of_request"),
            models.Index(fields=["lifted_at"]),
        ]
        permissions = [("lift_hold", "Can lift a hold, with a second officer")]

    def __str__(self) -> str:
        return f"hold {str(self.pk)[:8]}"

    @property
    def reference(self) -> str:
        return f"{self.placed_at:%Y}-{str(self.pk)[:8]}"

    @property
    def is_active(self) -> bool:
        return self.lifted_at is None

    @property
    def is_whole_workspace(self) -> bool:
        """Whether it keeps everything of a workspace, so that its deletion does not even begin."""
        return self.narrowed_by == ["workspace"]
