"""Letters to people who ask, why something was refused, and where an answer can be taken (mission D13, D14)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.validators import refuse_card_numbers
from dsar.models.requests import SubjectRequest


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    CHINESE = "zh-hant", "Traditional Chinese"


class Letter(models.Model):
    """A letter as it was sent. It is written by the portal from approved words, and never changed afterwards."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", "Confirmation of receipt"
        EXTENSION = "extension", "More time is needed"
        ANSWER = "answer", "Answer"
        PARTIAL = "partial", "Answer in part"
        REFUSAL = "refusal", "Refusal"
        LIFTING = "lifting", "Restriction is to be lifted"
        NOTHING = "nothing", "Nothing is held"
        UPHELD = "upheld", "They are right: the decision is changed"
        REJECTED = "rejected", "The decision stays"
        FORWARDED = "forwarded", "Passed on to a client"

    class Way(models.TextChoices):
        EMAIL = "email", "E-mail"
        POST = "post", "Post"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="letters")
    kind = models.CharField(max_length=9, choices=Kind)
    language = models.CharField(max_length=7, choices=Language)
    regime = models.CharField("rule", max_length=20)
    reasons = models.JSONField(default=list)
    way = models.CharField("sent by", max_length=5, choices=Way)
    to = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=200)
    body = models.TextField(validators=[refuse_card_numbers])
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    sent_at = models.DateTimeField("sent")
    mail = models.UUIDField("outgoing mail", null=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["request", "sent_at"])]
        permissions = [("send_letter", "Can send letters to people who ask")]

    def __str__(self) -> str:
        return f"letter {str(self.pk)[:8]}"


class Refusal(models.Model):
    """An entry of the refusal log: written with the letter, before it leaves (PDPO section 27; kept for four years)."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="refusals")
    letter = models.UUIDField(editable=False)
    regime = models.CharField("rule", max_length=20)
    reasons = models.JSONField(default=list)
    is_partial = models.BooleanField("in part", default=False)
    particulars = models.TextField(blank=True)
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField("entered")

    class Meta:
        verbose_name_plural = "refusal log"
        indexes = [models.Index(fields=["regime", "entered_at"]), models.Index(fields=["entered_at"])]

    def __str__(self) -> str:
        return f"refusal {self.pk}"


class DownloadLink(models.Model):
    """Where one answer can be taken, until a day: by a link that only the letter has, and a code to a proved address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="download_links")
    token_hash = models.BinaryField(unique=True)
    sealed_address = models.BinaryField()
    language = models.CharField(max_length=7, choices=Language, default=Language.ENGLISH)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField("made", default=timezone.now)
    expires_at = models.DateTimeField("ends")
    code_hash = models.BinaryField(null=True)
    code_until = models.DateTimeField(null=True)
    code_tries = models.PositiveSmallIntegerField(default=0)
    codes_sent = models.PositiveSmallIntegerField(default=0)
    code_sent_at = models.DateTimeField(null=True)
    code_mail = models.UUIDField(null=True)
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    downloads = models.PositiveSmallIntegerField(default=0)
    first_downloaded_at = models.DateTimeField("downloaded", null=True)
    withdrawn_at = models.DateTimeField("withdrawn", null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(code_hash__isnull=True, code_until__isnull=True)
                | Q(code_hash__isnull=False, code_until__isnull=False),
                name="download_code_with_end",
            ),
        ]

    def __str__(self) -> str:
        return f"link {str(self.pk)[:8]}"
