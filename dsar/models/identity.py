"""How it was made sure that a request comes from whom it says (policy § 6, § 12)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.validators import refuse_card_numbers
from dsar.models.requests import SubjectRequest


class Identifier(models.Model):
    """Of the person who asks: an address, a number or an account that a request leans on, each proved by itself."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        PHONE = "phone", "Telephone number"
        ACCOUNT = "account", "Account"

    class Proof(models.TextChoices):
        CODE = "code", "by code"
        LOGIN = "login", "by signing in to the account"
        CHALLENGE = "challenge", "by answers that match the record"
        CALL_BACK = "call_back", "by calling back on the number of the record"
        IN_PERSON = "in_person", "in person"
        LETTER = "letter", "by letter to the address of the record"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="identifiers")
    kind = models.CharField(max_length=8, choices=Kind)
    value = models.CharField(max_length=254, help_text="An e-mail in small letters, E.164, or the customer's number.")
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    proved_at = models.DateTimeField(null=True)
    proof = models.CharField(max_length=10, choices=Proof, blank=True)
    proved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "kind", "value"], condition=~Q(value=""), name="identifier_once"),
            models.CheckConstraint(
                condition=Q(proved_at__isnull=True, proof="") | (Q(proved_at__isnull=False) & ~Q(proof="")),
                name="identifier_proved_somehow",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class IdentityCode(models.Model):
    """A code that was sent to one identifier: its keyed hash, and what became of it. Only one is alive."""

    class End(models.TextChoices):
        USED = "used", "Used"
        EXPIRED = "expired", "Expired"
        REPLACED = "replaced", "Replaced by a newer one"
        EXHAUSTED = "exhausted", "Tried too often"
        UNSENT = "unsent", "Could not be sent"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    identifier = models.ForeignKey(Identifier, on_delete=models.PROTECT, related_name="codes")
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    end = models.CharField(max_length=10, choices=End, blank=True)
    mail = models.UUIDField("outgoing mail", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["identifier"], condition=Q(ended_at__isnull=True), name="one_live_code"),
        ]
        indexes = [models.Index(fields=["identifier", "made_at"])]

    def __str__(self) -> str:
        return f"code {self.pk}"


class ChallengeAnswer(models.Model):
    """One answer held against the record: which question, and whether it matched; never what was said."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="challenge_answers")
    round = models.PositiveSmallIntegerField()
    question = models.CharField(max_length=20)
    matched = models.BooleanField()
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "round", "question"], name="answered_once_a_round")]

    def __str__(self) -> str:
        return f"answer {self.pk}"


class Agent(models.Model):
    """Who asks in somebody else's name: their authority, and the word of the person themselves."""

    class Authority(models.TextChoices):
        WRITTEN = "written", "Permission signed by the person"
        ATTORNEY = "attorney", "Power of attorney"
        PARENT = "parent", "Parent or guardian"
        LAWYER = "lawyer", "Lawyer"

    request = models.OneToOneField(SubjectRequest, on_delete=models.PROTECT, related_name="agent")
    name = models.CharField(max_length=200, validators=[refuse_card_numbers])
    contact = models.CharField(max_length=200, blank=True, validators=[refuse_card_numbers])
    authority = models.CharField(max_length=8, choices=Authority)
    named_at = models.DateTimeField()
    named_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    seen_at = models.DateTimeField(null=True, help_text="When an officer saw the paper that gives the authority.")
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, help_text="When the person confirmed it by a code of their own.")

    def __str__(self) -> str:
        return f"agent of {self.request_id}"
