"""What officers fill in when a part of a request is a client's."""

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from dsar import routing
from dsar.letters.sending import address_of
from dsar.models import Letter, RequestPart
from dsar.models.letters import Language
from dsar.request_forms import RequestDialog

Answer = RequestPart.Answer


class SplitForm(RequestDialog):
    """Which client, and whether something of it is our own."""

    account = forms.CharField(
        label="Account number of the client", max_length=64, widget=UnfoldAdminTextInputWidget,
        help_text="A business client, as entered under “Business clients”.",
    )  # fmt: skip
    is_ours_too = forms.BooleanField(
        label="We hold something of this person for our own purposes", required=False, initial=True,
        widget=UnfoldBooleanSwitchWidget, help_text="Traffic, billing, fraud prevention, identity documents. That part we answer ourselves.",
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if workspace := self.subject_request.workspace:
            self.fields["account"].initial = workspace.outside_id


class PartDialog(RequestDialog):
    """A dialog about one part; which one is asked only where there are several."""

    part = forms.ModelChoiceField(label="Part", queryset=RequestPart.objects.none(), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        parts = [part for part in routing.parts_of(self.subject_request) if self.concerns(part)]
        field = self.fields["part"]
        field.queryset = RequestPart.objects.filter(pk__in=[part.pk for part in parts])  # type: ignore[attr-defined]
        field.label_from_instance = lambda part: f"{part.workspace}: {routing.labels_of(part)}"  # type: ignore[attr-defined]
        field.initial = parts[0].pk if parts else None

    @staticmethod
    def concerns(part: RequestPart) -> bool:
        raise NotImplementedError


class ForwardForm(PartDialog):
    """How the person is told."""

    language = forms.ChoiceField(
        label="The person is told in", choices=Language.choices, widget=UnfoldAdminSelectWidget
    )
    way = forms.ChoiceField(label="By", choices=Letter.Way.choices, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not address_of(self.subject_request):
            self.fields["way"].choices = [(Letter.Way.POST, Letter.Way.POST.label)]  # type: ignore[attr-defined]

    @staticmethod
    def concerns(part: RequestPart) -> bool:
        return part.waits


class ClientAnswerForm(PartDialog):
    """What the client says about their part."""

    answer = forms.ChoiceField(
        label="Their answer", widget=UnfoldAdminSelectWidget,
        choices=[(each, each.label) for each in Answer if each != Answer.OURS],
    )  # fmt: skip

    @staticmethod
    def concerns(part: RequestPart) -> bool:
        return part.role == RequestPart.Role.PROCESSOR and not part.answered_at
