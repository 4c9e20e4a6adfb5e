"""Laws that keep: what they demand, who verified it, and since when they are active."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils import timezone
from django.utils.text import capfirst
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts import approvals
from accounts.portal_admin import PortalAdmin, back_to, run_or_say
from accounts.validators import validate_year
from accounts.verdicts import data_map
from retention import laws
from retention.hold_forms import DayInput
from retention.hold_words import lines
from retention.holds import count_kept
from retention.keeping import LawKeeper, period_words
from retention.models import LegalRetention

STATES = {"Disabled": "", "Active": "success", "Review overdue": "danger", "Ended": ""}


class LawForm(forms.ModelForm):
    category = forms.ChoiceField(widget=UnfoldAdminSelectWidget)

    class Meta:
        model = LegalRetention
        fields = ["country", "category", "law", "section", "months", "counts_from", "note"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "category" in self.fields:
            named = [(entry.model, capfirst(entry.plural)) for entry in laws.categories()]
            self.fields["category"].choices = [("", "Choose what it keeps"), *named]  # type: ignore[attr-defined]

    def clean(self):
        cleaned = super().clean() or {}
        if not self.errors:
            laws.refuse_impossible(LegalRetention(**cleaned))
        return cleaned


class ActivationForm(BaseDialogForm):
    """Who has read the law, when, and when that must be asked again."""

    verified_by = forms.CharField(label="Verified by", max_length=120, widget=UnfoldAdminTextInputWidget)
    verified_on = forms.DateField(label="Verified on", widget=DayInput, validators=[validate_year])
    review_on = forms.DateField(label="Review on", widget=DayInput, validators=[validate_year])


@admin.register(LegalRetention)
class LegalRetentionAdmin(PortalAdmin):
    empty_title = "No laws yet"
    empty_text = (
        "A law that demands keeping, for one country and one category. It keeps nothing until two officers "
        "have activated it."
    )
    add_words = "Add a law"
    form = LawForm
    list_display = ["named", "country", "what", "period", "counts_from", "verified", "state_badge"]
    ordering = ["country", "law", "section", "pk"]
    fields = ["country", "category", "law", "section", ("months", "counts_from"), "note"]
    change_form_outer_before_template = "retention/_law_keeps.html"
    actions_detail = ["ask_to_activate", "ask_to_end"]

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def get_fields(self, request, obj=None):
        if obj is None:
            return self.fields
        shown = ["country", "what", "law", "section", ("period", "counts_from"), "note"]
        return [*shown, ("verified_by", "verified_on", "review_on"), ("active_since", "activated_by"), ("ended_at", "ended_by")]  # fmt: skip

    def get_readonly_fields(self, request, obj=None):
        return [] if obj is None else ["what", "period"]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        law = self.get_object(request, object_id)
        keeps = lines(count_kept(LawKeeper(law, timezone.now()))) if law else []
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "law": law, "keeps": keeps})

    @display(description="law")
    def named(self, law: LegalRetention) -> str:
        return str(law)

    @display(description="keeps")
    def what(self, law: LegalRetention) -> str:
        return capfirst(data_map()[law.category].plural) if law.category in data_map() else law.category

    @display(description="period", ordering="months")
    def period(self, law: LegalRetention) -> str:
        return period_words(law.months)

    @display(description="verified")
    def verified(self, law: LegalRetention) -> str:
        return f"{law.verified_on:%-d %b %Y}" if law.active_since and law.verified_on else "to be verified"

    @display(description="state", label=STATES)
    def state_badge(self, law: LegalRetention) -> str:
        if law.ended_at:
            return "Ended"
        if not law.active_since:
            return "Disabled"
        return "Review overdue" if law.review_on and law.review_on < timezone.localdate() else "Active"

    def has_ask_to_activate_permission(self, request, object_id=None) -> bool:
        law = self.get_object(request, object_id)
        return bool(law) and not law.active_since and request.user.has_perm("retention.activate_legalretention")

    def has_ask_to_end_permission(self, request, object_id=None) -> bool:
        law = self.get_object(request, object_id)
        return bool(law) and law.is_active and request.user.has_perm("retention.activate_legalretention")

    @action(
        description="Ask to activate",
        permissions=["ask_to_activate"],
        variant=ActionVariant.PRIMARY,
        icon="gavel",
        dialog={
            "title": "Ask a second officer to activate this law",
            "description": "From then on it keeps what it names, in its country only, although the policy would delete it. "
            "Write down who has read the law for this company; what the law says cannot be changed afterwards.",
            "form_class": ActivationForm,
            "form_submit_text": "Ask to activate",
        },
    )
    def ask_to_activate(self, request, form, object_id):
        law = LegalRetention.objects.get(pk=object_id)
        run_or_say(
            request,
            lambda: laws.ask_to_activate(law, **_given(form), user=request.user, now=timezone.now()),
            "Asked. Another officer now finds it under Approvals.",
            approvals.UnableToApprove,
            laws.UnableToKeep,
        )
        return back_to(self, object_id)

    @action(
        description="Ask to end",
        permissions=["ask_to_end"],
        variant=ActionVariant.DANGER,
        icon="lock_open",
        dialog={
            "title": "Ask a second officer to end this law",
            "description": "What only this law keeps is deleted within two minutes of the agreement if its time is over. "
            "There is no recovery.",
            "form_submit_text": "Ask to end",
        },
    )
    def ask_to_end(self, request, form, object_id):
        law = LegalRetention.objects.get(pk=object_id)
        run_or_say(
            request,
            lambda: laws.ask_to_end(law, user=request.user, now=timezone.now()),
            "Asked. Another officer now finds it under Approvals.",
            approvals.UnableToApprove,
            laws.UnableToKeep,
        )
        return back_to(self, object_id)


def _given(form: forms.Form) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("verified_by", "verified_on", "review_on")}
