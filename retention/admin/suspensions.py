"""Suspensions for fraud: made by one officer at once; whether it goes or stays as evidence is decided by two."""

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import capfirst
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDateWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts import approvals
from accounts.models import Suspension, Workspace
from accounts.portal_admin import PortalAdmin, back_to, run_or_say
from accounts.verdicts import data_map
from retention import suspensions

STATE_TONES = {"To be decided": "danger", "Decided": "success", "Found wrong": ""}


class SuspensionForm(forms.ModelForm):
    class Meta:
        model = Suspension
        fields = ["workspace", "code", "reason"]

    def clean_workspace(self):
        workspace = self.cleaned_data["workspace"]
        if workspace.state not in Workspace.INTACT:
            raise ValidationError("Its deletion has begun already.")
        if workspace.suspensions.filter(lifted_at__isnull=True).exists():
            raise ValidationError("It is suspended already.")
        return workspace


class DecisionForm(BaseDialogForm):
    stays = forms.BooleanField(
        label="It stays as evidence, under a hold",
        required=False,
        help_text="Not ticked: everything of the workspace goes at once. Ticked: choose below what stays.",
        widget=UnfoldBooleanWidget,
    )
    categories = forms.MultipleChoiceField(
        label="Only these stay", required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What the law, order or claim keeps; all else goes at once. None ticked: everything stays.",
    )  # fmt: skip
    authority = forms.CharField(
        required=False, max_length=200, help_text="The law, order or claim on which the evidence is kept.",
        widget=UnfoldAdminTextInputWidget,
    )  # fmt: skip
    review_on = forms.DateField(label="Review on", required=False, widget=UnfoldAdminDateWidget)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        named = [(entry.model, capfirst(entry.plural)) for entry in suspensions.categories()]
        self.fields["categories"].choices = named  # type: ignore[attr-defined]

    def clean(self):
        cleaned = super().clean() or {}
        if cleaned.get("categories") and not cleaned.get("stays"):
            self.add_error("categories", "Tick above that it stays as evidence: categories are chosen that stay.")
        if (cleaned.get("stays") or cleaned.get("categories")) and not (
            cleaned.get("authority") and cleaned.get("review_on")
        ):
            self.add_error("authority", "What stays as evidence needs an authority and a date of review.")
        if cleaned.get("stays") and cleaned.get("review_on") and cleaned["review_on"] <= timezone.localdate():
            self.add_error("review_on", "The review must lie in the future.")
        return cleaned


@admin.register(Suspension)
class SuspensionAdmin(PortalAdmin):
    empty_title = "No suspensions"
    empty_text = (
        "A workspace that is suspended for fraud stays as it is until two officers have decided what goes "
        "and what is kept as evidence."
    )
    add_words = "Suspend a workspace"
    form = SuspensionForm
    list_display = ["suspension", "workspace", "code", "state_badge", "suspended_at", "suspended_by"]
    list_filter = [("code", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["workspace", "suspended_by"]
    search_fields = ["workspace__outside_id__exact"]
    search_help_text = "Account number"
    ordering = ["-suspended_at", "pk"]
    autocomplete_fields = ["workspace"]
    fields = ["workspace", "code", "reason"]
    actions_detail = ["decide", "lift"]
    change_form_outer_before_template = "retention/suspension.html"

    def has_change_permission(self, request, obj=None):
        return False

    def get_fields(self, request, obj=None):
        return self.fields if obj is None else [*self.fields, ("suspended_by", "suspended_at")]

    def save_model(self, request, obj, form, change):
        made = suspensions.suspend(
            obj.workspace, code=obj.code, reason=obj.reason, user=request.user, now=timezone.now()
        )
        obj.pk, obj.suspended_at, obj.suspended_by = made.pk, made.suspended_at, made.suspended_by

    def change_view(self, request, object_id, form_url="", extra_context=None):
        found = self.get_object(request, object_id)
        context = context_of(found) if found else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description="suspension")
    def suspension(self, found: Suspension) -> str:
        return str(found.pk)[:8]

    @display(description="state", label=STATE_TONES)
    def state_badge(self, found: Suspension) -> str:
        return found.state

    def _may(self, request, object_id) -> bool:
        found = self.get_object(request, object_id)
        return bool(found) and found.state == "To be decided" and request.user.has_perm("accounts.decide_suspension")

    def has_decide_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id)

    def has_lift_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id)

    @action(
        description="Decide what goes",
        permissions=["decide"],
        variant=ActionVariant.DANGER,
        icon="gavel",
        dialog={
            "title": "Ask a second officer: does it go, or stay as evidence?",
            "description": "When the other officer agrees, everything of the workspace is deleted at once, without recovery, "
            "or what you choose is held, and goes when the hold is lifted.",
            "form_class": DecisionForm,
            "form_submit_text": "Ask",
        },
    )
    def decide(self, request, form, object_id):
        found = self.get_object(request, object_id)
        data = form.cleaned_data
        run_or_say(
            request,
            lambda: suspensions.ask_to_decide(
                found, stays=data["stays"], categories=data["categories"], authority=data["authority"], review_on=data["review_on"], user=request.user,
                now=timezone.now(),
            ),
            "Asked. Another officer now finds it under Approvals, with what it deletes.",
            approvals.UnableToApprove,
            suspensions.UnableToSuspend,
        )  # fmt: skip
        return back_to(self, object_id)

    @action(
        description="It was wrong",
        permissions=["lift"],
        icon="undo",
        dialog={
            "title": "This suspension was wrong",
            "description": "The workspace is no longer suspended. Consents to marketing stay withdrawn.",
            "form_submit_text": "Lift the suspension",
        },
    )
    def lift(self, request, form, object_id):
        run_or_say(
            request,
            lambda: suspensions.lift(object_id, user=request.user, now=timezone.now()),
            "The suspension is lifted.",
            suspensions.UnableToSuspend,
        )
        return back_to(self, object_id)


def context_of(found: Suspension) -> dict:
    """Return what a suspension's page shows above its form: what there is, by category, and what was decided of it."""
    now = timezone.now()
    is_whole = found.workspace.state in Workspace.INTACT
    counts = suspensions.counts_of(found.workspace, now) if is_whole and not found.lifted_at else {}
    rows = [
        {"what": entry.plural, "count": counts[entry.model]}
        for entry in suspensions.categories()
        if entry.model in counts
    ]
    maps = data_map()
    kept = [maps[label].plural for label in found.categories if label in maps]
    return {
        "suspension": found,
        "kept": kept,
        "state_tone": STATE_TONES[found.state],
        "rows": rows,
        "files": counts.get("files", 0),
    }
