"""What is typed in or uploaded about marketing."""

import csv
import dataclasses
import datetime as dt
import io

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import Consent
from accounts.resources import InstantWidget, from_cell
from dsar.marketing import REACHES, address_of
from dsar.models import OptOut

MAX_BYTES = 20 * 1024 * 1024
MAX_LINES = 100_000
FAULTS_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One line of a file: whose address wants no marketing, and since when if the file says so."""

    address: str
    asked_at: dt.datetime | None


def read_lines(text: str, *, now: dt.datetime) -> list[Wanted]:
    """Return the lines of a file of opt-outs: a column “address”, and “asked_at” if it has one.

    Raises ValidationError that names the lines that cannot be read: all of the file is taken, or nothing.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    titles = [title.strip() for title in rows.fieldnames or []]
    if "address" not in titles or set(titles) - {"address", "asked_at"}:
        raise ValidationError("The first line must be “address”, or “address,asked_at”.")
    rows.fieldnames = titles
    wanted, faults = [], []
    for number, row in enumerate(rows, start=2):
        address = str(from_cell((row.get("address") or "").strip()))
        try:
            asked_at = InstantWidget().clean(row.get("asked_at"))
        except ValueError as error:
            faults.append(f"Line {number}: {error}")
            continue
        except ValidationError as error:
            faults.append(f"Line {number}: {error.messages[0]}")
            continue
        if address_of(address) is None:
            faults.append(f"Line {number} is neither an e-mail address nor a number in international form.")
        elif asked_at and asked_at > now:
            faults.append(f"Line {number} is in the future.")
        else:
            wanted.append(Wanted(address, asked_at))
    if faults:
        more = [f"And {len(faults) - FAULTS_SHOWN} more."] if faults[FAULTS_SHOWN:] else []
        raise ValidationError(faults[:FAULTS_SHOWN] + more)
    if len(wanted) > MAX_LINES:
        raise ValidationError(f"At most {MAX_LINES:,} lines at once; this has {len(wanted):,}. Split it.")
    if not wanted:
        raise ValidationError("There is no line in it.")
    return wanted


class OptOutForm(forms.Form):
    """Addresses that want no marketing, typed in or as a file."""

    addresses = forms.CharField(
        required=False,
        max_length=20_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        label="E-mail addresses and numbers",
        help_text="One a line.",
    )
    file = forms.FileField(
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text="Or a CSV file: a column “address”, and “asked_at” with the offset if it is known. At most 20 MB.",
    )
    channel = forms.ChoiceField(
        choices=OptOut.Channel.choices, label="How they told us", widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args, now: dt.datetime, **kwargs):
        super().__init__(*args, **kwargs)
        self.now = now

    def clean_addresses(self) -> list[Wanted]:
        lines = [line.strip() for line in self.cleaned_data["addresses"].splitlines() if line.strip()]
        if any(address_of(line) is None for line in lines):
            raise ValidationError("A line is neither an e-mail address nor a number in international form (+44…).")
        return [Wanted(line, None) for line in lines]

    def clean_file(self) -> list[Wanted]:
        file = self.cleaned_data["file"]
        if file is None:
            return []
        if file.size > MAX_BYTES:
            raise ValidationError("The file is larger than 20 MB. Split it.")
        try:
            return read_lines(file.read().decode("utf-8"), now=self.now)
        except UnicodeDecodeError as error:
            raise ValidationError("The file is not UTF-8 text. Save it as “CSV UTF-8”.") from error
        except csv.Error as error:
            raise ValidationError("The file is no CSV: a quote in it does not close, or text follows it.") from error

    def clean(self):
        cleaned = super().clean() or {}
        if not self.errors and not (cleaned["addresses"] or cleaned["file"]):
            raise ValidationError("Write an address, or choose a file.")
        return cleaned

    def wanted(self) -> list[Wanted]:
        """Return all that was typed in and uploaded, of a form that is valid."""
        return [*self.cleaned_data["addresses"], *self.cleaned_data["file"]]


class CheckForm(forms.Form):
    """One address, to say whether its owner wants marketing."""

    address = forms.CharField(max_length=254, widget=UnfoldAdminTextInputWidget, label="E-mail address or number")

    def clean_address(self) -> str:
        if address_of(self.cleaned_data["address"]) is None:
            raise ValidationError("Neither an e-mail address nor a number in international form (+44…).")
        return self.cleaned_data["address"]


class ListForm(forms.Form):
    """For which purpose, and why it is taken."""

    purpose = forms.ChoiceField(
        choices=[(purpose, Consent.Purpose(purpose).label) for purpose in REACHES], widget=UnfoldAdminSelectWidget
    )
    reason = forms.CharField(
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        label="What for",
        help_text="The campaign. It stands in the access log.",
    )
