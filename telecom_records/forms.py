"""The upload of a call record file."""

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.files import UnableToStore
from accounts.validators import validate_country, validate_time_zone
from telecom_records import intake
from telecom_records.formats import FORMATS
from telecom_records.imports import UnableToImport, source_for
from telecom_records.models import ImportRun

MAX_UPLOAD_BYTES = 100 * 1024 * 1024


class UploadForm(forms.Form):
    """A file and what it does not say about itself. ``save`` makes the run, or puts the reason at the file's field."""

    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
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
        choices=[("", "Seen from the file"), *((name, name) for name in FORMATS)],
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

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > MAX_UPLOAD_BYTES:
            raise ValidationError("The file is larger than 100 MB. Import it with manage.py import_cdrs on the server.")
        return file

    def save(self, *, user) -> ImportRun | None:
        """Store the file and make its run; None when that cannot be, with the reason as a form error."""
        data = self.cleaned_data
        try:
            source = source_for(
                data["source"], format=data["format"], time_zone=data["time_zone"], country=data["country"]
            )
            return intake.take(source, data["file"], file_name=data["file"].name, user=user)
        except UnableToImport as error:
            self.add_error("file", str(error))
        except UnableToStore as error:
            self.add_error("file", f"{error}. Nothing was imported.")
        except ValidationError as error:
            self.add_error(None, error)
        return None
