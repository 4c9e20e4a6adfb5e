import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0014_access_log"),
        ("dsar", "0002_more_laws"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ClockEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("extend", "Extension notice sent"),
                            ("pause-identity", "Proof of identity asked for"),
                            ("pause-clarification", "Clarification asked for"),
                            ("pause-fee", "Fee asked for"),
                            ("resume", "Sufficient answer or payment received"),
                            ("confirm", "Second step of the deletion confirmed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("on", models.DateField(help_text="The day of it where the law's clock runs.")),
                (
                    "until",
                    models.DateField(
                        blank=True,
                        help_text="The date that an extension notice names.",
                        null=True,
                        verbose_name="new date",
                    ),
                ),
                ("recorded_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="DeadlineResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("registered", "Registered"),
                            ("corrected", "Details corrected"),
                            ("event", "Something happened"),
                            ("withdrawn", "An event was withdrawn"),
                            ("weather", "A weather warning in Hong Kong"),
                            ("version", "New rules or holidays"),
                        ],
                        max_length=10,
                    ),
                ),
                ("computed_at", models.DateTimeField()),
                ("regime", models.CharField(max_length=20)),
                ("rule_version", models.CharField(max_length=40)),
                ("holiday_data", models.CharField(blank=True, max_length=60)),
                ("given", models.JSONField(help_text="Type, instant of receipt, region and events.")),
                ("answer", models.JSONField(help_text="Dates and steps.")),
                ("ended_at", models.DateTimeField(help_text="When a later answer took its place.", null=True)),
            ],
        ),
        migrations.CreateModel(
            name="RequestPace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.CharField(max_length=24)),
                ("state", models.CharField(max_length=10)),
                ("requests", models.PositiveIntegerField()),
                ("seconds", models.PositiveBigIntegerField(help_text="Four of five took no longer.")),
                ("measured_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="RequestStep",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                (
                    "about",
                    models.CharField(blank=True, help_text="What of the request: an id or a code.", max_length=60),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("stopped", "Failed: needs somebody"),
                            ("dropped", "No longer needed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_at", models.DateTimeField(verbose_name="next attempt")),
                ("lease_until", models.DateTimeField(null=True)),
                ("planned_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("fault", models.CharField(blank=True, max_length=200, verbose_name="last fault")),
            ],
        ),
        migrations.CreateModel(
            name="Watcher",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="WeatherWarning",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("gale", "Gale warning in hong kong"),
                            ("blackrain", "Black rainstorm warning in hong kong"),
                        ],
                        max_length=10,
                    ),
                ),
                ("on", models.DateField(verbose_name="day")),
                ("recorded_at", models.DateTimeField(editable=False)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="subjectrequest",
            name="request_closed_with_date",
        ),
        migrations.RemoveIndex(
            model_name="subjectrequest",
            name="request_open_by_due",
        ),
        migrations.AddField(
            model_name="requestevent",
            name="state",
            field=models.CharField(blank=True, max_length=10),
        ),
        migrations.AddField(
            model_name="subjectrequest",
            name="acknowledge_by_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="subjectrequest",
            name="acknowledge_by_on",
            field=models.DateField(editable=False, null=True, verbose_name="acknowledge by"),
        ),
        migrations.AddField(
            model_name="subjectrequest",
            name="acknowledged_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="acknowledged"),
        ),
        migrations.AddField(
            model_name="subjectrequest",
            name="is_paused",
            field=models.BooleanField(default=False, editable=False, verbose_name="legal clock stands still"),
        ),
        migrations.AddField(
            model_name="subjectrequest",
            name="remind_at",
            field=models.DateTimeField(
                editable=False,
                help_text="When its owner is told next that time passes; null once it is over.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="subjectrequest",
            name="state_since",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="subjectrequest",
            name="state",
            field=models.CharField(
                choices=[
                    ("received", "Received"),
                    ("identity", "Waiting for identity"),
                    ("collecting", "Collecting"),
                    ("review", "In review"),
                    ("approved", "Approved"),
                    ("delivered", "Delivered"),
                    ("closed", "Closed"),
                    ("refused", "Refused"),
                    ("withdrawn", "Withdrawn"),
                    ("routed", "Routed to client"),
                    ("expired", "Expired unverified"),
                ],
                default="received",
                editable=False,
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="subjectrequest",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)),
                fields=["due_at", "reference"],
                name="request_open_by_due",
            ),
        ),
        migrations.AddIndex(
            model_name="subjectrequest",
            index=models.Index(
                condition=models.Q(("remind_at__isnull", False)), fields=["remind_at"], name="request_by_reminder"
            ),
        ),
        migrations.AddField(
            model_name="clockevent",
            name="recorded_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="clockevent",
            name="request",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="clock_events", to="dsar.subjectrequest"
            ),
        ),
        migrations.AddField(
            model_name="clockevent",
            name="withdrawn_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="deadlineresult",
            name="request",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="deadlines", to="dsar.subjectrequest"
            ),
        ),
        migrations.AddConstraint(
            model_name="requestpace",
            constraint=models.UniqueConstraint(fields=("type", "state"), name="one_pace_of_each"),
        ),
        migrations.AddField(
            model_name="requeststep",
            name="request",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="dsar.subjectrequest"
            ),
        ),
        migrations.AddField(
            model_name="requeststep",
            name="retried_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="watcher",
            name="request",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="watchers", to="dsar.subjectrequest"
            ),
        ),
        migrations.AddField(
            model_name="watcher",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="weatherwarning",
            name="recorded_by",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="clockevent",
            index=models.Index(fields=["request", "on"], name="dsar_clocke_request_2db256_idx"),
        ),
        migrations.AddConstraint(
            model_name="clockevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("until__isnull", True),
                    models.Q(("kind", "extend"), ("until__gt", models.F("on"))),
                    _connector="OR",
                ),
                name="new_date_after_notice",
            ),
        ),
        migrations.AddIndex(
            model_name="deadlineresult",
            index=models.Index(fields=["request", "id"], name="dsar_deadli_request_651fbf_idx"),
        ),
        migrations.AddIndex(
            model_name="deadlineresult",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)),
                fields=["regime", "rule_version", "holiday_data"],
                name="deadline_versions",
            ),
        ),
        migrations.AddConstraint(
            model_name="deadlineresult",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("request",), name="one_deadline_counts"
            ),
        ),
        migrations.AddIndex(
            model_name="requeststep",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "running"])), fields=["next_at"], name="step_to_run"
            ),
        ),
        migrations.AddIndex(
            model_name="requeststep",
            index=models.Index(fields=["request", "planned_at"], name="dsar_reques_request_f9b50f_idx"),
        ),
        migrations.AddIndex(
            model_name="requeststep",
            index=models.Index(condition=models.Q(("state", "stopped")), fields=["request"], name="step_stopped"),
        ),
        migrations.AddConstraint(
            model_name="watcher",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("request", "user"), name="watches_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="weatherwarning",
            constraint=models.UniqueConstraint(fields=("kind", "on"), name="warning_recorded_once"),
        ),
    ]
