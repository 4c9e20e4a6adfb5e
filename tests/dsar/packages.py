"""Making a package and opening it, for the tests."""

import csv
import io
import json
import zipfile
from typing import Any

from accounts import files
from dsar.models import Package, SubjectRequest
from dsar.packages import building, states
from tests.factories import NOW, make_user

KEY = b"k" * 32


class Opened:
    """A package as its person opens it."""

    def __init__(self, data: bytes):
        self.data = data
        self.zip = zipfile.ZipFile(io.BytesIO(data))
        self.names = self.zip.namelist()

    def read(self, name: str) -> bytes:
        return self.zip.read(name)

    def json(self, name: str) -> Any:
        return json.loads(self.read(name))

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a table; none when the package has no such table."""
        return self.json(f"data/{name}.json") if f"data/{name}.json" in self.names else []

    def csv(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.read(f"data/{name}.csv").decode(), newline="")))

    @property
    def text(self) -> str:
        """Everything in it, as one text, to look for something that should or should not be there."""
        return "\n".join(self.read(name).decode("utf-8", "replace") for name in self.names)


def build(request: SubjectRequest, *, now=NOW, key: bytes = KEY) -> Package:
    """Let somebody ask for a package, and make it, as the worker does."""
    asked = states.ask(request.pk, user=make_user(None), now=now)
    made = building.build(asked.pk, now=now, key=key)
    assert made is not None
    assert made.state == Package.State.SEALED, made.problem
    return made


def opened(package: Package) -> Opened:
    return Opened(files.read_encrypted(package.file_key))


def package_of(request: SubjectRequest, **options: Any) -> Opened:
    return opened(build(request, **options))
