"""The servers a command needs: the embedded ones, or those that DATABASE_URL and BROKER_URL name."""

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from callmama_privacy import embedded

OLDEST_POSTGRES = 150000  # partitioned tables with row triggers and NULLS handling as used here
CONNECT_SECONDS = 5
REDIS_SCHEMES = ("redis", "rediss", "redis+socket")


class UnableToReach(RuntimeError):
    """A server named by the environment does not answer; the message is one line, without its password."""


class Sealed(RuntimeError):
    """The database is a restored copy whose deletions have not been done again."""


def refuse_when_sealed() -> None:
    """Raise Sealed when the portal may not work on its database yet (mission P11)."""
    from retention import restore

    if restore.is_sealed():
        raise Sealed(
            "The portal is sealed: its database is an older copy than its evidence outside. Run: manage.py replay_erasures"
        )


@contextlib.contextmanager
def ready(*, migrate: bool) -> Iterator[None]:
    """Make the servers answer for as long as the block runs. Raises UnableToReach, embedded.UnableToStart."""
    hold = None
    if not settings.DATABASE_URL or not settings.BROKER_URL:
        if settings.PRODUCTION:
            raise ImproperlyConfigured("In production DATABASE_URL and BROKER_URL must both be set.")
        hold = embedded.start(settings.EMBEDDED, durable=settings.MODE != "test")
    try:
        if settings.DATABASE_URL:
            check_database("default", "DATABASE_URL")
        if settings.KEYSTORE_URL:
            check_database("keystore", "KEYSTORE_URL")
        if settings.BROKER_URL:
            check_broker(settings.BROKER_URL)
        if migrate:
            apply_migrations()
            from accounts import key_store

            if key_store.left_behind():
                raise UnableToReach(f"{key_store.LEFT_BEHIND}.")
        yield
    finally:
        if hold:
            from django.db import connections

            connections.close_all()
            hold.release()


def check_database(alias: str, variable: str) -> None:
    """Raise UnableToReach unless the database that ``variable`` names answers and is PostgreSQL 15 or newer."""
    from django.db import connections

    where = settings.DATABASES[alias]
    named = f"{where['HOST'] or 'localhost'}:{where['PORT'] or 5432}, database {where['NAME']}"
    try:
        with psycopg.connect(
            **{**connections[alias].get_connection_params(), "connect_timeout": CONNECT_SECONDS}
        ) as database:
            version = database.info.server_version
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        if where["PASSWORD"]:
            reason = reason.replace(where["PASSWORD"], "…")
        raise UnableToReach(f"{variable} ({named}) cannot be used: {reason}") from error
    if version < OLDEST_POSTGRES:
        raise UnableToReach(f"{variable} ({named}) is PostgreSQL {version // 10000}; the portal needs 15 or newer.")


def check_broker(url: str) -> None:
    """Raise UnableToReach unless the broker of BROKER_URL answers."""
    parts = urlsplit(url)
    if parts.scheme not in REDIS_SCHEMES:
        raise UnableToReach(
            f"BROKER_URL must begin with one of: {', '.join(f'{scheme}://' for scheme in REDIS_SCHEMES)}."
        )
    named = f"{parts.hostname or parts.path}{f':{parts.port}' if parts.port else ''}"
    try:
        client = redis.Redis.from_url(
            url.replace("redis+socket://", "unix://"),
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=CONNECT_SECONDS,
        )
        client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise UnableToReach(f"BROKER_URL ({named}) cannot be used: {' '.join(str(error).split())}") from error


def apply_migrations() -> None:
    """Bring the databases up to date if they are not: the key store first, because the other one's data need it."""
    from django.core.management import call_command
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    for alias in sorted(connections, reverse=True):
        executor = MigrationExecutor(connections[alias])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", database=alias, verbosity=0, interactive=False)
