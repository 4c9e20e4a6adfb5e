from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("telecom_records", "0030_recordings_by_number")]
    operations = [
        migrations.AlterModelOptions(
            "calldetailrecord",
            {
                "verbose_name": "call record",
                "permissions": [("export_calldetailrecord", "Can export call records")],
            },
        ),
        migrations.AlterModelOptions(
            "smsrecord",
            {"verbose_name": "message", "permissions": [("export_smsrecord", "Can export messages")]},
        ),
    ]
