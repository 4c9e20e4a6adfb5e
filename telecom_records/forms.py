"""The upload of a call record file."""

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.files import UnableToStore
from accounts.validators import validate_country, validate_time_zone
from telecom_records import drafts, intake
from telecom_records.formats import format_choices
from telecom_records.imports import UnableToImport, source_for
from telecom_records.models import ImportRun, ImportSource

MAX_UPLOAD_BYTES = 100 * 1024 * 1024
MAP = "map"


class CallFileField(forms.FileField):
    """A file of records, as large as a browser may hand in."""

    widget = UnfoldAdminFileFieldWidget

    def clean(self, data, initial=None):
        file = super().clean(data, initial)
        if file and file.size > MAX_UPLOAD_BYTES:
            raise ValidationError("The file is larger than 100 MB. Import it with manage.py import_cdrs on the server.")
        return file


class UploadForm(forms.Form):
    """A file and what it does not say about itself. ``save`` makes the run, or puts the reason at the file's field.

    The run of a file whose columns are to be mapped waits for that, with its file already stored.
    """

    file = CallFileField(
        help_text="As the switch or the provider writes it, also in gzip or zip, at most 100 MB. "
        "Larger files: manage.py import_cdrs on the server.",
    )
    source = forms.SlugField(
        max_length=60,
        widget=UnfoldAdminTextInputWidget,
        help_text="The switch or provider, such as pbx-london. A known name brings its settings along.",
    )
    format = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=[("", "Seen from the file"), (MAP, "None of these: map its columns next"), *format_choices()],
        help_text="A file that nothing knows is kept, and you say what its columns are.",
    )
    time_zone = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        validators=[validate_time_zone],
        help_text="For files whose times have no offset, such as Europe/London.",
    )
    country = forms.CharField(
        required=False,
        max_length=2,
        widget=UnfoldAdminTextInputWidget,
        validators=[validate_country],
        help_text="For files with national numbers, such as GB.",
    )

    again = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        label="Also if it is known",
        help_text="A file that was imported before adds only what could not be taken then.",
    )

    def save(self, *, user) -> ImportRun | None:
        """Store the file and make its run; None when that cannot be, with the reason as a form error."""
        data = self.cleaned_data
        file, name, asked = data["file"], data["file"].name, data["format"] == MAP
        try:
            format = "" if asked else data["format"]
            source = source_for(data["source"], format=format, time_zone=data["time_zone"], country=data["country"])
            if asked or drafts.needs_mapping(source, file):
                return drafts.keep_draft(source, file, file_name=name, user=user)
            return intake.take(source, file, file_name=name, user=user, again=data["again"])
        except UnableToImport as error:
            self.add_error("file", str(error))
        except UnableToStore as error:
            self.add_error("file", f"{error}. Nothing was imported.")
        except ValidationError as error:
            self.add_error(None, error)
        return None


class SampleForm(forms.Form):
    """A file of a source, to look at while its columns are mapped."""

    file = CallFileField(help_text="A file as the source writes it, also in gzip or zip. It need not be imported.")

    def save(self, source: ImportSource, *, user) -> ImportRun | None:
        """Keep the file until its columns are mapped; None when it cannot be read, with the reason as a form error."""
        file = self.cleaned_data["file"]
        try:
            return drafts.keep_draft(source, file, file_name=file.name, user=user)
        except UnableToImport as error:
            self.add_error("file", str(error))
        except UnableToStore as error:
            self.add_error("file", f"{error}. Nothing was kept.")
        return None
