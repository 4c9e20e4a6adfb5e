import uuid

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("retention", "0009_recording_cap"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("prepared", "Waits for the deletion to end"),
                            ("waiting", "To be sent"),
                            ("sent", "Sent, not confirmed"),
                            ("confirmed", "Confirmed"),
                            ("refused", "Refused"),
                            ("failed", "Not delivered"),
                            ("closed", "Closed without confirmation"),
                        ],
                        default="prepared",
                        max_length=10,
                    ),
                ),
                (
                    "categories",
                    models.JSONField(default=list, help_text="What went of what they receive: models of the data map."),
                ),
                ("prepared_at", models.DateTimeField()),
                ("erased_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True, verbose_name="to be confirmed by")),
                ("next_try_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("answer", models.CharField(blank=True, max_length=80, verbose_name="last answer")),
                ("sent_at", models.DateTimeField(null=True, verbose_name="sent")),
                ("settled_at", models.DateTimeField(null=True, verbose_name="settled")),
                (
                    "settled_how",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("answer", "In the answer"),
                            ("call_back", "By a signed call back"),
                            ("officer", "By an officer"),
                        ],
                        max_length=9,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300)),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notices", to="retention.deletionjob"
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [("settle_notice", "Can send again, confirm and close notices to recipients")],
            },
        ),
        migrations.CreateModel(
            name="NoticeContent",
            fields=[
                (
                    "notice",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="content",
                        serialize=False,
                        to="retention.notice",
                    ),
                ),
                ("sealed", models.BinaryField()),
                ("settled_at", models.DateTimeField(db_index=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Recipient",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("platform", "Service platform"),
                            ("payment", "Payment processor"),
                            ("carrier", "Carrier"),
                            ("support", "Support desk"),
                            ("identity", "Identity check"),
                            ("other", "Another processor"),
                        ],
                        default="other",
                        max_length=10,
                    ),
                ),
                (
                    "known_by",
                    models.CharField(
                        choices=[
                            ("account", "Account and customer numbers"),
                            ("payment", "Payment references"),
                            ("number", "Telephone numbers"),
                        ],
                        default="account",
                        help_text="They are told these ids and nothing else of a customer.",
                        max_length=8,
                        verbose_name="knows a customer by",
                    ),
                ),
                (
                    "categories",
                    models.JSONField(
                        default=list, help_text="What they receive of a customer: models of the data map."
                    ),
                ),
                (
                    "deadline_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(90),
                        ],
                        verbose_name="must confirm within (days)",
                    ),
                ),
                (
                    "contact",
                    models.CharField(blank=True, help_text="Whom to ask when nothing comes back.", max_length=200),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[("webhook", "Signed webhook"), ("email", "E-mail")],
                        default="webhook",
                        max_length=8,
                        verbose_name="told by",
                    ),
                ),
                ("address_shown", models.CharField(blank=True, editable=False, max_length=254, verbose_name="address")),
                ("sealed_address", models.BinaryField(null=True)),
                ("active_from", models.DateTimeField(editable=False, null=True, verbose_name="told since")),
                ("active_until", models.DateTimeField(editable=False, null=True, verbose_name="told until")),
            ],
            options={
                "permissions": [("activate_recipient", "Can begin or end telling a recipient, with a second officer")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("active_from__isnull", True), ("sealed_address__isnull", False), _connector="OR"
                        ),
                        name="recipient_active_has_address",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("active_until__isnull", True),
                            ("active_until__gte", models.F("active_from")),
                            _connector="OR",
                        ),
                        name="recipient_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("deadline_days__gte", 1), ("deadline_days__lte", 90)),
                        name="recipient_deadline_in_bounds",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="notice",
            name="recipient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="notices", to="retention.recipient"
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("next_try_at__isnull", False)), fields=["next_try_at"], name="notice_to_send"
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["state", "due_at"], name="notice_due"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(fields=("job", "recipient"), name="notice_once"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["prepared"]),
                    models.Q(("due_at__isnull", False), ("erased_at__isnull", False)),
                    _connector="OR",
                ),
                name="notice_only_after_deletion",
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_at__isnull", False), ("state__in", ["confirmed", "closed"])),
                    models.Q(
                        models.Q(("state__in", ["confirmed", "closed"]), _negated=True), ("settled_at__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="notice_settled_has_instant",
            ),
        ),
    ]
