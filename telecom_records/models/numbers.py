"""Telephone numbers, and who had which one when."""

from collections.abc import Callable

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import DateTimeField, Func, Q

from accounts.models import Person, Workspace
from accounts.validators import E164, validate_country, validate_e164


class Number(models.Model):
    """A number we rent out. A VoIP number goes back to the pool; a non-VoIP one is deleted with its last customer."""

    e164 = models.CharField("number", max_length=16, unique=True, validators=[validate_e164])
    country = models.CharField(max_length=2, blank=True, validators=[validate_country])
    is_voip = models.BooleanField("VoIP", default=True)
    had_customer = models.BooleanField(
        "has been rented out", default=False, editable=False, help_text="One that never was stays in stock."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(e164__regex=E164), name="number_e164")]

    def __str__(self) -> str:
        return f"number {self.pk}"


class NumberAssignment(models.Model):
    """Who had a number from when to when. Two windows of one number never overlap, so a recycled number mixes nobody."""

    outside_id = models.CharField("id in the service platform", max_length=64, unique=True)
    number = models.ForeignKey(Number, on_delete=models.PROTECT, related_name="assignments")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="number_assignments")
    person = models.ForeignKey(
        Person,
        on_delete=models.PROTECT,
        related_name="number_assignments",
        null=True,
        blank=True,
        help_text="Who in the workspace uses it, if one person does.",
    )
    window = DateTimeRangeField(
        "from – until",
        help_text="The end of the number's subscription, which belongs to the next customer already. A non-VoIP number is "
        "deleted at it, without recovery. Empty: in use as long as the workspace.",
    )
    ends_at = models.GeneratedField(
        expression=Func("window", function="upper"), output_field=DateTimeField("until"), db_persist=True
    )
    fed_at = models.DateTimeField("last heard of", null=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["ends_at"])]
        constraints = [
            ExclusionConstraint(
                name="assignment_windows_never_overlap",
                expressions=[("number", RangeOperators.EQUAL), ("window", RangeOperators.OVERLAPS)],
                violation_error_message="This number is already assigned in part of this time. "
                "End the other assignment first, or start this one later.",
            ),
            models.CheckConstraint(
                condition=Q(window__isempty=False) & Q(window__lower_inf=False),
                name="assignment_window_has_start",
                violation_error_message="An assignment needs a start, and an end that is later.",
            ),
        ]

    def __str__(self) -> str:
        return self.outside_id

    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
        Number.objects.filter(pk=self.number_id, had_customer=False).update(had_customer=True)
        for tell in GIVEN:
            tell(self)


GIVEN: list[
    Callable[[NumberAssignment], None]
] = []  # the upper app registers here what follows when somebody has a number
