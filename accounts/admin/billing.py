"""Subscriptions: what keeps a workspace alive."""

from django import forms
from django.contrib import admin
from django.db import transaction
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from accounts.admin.customers import CustomerAdmin, say_what_an_expiry_does
from accounts.models import Subscription
from accounts.recording_cap import refuse_above_cap
from accounts.resources import SubscriptionResource
from accounts.services import DATES_THAT_END, record_end, refuse_past_end


class SubscriptionForm(forms.ModelForm):
    class Meta:
        model = Subscription
        fields = [
            "outside_id", "workspace", "plan", "starts_at", "expires_at", "cancelled_at", "next_billing_at", "agreed_end_at",
            "recording_enabled", "recording_days",
        ]  # fmt: skip

    def clean(self):
        cleaned = super().clean() or {}
        if set(DATES_THAT_END) & set(self.changed_data) and not set(DATES_THAT_END) & set(self.errors):
            refuse_past_end(Subscription(**{name: cleaned.get(name) for name in DATES_THAT_END}), now=timezone.now())
        workspace = cleaned.get("workspace")
        if workspace and workspace.state not in workspace.INTACT:
            self.add_error("workspace", "This workspace has been emptied. A customer who returns gets a new one.")
        whose = workspace or (self.instance.workspace if self.instance.pk else None)
        if whose and "recording_days" in self.changed_data and "recording_days" not in self.errors:
            chosen = Subscription(workspace=whose, recording_days=cleaned.get("recording_days"))
            refuse_above_cap(chosen, now=timezone.now())
        return cleaned


@admin.register(Subscription)
class SubscriptionAdmin(CustomerAdmin):
    empty_title = "No subscriptions yet"
    empty_text = (
        "They come by a feed or the import of subscriptions, or are added here. When the last one of a "
        "workspace ends, everything of it is deleted."
    )
    add_words = "Add a subscription"
    resource_classes = [SubscriptionResource]
    form = SubscriptionForm
    fixed_after_add = ("workspace",)
    list_display = ["outside_id", "workspace", "plan", "starts_at", "expires_at", "ends_at", "recording"]
    list_filter = [("expires_at", RangeDateTimeFilter)]
    list_filter_submit = True
    list_select_related = ["workspace"]
    search_fields = ["outside_id__exact", "workspace__outside_id__exact"]
    search_help_text = "Subscription or account number"
    ordering = ["ends_at", "pk"]
    autocomplete_fields = ["workspace"]
    fields = [
        ("outside_id", "plan"), "workspace", ("starts_at", "expires_at"), ("cancelled_at", "next_billing_at"), "agreed_end_at",
        ("recording_enabled", "recording_days"),
    ]  # fmt: skip

    @display(description="recording")
    def recording(self, subscription: Subscription) -> str:
        return f"{subscription.recording_days} days" if subscription.recording_enabled else "–"

    def save_model(self, request, obj, form, change):
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if set(DATES_THAT_END) & set(form.changed_data):
                record_end(obj, user=request.user)
                say_what_an_expiry_does(request, obj)
