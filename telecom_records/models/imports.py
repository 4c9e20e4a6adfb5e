"""Imports of call records: where they come from, each run, and what was not taken."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from phonenumbers import SUPPORTED_REGIONS

from accounts.validators import validate_country, validate_time_zone
from telecom_records.formats import FORMATS
from telecom_records.formats.mapped import FORMAT_OF
from telecom_records.formats.mapping import BadMapping, read_mapping


def validate_mapping(value: object) -> None:
    """Raise ValidationError for a mapping by which no file can be read."""
    try:
        read_mapping(value)
    except BadMapping as error:
        raise ValidationError(str(error)) from error


class ImportSource(models.Model):
    """A switch or a provider whose files come in, with what its files do not say."""

    name = models.SlugField(max_length=60, unique=True)
    format = models.CharField(max_length=30, blank=True, help_text="Empty: seen from the file.")
    time_zone = models.CharField(
        max_length=64, blank=True, validators=[validate_time_zone], help_text="The zone of times without an offset."
    )
    country = models.CharField(
        max_length=2,
        blank=True,
        validators=[validate_country],
        help_text="Where national numbers of its files are dialled.",
    )
    reject_percent = models.PositiveSmallIntegerField(
        "faults allowed (%)",
        default=5,
        validators=[MaxValueValidator(100)],
        help_text="A file is refused whole when more of its rows than this have faults.",
    )
    mapping = models.JSONField(
        "columns",
        default=dict,
        blank=True,
        validators=[validate_mapping],
        help_text="What the columns of its files are.",
    )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raise ValidationError for a format that nobody reads, or a country whose national numbers nobody knows."""
        if self.format and self.format not in FORMATS:
            raise ValidationError({"format": f"“{self.format}” is no format. One of: {', '.join(FORMATS)}."})
        is_mapped = self.mapping and FORMAT_OF[self.mapping.get("kind", "calls")] == self.format
        if self.format in FORMAT_OF.values() and not is_mapped:
            raise ValidationError(
                {"format": "The columns of this source were not mapped so. Map those of a file first."}
            )
        if self.country and self.country not in SUPPORTED_REGIONS:
            raise ValidationError({"country": f"“{self.country}” is no country with a numbering plan."})


class ImportRun(models.Model):
    """One file's way in. The row is the work: a worker that dies leaves it where the next one goes on."""

    class State(models.TextChoices):
        MAPPING = "mapping", "Waiting for its columns"
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"
        UNDONE = "undone", "Undone"

    OPEN = (State.WAITING, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(ImportSource, on_delete=models.PROTECT, related_name="runs")
    format = models.CharField(max_length=30)
    time_zone = models.CharField(max_length=64, blank=True)
    country = models.CharField(max_length=2, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    file_name = models.CharField("file", max_length=200)
    file_bytes = models.BigIntegerField("size (bytes)")
    file_sha256 = models.CharField(max_length=64)
    file_key = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=8, default="calls", choices=[("calls", "Calls"), ("messages", "Messages")])
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    message = models.CharField(max_length=400, blank=True)
    rows_total = models.PositiveIntegerField("rows in the file", null=True)
    read = models.PositiveIntegerField(default=0)
    inserted = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    revised = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    unattributed = models.PositiveIntegerField("of the skipped, nobody's", default=0)
    stored_until = models.DateTimeField(null=True, editable=False, help_text="Up to which instant its rows are stored.")
    stored_position = models.BigIntegerField(default=0, editable=False)
    first_at = models.DateTimeField("first", null=True)
    last_at = models.DateTimeField("last", null=True)
    cancel_asked_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField("undone", null=True, help_text="Since when the records that it brought are to go.")
    undone_whole_at = models.DateTimeField(null=True, help_text="When the last of them was gone.")
    lease_until = models.DateTimeField(null=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "import"
        permissions = [
            ("import_calls", "Can import call records"),
            ("undo_import", "Can undo an import of call records"),
        ]
        indexes = [
            models.Index(fields=["source", "file_sha256"]),
            models.Index(
                fields=["undone_at"],
                name="import_to_be_undone",
                condition=Q(undone_at__isnull=False, undone_whole_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"import {str(self.pk)[:8]}"

    ACCOUNTING = ("read", "inserted", "duplicates", "revised", "rejected", "skipped")

    @property
    def accounting(self) -> dict[str, int]:
        """Where each row of the file went; at the end ``read`` is the sum of the others."""
        return {name: getattr(self, name) for name in self.ACCOUNTING}

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_reading(self) -> bool:
        """Whether the file is not read to its end yet; nothing of it is stored until then."""
        return self.rows_total is None

    @property
    def settled(self) -> int:
        """How many of its rows have gone where they go."""
        return self.inserted + self.duplicates + self.revised + self.rejected + self.skipped


class ImportReject(models.Model):
    """A row that was not taken: its line and the reason, never its content."""

    run = models.ForeignKey(ImportRun, on_delete=models.PROTECT, related_name="rejects")
    line = models.PositiveIntegerField()
    code = models.CharField("reason", max_length=30)
    message = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "line"], name="reject_once_per_line")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.code}"


class WaitingCall(models.Model):
    """A call whose numbers were nobody's: sealed, for a few days, in case the assignment arrives late."""

    source = models.ForeignKey(ImportSource, on_delete=models.PROTECT, related_name="waiting_calls")
    source_key = models.CharField(max_length=160)
    run = models.ForeignKey(ImportRun, on_delete=models.PROTECT, related_name="waiting_calls")
    started_at = models.DateTimeField()
    number_hashes = ArrayField(models.BinaryField(), help_text="Keyed hashes of the numbers of the call.")
    sealed = models.BinaryField(help_text="The call, encrypted.")
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "source_key", "started_at"], name="waiting_call_once"),
        ]
        indexes = [GinIndex(fields=["number_hashes"], name="waiting_call_numbers")]

    def __str__(self) -> str:
        return f"waiting call {self.pk}"
