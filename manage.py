#!/usr/bin/env python3
"""The portal's commands. Each works alone: it starts the embedded servers it needs and leaves nothing behind."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT_PYTHON = HERE / "var" / "venv" / "bin" / "python"
WITHOUT_SERVERS = {
    "help", "--help", "-h", "version", "--version", "collectstatic", "explain_deadline", "check_vectors",
    "diffsettings", "squashmigrations", "verify_evidence",
}  # fmt: skip
WITHOUT_MIGRATIONS = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "dbshell", "check"}

WHEN_SEALED = WITHOUT_MIGRATIONS | {
    "serve", "replay_erasures", "conformance", "export_evidence", "verify_evidence", "shell", "createsuperuser", "test",
}  # fmt: skip


def use_own_environment() -> None:
    """Go on in the environment that make run and make test have made, when this Python has no Django."""
    try:
        import django  # noqa: F401
    except ImportError:
        if ENVIRONMENT_PYTHON.exists() and Path(sys.prefix).resolve() != (HERE / "var" / "venv").resolve():
            os.execv(ENVIRONMENT_PYTHON, [str(ENVIRONMENT_PYTHON), str(HERE / "manage.py"), *sys.argv[1:]])
        sys.exit("The portal's packages are not installed. Run: make run")


def main() -> None:
    use_own_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callmama_privacy.settings")
    from django.core.management import execute_from_command_line

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    wants_help = {"--help", "-h"} & set(sys.argv)
    if command in WITHOUT_SERVERS or wants_help or (command == "check" and "--database" not in sys.argv):
        execute_from_command_line(sys.argv)
        return

    import signal

    from django.core.exceptions import ImproperlyConfigured

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        import django

        django.setup()
        from callmama_privacy import embedded, servers

        with servers.ready(migrate=command not in WITHOUT_MIGRATIONS):
            if command not in WHEN_SEALED:
                servers.refuse_when_sealed()
            execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)
    except (ImproperlyConfigured, ValueError) as error:
        if isinstance(error, ValueError) and "DATABASE_URL" not in str(error):
            raise
        sys.exit(str(error))
    except RuntimeError as error:
        if "embedded" in locals() and isinstance(
            error, embedded.UnableToStart | servers.UnableToReach | servers.Sealed
        ):
            sys.exit(str(error))
        raise


if __name__ == "__main__":
    main()
