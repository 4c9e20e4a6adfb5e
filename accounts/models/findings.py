"""Findings that a person is a child (policy § 8)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models.customers import Person


class ChildFinding(models.Model):
    """That a person is a child, how we learnt it and on whose word: codes and instants, which stay when the person is gone."""

    class How(models.TextChoices):
        PARENT = "parent", "A parent told us"
        CHILD = "child", "The child told us"
        DOCUMENT = "document", "An identity document shows it"
        STAFF = "staff", "A member of staff noticed"
        OTHER = "other", "Somebody else told us"

    class Authority(models.TextChoices):
        NOT_NEEDED = "not_needed", "Nobody asked for it: we remove it of our own accord"
        ACCOUNT = "account", "Answered from the contact of the account that pays"
        CALL_BACK = "call_back", "Called back on a number known before"
        DETAILS = "details", "Knew details of the account that only a parent would"
        SIGNED = "signed", "Signed a declaration; no copy of a document was taken"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="child_findings", verbose_name="customer"
    )
    found_at = models.DateTimeField(
        "found", help_text="When anybody of us first learnt it: the 72 hours run from then."
    )
    how = models.CharField("how we learnt it", max_length=10, choices=How)
    authority = models.CharField(
        "authority of the parent",
        max_length=12,
        choices=Authority,
        default=Authority.NOT_NEEDED,
        help_text="How it was checked. Never by a copy of an identity document.",
    )
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    recorded_at = models.DateTimeField("recorded", editable=False)
    confirmed_at = models.DateTimeField("confirmed by two officers", null=True, editable=False)
    dropped_at = models.DateTimeField("found wrong", null=True, editable=False)

    class Meta:
        verbose_name = "finding of a child"
        verbose_name_plural = "findings of children"
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True) | Q(dropped_at__isnull=True), name="child_confirmed_or_dropped"
            ),
            models.CheckConstraint(condition=Q(found_at__lte=F("recorded_at")), name="child_not_found_in_the_future"),
            models.UniqueConstraint(
                fields=["person"], condition=Q(dropped_at__isnull=True, person__isnull=False), name="child_found_once"
            ),
        ]
        permissions = [("confirm_childfinding", "Can have a child’s data removed, with a second officer")]

    def __str__(self) -> str:
        return f"finding {str(self.pk)[:8]}"

    @property
    def state(self) -> str:
        """The state in words: what is still to be done."""
        if self.dropped_at:
            return "Found wrong"
        if self.confirmed_at is None:
            return "To be confirmed"
        return "Being removed" if self.person_id else "Removed"

    @property
    def is_open(self) -> bool:
        return self.state in ("To be confirmed", "Being removed")
