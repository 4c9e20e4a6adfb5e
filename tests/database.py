"""The migrated database, made once for the code as it is and copied for every worker: a copy takes less than a second.

The name holds a digest of the code, so that changed code migrates anew. Migrations are run as ever, and once more on each
copy, where they find nothing to do.
"""

import hashlib

from django.core.management import call_command
from django.db import connection

from tests.plugin import ROOT

APPS = ("accounts", "callmama_privacy", "dsar", "retention", "telecom_records")
DRAFT = "migrating"


def migrated() -> str:
    """Return the name of a database that this code has migrated; the first worker makes it, the others wait for it."""
    name = f"migrated_{_digest()}"
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('migrated'))")
        cursor.execute(r"SELECT datname FROM pg_database WHERE datname LIKE 'migrated\_%%'")
        existing = {found for (found,) in cursor.fetchall()}
        if name not in existing:
            for old in (DRAFT, *existing):
                cursor.execute(f"DROP DATABASE IF EXISTS {old}")
            cursor.execute(f"CREATE DATABASE {DRAFT}")
            _migrate(DRAFT)
            cursor.execute(f"ALTER DATABASE {DRAFT} RENAME TO {name}")
    return name


def _migrate(database: str) -> None:
    connection.close()
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = database
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _digest() -> str:
    digest = hashlib.sha256((ROOT / "requirements-test.lock").read_bytes())
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()[:16]
