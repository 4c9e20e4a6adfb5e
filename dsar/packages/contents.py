"""What goes into a package, in order: the tables, the files, and then what explains them. All of it as a stream.

Everything is read in one transaction that sees one instant (REPEATABLE READ), so that the tables fit each other and CSV
and JSON hold the same rows whatever comes in meanwhile.
"""

import collections
import dataclasses
import json
import mimetypes
from typing import Any, BinaryIO

from django.template.loader import render_to_string

from accounts import files, keys
from dsar.models import Package
from dsar.packages import information
from dsar.packages.archive import Archive
from dsar.packages.categories import NOT_COLLECTED, Category, categories_for
from dsar.packages.columns import columns_of
from dsar.packages.parties import Parties
from dsar.packages.subject import Subject
from dsar.packages.tables import Table
from dsar.packages.withheld import WHY, withheld_columns
from telecom_records.recordings import sounds

SCHEMA_VERSION = 1
SHOWN_ROWS = 50  # of a table on the start page; the rest is in its files
ENDINGS = (  # how files begin, and the ending that their type has
    (b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"%PDF", ".pdf"), (b"RIFF", ".wav"), (b"OggS", ".ogg"), (b"ID3", ".mp3"),
    (b"\xff\xfb", ".mp3"), (b"fLaC", ".flac"),
)  # fmt: skip
ENDINGS_OF_TYPES = {name: f".{ending}" for name, ending in sounds.ENDINGS.items()}


@dataclasses.dataclass
class Progress:
    """How many rows have been written, for whoever waits; read by another thread."""

    rows: int = 0


@dataclasses.dataclass
class Made:
    """What went into the archive and what did not: counts and codes, for the package's row."""

    contents: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    withheld: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def leave_out(self, category: str, code: str, rows: int) -> None:
        self.withheld.append({"category": category, "code": code, "rows": rows})


class _Head:
    """Takes the first bytes of a file and drops the rest: whether it can be read to its end, and what it is."""

    def __init__(self) -> None:
        self.head = b""

    def write(self, data: bytes) -> int:
        if len(self.head) < 16:
            self.head += data[: 16 - len(self.head)]
        return len(data)

    def flush(self) -> None:
        pass


def write(out: BinaryIO, *, package: Package, subject: Subject, parties: Parties, progress: Progress) -> Made:
    """Write a whole package to ``out``. Must run in a transaction that sees one instant."""
    made = Made()
    pages: list[dict[str, Any]] = []
    with Archive(out) as archive:
        for category in categories_for(package.kind):
            table = Table(category, package.kind, subject, parties)
            pages.append(_write_category(archive, table, made, progress))
            for code, left in subject.left_out(category):
                made.leave_out(category.name, code, left)
        for place in subject.places:
            if place.is_gone:
                made.leave_out("workspaces", "gone", 1)
        _explain(archive, package, subject, parties, made, pages)
    return made


def _write_category(archive: Archive, table: Table, made: Made, progress: Progress) -> dict[str, Any]:
    """Write the tables and the files of one category; return what the start page says of it."""
    category = table.category
    rows = _write_table(archive, table, progress)
    count = _write_files(archive, table, made) if category.folder and rows else 0
    made.contents[category.name] = {"rows": rows, **({"files": count} if category.folder else {})}
    labels = [column.label for column in table.columns]
    return {"category": category, "count": rows, "columns": labels, "rows": table.first(SHOWN_ROWS), "files": count}


def _write_table(archive: Archive, table: Table, progress: Progress) -> int:
    """Write a table as CSV and as JSON; nothing when it has no rows. Raises RuntimeError when the two differ."""
    if not any(part.exists() for part in table.parts()):
        return 0
    written = []
    done = progress.rows
    for ending, lines in (("csv", table.csv), ("json", table.json)):
        with archive.file(f"data/{table.category.name}.{ending}") as file:
            for block in lines():
                file.write(block)
                progress.rows += block.count(b"\n")
        written.append(table.rows)
        done += table.rows
        progress.rows = done
    if written[0] != written[1]:
        raise RuntimeError(f"{table.category.name}: {written[0]} rows as CSV and {written[1]} as JSON.")
    return written[0]


def _write_files(archive: Archive, table: Table, made: Made) -> int:
    """Write the stored files of a table, decrypted; one that cannot be read to its end is left out and named."""
    (column,) = table.category.entry.file_columns
    has_type = "content_type" in table.category.entry.columns
    count = 0
    left: collections.Counter[str] = collections.Counter()
    without_file = "file_to_come" if table.category.model == "telecom_records.Recording" else "file_destroyed"
    for part in table.parts():
        names = ["pk", column, *(["content_type"] if has_type else [])]
        for pk, key, *types in part.order_by("pk").values_list(*names).iterator(500):
            if not key:
                left[without_file] += 1
                continue
            head = _Head()
            try:
                files.decrypt_to(head, key)
            except (keys.KeyDestroyed, FileNotFoundError):
                left["file_destroyed"] += 1
                continue
            except files.FileChanged:
                left["file_damaged"] += 1
                continue
            ending = _ending(types[0] if types else "", head.head)
            with archive.file(f"{table.category.folder}/{pk}{ending}") as file:
                files.decrypt_to(file, key)
            count += 1
    for code, number in sorted(left.items()):
        made.leave_out(table.category.name, code, number)
    return count


def _ending(content_type: str, head: bytes) -> str:
    """Return the ending of a file's name, by the type that is known of it or else by how it begins."""
    known = ENDINGS_OF_TYPES.get(content_type) or mimetypes.guess_extension(content_type)
    return known or next((ending for begins, ending in ENDINGS if head.startswith(begins)), ".bin")


def _explain(
    archive: Archive, package: Package, subject: Subject, parties: Parties, made: Made, pages: list[dict[str, Any]]
) -> None:
    chosen = [page["category"] for page in pages]
    recipients = information.recipients_told(subject)
    about = information.information(package, subject, parties)
    if package.kind == Package.Kind.ACCESS:
        archive.add("information.json", _json(about))
        archive.add("recipients.json", _json(recipients))
    archive.add("schema.json", _json(schema(chosen, package.kind)))
    withheld = [{**item, "why": WHY[item["code"]]} for item in made.withheld]
    columns = withheld_columns(chosen) if package.kind == Package.Kind.ACCESS else []
    context = {
        "package": package,
        "request": package.request,
        "as_of": subject.as_of,
        "pages": pages,
        "about": about if package.kind == Package.Kind.ACCESS else None,
        "recipients": recipients,
        "withheld": withheld,
        "titles": {category.name: category.title for category in chosen},
        "columns": columns,
        "parties": parties.words,
        "shown": SHOWN_ROWS,
    }
    archive.add("index.html", render_to_string("dsar/package/start.html", context).encode())
    archive.add(
        "manifest.json",
        _json(
            {
                "schema_version": SCHEMA_VERSION,
                "request": package.request.reference,
                "kind": package.kind,
                "data_as_of": subject.as_of.isoformat(),
                "files": archive.files,
                "withheld": withheld,
                "columns_withheld": columns,
                "not_collected": NOT_COLLECTED,
                "other_parties": parties.words,
            }
        ),
    )


def schema(categories: list[Category], kind: str) -> dict[str, Any]:
    """Return what each file's columns are: JSON Schema of every JSON file, and how its CSV is written."""
    tables = {
        f"data/{category.name}.json": {
            "title": category.title,
            "type": "array",
            "items": {
                "type": "object",
                "properties": {column.name: column.schema() for column in columns_of(category, kind)},
                "required": [column.name for column in columns_of(category, kind)],
                "additionalProperties": False,
            },
        }
        for category in categories
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "schema_version": SCHEMA_VERSION,
        "files": tables,
        "csv": "The same rows as the JSON file of the same name, UTF-8, comma-separated, the titles in the first line. Instants "
        "are in UTC. A text that a spreadsheet would take for a formula has an apostrophe before it, which is not "
        "part of the text.",
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
