"""Tickets: conversations with customers."""

from django import forms
from django.contrib import admin
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.portal_admin import PortalAdmin, back_to, run_or_say
from dsar.deadlines import REGIONS, REQUEST_TYPES, UnableToComputeDeadline
from dsar.forms import regime_choices, region_fault
from dsar.models import SubjectRequest, Ticket, TicketMessage
from dsar.services import UnableToRegister, open_ticket, request_from_ticket
from telecom_records.services import end_troubleshooting


class MessageInline(TabularInline):
    """The conversation. What was written stays as it was; something new can be added."""

    model = TicketMessage
    fields = ["at", "kind", "body", "author"]
    readonly_fields = ["at", "author"]
    extra = 1
    ordering = ["at", "pk"]
    verbose_name_plural = "conversation"

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class PrivacyRequestForm(BaseDialogForm):
    type = forms.ChoiceField(choices=list(REQUEST_TYPES.items()), widget=UnfoldAdminSelectWidget)
    regime = forms.ChoiceField(choices=regime_choices(), widget=UnfoldAdminSelectWidget)
    region = forms.ChoiceField(
        label="Member state or nation",
        required=False,
        choices=[("", "Not known, or neither EU nor UK"), *REGIONS.items()],
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self):
        cleaned = super().clean()
        if fault := region_fault(cleaned.get("regime", ""), cleaned.get("region", "")):
            self.add_error("region", fault)
        return cleaned


@admin.register(Ticket)
class TicketAdmin(PortalAdmin):
    empty_title = "No tickets yet"
    empty_text = "What customers ask the support, as a conversation."
    add_words = "Open a ticket"
    list_display = ["ref", "subject", "channel", "state_badge", "age", "assignee", "workspace"]
    list_filter = [("state", ChoicesDropdownFilter), ("channel", ChoicesDropdownFilter), "assignee"]
    list_filter_submit = True
    list_select_related = ["assignee", "workspace"]
    search_fields = [
        "reference__exact",
        "workspace__outside_id__exact",
        "person__outside_id__exact",
        "subject__icontains",
    ]
    search_help_text = "Ticket, account or customer number, or words of the subject"
    ordering = ["closed_at", "opened_at", "pk"]
    autocomplete_fields = ["workspace", "person"]
    fields = ["subject", ("channel", "state"), ("workspace", "person"), "assignee"]
    inlines = [MessageInline]
    actions_detail = ["make_request"]

    def get_changeform_initial_data(self, request):
        return {"assignee": request.user.pk, **super().get_changeform_initial_data(request)}

    @display(description="ticket", ordering="reference")
    def ref(self, ticket: Ticket) -> str:
        return ticket.reference

    @display(
        description="state",
        ordering="state",
        label={"Open": "info", "Waiting for the customer": "warning", "Closed": ""},
    )
    def state_badge(self, ticket: Ticket) -> str:
        return ticket.get_state_display()

    @display(description="age", ordering="opened_at")
    def age(self, ticket: Ticket) -> str:
        days = ((ticket.closed_at or timezone.now()) - ticket.opened_at).days
        return "today" if days == 0 else f"{days} day{'s' if days != 1 else ''}"

    def save_model(self, request, obj, form, change):
        obj.closed_at = (obj.closed_at or timezone.now()) if obj.state == Ticket.State.CLOSED else None
        if change:
            super().save_model(request, obj, form, change)
            end_troubleshooting(obj.reference, at=obj.closed_at)
        else:
            open_ticket(obj, now=timezone.now())

    def save_formset(self, request, form, formset, change):
        for message in formset.save(commit=False):
            message.author = request.user
            message.save()

    def has_make_request_permission(self, request, object_id=None) -> bool:
        return request.user.has_perm("dsar.add_subjectrequest")

    @action(
        description="Make a privacy request",
        permissions=["make_request"],
        variant=ActionVariant.PRIMARY,
        icon="gavel",
        dialog={
            "title": "Make a privacy request of this ticket",
            "description": "It counts as received when the ticket was opened, for the ticket’s customer.",
            "form_class": PrivacyRequestForm,
            "form_submit_text": "Make the request",
        },
    )
    def make_request(self, request, form, object_id):
        ticket = Ticket.objects.select_related("person", "workspace").get(pk=object_id)
        made: list[SubjectRequest] = []
        data = form.cleaned_data
        run_or_say(
            request,
            lambda: made.append(
                request_from_ticket(
                    ticket,
                    type=data["type"],
                    regime=data["regime"],
                    region=data["region"],
                    user=request.user,
                    now=timezone.now(),
                )
            ),
            "The request was registered.",
            UnableToComputeDeadline,
            UnableToRegister,
        )
        if made:
            return HttpResponse(headers={"HX-Redirect": reverse("admin:dsar_subjectrequest_change", args=[made[0].pk])})
        return back_to(self, object_id)
