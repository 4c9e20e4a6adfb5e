from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0014_access_log"),
        ("dsar", "0006_identity"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="subjectrequest",
            index=models.Index(fields=["due_at", "reference"], name="request_by_due"),
        ),
    ]
