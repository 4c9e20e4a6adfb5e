"""Roles of the database for a real deployment: what the web server, the workers and an auditor can do at the most.

The owner of the tables makes them, runs the migrations, and serves nobody's requests. A role cannot sign in by itself:
make sign-ins and grant them one (``GRANT portal_web TO …``). The triggers of ``retention/guard.py`` stay on for all.

* ``web`` adds to the evidence log and can never change it; it cannot delete from a table with personal data.
* ``worker`` can do that too: it is the one that deletes, by the door. It makes the staging tables of imports.
* ``auditor`` reads what proves something, and nothing personal.
"""

from django.db import connection

from accounts.roles import AUDITOR, ROLES
from accounts.verdicts import Goes, data_map

APPEND_ONLY = ("accounts.EvidenceEntry", "accounts.EvidenceTile")
NAMES = ("web", "worker", "auditor")


class UnableToMakeRoles(RuntimeError):
    """The roles are not there and cannot be made; the message says what an administrator must run."""


def make_roles(prefix: str) -> list[str]:
    """Make the roles, or bring them in line with the tables as they are now; return their names. For the tables' owner.

    Raises UnableToMakeRoles. Must run again after a migration. Tables that the owner makes later, such as a new month, are granted by default.
    """
    web, worker, auditor = names = [f"{prefix}_{name}" for name in NAMES]
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
        (may_create,) = cursor.fetchone()
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [names])
        found = {name for (name,) in cursor.fetchall()}
        missing = [f"CREATE ROLE {_quoted(name)} NOLOGIN;" for name in names if name not in found]
        if missing and not may_create:
            raise UnableToMakeRoles(
                f"The owner may not create roles. An administrator must run first: {' '.join(missing)}"
            )
        existing = connection.introspection.table_names(cursor)
        for statement in missing:
            cursor.execute(statement)
        for statement in _statements(existing, *map(_quoted, (web, worker, auditor))):
            cursor.execute(statement)
    return names


def _statements(existing: list[str], web: str, worker: str, auditor: str) -> list[str]:
    maps = {entry.model_class._meta.db_table: entry for entry in data_map().values()}
    both = f"{web}, {worker}"
    statements = [
        f"GRANT USAGE ON SCHEMA public TO {both}, {auditor}",
        f"GRANT CREATE ON SCHEMA public TO {worker}",  # the staging tables of imports, which it owns and drops
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {both}, {auditor}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {both}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO {both}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT DELETE ON TABLES TO {worker}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {both}",
    ]
    append_only = {data_map()[label].model_class._meta.db_table for label in APPEND_ONLY}
    for table in [*existing, *_partitions()]:
        entry, name = maps.get(table), _quoted(table)
        if table in append_only:
            statements.append(f"GRANT SELECT, INSERT ON {name} TO {both}")
        elif table == "django_migrations":
            statements.append(f"GRANT SELECT ON {name} TO {both}")
        else:
            statements.append(f"GRANT SELECT, INSERT, UPDATE ON {name} TO {both}")
            is_personal = table not in existing or (entry is not None and entry.goes is not Goes.KEEP)
            statements.append(f"GRANT DELETE ON {name} TO {worker if is_personal else both}")
        if entry and entry.goes is Goes.KEEP and _auditor_may_view(entry.model):
            statements.append(f"GRANT SELECT ON {name} TO {auditor}")
    return statements


def _auditor_may_view(label: str) -> bool:
    app, model = label.lower().split(".")
    evidence = label in (*APPEND_ONLY, "accounts.EvidenceTree", "accounts.Checkpoint")
    return evidence or f"{app}.view_{model}" in ROLES[AUDITOR]


def _partitions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
