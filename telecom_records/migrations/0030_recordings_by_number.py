from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telecom_records", "0025_recordings")]
    operations = [
        migrations.AddIndex(
            "recording", models.Index(fields=["own_number", "started_at"], name="recording_own_number")
        ),
        migrations.AddIndex(
            "recording", models.Index(fields=["other_party", "started_at"], name="recording_other_party")
        ),
    ]
