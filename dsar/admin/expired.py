"""The button on the page of a ticket that answers who wants an expired workspace back."""

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from dsar.expired import words_for
from dsar.models.letters import Language


class ExpiredForm(BaseDialogForm):
    account = forms.CharField(label="Account number they name", max_length=64, widget=UnfoldAdminTextInputWidget)
    language = forms.ChoiceField(label="Answer in", choices=Language.choices, widget=UnfoldAdminSelectWidget)


class ExpiredActions:
    """Adds the button to the admin of tickets."""

    def has_expired_permission(self, request, object_id=None) -> bool:
        return request.user.has_perm("dsar.add_ticketmessage") and request.user.has_perm("dsar.change_ticket")

    @action(
        description="Expired workspace",
        permissions=["expired"],
        icon="event_busy",
        dialog={
            "title": "They want an expired workspace back",
            "description": "The receipt of its deletion is looked up, and approved words are put into the answer. Read them, and send.",
            "form_class": ExpiredForm,
            "form_submit_text": "Write the answer",
        },
    )
    def expired(self, request, form, object_id):
        ticket = self.get_object(request, object_id)  # type: ignore[attr-defined]
        data = form.cleaned_data
        request.session[f"draft-{ticket.pk}"] = words_for(ticket, data["account"], language=data["language"])
        return HttpResponse(headers={"HX-Redirect": reverse("admin:dsar_ticket_change", args=[ticket.pk]) + "#answer"})
