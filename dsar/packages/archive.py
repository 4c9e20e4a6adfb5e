"""A ZIP archive written as a stream: nothing is sought, nothing kept, each file hashed as it goes by."""

import contextlib
import hashlib
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

LEVEL = 1  # of zlib: call records shrink to an eighth at it; level 6 takes three times as long for a tenth less


class Writer:
    """One file on its way into the archive."""

    def __init__(self, target: Any):
        self._target, self.size, self._sha256 = target, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._target.write(data)
        self._sha256.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        pass

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


class Archive:
    """The archive. ``files`` lists what is in it, with the SHA-256 of each. Its files bear no date: two runs are alike."""

    def __init__(self, out: BinaryIO):
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
        self.files: list[dict[str, Any]] = []

    @contextlib.contextmanager
    def file(self, name: str, **facts: Any) -> Iterator[Writer]:
        """Write one file; ``facts`` stand beside its hash in the manifest."""
        with self._zip.open(name, "w", force_zip64=True) as target:
            writer = Writer(target)
            yield writer
        self.files.append({"name": name, "size": writer.size, "sha256": writer.sha256, **facts})

    def add(self, name: str, data: bytes, **facts: Any) -> None:
        """Write a small file."""
        with self.file(name, **facts) as writer:
            writer.write(data)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Write the end of the archive, or leave it open for good when something failed: half of one is none."""
        if kind is None:
            self._zip.close()
        else:
            self._zip.fp = None
