"""Let the workspace lead the key of a recording, as it does of calls: the table then distributes by it (docs/scale.md).

Django goes on taking ``id`` for the key. It is a random UUID, and an index finds it.
"""

from django.db import migrations

APPLY = [
    "ALTER TABLE telecom_records_recording DROP CONSTRAINT telecom_records_recording_pkey",
    "ALTER TABLE telecom_records_recording ADD PRIMARY KEY (workspace_id, id)",
    "CREATE INDEX recording_id ON telecom_records_recording (id)",
]
UNDO = [
    "DROP INDEX recording_id",
    "ALTER TABLE telecom_records_recording DROP CONSTRAINT telecom_records_recording_pkey",
    "ALTER TABLE telecom_records_recording ADD PRIMARY KEY (id)",
]


class Migration(migrations.Migration):
    dependencies = [("telecom_records", "0035_watching")]
    operations = [migrations.RunSQL(APPLY, UNDO)]
