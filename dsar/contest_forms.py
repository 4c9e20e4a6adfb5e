"""What officers fill in when an answer of ours is contested."""

import datetime as dt

from django import forms
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget, UnfoldAdminTextareaWidget

from accounts.validators import refuse_card_numbers, validate_year
from dsar.contesting import TYPES
from dsar.deadlines import REQUEST_TYPES
from dsar.models.tickets import Channel
from dsar.request_forms import RequestDialog


class ContestForm(RequestDialog):
    """A complaint or an appeal, as it came."""

    type = forms.ChoiceField(
        label="What it is", choices=[(each, REQUEST_TYPES[each]) for each in TYPES], widget=UnfoldAdminSelectWidget
    )
    received_on = forms.DateField(label="Received on", widget=UnfoldAdminSingleDateWidget, validators=[validate_year])
    channel = forms.ChoiceField(label="By", choices=Channel.choices, widget=UnfoldAdminSelectWidget)
    note = forms.CharField(
        label="What they say, in short", required=False, max_length=2000, validators=[refuse_card_numbers],
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["received_on"].initial = timezone.localdate()

    def clean_received_on(self) -> dt.date:
        day = self.cleaned_data["received_on"]
        if day > timezone.localdate():
            raise forms.ValidationError("This day has not come yet.")
        if day < timezone.localdate(self.subject_request.closed_at or timezone.now()):
            raise forms.ValidationError("Our answer is younger than this day.")
        return day

    def received_at(self, now: dt.datetime) -> dt.datetime:
        """Return the instant of receipt: now when it came today, else the end of its morning."""
        day = self.cleaned_data["received_on"]
        return now if day == timezone.localdate(now) else timezone.make_aware(dt.datetime.combine(day, dt.time(12)))
