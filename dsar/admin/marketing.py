"""Who wants no marketing: dates and channels, never an address."""

from django.contrib import admin
from django.shortcuts import redirect
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.portal_admin import ReadOnlyAdmin
from dsar.models import OptOut


@admin.register(OptOut)
class OptOutAdmin(ReadOnlyAdmin):
    empty_title = "Nobody has opted out"
    empty_text = (
        "Whoever wants no marketing is remembered here by a keyed hash of the address, from which nobody can read it."
    )
    list_display = ["opt_out", "kind", "asked_at", "channel", "state_badge"]
    list_filter = [("kind", ChoicesDropdownFilter), ("channel", ChoicesDropdownFilter)]
    list_filter_submit = True
    search_fields = ["request_id__exact"]
    search_help_text = "Id of the request"
    ordering = ["-asked_at", "pk"]
    fields = [("kind", "channel"), ("asked_at", "recorded_at", "recorded_by"), ("is_ours", "ended_at")]
    actions_list = ["to_marketing"]

    @display(description="opt-out")
    def opt_out(self, opt_out: OptOut) -> str:
        return str(opt_out.pk)[:8]

    @display(description="state", label={"In effect": "success", "Ended": ""})
    def state_badge(self, opt_out: OptOut) -> str:
        return "Ended" if opt_out.ended_at else "In effect"

    def has_marketing_permission(self, request) -> bool:
        return request.user.has_perm("dsar.view_optout")

    @action(
        description="Stop marketing", permissions=["marketing"], variant=ActionVariant.PRIMARY, icon="unsubscribe",
        url_path="go-to-marketing",
    )  # fmt: skip
    def to_marketing(self, request):
        return redirect(reverse("marketing:page"))
