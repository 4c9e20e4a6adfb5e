"""What officers choose when two requests may be the same."""

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from dsar.duplicates import candidates
from dsar.models import SubjectRequest
from dsar.request_forms import RequestDialog


class DuplicateForm(RequestDialog):
    """One of the requests that are proposed."""

    other = forms.ModelChoiceField(
        label="The other request", queryset=SubjectRequest.objects.none(), widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        found = candidates(self.subject_request)
        field = self.fields["other"]
        field.queryset = SubjectRequest.objects.filter(pk__in=[each.pk for each in found])  # type: ignore[attr-defined]
        field.label_from_instance = lambda each: f"{each.reference}, received {each.received_at:%-d %b %Y}"  # type: ignore[attr-defined]
        field.initial = found[0].pk if found else None
