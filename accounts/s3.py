"""Stored files in a bucket of an S3 service.

A bucket may keep versions: there a plain DELETE only puts a marker on top and everything below stays. So every version
and every marker is deleted by its id, unfinished uploads are aborted, and what is left is looked for by HEAD and by
listing the versions, with other credentials when ``verify_profile`` names some.
"""

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from accounts.stores import Found, Store, UnableToAsk, UnableToStore, checked

DELETED_AT_ONCE = 1_000  # what one DeleteObjects takes
CONNECTIONS = 16  # a batch of five thousand files is asked for in about seven seconds, at 20 ms an answer
CONNECT_SECONDS = 5
READ_SECONDS = 10  # with one retry shorter than a job's lease: a store that hangs is a failed attempt, and others go on
TRIES = 2
Answer = TypeVar("Answer")
GONE = {"404", "NoSuchKey", "NotFound", "NoSuchUpload", "NoSuchVersion"}


class Bucket(Store):
    """A bucket, or what is below a prefix of it."""

    def __init__(self, name: str, *, prefix="", endpoint="", region="", profile="", verify_profile=""):
        self.name, self.prefix = name, f"{prefix}/" if prefix else ""
        self.client = _client(profile, endpoint, region)
        self.verifier = _client(verify_profile, endpoint, region) if verify_profile else self.client

    def _name(self, key: str) -> str:
        return f"{self.prefix}{checked(key)}"

    def put(self, key: str, write: Callable[[BinaryIO], None]) -> None:
        """As of every store. The encrypted bytes wait in an unnamed file until they are complete.

        Large ones go up in parts: boto3 aborts them when one fails; when the process dies, ``left`` and ``walk`` find them.
        """
        try:
            with tempfile.TemporaryFile() as file:
                write(file)
                file.seek(0)
                self.client.upload_fileobj(file, self.name, self._name(key))
        except (OSError, BotoCoreError, ClientError, boto3.exceptions.Boto3Error) as error:
            with contextlib.suppress(UnableToAsk):
                self.delete(key)
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise UnableToStore(f"The file could not be stored: {reason}") from error

    def open(self, key: str) -> BinaryIO:
        with asking():
            try:
                return self.client.get_object(Bucket=self.name, Key=self._name(key))["Body"]
            except ClientError as error:
                if is_gone(error):
                    raise FileNotFoundError(f"There is no file {key} in the bucket.") from error
                raise

    def delete(self, *keys: str) -> None:
        """Delete every version and marker by its id, a thousand in a request, and abort unfinished uploads."""
        names = [self._name(key) for key in keys]
        with asking():
            found = _at_once(self.versions, names)
            self.delete_versions([version for versions in found for version in versions])
            for upload in self._uploads(self.client, names):
                with _gone_is_fine():
                    self.client.abort_multipart_upload(Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"])

    def delete_versions(self, versions: Sequence[dict[str, Any]]) -> None:
        """Delete these versions and markers by their ids. Within ``asking``; raises UnableToAsk when some are kept."""
        ids = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
        for start in range(0, len(ids), DELETED_AT_ONCE):
            batch = ids[start : start + DELETED_AT_ONCE]
            answer = self.client.delete_objects(Bucket=self.name, Delete={"Objects": batch, "Quiet": True})
            if errors := answer.get("Errors"):
                raise UnableToAsk(f"The file store kept {len(errors)} of {len(batch)}: {errors[0]['Code']}.")

    def objects(self) -> Iterator[dict[str, Any]]:
        """Yield what can be opened below the prefix, in the order of the names."""
        with asking():
            for page in self._pages(self.client, "list_objects_v2", self.prefix):
                yield from page.get("Contents", [])

    def left(self, *keys: str) -> set[str]:
        """Return those of which HEAD, the list of versions and markers, or the list of unfinished uploads shows anything."""
        names = {self._name(key): key for key in keys}
        with asking():
            answers = _at_once(
                lambda name: self._answers(name) or bool(self.versions(name, self.verifier)), list(names)
            )
            found = {name for name, there in zip(names, answers, strict=True) if there}
            found |= {upload["Key"] for upload in self._uploads(self.verifier, names)}
        return {names[name] for name in found}

    def walk(self) -> Iterator[Found]:
        with asking():
            for page in self._pages(self.verifier, "list_object_versions", self.prefix):
                entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                for entry in sorted(entries, key=lambda entry: entry["Key"]):
                    # Under a marker, or under a newer version, lies what nobody can open.
                    finished = "Size" in entry and entry["IsLatest"]
                    yield Found(entry["Key"].removeprefix(self.prefix), entry["LastModified"], finished=finished)
            for page in self._pages(self.verifier, "list_multipart_uploads", self.prefix):
                for upload in page.get("Uploads", []):
                    yield Found(upload["Key"].removeprefix(self.prefix), upload["Initiated"], finished=False)

    def _answers(self, name: str) -> bool:
        try:
            self.verifier.head_object(Bucket=self.name, Key=name)
        except ClientError as error:
            if is_gone(error):
                return False
            raise
        return True

    def versions(self, name: str, client=None) -> list[dict[str, Any]]:
        """Return all versions and markers of what has this name, with the prefix."""
        pages = self._pages(client or self.client, "list_object_versions", name)
        found = (entry for page in pages for kind in ("Versions", "DeleteMarkers") for entry in page.get(kind, []))
        return [entry for entry in found if entry["Key"] == name]

    def _uploads(self, client, names: Collection[str]) -> list[dict[str, Any]]:
        """Return the unfinished uploads of these files; one list for all, since there are few."""
        pages = self._pages(client, "list_multipart_uploads", self.prefix) if names else []
        return [upload for page in pages for upload in page.get("Uploads", []) if upload["Key"] in names]

    def _pages(self, client, request: str, prefix: str):
        return client.get_paginator(request).paginate(Bucket=self.name, Prefix=prefix)


def _client(profile: str, endpoint: str, region: str):
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": TRIES, "mode": "standard"},
        signature_version="s3v4",
        s3={"addressing_style": "path"} if endpoint else {},
    )
    session = boto3.session.Session(profile_name=profile or None, region_name=region or None)
    return session.client("s3", endpoint_url=endpoint or None, config=config)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def is_gone(error: ClientError) -> bool:
    """Return whether a request failed because there is no such thing."""
    return _code(error) in GONE


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Turn what boto3 raises into one error; its message names no key and no address."""
    try:
        yield
    except ClientError as error:
        raise UnableToAsk(f"The file store refused: {_code(error)}.") from error
    except (BotoCoreError, boto3.exceptions.Boto3Error) as error:
        raise UnableToAsk(f"The file store does not answer: {type(error).__name__}.") from error


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if not is_gone(error):
            raise


def _at_once(ask: Callable[[str], Answer], names: Iterable[str]) -> list[Answer]:
    """Ask about many files over several connections, in order. The first failure is raised when all have answered."""
    with ThreadPoolExecutor(max_workers=CONNECTIONS) as pool:
        return list(pool.map(ask, names))
