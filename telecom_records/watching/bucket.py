"""A prefix of an S3 bucket in which other systems put files. An object is there whole or not at all."""

import shutil
import tempfile
from typing import BinaryIO, cast

from botocore.exceptions import ClientError

from accounts.s3 import Bucket, asking, is_gone
from accounts.stores import UnableToAsk
from telecom_records.watching.places import (
    KEPT,
    MARKER,
    REASON,
    Changed,
    Entry,
    Listing,
    Place,
    UnableToLook,
    is_temporary,
    shown,
    with_markers,
)  # fmt: skip


class BucketPlace(Place):
    """What lies below ``prefix/<source>/``, and below ``prefix/refused/<source>/`` and ``prefix/done/<source>/``."""

    def __init__(self, bucket: Bucket):
        self.bucket = bucket

    def list(self, sources: set[str]) -> Listing:
        listing = Listing()
        strangers: dict[str, None] = {}
        try:
            for found in self.bucket.objects():
                *folders, name = found["Key"].removeprefix(self.bucket.prefix).split("/")
                folder, source = ("", *folders)[-2:] if folders else ("", "")
                if not name or is_temporary(name) or len(name.encode()) > 240:
                    continue
                if source in sources and len(folders) == (2 if folder in KEPT else 1):
                    listing.entries.append(Entry(folder, source, name, found["Size"], found["ETag"]))
                else:
                    strangers[shown(folders[0] if folders else name)] = None
        except UnableToAsk as error:
            raise UnableToLook(str(error)) from error
        listing.left_alone = [f"“{name}” is no source" for name in strangers]
        listing.entries = with_markers(listing.entries)
        return listing

    def open(self, entry: Entry) -> BinaryIO:
        file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  the caller closes it
        try:
            with asking():
                answer = self.bucket.client.get_object(
                    Bucket=self.bucket.name, Key=self._name(entry), IfMatch=entry.fingerprint
                )
                shutil.copyfileobj(answer["Body"], file, 1024 * 1024)
        except BaseException as error:
            file.close()
            if _is_another(error):
                raise Changed from error
            raise
        file.seek(0)
        return file

    def remove(self, entry: Entry) -> None:
        name = self._name(entry)
        with asking():
            versions = self.bucket.versions(name)
            latest = [version for version in versions if version["IsLatest"]]
            if [version.get("ETag") for version in latest] != [entry.fingerprint]:
                raise Changed
            for companion in (MARKER, MARKER.upper(), REASON):
                versions += self.bucket.versions(name + companion)
            self.bucket.delete_versions(versions)

    def move(self, entry: Entry, folder: str, *, reason: str = "") -> str:
        name, client = self._name(entry), self.bucket.client
        number = 1
        try:
            with asking():
                target = f"{folder}/{entry.source}/{entry.name}"
                while self.bucket.versions(self.bucket.prefix + target):
                    number += 1
                    target = f"{folder}/{entry.source}/{number}-{entry.name}"
                target = self.bucket.prefix + target
                if reason:
                    client.put_object(Bucket=self.bucket.name, Key=target + REASON, Body=f"{reason}\n".encode())
                client.copy_object(
                    Bucket=self.bucket.name, Key=target, CopySourceIfMatch=entry.fingerprint,
                    CopySource={"Bucket": self.bucket.name, "Key": name},
                )  # fmt: skip
        except UnableToAsk as error:
            if _is_another(error):
                raise Changed from error
            raise
        self.remove(entry)
        return target.rpartition("/")[2]

    def _name(self, entry: Entry) -> str:
        return self.bucket.prefix + "/".join(filter(None, (entry.folder, entry.source, entry.name)))


def _is_another(error: BaseException) -> bool:
    """Return whether a request failed because the object is gone, or is not the one that was looked at."""
    cause = error.__cause__
    return isinstance(cause, ClientError) and (
        is_gone(cause) or cause.response["Error"]["Code"] in ("412", "PreconditionFailed")
    )
