"""Stopping every deletion, and letting them go on."""

from django.contrib import admin
from django.utils import timezone
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.portal_admin import PortalAdmin, back_to, run_or_say
from retention import stops
from retention.models import EngineStop


@admin.register(EngineStop)
class EngineStopAdmin(PortalAdmin):
    empty_title = "Deletions were never stopped"
    empty_text = (
        "Any officer can stop all of them at once, and the portal does so itself when its clock cannot be right."
    )
    add_words = "Stop all deletions"
    list_display = ["began_at", "kind", "reason", "state_badge", "began_by", "ended_at", "ended_by"]
    list_select_related = ["began_by", "ended_by"]
    ordering = ["-pk"]
    fields = ["reason"]
    actions_detail = ["go_on"]

    @display(description="state", label={"Stopped": "danger", "Ended": ""})
    def state_badge(self, stop: EngineStop) -> str:
        return "Ended" if stop.ended_at else "Stopped"

    def has_add_permission(self, request):
        """Offer no second stop. The list of what this person may do, which every page makes, asks without looking."""
        here = request.resolver_match and str(request.resolver_match.url_name).startswith("retention_enginestop_")
        return super().has_add_permission(request) and (not here or stops.active_stop() is None)

    def has_change_permission(self, request, obj=None):
        return False

    def get_fields(self, request, obj=None):
        return (
            self.fields if obj is None else [*self.fields, "kind", ("began_by", "began_at"), ("ended_by", "ended_at")]
        )

    def save_model(self, request, obj, form, change):
        made = stops.stop(EngineStop.Kind.OFFICER, reason=obj.reason, user=request.user, now=timezone.now())
        obj.pk = made.pk

    def has_go_on_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)
        return bool(found) and found.ended_at is None and request.user.has_perm("retention.end_enginestop")

    @action(
        description="Go on",
        permissions=["go_on"],
        variant=ActionVariant.PRIMARY,
        icon="play_arrow",
        dialog={
            "title": "Let deletions go on",
            "description": "Everything that came due meanwhile is deleted within two minutes. If the clock caused the stop, "
            "you confirm that the date and time of this portal are right.",
            "form_submit_text": "Go on",
        },
    )
    def go_on(self, request, form, object_id):
        run_or_say(
            request,
            lambda: stops.go_on(object_id, user=request.user, now=timezone.now()),
            "Deletions go on.",
            stops.UnableToStop,
        )
        return back_to(self, object_id)
