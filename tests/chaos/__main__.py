"""python -m tests.chaos: faults in the portal's real processes, and whether every promise was kept (``make chaos``).

Prints a JSON line at the end and exits 1 when anything was lost, left, told twice or not told.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def make_database(var: Path) -> None:
    from django.db import connections

    from callmama_privacy import embedded, servers

    with embedded.start(embedded.addresses(var)):
        servers.apply_migrations()
        connections.close_all()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--workspaces", type=int, default=150, help="whose time will be over")
    parser.add_argument("--kills", type=int, default=400, help="SIGKILLs of worker processes")
    parser.add_argument("--rounds", type=int, default=3, help="how often each other fault happens")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--bucket", action="store_true", help="keep the files in a bucket of an S3 service with versions"
    )
    parser.add_argument("--broken", default="", help="run an engine with a mistake: the checker must see it")
    parser.add_argument("--ground", type=Path, help="a folder that keeps the empty database from one run to the next")
    parser.add_argument("--keep", action="store_true", help="leave the data folder, for looking into it")
    chosen = parser.parse_args()
    var = Path(tempfile.mkdtemp(prefix="callmama-chaos-"))
    os.environ.update(
        PORTAL_MODE="demo", PORTAL_VAR=str(var), DATABASE_URL="", BROKER_URL="", KEYSTORE_URL="", LOG_LEVEL="WARNING",
        DJANGO_SETTINGS_MODULE="callmama_privacy.settings", RETENTION_BATCH_ROWS="7", RETENTION_TICK_SECONDS="2",
    )  # fmt: skip
    for name in [
        name for name in os.environ if name.startswith(("PYTEST", "FILES_", "OUTSIDE_ROOT", "EPOCH_KEYS_ROOT"))
    ]:
        del os.environ[name]
    service = None
    if chosen.bucket:
        from tests.chaos.bucket import Service

        service = Service()
        os.environ.update(service.environment)
    known = bool(chosen.ground and chosen.ground.exists())
    if known:
        subprocess.run(["cp", "-a", f"{chosen.ground}/.", var], check=True)  # with its secrets, before they are read
    import django
    from django.conf import settings

    django.setup()
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher"
    ]  # the staff of this world sign in nowhere
    from tests.chaos.run import run

    try:
        if not known:
            make_database(var)
            if chosen.ground:
                subprocess.run(["cp", "-a", var, chosen.ground], check=True)
        return run(var, chosen, service)
    finally:
        if chosen.keep:
            print(f"The data folder is {var}", file=sys.stderr)
        else:
            shutil.rmtree(var, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
