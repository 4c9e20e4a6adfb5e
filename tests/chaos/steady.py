"""Asking the database while it is away: the faults are for the portal, not for those who watch it."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections
from psycopg.errors import DeadlockDetected

Answer = TypeVar("Answer")
deadlocks: list[str] = []  # what PostgreSQL said of each


def steady(act: Callable[[], Answer], *, seconds: float = 60) -> Answer:
    """Do something in the database, again while it is away."""
    stop_at = time.monotonic() + seconds
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError) as error:
            if isinstance(error.__cause__, DeadlockDetected):
                deadlocks.append(str(error))
            connections.close_all()
            if time.monotonic() > stop_at:
                raise
            time.sleep(0.2)
