import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.validators


class Migration(migrations.Migration):
    dependencies = [
        ("dsar", "0010_correspondence"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DownloadLink",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("token_hash", models.BinaryField(unique=True)),
                ("sealed_address", models.BinaryField()),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("zh-hant", "Traditional Chinese")], default="en", max_length=7
                    ),
                ),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="made")),
                ("expires_at", models.DateTimeField(verbose_name="ends")),
                ("code_hash", models.BinaryField(null=True)),
                ("code_until", models.DateTimeField(null=True)),
                ("code_tries", models.PositiveSmallIntegerField(default=0)),
                ("codes_sent", models.PositiveSmallIntegerField(default=0)),
                ("code_sent_at", models.DateTimeField(null=True)),
                ("wrong_codes", models.PositiveSmallIntegerField(default=0)),
                ("downloads", models.PositiveSmallIntegerField(default=0)),
                ("first_downloaded_at", models.DateTimeField(null=True, verbose_name="downloaded")),
                ("withdrawn_at", models.DateTimeField(null=True, verbose_name="withdrawn")),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="download_links",
                        to="dsar.subjectrequest",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("code_hash__isnull", True), ("code_until__isnull", True)),
                            models.Q(("code_hash__isnull", False), ("code_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="download_code_with_end",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Letter",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("receipt", "Confirmation of receipt"),
                            ("extension", "More time is needed"),
                            ("answer", "Answer"),
                            ("partial", "Answer in part"),
                            ("refusal", "Refusal"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "language",
                    models.CharField(choices=[("en", "English"), ("zh-hant", "Traditional Chinese")], max_length=7),
                ),
                ("regime", models.CharField(max_length=20, verbose_name="rule")),
                ("reasons", models.JSONField(default=list)),
                (
                    "way",
                    models.CharField(
                        choices=[("email", "E-mail"), ("post", "Post")], max_length=5, verbose_name="sent by"
                    ),
                ),
                ("to", models.CharField(blank=True, max_length=254)),
                ("subject", models.CharField(max_length=200)),
                ("body", models.TextField(validators=[accounts.validators.refuse_card_numbers])),
                ("sent_at", models.DateTimeField(verbose_name="sent")),
                ("mail", models.UUIDField(editable=False, null=True, verbose_name="outgoing mail")),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="letters", to="dsar.subjectrequest"
                    ),
                ),
                (
                    "sent_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "permissions": [("send_letter", "Can send letters to people who ask")],
                "indexes": [models.Index(fields=["request", "sent_at"], name="dsar_letter_request_6d8fc4_idx")],
            },
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("letter", models.UUIDField(editable=False)),
                ("regime", models.CharField(max_length=20, verbose_name="rule")),
                ("reasons", models.JSONField(default=list)),
                ("is_partial", models.BooleanField(default=False, verbose_name="in part")),
                ("particulars", models.TextField(blank=True)),
                ("entered_at", models.DateTimeField(verbose_name="entered")),
                (
                    "entered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="refusals", to="dsar.subjectrequest"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "refusal log",
                "indexes": [
                    models.Index(fields=["regime", "entered_at"], name="dsar_refusa_regime_ee481d_idx"),
                    models.Index(fields=["entered_at"], name="dsar_refusa_entered_eb90e8_idx"),
                ],
            },
        ),
    ]
