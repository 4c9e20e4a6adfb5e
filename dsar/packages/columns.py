"""How a column is written: as CSV that no spreadsheet takes for a formula, and as JSON. The database writes both.

Formatting in SQL is what makes a package quick: one COPY gives finished lines, and Python only passes blocks on
(a million calls as JSON take about four times a plain COPY; of what was tried, row_to_json is the quickest).
"""

import dataclasses
from typing import Any

from django.db import models
from django.db.models import Value
from django.db.models.functions import Cast, Concat

from accounts.columns import Column, columns_of_field, formula_safe
from dsar.packages.categories import Category, exported_columns
from dsar.packages.parties import Parties


def columns_of(category: Category, kind: str) -> list[Column]:
    """Return the columns that a package of this kind shows of a category."""
    fields: dict[str, Any] = {
        field.attname if field.is_relation else field.name: field
        for field in category.entry.model_class._meta.concrete_fields
    }
    found = []
    for name in exported_columns(category, kind):
        found += columns_of_field(name, fields[name], category.entry.columns[name])
    if category.folder:
        value = Concat(Value(f"{category.folder}/"), Cast("pk", models.TextField()), output_field=models.TextField())
        found.append(Column("file", "File, without the ending", value, "text", "user.content"))
    return found


@dataclasses.dataclass(frozen=True)
class Lines:
    """The SQL of a table's lines over an inner query that gives its columns as c0, c1 …"""

    columns: list[Column]
    parties: Parties
    direction: str = ""  # the inner query's names of what the rule about other parties needs
    kind: str = ""

    def values(self) -> tuple[list[str], list[Any]]:
        """Return the SQL of each value, other parties masked, and its parameters."""
        sql, values = [], []
        for position, column in enumerate(self.columns):
            if column.is_party:
                masked, given = self.parties.sql(f"c{position}", direction=self.direction, kind=self.kind)
                sql.append(masked)
                values += given
            else:
                sql.append(f"c{position}")
        return sql, values

    def csv(self) -> tuple[str, list[Any]]:
        """Return the statement for COPY … (FORMAT csv) over {rows}, and its parameters.

        A masked number begins as the number does, so that looking at the number is enough for both.
        """
        sql, values = self.values()
        shown = []
        for position, (value, column) in enumerate(zip(sql, self.columns, strict=True)):
            if column.type in ("boolean", "list"):
                value = f"{value}::text"
            elif column.may_begin_formula:
                value = formula_safe(value, begins_as=f"c{position}")
            shown.append(value)
        return f"SELECT {', '.join(shown)} FROM ({{rows}}) AS r", values

    def json(self) -> tuple[str, list[Any]]:
        """Return the statement for a COPY as ``tables.AS_JSON`` has it, and its parameters.

        What stands between the values are columns too, so that COPY itself puts the line together: a comma, and the row as
        a JSON object. Only words and instants need a function, which writes their quotes as well.
        """
        sql, values = self.values()
        parts = []
        for position, (value, column) in enumerate(zip(sql, self.columns, strict=True)):
            parts.append(f"'{',' if position else ',{'}\"{column.name}\":'")
            parts.append(value if column.type == "number" else f"to_json({value})")
        return f"SELECT {', '.join(parts)}, '}}' FROM ({{rows}}) AS r", values
