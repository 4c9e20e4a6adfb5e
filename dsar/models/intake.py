"""The signed way in for the website's forms (mission D1)."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone


class IntakeSource(models.Model):
    """A program that may hand in what people wrote, such as the website. It acts under an account nobody can sign in to."""

    name = models.CharField(
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[a-z][a-z0-9-]*$", "Small letters, digits and hyphens; a letter first.")],
        help_text="Stands in its address: /intake/<name>.",
    )
    account = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    secret = models.BinaryField(null=True, editable=False)
    secret_set_at = models.DateTimeField("secret made", null=True, editable=False)
    created_at = models.DateTimeField("made", default=timezone.now, editable=False)
    retired_at = models.DateTimeField("retired", null=True, editable=False)

    class Meta:
        verbose_name = "website form"
        permissions = [("rotate_intakesource", "Can make a new secret for a website form, and retire it")]

    def __str__(self) -> str:
        return self.name


class IntakeDelivery(models.Model):
    """One signed message of a source: its nonce, its key and what became of it, never its content."""

    class State(models.TextChoices):
        OPEN = "open", "Being taken"
        TAKEN = "taken", "Taken"
        AGAIN = "again", "Came again"
        REFUSED = "refused", "Refused"

    source = models.ForeignKey(IntakeSource, on_delete=models.PROTECT, related_name="deliveries")
    nonce = models.CharField(max_length=64)
    received_at = models.DateTimeField("received")
    key = models.CharField(max_length=64, blank=True)
    digest = models.BinaryField(null=True, help_text="A keyed hash of what was said, to know the same message again.")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    problem = models.CharField(max_length=60, blank=True)
    ticket_reference = models.CharField("ticket", max_length=20, blank=True)
    request_reference = models.CharField("request", max_length=20, blank=True)

    class Meta:
        verbose_name = "message of a website form"
        verbose_name_plural = "messages of website forms"
        constraints = [
            models.UniqueConstraint(fields=["source", "nonce"], name="intake_nonce_once"),
            models.UniqueConstraint(
                fields=["source", "key"], condition=models.Q(state="taken"), name="intake_key_taken_once"
            ),
        ]
        indexes = [models.Index(fields=["source", "received_at"]), models.Index(fields=["received_at"])]

    def __str__(self) -> str:
        return f"intake {self.pk}"
