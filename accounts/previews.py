"""A customer file between its preview and the confirmation: sealed, and gone within the hour if nobody confirms.

So is what a request left of a large upload when its process died: such files have no row, and no rule can date them.
"""

import contextlib
import datetime as dt
import uuid
from pathlib import Path

from django.conf import settings
from import_export.tmp_storages import BaseStorage

from accounts import keys

LIFE_SECONDS = 3600
PURPOSE = "previews of imports"


def preview_folder() -> Path:
    return settings.VAR_DIR / "previews"


def sweep(now: dt.datetime) -> int:
    """Remove previews that nobody confirmed and uploads that nobody finished within the hour; return how many."""
    swept = 0
    for folder in (preview_folder(), Path(settings.FILE_UPLOAD_TEMP_DIR)):
        for path in folder.iterdir() if folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):  # another sweep was first
                if path.is_file() and path.stat().st_mtime <= now.timestamp() - LIFE_SECONDS:
                    path.unlink()
                    swept += 1
    return swept


class SealedPreview(BaseStorage):
    """Keeps one uploaded file encrypted in the portal's own folder, until it is confirmed or swept."""

    def save(self, data: str | bytes) -> None:
        self.name = uuid.uuid4().hex
        folder = self._folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        plain = data if isinstance(data, bytes) else data.encode(self.encoding or "utf-8")
        self._path().write_bytes(keys.seal(plain, purpose=PURPOSE, bound_to=self.name))

    def read(self) -> str | bytes:
        plain = keys.unseal(self._path().read_bytes(), purpose=PURPOSE, bound_to=self.name)
        return plain if "b" in self.read_mode else plain.decode(self.encoding or "utf-8")

    def remove(self) -> None:
        self._path().unlink(missing_ok=True)

    def _folder(self) -> Path:
        return preview_folder()

    def _path(self) -> Path:
        return self._folder() / uuid.UUID(str(self.name)).hex  # whoever posts a name cannot leave the folder
