"""The types of the data map, and the map itself as everything else reads it.

Each app declares beside its models, in ``data_map.py``, a verdict for every column: what it is (a key of the Fides
taxonomy), what it is called in an export, whether it is masked for those who need not see it, and, for the whole
model, whose data a row is, how it leads to its workspace and person, how it goes, and which policy section says so.
This module imports no model.
"""

import dataclasses
import datetime as dt
import enum
import functools
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import models

STAYS: Any = object()  # the default of Column.blank: the value survives when the row is blanked


class Goes(enum.StrEnum):
    """What happens to a row when its clock has run out."""

    DELETE = "deleted"
    BLANK = "emptied, the row stays"
    KEEP = "kept"


class Corrected(enum.StrEnum):
    """Who corrects a column when the person shows that it is wrong (policy § 6.1)."""

    NEVER = ""  # a fact of the traffic, or of our own
    BY_ONE = "one officer"
    BY_TWO = "two officers"  # it identifies the person, or a deletion depends on it


@dataclasses.dataclass(frozen=True)
class Column:
    """The verdict on one column."""

    category: str  # Fides taxonomy, such as user.contact.email
    label: str = ""  # its name in an export; empty: never exported
    masked: bool = False  # shown in clear only to those with the permission
    blank: Any = STAYS  # what it becomes when the row is blanked
    file: bool = False  # holds the key of a stored file, which goes with the row
    capped_by: str = ""  # a number of days that the cap of this retention rule limits
    corrected: Corrected = Corrected.NEVER


def personal(
    category: str, label: str, *, masked: bool = False, blank: Any = STAYS, capped_by: str = "",
    corrected: Corrected = Corrected.NEVER,
) -> Column:  # fmt: skip
    """A column that says something about a person: exported under ``label``."""
    return Column(category=category, label=label, masked=masked, blank=blank, capped_by=capped_by, corrected=corrected)


def internal(*, blank: Any = STAYS) -> Column:
    """A column of our own bookkeeping: never exported."""
    return Column(category="system.operations", blank=blank)


def stored_file() -> Column:
    """A column with the key of an encrypted file."""
    return Column(category="user.content", file=True)


@dataclasses.dataclass(frozen=True)
class Age:
    """A clock of a model's own: ``past(now, period)`` gives the rows whose time under ``rule`` is over.

    Without ``shreds`` and ``blanks`` the rows go. With either they stay, and ``past`` leaves out those that are emptied.
    """

    rule: str
    past: Callable[[dt.datetime, dt.timedelta], models.Q]
    dated_by: str  # the column whose oldest value says how old the oldest row is
    shreds: bool = False  # only the stored files go; the row stays without them
    blanks: Mapping[str, Any] = dataclasses.field(
        default_factory=dict
    )  # only these go; the row stays with these values
    goes_at: Callable[[Any, dt.timedelta], dt.datetime | None] | None = (
        None  # of one row: when its time is over, if dated
    )


@dataclasses.dataclass(frozen=True)
class ModelMap:
    """The verdict on one model. ``workspace`` and ``person`` are lookups from a row to the ids it belongs to."""

    model: str  # app_label.ModelName
    about: str  # whose data, in words
    goes: Goes
    policy: str  # section of the privacy policy
    columns: Mapping[str, Column]
    clock: str = "workspace_expiry"  # the retention rule that dates a row; empty for Goes.KEEP
    ages: tuple[Age, ...] = ()  # clocks of its own, beside or instead of the workspace's
    workspace: str = ""
    person: str = ""
    last_of: str = ""  # the row goes with the last of these: a person with the last membership
    only: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # of those, only rows like this
    is_correspondence: bool = False  # what somebody wrote to us and we to them
    of_people: Callable[[Any], models.Q] | None = (
        None  # which rows are of these people (ids), whoever else is in the workspace
    )
    plural: str = ""  # for people: "call records"
    tombstone: tuple[str, str] | None = None  # lookups of a number and its window, remembered by keyed hash
    reason: str = ""  # why a model is kept
    guarded: bool = True  # the database refuses a deletion that does not come through the door
    partitioned_by: str = ""  # the instant that chooses the month
    dated_by: str = ""  # the instant from which a row is of a time; a hold on a range of dates looks at it
    dated_until: str = ""  # where a row lasts: the lookup of its end, null for one that lasts still
    numbers: tuple[str, ...] = ()  # lookups of the telephone numbers (E.164) a row is about

    @property
    def model_class(self) -> type[models.Model]:
        return apps.get_model(self.model)

    @property
    def file_columns(self) -> list[str]:
        return [name for name, column in self.columns.items() if column.file]

    def age(self, rule: str) -> Age | None:
        """Return this model's own clock under ``rule``, or None when the rule does not act on it by age."""
        return next((age for age in self.ages if age.rule == rule), None)

    def emptied_by(self, age: Age) -> dict[str, Any]:
        """Return what a row holds after ``age`` has emptied it; nothing when the row itself goes."""
        return {**(dict.fromkeys(self.file_columns, "") if age.shreds else {}), **age.blanks}


@functools.cache
def data_map() -> dict[str, ModelMap]:
    """Return the verdicts of all installed apps by model label, in the apps' order."""
    maps: dict[str, ModelMap] = {}
    for module in _declarations():
        for entry in module.MAPS:
            maps[entry.model] = entry
    return maps


@functools.cache
def other_peoples_models() -> dict[str, str]:
    """Return the installed libraries' models with the reason why they need no verdict by column."""
    reasons: dict[str, str] = {}
    for module in _declarations():
        reasons.update(getattr(module, "LIBRARY_MODELS", {}))
    return reasons


def map_of(model: type[models.Model] | models.Model) -> ModelMap:
    """Return the verdict on ``model``. Raises KeyError when it has none."""
    return data_map()[model._meta.label]


def _declarations() -> Iterable[Any]:
    for config in apps.get_app_configs():
        if find_spec(f"{config.name}.data_map"):
            yield import_module(f"{config.name}.data_map")


def missing_verdicts(all_models: Iterable[type[models.Model]]) -> list[checks.CheckMessage]:
    """Return an error for each model or column without a verdict, each saying what to write where."""
    errors: list[checks.CheckMessage] = []
    for model in all_models:
        label = model._meta.label
        where = f"{model._meta.app_config.name.replace('.', '/')}/data_map.py"  # type: ignore[union-attr]
        if label in other_peoples_models():
            continue
        entry = data_map().get(label)
        if entry is None:
            errors.append(
                checks.Error(
                    f"{label} has no verdict in the data map.",
                    hint=f"Add a ModelMap for {label} to MAPS in {where}: whose data a row is, how it leads to its "
                    "workspace or person, how it goes, which policy section says so, and a Column for every column.",
                    obj=model,
                    id="data_map.E001",
                )
            )
            continue
        columns = {field.attname if field.is_relation else field.name for field in model._meta.concrete_fields}
        for name in sorted(columns - set(entry.columns)):
            errors.append(
                checks.Error(
                    f"{label}.{name} has no verdict in the data map.",
                    hint=f'Add "{name}": personal("user.…", "Its name in an export") or internal() to the columns of '
                    f"{label} in {where}.",
                    obj=model,
                    id="data_map.E002",
                )
            )
        for name in sorted(set(entry.columns) - columns):
            errors.append(
                checks.Error(
                    f"The data map has a verdict on {label}.{name}, which does not exist.",
                    hint=f"Remove or rename it in {where}.",
                    obj=model,
                    id="data_map.E003",
                )
            )
        if entry.goes is Goes.KEEP and not entry.reason:
            errors.append(
                checks.Error(
                    f"{label} is kept, and the data map does not say why.",
                    hint=f"Give its ModelMap in {where} a reason.",
                    obj=model,
                    id="data_map.E004",
                )
            )
        if entry.goes is Goes.KEEP and any(not entry.emptied_by(age) for age in entry.ages):
            errors.append(
                checks.Error(
                    f"{label} is kept, and a clock of its own deletes its rows.",
                    hint=f"Say Goes.DELETE in its ModelMap in {where}, so that the database guards it, or what the clock blanks.",
                    obj=model,
                    id="data_map.E006",
                )
            )
        if entry.goes is not Goes.KEEP and not (
            entry.workspace or entry.person or entry.last_of or entry.clock != "workspace_expiry"
        ):
            errors.append(
                checks.Error(
                    f"{label} goes, but nothing says how a row leads to its workspace or person.",
                    hint=f"Give its ModelMap in {where} a workspace or person lookup, or a clock of its own.",
                    obj=model,
                    id="data_map.E005",
                )
            )
    return errors


def check_data_map(app_configs, **kwargs) -> list[checks.CheckMessage]:
    """System check: every column of every model has a verdict (architecture, idea 1)."""
    return missing_verdicts(apps.get_models(include_auto_created=True))
