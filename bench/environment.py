"""Where the figures are measured: a folder and servers of their own, in the settings of a real installation."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench"


def set_up() -> None:
    """Point the settings at the bench's own servers. Must run before Django reads them."""
    for name in ("DATABASE_URL", "BROKER_URL", "KEYSTORE_URL"):
        os.environ[name] = ""
    for name in ("FILES_ROOT", "OUTSIDE_ROOT", "EPOCH_KEYS_ROOT"):
        os.environ.pop(name, None)
    os.environ.update(
        PORTAL_MODE="demo",  # durable, unlike the suite's; nothing is served and no invented people are made
        PORTAL_VAR=str(VAR),
        DJANGO_SETTINGS_MODULE="callmama_privacy.settings",
        LOG_LEVEL="ERROR",
    )
