"""Fresh databases by copying files: the same rows, in the same places, for each side of a comparison."""

import contextlib
import shutil
from collections.abc import Callable, Iterator

import psycopg
from django.conf import settings
from django.db import connection, connections

from callmama_privacy import embedded

EMPTY = "bench_empty"


def as_superuser(database: str = "postgres") -> psycopg.Connection:
    where = settings.EMBEDDED
    return psycopg.connect(
        host=str(where.sockets), port=5432, user="postgres", password=where.password, dbname=database, autocommit=True
    )


def _drop(server: psycopg.Connection, name: str) -> None:
    server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def copy_database(template: str) -> None:
    """Make the portal's database a copy of ``template``, file by file, and flush what that leaves to write.

    What was written outside the database goes: else the portal would rightly take the copy for a restored backup.
    """
    connections.close_all()
    shutil.rmtree(settings.OUTSIDE_ROOT, ignore_errors=True)
    with as_superuser() as server:
        _drop(server, embedded.DATABASE)
        server.execute(
            f"CREATE DATABASE {embedded.DATABASE} TEMPLATE {template} STRATEGY file_copy OWNER {embedded.ROLE}"
        )
        server.execute("CHECKPOINT")


def keep_database(name: str) -> None:
    """Put the portal's database aside as ``name``, for copies."""
    connections.close_all()
    with as_superuser() as server:
        _drop(server, name)
        server.execute(f"ALTER DATABASE {embedded.DATABASE} RENAME TO {name}")


def drop_databases(*names: str) -> None:
    with as_superuser() as server:
        for name in names:
            _drop(server, name)


def prepared(name: str, prepare: Callable[[], None]) -> None:
    """Make the database ``name``: migrated, filled by ``prepare`` and vacuumed, as one that has been in use."""
    copy_database(EMPTY)
    prepare()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    keep_database(name)


@contextlib.contextmanager
def without_indexes(*tables: str) -> Iterator[None]:
    """Fill tables without their triggers, indexes and keys, which are made again at the end: many times faster."""
    with connection.cursor() as cursor:
        made_again = []
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(
                "SELECT conname, pg_get_constraintdef(oid), contype FROM pg_constraint"
                " WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'x')"
                " AND NOT EXISTS (SELECT 1 FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = pg_constraint.conindid)",
                [table],
            )
            for name, definition, _ in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
                made_again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
            cursor.execute(
                "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
                " WHERE indrelid = %s::regclass"
                " AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)",
                [table],
            )
            for name, definition in cursor.fetchall():
                cursor.execute(f"DROP INDEX {name}")
                made_again.append(definition.replace(" ON ONLY ", " ON "))
        yield
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for statement in made_again:
            cursor.execute(statement)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute("RESET maintenance_work_mem")
