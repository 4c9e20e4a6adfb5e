"""What follows from the code and stands in the database: groups, rules, guards. Brought in line after each migration, once."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db.models.signals import post_migrate


def after_migrating(act: Callable[..., Any]) -> None:
    """Have ``act(using=…, **_)`` called when every app is migrated. Call it in ``ready``.

    Django tells of each app by itself; only when it tells of the last one are all tables and permissions there.
    """
    *_, last = apps.get_app_configs()
    post_migrate.connect(act, sender=last, dispatch_uid=f"{act.__module__}.{act.__qualname__}")
