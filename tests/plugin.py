"""The ground of the suite: the embedded servers, static files, and a flush that the guards let through.

Loaded by ``-p tests.plugin`` before the settings are read, in the controller of xdist and in its workers.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("PORTAL_MODE", "test")
os.environ.setdefault("PORTAL_VAR", str(ROOT / "var" / "test"))
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
NO_CHROMIUM = "no Chromium: apt-get install chromium, or set CHROMIUM to its path"

_servers = None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """In the controller, start the servers before anybody connects; collect the static files if they have changed."""
    global _servers
    if hasattr(config, "workerinput"):
        return
    import django

    django.setup()
    from callmama_privacy import servers, static_files

    _servers = servers.ready(migrate=False)
    _servers.__enter__()
    static_files.collect_if_changed()


def pytest_unconfigure(config):
    if _servers is not None:
        _servers.__exit__(None, None, None)


def pytest_collection_modifyitems(config, items):
    if CHROMIUM.exists():
        return
    if os.environ.get("CALLMAMA_REQUIRE_BROWSER"):
        pytest.exit(f"The browser tests must run here, and there is {NO_CHROMIUM}.", returncode=1)
    for item in items:
        if "browser" in item.keywords:
            item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


def pytest_terminal_summary(terminalreporter):
    if not CHROMIUM.exists():
        terminalreporter.write_line(f"Browser tests were skipped: {NO_CHROMIUM}.")


@pytest.fixture(scope="session", autouse=True)
def flush_through_the_guards():
    """Let a test that commits be flushed afterwards: through the door, and with the evidence's guard off for a moment.

    Only what has rows is emptied, by DELETE: to truncate a hundred tables with their months takes a second, each time.
    """
    from django.db import connection, transaction
    from django.db.backends.postgresql.operations import DatabaseOperations

    plain_sql, plain_execute = DatabaseOperations.sql_flush, DatabaseOperations.execute_sql_flush

    def sql(self, style, tables, **options):
        if any(options.values()):
            return plain_sql(self, style, tables, **options)
        asked = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables)
        with self.connection.cursor() as cursor:
            cursor.execute(asked)
            return [f'DELETE FROM "{table}"' for (table,) in cursor.fetchall()]

    def execute(self, statements):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('callmama.door', 'open', true)")
            cursor.execute("ALTER TABLE accounts_evidenceentry DISABLE TRIGGER USER")
            plain_execute(self, statements)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE accounts_evidenceentry ENABLE TRIGGER USER")

    DatabaseOperations.sql_flush, DatabaseOperations.execute_sql_flush = sql, execute
    yield
    DatabaseOperations.sql_flush, DatabaseOperations.execute_sql_flush = plain_sql, plain_execute
