"""python -m tests.chaos: faults in the portal's real processes, and whether every promise was kept (``make chaos``).

Prints a JSON line at the end and exits 1 when anything was lost, left, told twice or not told.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--workspaces", type=int, default=300, help="whose time is over, or soon will be")
    parser.add_argument("--kills", type=int, default=400, help="SIGKILLs of worker processes")
    parser.add_argument("--rounds", type=int, default=3, help="how often each other fault happens")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broken", default="", help="run an engine with a mistake: the checker must see it")
    parser.add_argument("--keep", action="store_true", help="leave the data folder, for looking into it")
    chosen = parser.parse_args()
    var = Path(tempfile.mkdtemp(prefix="callmama-chaos-"))
    os.environ.update(
        PORTAL_MODE="demo", PORTAL_VAR=str(var), DATABASE_URL="", BROKER_URL="", KEYSTORE_URL="", LOG_LEVEL="WARNING",
        DJANGO_SETTINGS_MODULE="callmama_privacy.settings", RETENTION_BATCH_ROWS="7", RETENTION_TICK_SECONDS="2",
    )  # fmt: skip
    for name in [
        name for name in os.environ if name.startswith(("PYTEST", "FILES_ROOT", "OUTSIDE_ROOT", "EPOCH_KEYS_ROOT"))
    ]:
        del os.environ[name]
    import django

    django.setup()
    from tests.chaos.run import run

    try:
        return run(var, chosen)
    finally:
        if chosen.keep:
            print(f"The data folder is {var}", file=sys.stderr)
        else:
            shutil.rmtree(var, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
