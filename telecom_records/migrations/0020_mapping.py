"""What the columns of a source's files are, and a copy of it with each import; an import may wait for them."""

from django.db import migrations, models

import telecom_records.models.imports


class Migration(migrations.Migration):
    dependencies = [("telecom_records", "0010_import_pipeline")]

    operations = [
        migrations.AddField(
            "importsource",
            "mapping",
            models.JSONField(
                "columns",
                blank=True,
                default=dict,
                help_text="What the columns of its files are.",
                validators=[telecom_records.models.imports.validate_mapping],
            ),
        ),
        migrations.AddField("importrun", "mapping", models.JSONField(blank=True, default=dict)),
        migrations.AlterField(
            "importrun",
            "state",
            models.CharField(
                choices=[
                    ("mapping", "Waiting for its columns"),
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
    ]
