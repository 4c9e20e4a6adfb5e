"""Who the customers are."""

import uuid
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.validators import (
    E164,
    refuse_card_numbers,
    validate_country,
    validate_e164,
    validate_time_zone,
)


class Workspace(models.Model):
    """The account of a customer. When it has been emptied, only its ids and dates remain.

    A *remainder* is emptied too, but for rows that a hold or a law keeps (``retention/keeping.py``).
    """

    class Kind(models.TextChoices):
        PERSONAL = "personal", "Personal"
        BUSINESS = "business", "Business"

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        HIDDEN = "hidden", "Past its time"
        EMPTYING = "emptying", "Being emptied"
        REMAINDER = "remainder", "Emptied but for what is kept"
        EMPTIED = "emptied", "Emptied"

    INTACT = (State.ACTIVE, State.HIDDEN)  # its deletion has not begun: it takes new rows, and can be held or renewed

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    outside_id = models.CharField(
        "id in the service platform", max_length=64, unique=True, help_text="The id by which an import finds it again."
    )
    name = models.CharField(max_length=200, blank=True, validators=[refuse_card_numbers])
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PERSONAL)
    country = models.CharField(max_length=2, blank=True, validators=[validate_country])
    time_zone = models.CharField(
        max_length=64,
        default="Asia/Hong_Kong",
        validators=[validate_time_zone],
        help_text="The day of an expiry ends in this zone.",
    )
    created_at = models.DateTimeField("customer since", default=timezone.now)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE, editable=False)
    # The end of its last subscription; none when one has no end. Written by the database alone (migration 0003).
    ends_at = models.DateTimeField("ends", null=True, editable=False)
    goes_at = models.DateTimeField("goes by decision", null=True, editable=False)  # two officers': before any other end
    expired_at = models.DateTimeField(null=True, editable=False)
    emptied_at = models.DateTimeField(null=True, editable=False)
    fed_at = models.DateTimeField("last heard of", null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="emptied") | Q(name="", country="", emptied_at__isnull=False),
                name="workspace_emptied_has_no_name",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "name"]),
            models.Index(fields=["ends_at", "id"], condition=Q(ends_at__isnull=False), name="workspace_ends"),
        ]
        permissions = [
            ("view_clear_values", "Can see phone numbers, addresses and e-mails unmasked"),
            ("search_customers", "Can search customers by part of a name"),
        ]

    def __str__(self) -> str:
        return self.outside_id

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Person(models.Model):
    """A data subject: a customer, or somebody with no workspace at all (a prospect, the other party of a call)."""

    class Source(models.TextChoices):
        SELF = "self", "The person"
        AFFILIATE = "affiliate", "Affiliate partner"
        ADVERTISER = "advertiser", "Advertiser"
        PUBLIC = "public", "Public source"
        INTEGRATED = "integrated", "Integrated service"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    outside_id = models.CharField("id in the service platform", max_length=64, unique=True)
    name = models.CharField(max_length=200, validators=[refuse_card_numbers])
    email = models.EmailField("e-mail", blank=True)
    phone = models.CharField(max_length=16, blank=True, validators=[validate_e164])
    billing_address = models.TextField(blank=True, validators=[refuse_card_numbers])
    business_name = models.CharField(max_length=200, blank=True, validators=[refuse_card_numbers])
    country = models.CharField(max_length=2, blank=True, validators=[validate_country])
    language = models.CharField(max_length=12, default="en")
    notify_by_email = models.BooleanField("service news by e-mail", default=True)
    notify_by_sms = models.BooleanField("service news by SMS", default=False)
    source = models.CharField("where the data came from", max_length=12, choices=Source, default=Source.SELF)
    source_detail = models.CharField(
        max_length=200,
        blank=True,
        help_text="Which partner, advertiser or public page.",
        validators=[refuse_card_numbers],
    )
    created_at = models.DateTimeField("known since", default=timezone.now)
    fed_at = models.DateTimeField("last heard of", null=True, editable=False)

    class Meta:
        verbose_name_plural = "people"
        constraints = [
            models.CheckConstraint(condition=Q(phone="") | Q(phone__regex=E164), name="person_phone_e164"),
        ]
        indexes = [
            models.Index(Lower("email"), name="person_email_lower"),
            models.Index(fields=["phone"]),
            models.Index(fields=["name"]),
        ]

    def __str__(self) -> str:
        return self.outside_id


class Membership(models.Model):
    """A person's place in a workspace. The person leaves with the last one."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Administrator"
        MEMBER = "member", "Member"

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role, default=Role.OWNER)
    since = models.DateTimeField(default=timezone.now)
    fed_at = models.DateTimeField("last heard of", null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "person"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.workspace_id}"
