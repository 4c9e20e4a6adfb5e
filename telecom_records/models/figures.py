"""What survives of the traffic: monthly figures that nobody can be singled out of (mission P7)."""

from django.db import models

from telecom_records.models.calls import Direction


class TrafficMonth(models.Model):
    """A month whose figures have been made. They are made once: a second count would tell who left in between."""

    month = models.DateField(primary_key=True, help_text="Its first day, in UTC.")
    closed_at = models.DateTimeField()
    floor = models.PositiveSmallIntegerField(help_text="How many customers every figure of it stands on at least.")

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class TrafficFigure(models.Model):
    """How many calls or messages of one kind there were in a month: of at least so many customers, none with over half."""

    class Kind(models.TextChoices):
        CALL = "call", "Calls"
        MESSAGE = "message", "Messages"

    month = models.ForeignKey(TrafficMonth, on_delete=models.PROTECT, related_name="figures")
    kind = models.CharField(max_length=7, choices=Kind)
    country = models.CharField(
        max_length=5, help_text="Of the other party; empty: none; other: small countries together."
    )
    direction = models.CharField(max_length=8, choices=Direction)
    status = models.CharField(max_length=12)
    count = models.PositiveIntegerField()
    minutes = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["month", "kind", "country", "direction", "status"], name="figure_once"),
        ]

    def __str__(self) -> str:
        return f"figure {self.pk}"
