"""What is typed in about recordings: adding them, saying why one listens, saying which call one is of."""

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.portal_admin import shown
from accounts.validators import refuse_card_numbers, validate_country, validate_time_zone
from telecom_records.imports import source_for
from telecom_records.models import CallDetailRecord, Recording
from telecom_records.recordings import tickets
from telecom_records.recordings.arriving import Way
from telecom_records.recordings.matching import legs_of
from telecom_records.recordings.placing import WORDS

MAX_FILES = 100
MAX_UPLOAD_BYTES = 500 * 1024 * 1024  # of all files together; what takes longer than a page may comes by the command


class SeveralFiles(UnfoldAdminFileFieldWidget):
    """A field for files that takes more than one."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, each as a file field wants it; ``clean`` returns a list."""

    widget = SeveralFiles

    def clean(self, data, initial=None):
        one = super().clean
        return [one(each, initial) for each in data] if data else [one(data, initial)]


class AddRecordingsForm(forms.Form):
    """Files and what they do not say about themselves. ``way`` is how they come in, once the form is valid."""

    sounds = FilesField(
        allow_empty_file=True,
        help_text="Sounds, zip archives of them, and lists of recordings from Twilio or Plivo (JSON): at most 100 files and 500 MB "
        "together. More: manage.py import_recordings on the server.",
    )
    source = forms.SlugField(
        max_length=60,
        widget=UnfoldAdminTextInputWidget,
        help_text="The switch or provider whose calls they are of, such as pbx-london.",
    )
    kind = forms.ChoiceField(
        choices=Recording.Kind,
        widget=UnfoldAdminSelectWidget,
        help_text="A subscriber’s own needs their paid feature; one made to find a fault needs the ticket.",
    )
    ticket = forms.CharField(
        required=False,
        max_length=24,
        widget=UnfoldAdminTextInputWidget,
        help_text="For diagnostic recordings: the open ticket. They go when it is closed.",
    )
    call = forms.IntegerField(
        required=False,
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="The number at the top of a call’s page, if all the files are of that call. Empty: found by ids, names and times.",
    )
    time_zone = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        validators=[validate_time_zone],
        help_text="Of the times in the files’ names, such as Europe/London. A known source has its own.",
    )
    country = forms.CharField(
        required=False,
        max_length=2,
        widget=UnfoldAdminTextInputWidget,
        validators=[validate_country],
        help_text="Of national numbers in the files’ names, such as GB.",
    )
    way: Way

    def clean_sounds(self):
        given = self.cleaned_data["sounds"]
        if len(given) > MAX_FILES:
            raise ValidationError(f"At most {MAX_FILES} files at once.")
        if sum(file.size for file in given) > MAX_UPLOAD_BYTES:
            raise ValidationError(f"The files are larger than {MAX_UPLOAD_BYTES // 1024**2} MB together.")
        return given

    def clean(self):
        data = super().clean() or {}
        if data.get("kind") == Recording.Kind.DIAGNOSTIC and tickets.workspace_of(data.get("ticket", "")) is None:
            self.add_error("ticket", WORDS["no_ticket"])
        chosen = call_shown(data["call"]) if data.get("call") else None
        if data.get("call") and chosen is None:
            self.add_error("call", "There is no call with this number, or it is past its time.")
        if self.errors:
            return data
        try:
            source = source_for(data["source"], time_zone=data["time_zone"], country=data["country"])
        except ValidationError as error:
            self.add_error(None, error)
            return data
        ticket = data["ticket"] if data["kind"] == Recording.Kind.DIAGNOSTIC else ""
        self.way = Way(source, data["kind"], ticket, legs_of(chosen) if chosen else None)
        return data


class ListenForm(forms.Form):
    """Why somebody listens, and for which ticket or request."""

    reason = forms.CharField(
        max_length=300, validators=[refuse_card_numbers], widget=UnfoldAdminTextInputWidget, label="Why you listen"
    )
    ticket = forms.CharField(max_length=40, widget=UnfoldAdminTextInputWidget, label="Ticket or request")


class PlaceForm(forms.Form):
    """Which call a waiting recording is of: one of those that fit, another by its number, or none."""

    call = forms.IntegerField(min_value=1, required=False)
    other = forms.IntegerField(
        min_value=1,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        label="Another call",
        help_text="The number at the top of the call’s page.",
    )

    def clean(self):
        data = super().clean() or {}
        number = data.get("call") or data.get("other")
        data["leg"] = call_shown(number) if number else None
        if number and data["leg"] is None:
            raise ValidationError("There is no call with this number, or it is past its time.")
        return data


def call_shown(number: int) -> CallDetailRecord | None:
    """Return a call by its number here, if pages show it."""
    return shown(CallDetailRecord.objects.filter(pk=number)).first()
