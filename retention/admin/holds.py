"""Legal holds: placed at once by one officer, lifted by two."""

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.shortcuts import redirect
from django.utils import timezone
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import approvals
from accounts.models import Workspace
from accounts.portal_admin import PortalAdmin, back_to, run_or_say
from retention.approved_actions import LIFT_HOLD
from retention.holds import UnableToHold, place_hold
from retention.models import Hold


class HoldForm(forms.ModelForm):
    class Meta:
        model = Hold
        fields = ["workspace", "reason", "authority", "owner", "review_on"]

    def clean_review_on(self):
        review_on = self.cleaned_data["review_on"]
        if review_on <= timezone.localdate():
            raise ValidationError("The review must lie in the future.")
        return review_on

    def clean_workspace(self):
        workspace = self.cleaned_data["workspace"]
        if workspace.state not in Workspace.INTACT:
            raise ValidationError("Too late: the deletion of this workspace has begun, and its keys are destroyed.")
        return workspace


class ActiveFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("active", "Active"), ("lifted", "Lifted")]

    def queryset(self, request, queryset):
        if self.value():
            return queryset.filter(lifted_at__isnull=self.value() == "active")
        return queryset


@admin.register(Hold)
class HoldAdmin(PortalAdmin):
    form = HoldForm
    list_display = ["hold", "workspace", "reason", "authority", "owner", "review_on", "state_badge"]
    list_filter = [ActiveFilter]
    list_select_related = ["workspace", "owner"]
    search_fields = ["workspace__outside_id__exact"]
    search_help_text = "Account number"
    ordering = ["-placed_at", "pk"]
    autocomplete_fields = ["workspace"]
    fields = ["workspace", "reason", "authority", ("owner", "review_on")]
    actions_detail = ["ask_to_lift"]

    @display(description="hold")
    def hold(self, hold: Hold) -> str:
        return hold.reference

    @display(description="state", label={"Active": "warning", "Lifted": ""})
    def state_badge(self, hold: Hold) -> str:
        return "Active" if hold.is_active else "Lifted"

    def has_change_permission(self, request, obj=None):
        return False

    def get_fields(self, request, obj=None):
        if obj is None:
            return self.fields
        return [*self.fields, ("placed_by", "placed_at"), ("lifted_by", "lifted_at")]

    def get_changeform_initial_data(self, request):
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request, obj, form, change):
        placed = place_hold(
            workspace=obj.workspace,
            reason=obj.reason,
            authority=obj.authority,
            owner=obj.owner,
            review_on=obj.review_on,
            user=request.user,
            now=timezone.now(),
        )
        obj.pk, obj.placed_at, obj.placed_by = placed.pk, placed.placed_at, placed.placed_by

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except UnableToHold as error:
            self.message_user(request, str(error), "ERROR")
            return redirect(request.path)

    def has_ask_to_lift_permission(self, request, object_id=None) -> bool:
        hold = self.get_object(request, object_id)
        return bool(hold) and hold.is_active and request.user.has_perm("retention.lift_hold")

    @action(
        description="Ask to lift",
        permissions=["ask_to_lift"],
        variant=ActionVariant.DANGER,
        icon="lock_open",
        dialog={
            "title": "Ask a second officer to lift this hold",
            "description": "When the other officer agrees, deletion goes on by itself: if the workspace has expired, "
            "everything of it is gone within two minutes.",
            "form_submit_text": "Ask to lift",
        },
    )
    def ask_to_lift(self, request, form, object_id):
        hold = Hold.objects.select_related("workspace").get(pk=object_id)
        run_or_say(
            request,
            lambda: approvals.ask(
                LIFT_HOLD,
                target=str(hold.pk),
                summary=f"Lift the hold on workspace {hold.workspace}",
                user=request.user,
                now=timezone.now(),
            ),
            "Asked. Another officer now finds it under Approvals.",
            approvals.UnableToApprove,
        )
        return back_to(self, object_id)
