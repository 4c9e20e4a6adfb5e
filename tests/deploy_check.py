"""Django's deploy check on the settings of a production portal, as ``make check`` runs it. Needs no server."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "PORTAL_MODE": "production",
    "SECRET_KEY": secrets.token_urlsafe(48),
    "MASTER_KEY": secrets.token_urlsafe(48),
    "SIGNING_KEY": secrets.token_urlsafe(48),
    "EVIDENCE_ORIGIN": "privacy.example.com/evidence",
    "DATABASE_URL": "postgres://portal:password@db.example/portal",
    "BROKER_URL": "redis://broker.example/0",
    "ALLOWED_HOSTS": "privacy.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://privacy.example.com",
    "PROXY_COUNT": "1",
}

sys.exit(
    subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=os.environ | PRODUCTION,
    ).returncode
)
