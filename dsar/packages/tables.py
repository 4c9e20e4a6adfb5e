"""A category as a table: its rows as CSV and JSON lines, straight from the database by COPY, a block at a time."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import EmptyResultSet, FieldDoesNotExist
from django.db import connection
from django.db.models import F, QuerySet

from accounts.columns import header
from dsar.packages.categories import Category
from dsar.packages.columns import Column, Lines, columns_of
from dsar.packages.parties import Parties
from dsar.packages.subject import Subject

BLOCK_BYTES = 256 * 1024
# COPY neither quotes nor escapes anything in JSON, which has no control character in it; what it sets between the columns
# is taken out again. (row_to_json takes nearly twice as long.)
BETWEEN = b"\x02"
AS_JSON = r"FORMAT csv, NULL 'null', QUOTE E'\x01', ESCAPE E'\x01', DELIMITER E'\x02'"


@dataclasses.dataclass
class Table:
    """The rows of one category that a package holds. ``rows`` counts those written by the last iteration."""

    category: Category
    kind: str
    subject: Subject
    parties: Parties
    rows: int = 0

    @property
    def columns(self) -> list[Column]:
        return columns_of(self.category, self.kind)

    def parts(self) -> list[QuerySet]:
        """Return the rows in parts, as they go into this kind of package; no part that can have none."""
        only = dict(self.category.portable_only) if self.kind == "portability" else {}
        return [rows.filter(**only) for rows in self.subject.rows(self.category) if not _is_empty(rows)]

    def csv(self) -> Iterator[bytes]:
        """Yield the table as CSV: UTF-8, CRLF no, the first line its labels."""
        yield header(self.columns)
        yield from self._copy(self._lines().csv(), "FORMAT csv")

    def json(self) -> Iterator[bytes]:
        """Yield the table as one JSON array, an object a line."""
        yield b"[\n"
        is_first = True
        for block in self._copy(self._lines().json(), AS_JSON):
            text = block.translate(None, BETWEEN)
            yield text[1:] if is_first else text  # each line brings the comma before it
            is_first = False
        yield b"]\n"

    def first(self, limit: int) -> list[list[str]]:
        """Return the first rows as text, for the page that people read."""
        found: list[list[str]] = []
        sql, values = self._lines().values()
        shown = ", ".join(f"{value}::text" for value in sql)
        for part in self.parts():
            inner, given = self._inner(part, limit=limit - len(found))
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT {shown} FROM ({inner}) AS r", [*values, *given])
                found += [[value or "" for value in row] for row in cursor.fetchall()]
            if len(found) >= limit:
                break
        return found

    def _lines(self) -> Lines:
        has_party = any(column.is_party for column in self.columns)
        return Lines(
            self.columns,
            self.parties,
            direction="direction_" if has_party and self._has("direction") else "",
            kind="kind_" if has_party and self._has("other_party_kind") else "",
        )

    def _has(self, name: str) -> bool:
        try:
            self.category.entry.model_class._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        return True

    def _inner(self, part: QuerySet, *, limit: int | None = None) -> tuple[str, tuple[Any, ...]]:
        lines = self._lines()
        chosen = {f"c{position}": column.expression for position, column in enumerate(lines.columns)}
        if lines.direction:
            chosen[lines.direction] = F("direction")
        if lines.kind:
            chosen[lines.kind] = F("other_party_kind")
        dated_by = self.category.entry.partitioned_by or self.category.entry.dated_by
        order = [dated_by, "pk"] if dated_by and self._has(dated_by) else ["pk"]
        return part.order_by(*order).annotate(**chosen).values_list(*chosen)[:limit].query.sql_with_params()

    def _copy(self, lines: tuple[str, list[Any]], options: str) -> Iterator[bytes]:
        self.rows = 0
        sql, values = lines
        for part in self.parts():
            inner, given = self._inner(part)
            # the parameters of the select list come before those of the rows, as they stand in the statement
            statement = f"COPY ({sql.replace('{rows}', inner)}) TO STDOUT ({options})"
            block = bytearray()
            with connection.cursor() as cursor:
                with cursor.copy(statement, [*values, *given]) as copy:
                    for line in copy:
                        block += line
                        if len(block) >= BLOCK_BYTES:
                            yield bytes(block)
                            block.clear()
                self.rows += cursor.rowcount
            if block:
                yield bytes(block)


def _is_empty(rows: QuerySet) -> bool:
    """Whether Django knows without asking that there are none, and has no SQL for that."""
    try:
        rows.query.sql_with_params()
    except EmptyResultSet:
        return True
    return False
