"""How a column of a table goes out as CSV: its title by the data map, and as text that no spreadsheet takes for a formula.

Formatting in SQL is what makes a file quick: one COPY gives finished lines, and Python only passes blocks on.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Func

from accounts import verdicts

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
    """One column of a table that goes out: ``name`` in JSON, ``label`` in CSV and on the page."""

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


def columns_of_field(name: str, field: Any, verdict: verdicts.Column) -> list[Column]:
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


def formula_safe(value: str, *, begins_as: str) -> str:
    """Return the SQL of ``value`` with an apostrophe before it where ``begins_as`` begins as a formula does.

    A telephone number is such a value too: a spreadsheet makes a figure of +442079460123, and its plus is lost.
    """
    return f"CASE WHEN ascii({begins_as}) IN ({BEGINS_FORMULA}) THEN '''' ELSE '' END || {value}"


def header(columns: list[Column]) -> bytes:
    """Return the first line of a CSV file: what its columns are called. A label has no quote in it."""
    return ",".join(f'"{column.label}"' for column in columns).encode() + b"\n"
