"""Give the files that were stored before StoredFile existed their rows."""

import hashlib

from django.db import migrations

from accounts import files

OWNERS = [  # model, owner, column with the owner's id
    ("accounts.KycDocument", "person", "person_id"),
    ("telecom_records.Recording", "workspace", "workspace_id"),
    ("telecom_records.ImportRun", "import", "id"),
]


def make_rows(apps, schema_editor):
    StoredFile = apps.get_model("accounts", "StoredFile")
    for label, owner, column in OWNERS:
        rows = apps.get_model(label).objects.exclude(file_key="").values_list("file_key", column)
        for key, owner_id in rows.iterator():
            try:
                with files.store().open(key) as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                    size = file.tell()
            except FileNotFoundError:
                continue
            StoredFile.objects.get_or_create(
                key=key, defaults={"owner": owner, "owner_id": owner_id, "size": size, "sha256": digest}
            )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_stored_files"), ("telecom_records", "0003_clocks")]

    operations = [migrations.RunPython(make_rows, migrations.RunPython.noop, elidable=True)]
