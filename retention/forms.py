"""What officers fill in about retention."""

import datetime as dt

from django import forms
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.models import PolicyVersion
from accounts.validators import refuse_card_numbers, validate_country
from retention.models import Review
from retention.promises import PROMISES
from retention.rules import knows_country

DAY = dt.timedelta(days=1)
UNITS = ["days", "hours", "months"]


def months_as_days(count: int) -> dt.timedelta:
    """Return the shortest time that ``count`` calendar months can take: a maximum in months is then never exceeded."""
    starts = [(2001 + month // 12, month % 12 + 1) for month in range(48)]
    ends = [divmod(year * 12 + month - 1 + count, 12) for year, month in starts]
    return min(
        dt.date(end_year, end_month + 1, 1) - dt.date(year, month, 1)
        for (year, month), (end_year, end_month) in zip(starts, ends, strict=True)
    )


class ChangePeriodForm(forms.Form):
    """A period as a number and a unit, for everywhere or one country; ``cleaned_data["period"]`` is a timedelta or None."""

    number = forms.IntegerField(
        label="Keep for", min_value=1, max_value=10_000, required=False, widget=UnfoldAdminIntegerFieldWidget,
        error_messages={
            "min_value": "A period of zero would delete at once. Write at least one.",
            "max_value": "Write at most 10,000.",
        },
    )  # fmt: skip
    unit = forms.ChoiceField(
        label="Unit",
        choices=[(unit, unit) for unit in UNITS],
        widget=UnfoldAdminSelectWidget,
        help_text="Months count as the fewest days they can have, so that no maximum in months is exceeded.",
    )
    country = forms.CharField(
        label="Only in country",
        required=False,
        max_length=2,
        widget=UnfoldAdminTextInputWidget,
        help_text="Of the workspace, as two letters such as DE. Empty: everywhere that has no period of its own.",
    )
    remove = forms.BooleanField(
        label="Take the country’s own period away",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )

    policy_version = forms.ModelChoiceField(
        PolicyVersion.objects.filter(recording_days__isnull=False).order_by("-effective_on"),
        label="Allowed by policy version",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Only for more than the policy promised so far: the published version that says so.",
    )

    def __init__(self, *args, rule_key: str, **kwargs):
        super().__init__(*args, **kwargs)
        if not PROMISES[rule_key].policy_longest:
            del self.fields["policy_version"]
        if not knows_country(rule_key):
            del self.fields["country"], self.fields["remove"]

    def clean_country(self) -> str:
        country = (self.cleaned_data.get("country") or "").strip().upper()
        if country:
            validate_country(country)
        return country

    def clean(self):
        cleaned = super().clean() or {}
        cleaned.setdefault("country", "")
        cleaned.setdefault("policy_version", None)
        cleaned["period"] = None
        if cleaned.get("remove"):
            if not cleaned["country"]:
                self.add_error("country", "Write the country whose own period is to end.")
        elif not cleaned.get("number"):
            if "number" not in self.errors:
                self.add_error("number", "Write for how long it is kept.")
        else:
            number, unit = cleaned["number"], cleaned.get("unit", "days")
            cleaned["period"] = (
                months_as_days(number) if unit == "months" else number * (DAY if unit == "days" else DAY / 24)
            )
        return cleaned


class TakeForm(forms.Form):
    """Why somebody takes evidence away; the words go into the access log, which expires."""

    reason = forms.CharField(label="Why", max_length=300, widget=UnfoldAdminTextInputWidget)
    ticket = forms.CharField(
        label="Ticket or audit, if there is one", max_length=40, required=False, widget=UnfoldAdminTextInputWidget
    )


class ReviewForm(forms.Form):
    """What an officer found when looking at what a rule keeps."""

    outcome = forms.ChoiceField(label="Found", choices=Review.Outcome.choices, widget=UnfoldAdminSelectWidget)
    reason = forms.CharField(
        label="Why", max_length=300, validators=[refuse_card_numbers], widget=UnfoldAdminTextInputWidget
    )
    next_on = forms.DateField(label="Next review", widget=UnfoldAdminDateWidget)
