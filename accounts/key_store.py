"""The key store: the tables of key pairs and epochs, in a database of their own when KEYSTORE_URL names one.

Apart from the customers' database, so that no backup of that one ever holds a key. There is no transaction over both:
a key is destroyed first and by itself, and whoever repeats the rest finds it gone and goes on.
"""

from django.conf import settings
from django.db import connections

MODELS = {"keypair", "keyepoch"}


class KeyStoreRouter:
    """Sends the key store's models to its database, and keeps everything else out of it."""

    def db_for_read(self, model, **hints) -> str | None:
        return settings.KEYSTORE_DATABASE if _is_key(model._meta.app_label, model._meta.model_name) else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints) -> bool | None:
        if _is_key(app_label, model_name):
            return db == settings.KEYSTORE_DATABASE
        return False if db == "keystore" else None


def _is_key(app_label: str, model_name: str | None) -> bool:
    return app_label == "accounts" and model_name in MODELS


def left_behind() -> bool:
    """Return whether the first database still has keys although KEYSTORE_URL names another one: nothing would find them."""
    if settings.KEYSTORE_DATABASE == "default":
        return False
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT to_regclass('accounts_keypair')")
        if cursor.fetchone()[0] is None:
            return False
        cursor.execute("SELECT EXISTS (SELECT FROM accounts_keypair)")
        return cursor.fetchone()[0]


LEFT_BEHIND = (
    "KEYSTORE_URL names another database, and the keys are still in the first one: move the rows of accounts_keyepoch and "
    "accounts_keypair (docs/decisions/0006-keys-and-their-backups.md says how)"
)
