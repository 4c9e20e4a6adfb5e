"""Runs, the limits of the breaker, reprieves and signs of life."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_hidden_and_end_changed"),
        ("retention", "0005_rules_as_data"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Allowance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.PositiveBigIntegerField(help_text="Workspaces, or rows of a rule by age.")),
                ("granted_at", models.DateTimeField(help_text="By the database's clock.", verbose_name="granted")),
            ],
        ),
        migrations.CreateModel(
            name="BreakerLimit",
            fields=[
                ("key", models.SlugField(max_length=20, primary_key=True, serialize=False)),
                ("value", models.IntegerField(null=True)),
            ],
            options={
                "verbose_name": "limit",
            },
        ),
        migrations.CreateModel(
            name="DeletionRun",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("known", "Known in advance"), ("surprise", "Changed at the last moment")],
                        default="known",
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("going", "Going on"),
                            ("canary", "The first ones go first"),
                            ("stopped", "Stopped: needs a decision"),
                            ("called_off", "Called off"),
                            ("over", "Over"),
                        ],
                        default="going",
                        max_length=10,
                    ),
                ),
                ("cutoff", models.DateTimeField(help_text="What was due at this instant.")),
                ("frozen_at", models.DateTimeField(help_text="By the database's clock.", verbose_name="frozen")),
                ("amount", models.PositiveBigIntegerField(help_text="Workspaces, or rows of a rule by age.")),
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 of the deletions: their ids, instants and chosen rows.", max_length=64
                    ),
                ),
                ("oldest_due_at", models.DateTimeField(verbose_name="oldest due")),
                ("newest_due_at", models.DateTimeField(verbose_name="newest due")),
                (
                    "cause",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("surprises", "Too many ends were changed at the last moment"),
                            ("amount", "Too much at once"),
                            ("pace", "Far more than on other days"),
                            ("canary", "One of the first ones failed"),
                        ],
                        max_length=10,
                        verbose_name="stopped by",
                    ),
                ),
                ("stopped_because", models.CharField(blank=True, max_length=300)),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided")),
            ],
            options={
                "verbose_name": "run",
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("name", models.SlugField(max_length=40, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Reprieve",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reason",
                    models.CharField(
                        help_text="What is wrong, in words that another officer understands.", max_length=300
                    ),
                ),
                ("granted_at", models.DateTimeField(help_text="By the database's clock.", verbose_name="granted")),
                (
                    "ending",
                    models.CharField(
                        blank=True,
                        choices=[("corrected", "Its dates were changed"), ("officers", "Two officers ended it")],
                        max_length=10,
                    ),
                ),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended")),
            ],
        ),
        migrations.AlterModelOptions(
            name="deletionjob",
            options={"permissions": [("decide_job", "Can pause a deletion, and decide about stopped ones")]},
        ),
        migrations.RemoveConstraint(
            model_name="deletionjob",
            name="job_one_open_per_workspace",
        ),
        migrations.RemoveConstraint(
            model_name="deletionjob",
            name="job_one_open_per_aged_rule",
        ),
        migrations.AddField(
            model_name="deletionjob",
            name="canary",
            field=models.BooleanField(
                default=False, help_text="One of the first of its run: the rest waits until it is done."
            ),
        ),
        migrations.AddField(
            model_name="deletionjob",
            name="surprise",
            field=models.BooleanField(default=False, help_text="Its end was changed at the last moment."),
        ),
        migrations.AlterField(
            model_name="deletionjob",
            name="scope",
            field=models.JSONField(
                default=dict, help_text="What goes, ids by model: of rows by age chosen when the run is frozen."
            ),
        ),
        migrations.AlterField(
            model_name="deletionjob",
            name="state",
            field=models.CharField(
                choices=[
                    ("pending", "Waiting for a worker"),
                    ("held", "Held"),
                    ("paused", "Paused by an officer"),
                    ("running", "Deleting"),
                    ("done", "Done"),
                    ("cancelled", "No longer due"),
                    ("quarantined", "Stopped: needs a decision"),
                ],
                default="pending",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="allowance",
            name="rule",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="allowances", to="retention.rule"
            ),
        ),
        migrations.AddField(
            model_name="deletionrun",
            name="decided_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="deletionrun",
            name="rule",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="retention.rule"
            ),
        ),
        migrations.AddField(
            model_name="deletionjob",
            name="run",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="jobs", to="retention.deletionrun"
            ),
        ),
        migrations.AddConstraint(
            model_name="deletionjob",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("state__in", ["pending", "held", "paused", "running", "quarantined"]), ("workspace__isnull", False)
                ),
                fields=("rule", "workspace"),
                name="job_one_open_per_workspace",
            ),
        ),
        migrations.AddConstraint(
            model_name="deletionjob",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("state__in", ["pending", "held", "paused", "running", "quarantined"]), ("workspace__isnull", True)
                ),
                fields=("rule",),
                name="job_one_open_per_aged_rule",
            ),
        ),
        migrations.AddField(
            model_name="reprieve",
            name="granted_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="reprieve",
            name="job",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="reprieves", to="retention.deletionjob"
            ),
        ),
        migrations.AddField(
            model_name="reprieve",
            name="workspace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="reprieves", to="accounts.workspace"
            ),
        ),
        migrations.AddIndex(
            model_name="allowance",
            index=models.Index(fields=["rule", "granted_at"], name="retention_a_rule_id_b452c1_idx"),
        ),
        migrations.AddIndex(
            model_name="deletionrun",
            index=models.Index(fields=["rule", "frozen_at"], name="retention_d_rule_id_389353_idx"),
        ),
        migrations.AddIndex(
            model_name="deletionrun",
            index=models.Index(
                condition=models.Q(("state__in", ["over", "called_off"]), _negated=True),
                fields=["state"],
                name="run_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="deletionrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "stopped"), _negated=True),
                    models.Q(("cause", ""), _negated=True),
                    _connector="OR",
                ),
                name="run_stopped_by_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="deletionrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("decided_by__isnull", True)),
                    models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                    _connector="OR",
                ),
                name="run_decided_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="deletionrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "called_off"), _negated=True), ("decided_by__isnull", False), _connector="OR"
                ),
                name="run_called_off_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="reprieve",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("workspace",),
                name="reprieve_one_open_per_workspace",
            ),
        ),
        migrations.AddConstraint(
            model_name="reprieve",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("ending", "")),
                    models.Q(("ended_at__isnull", False), models.Q(("ending", ""), _negated=True)),
                    _connector="OR",
                ),
                name="reprieve_ended_by_something",
            ),
        ),
    ]
