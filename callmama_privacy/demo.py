"""Who can sign in to a demonstration. These sign-ins exist in demo mode only, and production refuses to start with them."""

import secrets

from django.conf import settings
from django.contrib.auth.models import Group

from accounts.models import User
from accounts.roles import AUDITOR, PRIVACY_OFFICER, SECURITY_ADMINISTRATOR, SUPPORT_AGENT
from callmama_privacy import secrets_store

STAFF = [
    (PRIVACY_OFFICER, "officer@example.test", "Vera Lindqvist"),
    (PRIVACY_OFFICER, "second.officer@example.test", "Tomas Okafor"),
    (SUPPORT_AGENT, "agent@example.test", "Mina Castellan"),
    (AUDITOR, "auditor@example.test", "Joris Vantongeren"),
    (SECURITY_ADMINISTRATOR, "security@example.test", "Ada Weatherby"),
]


def sign_ins() -> list[tuple[str, str, str]]:
    """Return (role, e-mail, password) of the demo's staff. The password is this installation's own, made at random."""
    return [(role, email, password()) for role, email, _ in STAFF]


def password() -> str:
    """Return the demo staff's password, made at the first start and kept beside the data."""
    return secrets_store.read_or_make(settings.VAR_DIR / "secrets", "demo_password", words)


def words() -> str:
    """Return a password that can be typed: four random groups of letters."""
    letters = "abcdefghjkmnpqrstuvwxyz"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def make_staff() -> dict[str, User]:
    """Make the demo's staff with their roles; return them by e-mail."""
    made = {}
    for role, email, name in STAFF:
        user = User.objects.create_user(email, password(), name=name, is_demo=True)
        user.groups.add(Group.objects.get(name=role))
        made[email] = user
    return made
