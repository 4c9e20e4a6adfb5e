"""What waits where other systems put their files: a row for each file that is there, and goes with it."""

from django.db import models

from telecom_records.models.imports import ImportRun, ImportSource


class WatchedPlace(models.Model):
    """A folder or a bucket that is looked at, and how the last look went."""

    class Kind(models.TextChoices):
        FOLDER = "folder", "Folder"
        BUCKET = "bucket", "Bucket"

    kind = models.CharField(max_length=6, choices=Kind, primary_key=True)
    looked_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True)
    problem_since = models.DateTimeField(null=True)
    left_alone = models.CharField(max_length=200, blank=True, help_text="What is there and is no file of a source.")

    def __str__(self) -> str:
        return f"watched {self.kind}"


class WatchedFile(models.Model):
    """A file of a source in a watched place. Where it lies says how far it is; what is in it stands here nowhere."""

    class Folder(models.TextChoices):
        COMING = "", "Coming in"
        REFUSED = "refused", "Refused"
        DONE = "done", "Imported, and kept for a while"

    place = models.ForeignKey(WatchedPlace, on_delete=models.PROTECT, related_name="files")
    folder = models.CharField(max_length=7, choices=Folder, blank=True)
    source = models.ForeignKey(ImportSource, on_delete=models.PROTECT, related_name="+")
    name = models.CharField("file", max_length=255)
    size = models.BigIntegerField("size (bytes)")
    fingerprint = models.CharField(max_length=120, help_text="Changes when the file does.")
    seen_at = models.DateTimeField("there since", help_text="As it is now, in the folder in which it is now.")
    run = models.ForeignKey(ImportRun, on_delete=models.PROTECT, related_name="+", null=True)
    problem = models.CharField(max_length=200, blank=True)
    reason = models.CharField("refused because", max_length=400, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["place", "folder", "source", "name"], name="watched_file_once"),
        ]

    def __str__(self) -> str:
        return f"watched file {self.pk}"
