"""Who of the staff saw what (policy § 5.1)."""

from django.conf import settings
from django.db import models


class AccessLogEntry(models.Model):
    """One look at, or export of, what not everybody sees: a member of staff, an opaque id, and why. It expires."""

    class Action(models.TextChoices):
        LOOK = "look", "Looked at in clear"
        LIST = "list", "Looked through in clear"
        EXPORT = "export", "Exported"
        TAKE = "take", "Took the evidence away"

    at = models.DateTimeField("when")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="who")
    action = models.CharField("did", max_length=6, choices=Action)
    of = models.CharField("what", max_length=60, help_text="The kind of thing, such as accounts.Person.")
    subject = models.CharField("id", max_length=64, blank=True, help_text="The opaque id; empty for a list.")
    rows = models.PositiveIntegerField(null=True, help_text="How many rows of a list or an export.")
    reason = models.CharField(max_length=300, blank=True, help_text="Why, in words.")
    ticket = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name = "access"
        verbose_name_plural = "access log"
        indexes = [
            models.Index(fields=["at"]),
            models.Index(fields=["of", "subject"]),
            models.Index(fields=["user", "at"]),
        ]

    def __str__(self) -> str:
        return f"access {self.pk}"
