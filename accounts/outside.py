"""What is written outside the database: files that only grow, one JSON object a line.

They are for the day on which the database cannot be believed: an old copy was restored, or somebody with every right
changed it. The folder (``OUTSIDE_ROOT``) belongs on another disk or machine, best on one that lets nobody rewrite.
Nothing personal is in it: like the evidence, it holds codes, opaque ids, counts and hashes.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

TAIL_BYTES = 1 << 16


class UnableToWrite(OSError):
    """The lines could not be written whole; nothing of them is left."""


class Damaged(ValueError):
    """A line in the middle of a file is no JSON object: somebody or something has changed the file."""


def append(name: str, *lines: Mapping[str, Any]) -> None:
    """Add lines to the file ``name`` (without “.jsonl”), all or none, on the disk when this returns. Raises UnableToWrite.

    One write under a lock. What a crash has left of an unfinished line was never confirmed, and is removed first.
    """
    data = b"".join(_line(line) for line in lines)
    if not data:
        return
    path = _path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = _end_of_last_line(file)
            try:
                file.truncate(end)
                file.seek(end)
                if file.write(data) != len(data):
                    raise OSError("the disk is full")
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise
        if end == 0:
            _sync_folder(path.parent)
    except OSError as error:
        raise UnableToWrite(f"“{name}” could not be written outside the database: {error.strerror or error}") from error


def lines(name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file from the first on; none when it does not exist. Raises Damaged.

    An unfinished last line, which was never confirmed, is left out.
    """
    try:
        file = _path(name).open("rb")
    except FileNotFoundError:
        return
    with file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            yield _parsed(line, name, number)


def last(name: str) -> dict[str, Any] | None:
    """Return the last line of a file without reading the rest, or None when there is none. Raises Damaged."""
    try:
        file = _path(name).open("rb")
    except FileNotFoundError:
        return None
    with file:
        end = _end_of_last_line(file)
        size = TAIL_BYTES
        while True:
            start = max(0, end - size)
            file.seek(start)
            tail = file.read(end - start)
            begin = tail.rfind(b"\n", 0, len(tail) - 1) + 1
            if begin or start == 0:
                return _parsed(tail[begin:], name, "the last") if tail else None
            size *= 2


def _path(name: str) -> Path:
    if not re.fullmatch(r"[a-z][a-z_]{0,40}", name):
        raise ValueError("The name of a file outside has small letters only.")
    return Path(settings.OUTSIDE_ROOT) / f"{name}.jsonl"


def _line(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def _parsed(line: bytes, name: str, number: int | str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Damaged(f"Line {number} of {name}.jsonl outside the database is damaged.")
    return value


def _end_of_last_line(file) -> int:
    """Return the place after the last newline: everything before it was confirmed."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - TAIL_BYTES)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
