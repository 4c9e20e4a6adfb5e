"""The key store: the tables of key pairs and epochs, in a database of their own when KEYSTORE_URL names one.

Apart from the customers' database, so that no backup of that one ever holds a key. There is no transaction over both:
a key is destroyed first and by itself, and whoever repeats the rest finds it gone and goes on.
"""

from django.conf import settings

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
