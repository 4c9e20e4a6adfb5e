"""What an officer fills in to place a hold."""

import datetime as dt
import re
from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import capfirst
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import Person, User, Workspace
from accounts.validators import E164, validate_year
from retention.holds import Covers, holdable

PLACEHOLDER = {"autocomplete": "off", "spellcheck": "false"}


class DayInput(UnfoldAdminTextInputWidget):
    """A day, chosen with the browser's own calendar."""

    input_type = "date"

    def format_value(self, value: Any) -> str:
        return value.isoformat() if isinstance(value, dt.date) else (value or "")


class HoldForm(forms.Form):
    """What a hold covers, and why. ``covers()`` returns the first part; dates are whole days of the portal's zone."""

    workspace = forms.CharField(
        required=False, max_length=64, widget=UnfoldAdminTextInputWidget(attrs=PLACEHOLDER),
        help_text="The account number, such as W-1004.",
    )  # fmt: skip
    person = forms.CharField(
        required=False, max_length=64, label="Customer", widget=UnfoldAdminTextInputWidget(attrs=PLACEHOLDER),
        help_text="The customer number, such as P-1004.",
    )  # fmt: skip
    number = forms.CharField(
        required=False, max_length=32, label="Telephone number", widget=UnfoldAdminTextInputWidget(attrs=PLACEHOLDER),
        help_text="In international form, such as +44 20 7946 0123. It counts on either side of a call.",
    )  # fmt: skip
    categories = forms.MultipleChoiceField(
        required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget, help_text="None ticked: all of them."
    )
    first_day = forms.DateField(required=False, widget=DayInput, validators=[validate_year])
    last_day = forms.DateField(
        required=False, widget=DayInput, validators=[validate_year], help_text="This day is held too."
    )
    reason = forms.CharField(
        max_length=300, widget=UnfoldAdminTextInputWidget, help_text="In words that another officer understands."
    )
    authority = forms.CharField(
        max_length=200, widget=UnfoldAdminTextInputWidget, help_text="The law, order or claim it rests on."
    )
    owner = forms.ModelChoiceField(queryset=User.objects.none(), widget=UnfoldAdminSelectWidget)
    review_on = forms.DateField(
        widget=DayInput, label="Review on", validators=[validate_year],
        help_text="When somebody must ask whether it is still needed.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["categories"].choices = [(entry.model, capfirst(entry.plural)) for entry in holdable()]  # type: ignore[attr-defined]
        self.fields["owner"].queryset = User.objects.filter(is_active=True, is_staff=True).order_by("name")  # type: ignore[attr-defined]

    def clean_workspace(self) -> Workspace | None:
        return _found(Workspace, self.cleaned_data["workspace"], "workspace")

    def clean_person(self) -> Person | None:
        return _found(Person, self.cleaned_data["person"], "customer")

    def clean_number(self) -> str:
        text = self.cleaned_data["number"].strip()
        return normalised(text) if text else ""

    def clean_review_on(self) -> dt.date:
        review_on = self.cleaned_data["review_on"]
        if review_on <= timezone.localdate():
            raise ValidationError("The review must lie in the future.")
        return review_on

    def covers(self) -> Covers:
        data = self.cleaned_data
        first, last = data["first_day"], data["last_day"]
        return Covers(
            workspace=data["workspace"],
            person=data["person"],
            number=data["number"],
            categories=tuple(data["categories"]),
            rows_from=_start_of(first) if first else None,
            rows_until=_start_of(last + dt.timedelta(days=1)) if last else None,
        )


def normalised(text: str) -> str:
    """Return a telephone number as E.164. Raises ValidationError with words for whoever typed it."""
    written = f"+{text[2:]}" if text.startswith("00") else text
    try:
        number = phonenumbers.parse(written, None)
    except phonenumbers.NumberParseException as error:
        raise ValidationError("Write the number in international form, such as +44 20 7946 0123.") from error
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_possible_number(number) or not re.match(E164, e164):
        raise ValidationError("There is no such telephone number: it is too short or too long.")
    return e164


def _found(model: Any, outside_id: str, what: str) -> Any:
    if not outside_id:
        return None
    found = model.objects.filter(outside_id=outside_id.strip()).first()
    if found is None:
        raise ValidationError(f"There is no {what} “{outside_id}”.")
    return found


def _start_of(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))
