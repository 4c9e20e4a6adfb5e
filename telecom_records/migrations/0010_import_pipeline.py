"""Messages come in by files as calls do, and an import knows how far it came, what it passed over, and that it is undone."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F


def name_the_platform(apps, schema_editor):
    """Messages that are there already came from the service platform."""
    messages = apps.get_model("telecom_records", "SmsRecord").objects.filter(source__isnull=True)
    if messages.exists():
        platform, _ = apps.get_model("telecom_records", "ImportSource").objects.get_or_create(name="platform")
        messages.update(source=platform)


def count_nobodys_as_skipped(apps, schema_editor):
    apps.get_model("telecom_records", "ImportRun").objects.update(skipped=F("unattributed"))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0040_business_clients"),
        ("telecom_records", "0008_figures"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="importrun",
            options={
                "permissions": [
                    ("import_calls", "Can import call records"),
                    ("undo_import", "Can undo an import of call records"),
                ],
                "verbose_name": "import",
            },
        ),
        migrations.RemoveConstraint(
            model_name="smsrecord",
            name="sms_once",
        ),
        migrations.AddField(
            model_name="importrun",
            name="cancel_asked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="importrun",
            name="first_at",
            field=models.DateTimeField(null=True, verbose_name="first"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="kind",
            field=models.CharField(
                choices=[("calls", "Calls"), ("messages", "Messages")], default="calls", max_length=8
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="last_at",
            field=models.DateTimeField(null=True, verbose_name="last"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="skipped",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="importrun",
            name="stored_position",
            field=models.BigIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="importrun",
            name="stored_until",
            field=models.DateTimeField(editable=False, help_text="Up to which instant its rows are stored.", null=True),
        ),
        migrations.AddField(
            model_name="importrun",
            name="undone_at",
            field=models.DateTimeField(
                help_text="Since when the records that it brought are to go.", null=True, verbose_name="undone"
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="undone_whole_at",
            field=models.DateTimeField(help_text="When the last of them was gone.", null=True),
        ),
        migrations.AddField(
            model_name="importsource",
            name="reject_percent",
            field=models.PositiveSmallIntegerField(
                default=5,
                help_text="A file is refused whole when more of its rows than this have faults.",
                validators=[django.core.validators.MaxValueValidator(100)],
                verbose_name="faults allowed (%)",
            ),
        ),
        migrations.AddField(
            model_name="smsrecord",
            name="other_party_kind",
            field=models.CharField(default="e164", max_length=14),
        ),
        migrations.AddField(
            model_name="smsrecord",
            name="revision",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="smsrecord",
            name="row_hash",
            field=models.BinaryField(default=b""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="smsrecord",
            name="run",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="telecom_records.importrun",
            ),
        ),
        migrations.AddField(
            model_name="smsrecord",
            name="source",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="telecom_records.importsource",
            ),
        ),
        migrations.AddField(
            model_name="smsrecord",
            name="time_source",
            field=models.CharField(default="", max_length=24),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="importrun",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("running", "Running"),
                    ("done", "Done"),
                    ("refused", "Refused"),
                    ("cancelled", "Cancelled"),
                    ("undone", "Undone"),
                ],
                default="waiting",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="unattributed",
            field=models.PositiveIntegerField(default=0, verbose_name="of the skipped, nobody's"),
        ),
        migrations.AlterField(
            model_name="smsrecord",
            name="segments",
            field=models.PositiveSmallIntegerField(null=True, verbose_name="parts"),
        ),
        migrations.AlterField(
            model_name="smsrecord",
            name="status",
            field=models.CharField(
                choices=[
                    ("sent", "Sent"),
                    ("delivered", "Delivered"),
                    ("undelivered", "Undelivered"),
                    ("failed", "Failed"),
                    ("received", "Received"),
                    ("unknown", "Unknown"),
                ],
                default="sent",
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="importrun",
            index=models.Index(fields=["source", "file_sha256"], name="telecom_rec_source__481b97_idx"),
        ),
        migrations.AddIndex(
            model_name="importrun",
            index=models.Index(
                condition=models.Q(("undone_at__isnull", False), ("undone_whole_at__isnull", True)),
                fields=["undone_at"],
                name="import_to_be_undone",
            ),
        ),
        migrations.RunPython(name_the_platform, migrations.RunPython.noop),
        migrations.RunPython(count_nobodys_as_skipped, migrations.RunPython.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="smsrecord",
            name="source",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="telecom_records.importsource",
            ),
        ),
        migrations.AddConstraint(
            model_name="smsrecord",
            constraint=models.UniqueConstraint(
                fields=("workspace", "source", "source_key", "own_number", "sent_at"), name="sms_once"
            ),
        ),
    ]
