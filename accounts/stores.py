"""Where stored files are: a folder, or a bucket of an S3 service. One small port; each store is a class with its methods.

``put`` whole or not at all, ``open`` as a stream, ``delete`` many for good, ``left`` looks for what is still there by
another path than the deletion took, ``walk`` shows everything with its age. What a store says is not believed: the door asks
``left`` after each ``delete``, and certifies nothing as long as something answers.
"""

import abc
import datetime as dt
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings

if TYPE_CHECKING:
    from accounts.s3 import Bucket


class UnableToStore(OSError):
    """The file could not be stored; nothing of it is left."""


class UnableToAsk(OSError):
    """The store does not answer, or refuses: nothing is known about what it holds."""


class Found(NamedTuple):
    """Something that is in a store: a file, or a part of one that was never finished."""

    key: str
    stored_at: dt.datetime
    finished: bool

    @property
    def is_ours(self) -> bool:
        """Return whether the name is one that the portal gives."""
        return self.key.isalnum() and self.key.isascii()


class Store(abc.ABC):
    """What every store can do. ``put`` raises UnableToStore, everything else UnableToAsk, when the store fails."""

    @abc.abstractmethod
    def put(self, key: str, write: Callable[[BinaryIO], None]) -> None:
        """Store under ``key`` what ``write(file)`` writes: whole, or not at all."""

    @abc.abstractmethod
    def open(self, key: str) -> BinaryIO:
        """Return the stored bytes as a stream. Raises FileNotFoundError."""

    @abc.abstractmethod
    def delete(self, *keys: str) -> None:
        """Remove files for good, and what was never finished of them; one that is not there is fine."""

    @abc.abstractmethod
    def left(self, *keys: str) -> set[str]:
        """Return those of ``keys`` of which anything is still there."""

    @abc.abstractmethod
    def walk(self) -> Iterator[Found]:
        """Yield everything that is in the store, whatever it is; finished files of ours in the order of their keys."""

    def exists(self, key: str) -> bool:
        return bool(self.left(key))

    def list(self) -> Iterator[str]:
        """Yield the key of everything in the store, unfinished files included."""
        for found in self.walk():
            yield found.key


def checked(key: str) -> str:
    """Return ``key`` if it is one: letters and digits only, so that it can lead nowhere else. Raises ValueError."""
    if not key.isalnum() or not key.isascii():
        raise ValueError("A file key has letters and digits only.")
    return key


class LocalFolder(Store):
    """Files in a folder of their own, two levels deep, readable by the portal's user only."""

    def __init__(self, root: Path):
        self.root = root

    def _path(self, key: str) -> Path:
        return self.root / checked(key)[:2] / key

    def put(self, key: str, write: Callable[[BinaryIO], None]) -> None:
        path = self._path(key)
        draft = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise UnableToStore(f"The file could not be stored: {error.strerror or error}") from error
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def open(self, key: str) -> BinaryIO:
        return self._path(key).open("rb")

    def delete(self, *keys: str) -> None:
        for key in keys:
            path = self._path(key)
            path.unlink(missing_ok=True)
            path.with_suffix(".part").unlink(missing_ok=True)

    def left(self, *keys: str) -> set[str]:
        return {key for key in keys if self._path(key).exists() or self._path(key).with_suffix(".part").exists()}

    def walk(self) -> Iterator[Found]:
        for folder, _, names in _in_order(self.root):
            for name in names:
                path = Path(folder, name)
                ours = path.parent == self.root / name[:2] and path.stem.isalnum()
                try:
                    stored_at = dt.datetime.fromtimestamp(path.lstat().st_mtime, tz=dt.UTC)
                except FileNotFoundError:  # it went while we looked
                    continue
                if ours and path.suffix in ("", ".part"):
                    yield Found(path.stem, stored_at, finished=not path.suffix)
                else:
                    yield Found(str(path.relative_to(self.root)), stored_at, finished=False)


def _in_order(root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk folders and their files in the order of their names."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        yield folder, folders, sorted(names)


def store() -> Store:
    """Return the store that FILES_URL names, or the folder FILES_ROOT."""
    return store_at(settings.FILES_URL) if settings.FILES_URL else LocalFolder(settings.FILES_ROOT)


@functools.lru_cache(maxsize=8)
def store_at(url: str) -> Store:
    """Return the store at an address.

    ``file:///folder`` or ``s3://bucket/prefix?endpoint=https://…&region=…&verify_profile=…``; the keys of an S3 service
    come from the environment, as boto3 finds them. Raises ValueError for anything else.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and len(parts.path) > 1:
        return LocalFolder(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return read_s3_address(url, "FILES_URL")
    raise ValueError("FILES_URL must be file:///folder or s3://bucket/prefix.")


@functools.lru_cache(maxsize=8)
def read_s3_address(url: str, setting: str) -> "Bucket":
    """Return the bucket, or what is below a prefix of it, at the address in a setting. Raises ValueError."""
    from accounts.s3 import Bucket  # noqa: PLC0415  half a second that a local folder need not pay

    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"{setting} must be s3://bucket/prefix.")
    options = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
    if unknown := set(options) - {"endpoint", "region", "profile", "verify_profile"}:
        raise ValueError(f"{setting} has an unknown option: {', '.join(sorted(unknown))}.")
    return Bucket(parts.netloc, prefix=unquote(parts.path).strip("/"), **options)
