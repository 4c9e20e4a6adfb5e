"""What officers fill in about retention."""

import datetime as dt

from django import forms
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

UNITS = {"days": dt.timedelta(days=1), "hours": dt.timedelta(hours=1)}


class PeriodForm(BaseDialogForm):
    """A period as a number and a unit; ``cleaned_data["period"]`` is a timedelta."""

    number = forms.IntegerField(label="Keep for", min_value=1, max_value=10_000, widget=UnfoldAdminIntegerFieldWidget)
    unit = forms.ChoiceField(label="Unit", choices=[(unit, unit) for unit in UNITS], widget=UnfoldAdminSelectWidget)

    def clean(self):
        cleaned = super().clean() or {}
        if "number" in cleaned and "unit" in cleaned:
            cleaned["period"] = cleaned["number"] * UNITS[cleaned["unit"]]
        return cleaned
