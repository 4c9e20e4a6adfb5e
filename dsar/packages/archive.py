"""A ZIP archive written as a stream: nothing is sought, nothing kept, each file hashed as it goes by.

Hashing and compressing are a thread of their own, a few blocks behind: meanwhile the database makes the next ones
(measured with `make bench FIGURE=package_ratio`: without it the two wait for each other).
"""

import contextlib
import hashlib
import queue
import threading
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

LEVEL = 1  # of zlib: call records shrink to an eighth at it; level 6 takes three times as long for a tenth less


BLOCKS_BEHIND = 8


class _Behind(threading.Thread):
    """Does what it is given one after the other; what failed is raised by the next ``do`` or ``wait``, and ends it all."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._waiting: queue.Queue[Callable[[], Any] | None] = queue.Queue(BLOCKS_BEHIND)
        self._failure: BaseException | None = None

    def run(self) -> None:
        while (act := self._waiting.get()) is not None:
            try:
                if not self._failure:
                    act()
            except BaseException as error:  # raised where the next block comes from
                self._failure = error
            finally:
                self._waiting.task_done()

    def do(self, act: Callable[[], Any]) -> None:
        self._waiting.put(act)
        if self._failure:
            raise self._failure

    def wait(self) -> None:
        self._waiting.join()
        if self._failure:
            raise self._failure

    def end(self) -> None:
        self._waiting.put(None)
        self.join()


class Writer:
    """One file on its way into the archive."""

    def __init__(self, target: Any, behind: _Behind):
        self._target, self._behind, self.size, self._sha256 = target, behind, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._behind.do(lambda: self._write(data))
        self.size += len(data)
        return len(data)

    def _write(self, data: bytes) -> None:
        self._target.write(data)
        self._sha256.update(data)

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
        self._behind = _Behind()
        self._behind.start()

    @contextlib.contextmanager
    def file(self, name: str, **facts: Any) -> Iterator[Writer]:
        """Write one file; ``facts`` stand beside its hash in the manifest."""
        with self._zip.open(name, "w", force_zip64=True) as target:
            writer = Writer(target, self._behind)
            try:
                yield writer
            finally:
                self._behind.wait()
        self.files.append({"name": name, "size": writer.size, "sha256": writer.sha256, **facts})

    def add(self, name: str, data: bytes, **facts: Any) -> None:
        """Write a small file."""
        with self.file(name, **facts) as writer:
            writer.write(data)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Write the end of the archive, or leave it open for good when something failed: half of one is none."""
        self._behind.end()
        if kind is None:
            self._zip.close()
        else:
            self._zip.fp = None
