import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.validators


class Migration(migrations.Migration):
    dependencies = [
        ("dsar", "0005_closed_states"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="clockevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("extend", "Extension notice sent"),
                    ("pause-identity", "Proof of identity asked for"),
                    ("pause-clarification", "Clarification asked for"),
                    ("pause-fee", "Fee asked for"),
                    ("resume-identity", "Identity proved"),
                    ("resume-clarification", "Clarification received"),
                    ("resume-fee", "Fee paid"),
                    ("confirm", "Second step of the deletion confirmed"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="Agent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, validators=[accounts.validators.refuse_card_numbers])),
                (
                    "contact",
                    models.CharField(blank=True, max_length=200, validators=[accounts.validators.refuse_card_numbers]),
                ),
                (
                    "authority",
                    models.CharField(
                        choices=[
                            ("written", "Permission signed by the person"),
                            ("attorney", "Power of attorney"),
                            ("parent", "Parent or guardian"),
                            ("lawyer", "Lawyer"),
                        ],
                        max_length=8,
                    ),
                ),
                ("named_at", models.DateTimeField()),
                (
                    "seen_at",
                    models.DateTimeField(
                        help_text="When an officer saw the paper that gives the authority.", null=True
                    ),
                ),
                (
                    "confirmed_at",
                    models.DateTimeField(help_text="When the person confirmed it by a code of their own.", null=True),
                ),
                (
                    "named_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="agent", to="dsar.subjectrequest"
                    ),
                ),
                (
                    "seen_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Identifier",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("email", "E-mail"), ("phone", "Telephone number"), ("account", "Account")],
                        max_length=8,
                    ),
                ),
                (
                    "value",
                    models.CharField(
                        help_text="An e-mail in small letters, E.164, or the customer's number.", max_length=254
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("proved_at", models.DateTimeField(null=True)),
                (
                    "proof",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("code", "by code"),
                            ("login", "by signing in to the account"),
                            ("challenge", "by answers that match the record"),
                            ("call_back", "by calling back on the number of the record"),
                            ("in_person", "in person"),
                            ("letter", "by letter to the address of the record"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="identifiers",
                        to="dsar.subjectrequest",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="IdentityCode",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("used", "Used"),
                            ("expired", "Expired"),
                            ("replaced", "Replaced by a newer one"),
                            ("exhausted", "Tried too often"),
                            ("unsent", "Could not be sent"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "identifier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="codes", to="dsar.identifier"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ChallengeAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("round", models.PositiveSmallIntegerField()),
                ("question", models.CharField(max_length=20)),
                ("matched", models.BooleanField()),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="challenge_answers",
                        to="dsar.subjectrequest",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("request", "round", "question"), name="answered_once_a_round")
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="identifier",
            constraint=models.UniqueConstraint(
                condition=models.Q(("value", ""), _negated=True),
                fields=("request", "kind", "value"),
                name="identifier_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="identifier",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("proof", ""), ("proved_at__isnull", True)),
                    models.Q(("proved_at__isnull", False), models.Q(("proof", ""), _negated=True)),
                    _connector="OR",
                ),
                name="identifier_proved_somehow",
            ),
        ),
        migrations.AddIndex(
            model_name="identitycode",
            index=models.Index(fields=["identifier", "made_at"], name="dsar_identi_identif_8f727b_idx"),
        ),
        migrations.AddConstraint(
            model_name="identitycode",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("identifier",), name="one_live_code"
            ),
        ),
    ]
