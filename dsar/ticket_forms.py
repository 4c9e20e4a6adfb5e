"""What agents fill in on the page of a ticket."""

from django import forms
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.validators import refuse_card_numbers
from dsar.attachments import LARGEST_UPLOAD_BYTES
from dsar.models import ReplyTemplate, Ticket


class AnswerForm(forms.Form):
    """An answer, a note, or what the customer said; the button that was pressed says which."""

    template = forms.ModelChoiceField(
        ReplyTemplate.objects.filter(is_active=True).order_by("name", "language"),
        required=False,
        empty_label="Choose approved words",
        label="Approved words",
        widget=UnfoldAdminSelectWidget,
    )
    text = forms.CharField(
        required=False,
        max_length=50_000,
        validators=[refuse_card_numbers],
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 7}),
    )
    file = forms.FileField(
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text="Kept encrypted with the ticket, such as the scan of a letter. It is not mailed.",
    )
    close = forms.BooleanField(label="Close the ticket afterwards", required=False, widget=UnfoldBooleanSwitchWidget)

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file and file.size > LARGEST_UPLOAD_BYTES:
            raise forms.ValidationError(f"At most {LARGEST_UPLOAD_BYTES // (1024 * 1024)} MB.")
        return file


class TicketForm(forms.ModelForm):
    """The details of a ticket."""

    class Meta:
        model = Ticket
        fields = ["subject", "channel", "state", "workspace", "person", "contact_name", "contact", "assignee"]

    def clean(self):
        cleaned = super().clean() or {}
        person, workspace = cleaned.get("person"), cleaned.get("workspace")
        if person and workspace and not person.memberships.filter(workspace=workspace).exists():
            self.add_error("person", "This person has no part in that workspace. Choose one of the two, or correct it.")
        return cleaned
