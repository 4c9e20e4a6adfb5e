"""What officers fill in on the page of a request."""

from django import forms
from django.utils import timezone
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from accounts.validators import refuse_card_numbers, validate_year
from dsar.dating import local_day
from dsar.deadlines import REGIMES
from dsar.models import ClockEvent, SubjectRequest
from dsar.workflow import MOVES

State = SubjectRequest.State


class RequestDialog(BaseDialogForm):
    """A dialog on the page of a request."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.subject_request = SubjectRequest.objects.get(pk=self.object_id)


class StateForm(RequestDialog):
    """Every state that is allowed now."""

    state = forms.ChoiceField(label="New state", widget=UnfoldAdminSelectWidget)
    because = forms.CharField(
        label="Why", max_length=200, required=False, widget=UnfoldAdminTextInputWidget, validators=[refuse_card_numbers],
        help_text="Stands in the trail. Name nobody.",
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        allowed = MOVES[self.subject_request.state]
        self.fields["state"].choices = [(state, state.label) for state in State if state in allowed]  # type: ignore[attr-defined]


class EventForm(RequestDialog):
    """A question, an answer or a notice, with its day where the clock runs."""

    kind = forms.ChoiceField(label="What", choices=ClockEvent.Kind.choices, widget=UnfoldAdminSelectWidget)
    on = forms.DateField(label="On", widget=UnfoldAdminSingleDateWidget, validators=[validate_year])
    until = forms.DateField(
        label="New date named in the notice",
        required=False,
        widget=UnfoldAdminSingleDateWidget,
        validators=[validate_year],
        help_text="Only for an extension where the law leaves the length to us.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        law = REGIMES[self.subject_request.regime]
        today = local_day(self.subject_request, timezone.now())
        self.fields["on"].initial = today
        self.fields["on"].help_text = f"The day in the zone of {law.label}; today it is {today:%-d %b %Y} there."

    def clean(self):
        cleaned = super().clean() or {}
        if cleaned.get("until") and cleaned.get("kind") != ClockEvent.Kind.EXTEND:
            self.add_error("until", "Only an extension notice names a new date.")
        elif cleaned.get("until") and cleaned.get("on") and cleaned["until"] <= cleaned["on"]:
            self.add_error("until", "The new date must be after the notice.")
        return cleaned


class WithdrawEventForm(RequestDialog):
    event = forms.ModelChoiceField(queryset=ClockEvent.objects.none(), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        field = self.fields["event"]
        field.queryset = self.events_of(self.object_id)  # type: ignore[attr-defined]
        field.label_from_instance = lambda event: f"{event.get_kind_display()} {event.on:%-d %b %Y}"  # type: ignore[attr-defined]

    @staticmethod
    def events_of(request_id):
        """Return what counts for the date of a request."""
        return ClockEvent.objects.filter(request=request_id, withdrawn_at__isnull=True).order_by("on", "pk")
