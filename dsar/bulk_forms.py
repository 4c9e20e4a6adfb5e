"""What an officer does to all requests of a list."""

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.models import User
from dsar.models import BulkAction


class BulkForm(forms.Form):
    kind = forms.ChoiceField(label="What", choices=BulkAction.Kind.choices, widget=UnfoldAdminSelectWidget)
    target = forms.ModelChoiceField(
        label="Who of the staff", queryset=User.objects.none(), required=False, widget=UnfoldAdminSelectWidget,
        help_text="For an owner or a watcher.",
    )  # fmt: skip

    def __init__(self, *args, may_write: bool, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["target"].queryset = User.objects.filter(is_active=True, is_staff=True).order_by("name")  # type: ignore[attr-defined]
        if not may_write:
            kinds = [choice for choice in BulkAction.Kind.choices if choice[0] != BulkAction.Kind.RECEIPT]
            self.fields["kind"].choices = kinds  # type: ignore[attr-defined]

    def clean(self):
        cleaned = super().clean() or {}
        if cleaned.get("kind") == BulkAction.Kind.RECEIPT:
            cleaned["target"] = None
        elif cleaned.get("kind") and not cleaned.get("target"):
            self.add_error("target", "Choose who of the staff.")
        return cleaned
