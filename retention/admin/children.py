"""Children's data: recorded by one officer, removed by the agreement of another; the deadline stands on top."""

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import approvals
from accounts.models import ChildFinding
from accounts.portal_admin import PortalAdmin, back_to, run_or_say
from retention import children
from retention.views import worded

STATE_TONES = {"To be confirmed": "danger", "Being removed": "warning", "Removed": "success", "Found wrong": ""}


class FindingForm(forms.ModelForm):
    class Meta:
        model = ChildFinding
        fields = ["person", "found_at", "how", "authority"]

    def clean(self):
        cleaned = super().clean() or {}
        if cleaned.get("found_at") and cleaned["found_at"] > timezone.now():
            self.add_error("found_at", "It cannot have been found in the future.")
        if cleaned.get("how") == ChildFinding.How.PARENT and cleaned.get("authority") == "not_needed":
            self.add_error("authority", "Say how the authority of the parent was checked.")
        person = cleaned.get("person")
        if not person:
            raise ValidationError("Choose the customer.")
        if ChildFinding.objects.filter(person=person, dropped_at__isnull=True).exists():
            raise ValidationError("This was recorded already.")
        return cleaned


@admin.register(ChildFinding)
class ChildFindingAdmin(PortalAdmin):
    empty_title = "No children found"
    empty_text = (
        "When anybody learns that a customer is a child, an officer writes it down here; the data must be "
        "gone within 72 hours."
    )
    add_words = "Write down a finding"
    form = FindingForm
    list_display = ["finding", "who", "state_badge", "found_at", "deadline", "left", "how"]
    list_filter = [("how", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["person", "recorded_by"]
    search_fields = ["person__outside_id__exact"]
    search_help_text = "Customer number"
    ordering = ["-found_at", "pk"]
    autocomplete_fields = ["person"]
    fields = ["person", "found_at", ("how", "authority")]
    actions_detail = ["ask_to_remove", "drop"]
    change_form_outer_before_template = "retention/child.html"

    def has_change_permission(self, request, obj=None):
        return False

    def get_changeform_initial_data(self, request):
        return {"found_at": timezone.now(), **super().get_changeform_initial_data(request)}

    def get_fields(self, request, obj=None):
        return (
            self.fields
            if obj is None
            else [*self.fields, ("recorded_by", "recorded_at"), ("confirmed_at", "dropped_at")]
        )

    def save_model(self, request, obj, form, change):
        made = children.record(
            obj.person,
            found_at=obj.found_at,
            how=obj.how,
            authority=obj.authority,
            user=request.user,
            now=timezone.now(),
        )
        obj.pk, obj.recorded_at, obj.recorded_by = made.pk, made.recorded_at, made.recorded_by

    def change_view(self, request, object_id, form_url="", extra_context=None):
        finding = self.get_object(request, object_id)
        context = context_of(finding) if finding else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description="finding")
    def finding(self, finding: ChildFinding) -> str:
        return str(finding.pk)[:8]

    @display(description="customer", empty_value="gone")
    def who(self, finding: ChildFinding):
        return finding.person

    @display(description="state", label=STATE_TONES)
    def state_badge(self, finding: ChildFinding) -> str:
        return finding.state

    @display(description="gone by")
    def deadline(self, finding: ChildFinding):
        return children.deadline_of(finding, timezone.now())

    @display(description="time left", label={"danger": "danger", "warning": "warning", "success": "success"})
    def left(self, finding: ChildFinding):
        return left_of(finding) if finding.is_open else None

    def _may(self, request, object_id) -> ChildFinding | None:
        finding = self.get_object(request, object_id)
        may = request.user.has_perm("accounts.confirm_childfinding")
        return finding if may and finding and finding.state == "To be confirmed" else None

    def has_ask_to_remove_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id) is not None

    def has_drop_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id) is not None

    @action(
        description="Ask to remove",
        permissions=["ask_to_remove"],
        variant=ActionVariant.DANGER,
        icon="delete_forever",
        dialog={
            "title": "Ask a second officer to have this child’s data removed",
            "description": "When the other officer agrees, everything listed on this page is deleted at once, without "
            "recovery. Nobody brings this customer back by a file or a feed.",
            "form_submit_text": "Ask to remove",
        },
    )
    def ask_to_remove(self, request, form, object_id):
        finding = self.get_object(request, object_id)
        run_or_say(
            request,
            lambda: children.ask_to_remove(finding, user=request.user, now=timezone.now()),
            "Asked. Another officer now finds it under Approvals, with what it deletes.",
            approvals.UnableToApprove,
        )
        return back_to(self, object_id)

    @action(
        description="Not a child",
        permissions=["drop"],
        icon="undo",
        dialog={
            "title": "This person is no child",
            "description": "The finding is closed, and nothing is removed.",
            "form_submit_text": "Close the finding",
        },
    )
    def drop(self, request, form, object_id):
        run_or_say(
            request,
            lambda: children.drop(object_id, user=request.user, now=timezone.now()),
            "The finding is closed.",
            children.UnableToRecord,
        )
        return back_to(self, object_id)


def left_of(finding: ChildFinding) -> tuple[str, str]:
    """Return a tone and the time left in words."""
    left = children.deadline_of(finding, timezone.now()) - timezone.now()
    hours = abs(left.total_seconds()) / 3600
    words = f"{round(hours)} hours" if hours >= 2 else f"{round(hours * 60)} minutes"
    if left.total_seconds() <= 0:
        return "danger", f"{words} late"
    return ("warning" if left <= children.NEAR else "success"), f"{words} left"


def context_of(finding: ChildFinding) -> dict:
    """Return what a finding's page shows above its form: the deadline, what stops it, what goes."""
    now = timezone.now()
    tone, words = left_of(finding)
    found = children.preview(finding, now=now) if finding.is_open and finding.confirmed_at is None else None
    return {
        "finding": finding,
        "state_tone": STATE_TONES[finding.state],
        "deadline": children.deadline_of(finding, now),
        "left_tone": tone,
        "left_words": words,
        "stops": children.what_stops_it(finding) if finding.is_open else "",
        "preview": found,
        "rows_words": worded(found.rows) if found else "",
        "whole_words": worded(found.whole_rows) if found else "",
    }
