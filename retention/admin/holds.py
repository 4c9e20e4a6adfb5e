"""Legal holds: placed at once by one officer, lifted by two."""

from typing import Any

from django.contrib import admin
from django.utils import timezone
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import approvals
from accounts.portal_admin import ReadOnlyAdmin, back_to, may_see_clear, run_or_say
from retention.approved_actions import LIFT_HOLD
from retention.hold_views import new_hold
from retention.hold_words import covers_in_words, lines, refusals
from retention.holds import count_kept
from retention.keeping import HoldKeeper
from retention.models import Hold


class ActiveFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("active", "Active"), ("overdue", "Review overdue"), ("lifted", "Lifted")]

    def queryset(self, request, queryset):
        if self.value() == "overdue":
            return queryset.filter(lifted_at__isnull=True, review_on__lt=timezone.localdate())
        if self.value():
            return queryset.filter(lifted_at__isnull=self.value() == "active")
        return queryset


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    empty_title = "No holds"
    empty_text = (
        "A hold keeps data although its time is over: for a claim, an order, or an open request. One officer "
        "places it at once."
    )
    add_words = "Place a hold"
    list_display = ["hold", "covers", "keeps_now", "authority", "owner", "review", "state_badge"]
    list_filter = [ActiveFilter]
    list_select_related = ["workspace", "person", "owner"]
    list_per_page = 15  # what each keeps is counted
    search_fields = ["workspace__outside_id__exact", "person__outside_id__exact"]
    search_help_text = "Account or customer number"
    ordering = ["lifted_at", "review_on", "pk"]
    fields = ["reason", "authority", ("owner", "review_on"), ("kind", "placed_by", "placed_at"), ("lifted_by", "lifted_at")]  # fmt: skip
    change_form_outer_before_template = "retention/_hold_keeps.html"
    list_after_template = "retention/_hold_refusals.html"
    actions_detail = ["ask_to_lift"]

    def has_add_permission(self, request) -> bool:
        return request.user.has_perm("retention.add_hold")

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)
        return new_hold(request)

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {**(extra_context or {}), "refusals": refusals()})

    def change_view(self, request, object_id, form_url="", extra_context=None):
        hold = self.get_object(request, object_id)
        context: dict[str, Any] = {"hold": hold, "covers": hold and covers_in_words(hold, clear=may_see_clear(request))}
        if hold and hold.is_active:
            context |= {"keeps": lines(count_kept(HoldKeeper(hold)))}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description="hold")
    def hold(self, hold: Hold) -> str:
        return f"{hold.placed_at:%Y}-{str(hold.pk)[:8]}"

    @display(description="covers")
    def covers(self, hold: Hold) -> str:
        return covers_in_words(hold, clear=False)

    @display(description="keeps now")
    def keeps_now(self, hold: Hold) -> str:
        if not hold.is_active:
            return "–"
        return (
            ", ".join(f"{line['shown']} {line['what']}" for line in lines(count_kept(HoldKeeper(hold)))[:3])
            or "nothing"
        )

    @display(description="review", ordering="review_on", label={"danger": "danger", "": ""})
    def review(self, hold: Hold):
        late = hold.is_active and hold.review_on < timezone.localdate()
        return ("danger" if late else ""), f"{hold.review_on:%-d %b %Y}{' – overdue' if late else ''}"

    @display(description="state", label={"Active": "warning", "Lifted": ""})
    def state_badge(self, hold: Hold) -> str:
        return "Active" if hold.is_active else "Lifted"

    def has_ask_to_lift_permission(self, request, object_id=None) -> bool:
        hold = self.get_object(request, object_id)
        by_request = bool(hold) and hold.kind == Hold.Kind.REQUEST  # that one ends by itself, with the answer
        return bool(hold) and hold.is_active and not by_request and request.user.has_perm("retention.lift_hold")

    @action(
        description="Ask to lift",
        permissions=["ask_to_lift"],
        variant=ActionVariant.DANGER,
        icon="lock_open",
        dialog={
            "title": "Ask a second officer to lift this hold",
            "description": "When the other officer agrees, deletion goes on by itself: what is past its time and kept by "
            "nothing else is gone within two minutes.",
            "form_submit_text": "Ask to lift",
        },
    )
    def ask_to_lift(self, request, form, object_id):
        hold = Hold.objects.select_related("workspace", "person").get(pk=object_id)
        run_or_say(
            request,
            lambda: approvals.ask(
                LIFT_HOLD,
                target=str(hold.pk),
                summary=f"Lift the hold on {covers_in_words(hold, clear=False)}"[:300],
                user=request.user,
                now=timezone.now(),
            ),
            "Asked. Another officer now finds it under Approvals.",
            approvals.UnableToApprove,
        )
        return back_to(self, object_id)
