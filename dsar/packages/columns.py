"""How a column is written: as CSV that no spreadsheet takes for a formula, and as JSON. The database writes both.

Formatting in SQL is what makes a package quick: one COPY gives finished lines, and Python only passes blocks on
(a million calls as JSON take about four times a plain COPY; of what was tried, row_to_json is the quickest).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Func, Value
from django.db.models.functions import Cast, Concat

from accounts import verdicts
from dsar.packages.categories import Category, exported_columns
from dsar.packages.parties import Parties

# What stands for a row that another row points to; anything else by its id.
NAMES = {
    "accounts.Workspace": "outside_id",
    "accounts.Person": "outside_id",
    "accounts.PolicyVersion": "version",
    "telecom_records.Number": "e164",
    "dsar.Ticket": "reference",
}
# = + - @ tab, line feed, carriage return, and the wide forms of the first four: what begins a formula somewhere (ASVS 1.2.10)
BEGINS_FORMULA = "61, 43, 45, 64, 9, 10, 13, 65309, 65291, 65293, 65312"


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of a table of a package: ``name`` in JSON, ``label`` in CSV and on the page."""

    name: str
    label: str
    expression: Any  # what Django selects
    type: str  # text, id, number, instant, date, boolean, list
    category: str  # Fides taxonomy
    codes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_party: bool = False  # the number of somebody else

    @property
    def may_begin_formula(self) -> bool:
        """Whether a value can begin as a formula does: words, but no codes of ours, none of which does."""
        return self.type == "text" and not (self.codes and all(code[:1].isalpha() for code in self.codes if code))

    def schema(self) -> dict[str, Any]:
        """Return the column as JSON Schema has it (draft 2020-12)."""
        kinds = {"number": "number", "boolean": "boolean", "list": "array"}
        formats = {"instant": {"format": "date-time"}, "date": {"format": "date"}}
        meaning = {"codes": dict(self.codes)} if self.codes else {}
        return {
            "type": [kinds.get(self.type, "string"), "null"],
            **formats.get(self.type, {}),
            "title": self.label,
            "category": self.category,
            **meaning,
        }


def columns_of(category: Category, kind: str) -> list[Column]:
    """Return the columns that a package of this kind shows of a category."""
    fields: dict[str, Any] = {
        field.attname if field.is_relation else field.name: field
        for field in category.entry.model_class._meta.concrete_fields
    }
    found = []
    for name in exported_columns(category, kind):
        found += _columns_of_field(name, fields[name], category.entry.columns[name])
    if category.folder:
        value = Concat(Value(f"{category.folder}/"), Cast("pk", models.TextField()), output_field=models.TextField())
        found.append(Column("file", "File, without the ending", value, "text", "user.content"))
    return found


def _columns_of_field(name: str, field: Any, verdict: verdicts.Column) -> list[Column]:
    """Return how one field is shown: a window as two instants, a link by the name of what it leads to."""
    label, category = verdict.label, verdict.category
    if isinstance(field, DateTimeRangeField):
        ends = [("lower", "from", "From"), ("upper", "until", "Until")]
        value = {end: Func(F(name), function=end, output_field=models.DateTimeField()) for end, _, _ in ends}
        return [Column(shown, word, value[end], "instant", category) for end, shown, word in ends]
    if field.is_relation and field.related_model._meta.label in NAMES:
        lookup = f"{field.name}__{NAMES[field.related_model._meta.label]}"
        return [Column(field.name, label, F(lookup), "text", category)]
    if isinstance(field, models.GenericIPAddressField):
        return [Column(name, label, Func(F(name), function="host", output_field=models.TextField()), "text", category)]
    codes = {str(code): str(words) for code, words in field.flatchoices}
    return [Column(name, label, F(name), _type_of(field), category, codes, is_party=name == "other_party")]


def _type_of(field: Any) -> str:
    if field.is_relation:
        field = field.target_field
    if isinstance(field, models.GeneratedField):
        field = field.output_field
    for kinds, name in (
        ((models.DateTimeField,), "instant"),
        ((models.DateField,), "date"),
        ((models.BooleanField,), "boolean"),
        ((models.UUIDField,), "id"),
        ((models.JSONField,), "list"),
        ((models.IntegerField, models.DecimalField), "number"),
    ):
        if isinstance(field, kinds):
            return name
    return "text"


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
                value = f"CASE WHEN ascii(c{position}) IN ({BEGINS_FORMULA}) THEN '''' ELSE '' END || {value}"
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
