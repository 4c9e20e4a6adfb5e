"""What officers fill in about runs, deletions and limits; a dialog about a run says in numbers what will happen."""

from django import forms
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from accounts.validators import refuse_card_numbers
from retention.models import DeletionRun
from retention.run_page import numbers


class RunForm(BaseDialogForm):
    """A dialog about a run that says in numbers what will happen."""

    form_before_template = "retention/_run_numbers.html"
    decision = ""

    def get_before_template_context(self, request, object_id=None):
        return {**numbers(DeletionRun.objects.get(pk=object_id)), "decision": self.decision}


class GoOnForm(RunForm):
    decision = "go_on"


class EndReprievesForm(RunForm):
    decision = "end_reprieves"


class CallOffForm(RunForm):
    decision = "call_off"
    reason = forms.CharField(
        label="What is wrong", max_length=300, widget=UnfoldAdminTextInputWidget, validators=[refuse_card_numbers]
    )


class KeepForm(BaseDialogForm):
    reason = forms.CharField(
        label="What is wrong", max_length=300, widget=UnfoldAdminTextInputWidget, validators=[refuse_card_numbers]
    )


class LimitForm(BaseDialogForm):
    value = forms.IntegerField(
        label="New limit", min_value=1, max_value=10_000_000, widget=UnfoldAdminIntegerFieldWidget
    )
