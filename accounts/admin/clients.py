"""Business clients: for which data Callmama only acts for them, and whom of them it writes to."""

from typing import Any

from django import forms
from django.contrib import admin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.models import BusinessClient, Workspace
from accounts.models.clients import Held
from accounts.portal_admin import PortalAdmin


class BusinessClientForm(forms.ModelForm):
    processor_for = forms.MultipleChoiceField(
        label="We are processor for", choices=Held.choices, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=BusinessClient._meta.get_field("processor_for").help_text,
    )  # fmt: skip

    def clean_workspace(self) -> Workspace:
        workspace = self.cleaned_data["workspace"]
        if workspace.kind != Workspace.Kind.BUSINESS:
            raise forms.ValidationError(
                "This account is personal: only a business decides about data of its own customers."
            )
        return workspace


@admin.register(BusinessClient)
class BusinessClientAdmin(PortalAdmin):
    empty_title = "No business clients yet"
    empty_text = "For whom we hold recordings, contacts or conversations, and where their part of a request is sent."
    add_words = "Enter a business client"
    form = BusinessClientForm
    list_display = ["account", "contact_name", "contact_email", "held", "dpa_signed_on", "notice_confirmed_on"]
    list_select_related = ["workspace"]
    search_fields = ["workspace__outside_id__exact"]
    search_help_text = "Account number"
    ordering = ["workspace__outside_id"]
    autocomplete_fields = ["workspace"]
    fixed_after_add = ("workspace",)
    fields = [
        "workspace", ("contact_name", "contact_email"), "processor_for", ("forward_days", "may_be_named"),
        ("dpa_signed_on", "notice_confirmed_on"),
    ]  # fmt: skip

    @display(description="account", ordering="workspace__outside_id")
    def account(self, client: BusinessClient) -> str:
        return client.workspace.outside_id

    @display(description="we are processor for")
    def held(self, client: BusinessClient) -> str:
        return ", ".join(Held(each).label for each in client.processor_for) or "nothing"

    def get_changeform_initial_data(self, request) -> dict[str, Any]:
        return {"processor_for": Held.values, **super().get_changeform_initial_data(request)}
