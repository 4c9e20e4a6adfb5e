"""Make calls, messages and usage range partitions by month (telecom_records/partitions.py has why)."""

from django.db import migrations

TABLES = [
    (
        "telecom_records_calldetailrecord",
        "started_at",
        [
            "CONSTRAINT cdr_once UNIQUE (workspace_id, source_id, source_key, own_number, started_at)",
            "CONSTRAINT cdr_workspace_fk FOREIGN KEY (workspace_id) REFERENCES accounts_workspace (id)"
            " DEFERRABLE INITIALLY DEFERRED",
            "CONSTRAINT cdr_source_fk FOREIGN KEY (source_id) REFERENCES telecom_records_importsource (id)"
            " DEFERRABLE INITIALLY DEFERRED",
        ],
        {
            "cdr_started": "started_at, id",
            "cdr_own_number": "own_number, started_at",
            "cdr_other_party": "other_party, started_at",
            "cdr_workspace": "workspace_id, started_at",
            "cdr_id": "id",
        },
    ),
    (
        "telecom_records_smsrecord",
        "sent_at",
        [
            "CONSTRAINT sms_once UNIQUE (workspace_id, source_key, own_number, sent_at)",
            "CONSTRAINT sms_workspace_fk FOREIGN KEY (workspace_id) REFERENCES accounts_workspace (id)"
            " DEFERRABLE INITIALLY DEFERRED",
        ],
        {
            "sms_sent": "sent_at, id",
            "sms_own_number": "own_number, sent_at",
            "sms_other_party": "other_party, sent_at",
            "sms_workspace": "workspace_id, sent_at",
            "sms_id": "id",
        },
    ),
    (
        "telecom_records_usagerecord",
        "occurred_at",
        [
            "CONSTRAINT usage_key UNIQUE (workspace_id, occurred_at, id)",
            "CONSTRAINT usage_workspace_fk FOREIGN KEY (workspace_id) REFERENCES accounts_workspace (id)"
            " DEFERRABLE INITIALLY DEFERRED",
            "CONSTRAINT usage_person_fk FOREIGN KEY (person_id) REFERENCES accounts_person (id)"
            " DEFERRABLE INITIALLY DEFERRED",
        ],
        {"usage_occurred": "occurred_at, id", "usage_person": "person_id, occurred_at", "usage_id": "id"},
    ),
]


def statements() -> list[str]:
    made = []
    for table, month_column, constraints, indexes in TABLES:
        plain = f"{table}_plain"
        made += [
            f"ALTER TABLE {table} RENAME TO {plain}",
            f"CREATE TABLE {table} (LIKE {plain} INCLUDING DEFAULTS INCLUDING IDENTITY) PARTITION BY RANGE ({month_column})",
            f"DROP TABLE {plain}",
        ]
        if "once" in constraints[0]:
            made.append(f"ALTER TABLE {table} ADD PRIMARY KEY (workspace_id, {month_column}, id)")
        made += [f"ALTER TABLE {table} ADD {constraint}" for constraint in constraints]
        made += [f"CREATE INDEX {name} ON {table} ({columns})" for name, columns in indexes.items()]
    return made


class Migration(migrations.Migration):
    dependencies = [("telecom_records", "0001_initial"), ("accounts", "0001_initial")]
    operations = [migrations.RunSQL(statements(), migrations.RunSQL.noop)]
