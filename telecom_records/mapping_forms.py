"""What the columns of a file are, as a form: settings beside a select for each column of the file that is looked at."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from phonenumbers import SUPPORTED_REGIONS
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts.validators import validate_country, validate_time_zone
from telecom_records.formats import mapping as told
from telecom_records.formats.dates import STYLES
from telecom_records.formats.guesses import guess_mapping
from telecom_records.formats.mapping import MEANINGS, BadMapping, Column, TableMapping, draft_mapping, read_mapping
from telecom_records.previews import with_words

PLACES_SHOWN, SPARE_PLACES = 8, 3
SPLIT = ("layout", "delimiter", "header", "skip_lines", "comments", "encoding")  # how lines are split
VALUES = (
    "kind", "time_style", "times_in", "time_zone", "country", "numbers", "lengths", "decimal", "charge", "currency", "nulls",
)  # fmt: skip


def _choice(choices: dict[str, str], label: str, *, empty: str = "", **more: Any) -> forms.ChoiceField:
    first = [("", empty)] if empty else []
    return forms.ChoiceField(
        label=label, choices=[*first, *choices.items()], required=False, widget=UnfoldAdminSelectWidget, **more
    )


def _text(label: str, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, widget=UnfoldAdminTextInputWidget, **more)


class _Capitals(forms.CharField):
    """A short code, however it is typed."""

    widget = UnfoldAdminTextInputWidget

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").upper()


class MappingForm(forms.Form):
    """The settings of a mapping. ``mapping`` is what they and the columns say, after ``is_valid``."""

    layout = _choice(told.LAYOUTS, "Layout")
    delimiter = _choice(told.DELIMITERS, "Sign between columns")
    header = forms.BooleanField(label="The first line has titles", required=False, widget=UnfoldBooleanWidget)
    skip_lines = forms.IntegerField(
        label="Lines above the table",
        min_value=0,
        max_value=told.MAX_SKIPPED,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    comments = _text("Lines passed over begin with", help_text="Such as # or TRL, with spaces between several.")
    encoding = _choice(told.ENCODINGS, "Encoding")
    kind = _choice(told.KINDS, "The rows are")
    time_style = _choice(STYLES, "Times are written", empty="Choose", help_text="Day and month are never guessed.")
    times_in = _choice(told.TIMES_IN, "Times without an offset are in")
    time_zone = _text("Zone of the source", validators=[validate_time_zone], help_text="Such as Europe/London.")
    country = _Capitals(
        label="Country of national numbers",
        required=False,
        max_length=2,
        validators=[validate_country],
        help_text="Such as GB.",
    )
    numbers = _choice(told.NUMBERS, "Numbers are written")
    lengths = _choice(told.LENGTHS, "Lengths are in")
    decimal = _choice(told.DECIMALS, "Decimal sign")
    charge = _choice(told.CHARGES, "A charge is")
    currency = _Capitals(label="Currency, if no column says it", required=False, max_length=3, help_text="Such as EUR.")
    nulls = _text("Words for nothing", help_text="Such as N/A or (none), with spaces between several.")

    data: QueryDict

    def __init__(self, *args: Any, head: bytes, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.head = head
        self.mapping = TableMapping()
        for name in (*SPLIT, "kind"):  # the whole page follows from these
            self.fields[name].widget.attrs.update({
                "hx-post": "", "hx-trigger": "change consume", "hx-target": "#mapping", "hx-select": "#mapping", "hx-swap": "outerHTML",
            })  # fmt: skip

    def clean_country(self) -> str:
        country = self.cleaned_data["country"]
        if country and country not in SUPPORTED_REGIONS:
            raise ValidationError(f"“{country}” is no country with a numbering plan.")
        return country

    def clean(self) -> None:
        """Put the mapping together, as far as it can be; what it still lacks is for ``check``."""
        data = self.cleaned_data
        names = {*SPLIT, *VALUES} - {"time_zone", "country"}
        values = {name: data[name] for name in names if data.get(name) not in (None, "")}
        for name in ("comments", "nulls"):
            values[name] = data.get(name, "").split()
        try:
            split = draft_mapping(values)
            self.mapping = self._with_columns(split)
        except BadMapping as error:
            self._add(error.faults)

    def check_whole(self) -> bool:
        """Return whether a file can be read by the mapping; else its faults stand at their fields."""
        if self.is_valid():
            try:
                read_mapping(self.mapping.as_json())
            except BadMapping as error:
                self._add(error.faults)
        return self.is_valid()

    def _with_columns(self, split: TableMapping) -> TableMapping:
        """Return the mapping with the columns that were chosen, or with guesses when the lines are split anew."""
        guess = guess_mapping(self.head, split)
        values = {**split.as_json(), "width": guess.width}
        if self.data.get("shape") != shape_of(split):
            values["columns"] = [{"at": column.at, "means": column.means} for column in guess.columns]
            values["time_style"] = guess.time_style
        else:
            places, meanings = self.data.getlist("place"), self.data.getlist("means")
            known = MEANINGS[split.kind]
            pairs = zip(places, meanings, strict=False)
            values["columns"] = [
                {"at": at.strip(), "means": means} for at, means in pairs if at.strip() and means in known
            ]
        for means, name in (("status", "statuses"), ("direction", "directions")):
            at = next((column["at"] for column in values["columns"] if column["means"] == means), "")
            if at and at == self.data.get(f"{means}_at"):  # words of another column are none of this one
                words = zip(self.data.getlist(f"{means}_word"), self.data.getlist(f"{means}_means"), strict=False)
                values[name] = dict(words)
        return with_words(self.head, draft_mapping(values))

    def _add(self, faults: dict[str, str]) -> None:
        for name, message in faults.items():
            self.add_error(name if name in self.fields else None, message)


def shape_of(mapping: TableMapping) -> str:
    """Return how the lines are split, in a word: selects that were made for another shape mean nothing."""
    return repr([getattr(mapping, name) for name in SPLIT])


def initial_of(mapping: TableMapping, *, time_zone: str, country: str) -> dict[str, Any]:
    """Return a mapping as the initial values of its form."""
    values = {name: getattr(mapping, name) for name in (*SPLIT, *VALUES) if name not in ("time_zone", "country")}
    words = {name: " ".join(values[name]) for name in ("comments", "nulls")}
    return {**values, **words, "time_zone": time_zone, "country": country}


def column_lines(mapping: TableMapping, places: list[str]) -> list[Column]:
    """Return a line for each column of the file, or for each range of places and a few that are still free."""
    if mapping.layout == "fixed":
        spare = max(SPARE_PLACES, PLACES_SHOWN - len(mapping.columns))
        return [*mapping.columns, *([Column("", "")] * spare)]
    means = {column.at: column.means for column in mapping.columns}
    return [Column(place, means.get(place, "")) for place in places]
