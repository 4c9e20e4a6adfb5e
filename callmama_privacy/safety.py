"""What a production portal refuses to start with."""

import itertools

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

MIN_SECRET_LENGTH = 40
SECRETS = ("SECRET_KEY", "MASTER_KEY", "SIGNING_KEY")


def production_faults() -> list[str]:
    """Return what is unsafe about these settings for production, in words; empty when nothing is."""
    faults = []
    if settings.DEBUG:
        faults.append("DEBUG is on")
    for name in SECRETS:
        value = getattr(settings, name)
        if len(value) < MIN_SECRET_LENGTH or len(set(value)) < 10 or "insecure" in value or "changeme" in value.lower():
            faults.append(f"{name} is missing, short or a default (at least {MIN_SECRET_LENGTH} random characters)")
    for one, other in itertools.combinations(SECRETS, 2):
        if getattr(settings, one) == getattr(settings, other):
            faults.append(f"{one} and {other} are the same")
    if (
        any(sign in settings.EVIDENCE_ORIGIN for sign in " +\n")
        or settings.EVIDENCE_ORIGIN == "callmama-privacy/production"
    ):
        faults.append("EVIDENCE_ORIGIN must name this portal's log, such as privacy.example.com/evidence")
    if not settings.DATABASE_URL or not settings.BROKER_URL:
        faults.append("DATABASE_URL and BROKER_URL must both be set: the embedded servers are for trying out")
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        faults.append("ALLOWED_HOSTS must name the portal's host names")
    return faults


def refuse_unsafe_production() -> None:
    """Stop the process when production settings or demo sign-ins make it unsafe. Raises ImproperlyConfigured."""
    if not settings.PRODUCTION:
        return
    faults = production_faults()
    if not faults:
        from accounts import key_store
        from accounts.models import User

        if key_store.left_behind():
            faults.append(key_store.LEFT_BEHIND)

        if User.objects.filter(is_demo=True, is_active=True).exists():
            faults.append("demo sign-ins exist in this database; deactivate them or start from an empty database")
    if faults:
        raise ImproperlyConfigured("The portal does not start in production: " + "; ".join(faults) + ".")
