"""Secrets of an installation that was not given any: random, made once, readable by their owner only."""

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

SECRET_BYTES = 48


def random_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def read_or_make(folder: Path, name: str, make: Callable[[], str] = random_secret) -> str:
    """Return the secret called ``name`` in ``folder``; the first caller makes it.

    Two processes that start together agree: the file appears whole or not at all, and the first one stays.
    """
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(prefix=f".{name}.", dir=folder)  # readable by its owner only
        with open(handle, "w") as file:
            file.write(make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        os.unlink(draft)
    return path.read_text().strip()
