"""A customer file between its preview and the confirmation: sealed, and gone within the hour if nobody confirms."""

import time
import uuid
from pathlib import Path

from django.conf import settings
from import_export.tmp_storages import BaseStorage

from accounts import keys

LIFE_SECONDS = 3600
PURPOSE = "previews of imports"


class SealedPreview(BaseStorage):
    """Keeps one uploaded file encrypted in the portal's own folder; each new one sweeps those that nobody confirmed."""

    def save(self, data: str | bytes) -> None:
        self.name = uuid.uuid4().hex
        folder = self._folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in folder.iterdir():
            if path.stat().st_mtime < time.time() - LIFE_SECONDS:
                path.unlink(missing_ok=True)
        plain = data if isinstance(data, bytes) else data.encode(self.encoding or "utf-8")
        self._path().write_bytes(keys.seal(plain, purpose=PURPOSE, bound_to=self.name))

    def read(self) -> str | bytes:
        plain = keys.unseal(self._path().read_bytes(), purpose=PURPOSE, bound_to=self.name)
        return plain if "b" in self.read_mode else plain.decode(self.encoding or "utf-8")

    def remove(self) -> None:
        self._path().unlink(missing_ok=True)

    def _folder(self) -> Path:
        return settings.VAR_DIR / "previews"

    def _path(self) -> Path:
        return self._folder() / uuid.UUID(str(self.name)).hex  # whoever posts a name cannot leave the folder
