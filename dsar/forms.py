"""Registering a request."""

from django import forms
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectMultipleWidget

from dsar.dating import deadline_for, other_deadlines
from dsar.deadlines import REGIMES, REGIONS, REQUEST_TYPES, UnableToComputeDeadline
from dsar.models import SubjectRequest

FIELD_OF = {"regime": "regime", "request_type": "type", "received_at": "received_at", "region": "region"}


def regime_choices(kept: str = "") -> list[tuple[str, str]]:
    """Return the laws that are in force, and the one that a request has already."""
    return [(key, law.label) for key, law in REGIMES.items() if law.is_offered or key == kept]


def region_fault(regime: str, region: str) -> str:
    """Return what is wrong with a region under a law, "" when it fits or is empty."""
    law = REGIMES.get(regime)
    if not law or not region or region in law.regions:
        return ""
    if len(law.regions) == 1:
        return f"{law.label} knows no member state or nation. Choose another rule, or leave this empty."
    return f"{law.label} does not apply in {REGIONS.get(region, region)}."


class RequestForm(forms.ModelForm):
    """A request as it arrives. Its date is computed while checking, so that a fault shows at the field that has it."""

    also_under = forms.MultipleChoiceField(
        label="Other laws", required=False, widget=UnfoldAdminSelectMultipleWidget,
        help_text=SubjectRequest._meta.get_field("also_under").help_text,
    )  # fmt: skip

    class Meta:
        model = SubjectRequest
        fields = [
            "type", "received_at", "channel", "regime", "region", "also_under", "person", "workspace", "requester_name",
            "requester_contact", "note", "owner",
        ]  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "type" in self.fields and self.instance._state.adding:  # nobody registers an access request by accident
            self.fields["type"].choices = [("", "Choose what is asked"), *REQUEST_TYPES.items()]  # type: ignore[attr-defined]

        if "regime" in self.fields:
            self.fields["regime"].choices = regime_choices(self.instance.regime)  # type: ignore[attr-defined]

        if "also_under" in self.fields:
            self.fields["also_under"].choices = regime_choices()  # type: ignore[attr-defined]

    def clean_received_at(self):
        received_at = self.cleaned_data["received_at"]
        if received_at > timezone.now():
            raise forms.ValidationError("A request cannot be received in the future. Check the date and the time.")
        return received_at

    def clean(self):
        cleaned = super().clean() or {}
        if not REGIMES.get(cleaned.get("regime", ""), None):
            return cleaned
        cleaned["also_under"] = sorted(set(cleaned.get("also_under", [])) - {cleaned["regime"]})
        if fault := region_fault(cleaned["regime"], cleaned.get("region", "")):
            self.add_error("region", fault)
        if not cleaned.get("person") and not cleaned.get("workspace") and not cleaned.get("requester_name"):
            self.add_error("requester_name", "Choose the customer, or write the name of the person who asks.")
        if not self.errors:
            self._check_deadline(cleaned)
        return cleaned

    def _check_deadline(self, cleaned) -> None:
        request = SubjectRequest(**{name: cleaned[name] for name in ("type", "received_at", "regime", "region")})
        request.also_under = cleaned.get("also_under", [])
        try:
            deadline_for(request)
        except UnableToComputeDeadline as error:
            self.add_error(FIELD_OF.get(error.field), str(error))
        try:
            other_deadlines(request)
        except UnableToComputeDeadline as error:
            self.add_error("also_under", str(error))
