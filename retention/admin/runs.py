"""Runs, the limits of the breaker, and the workspaces that an officer's word keeps."""

from collections.abc import Callable

from django.contrib import admin
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import approvals
from accounts.portal_admin import ReadOnlyAdmin, back_to, run_or_say
from retention import breaker, limits, runs
from retention.approved_actions import ask_to_end_reprieves, ask_to_let_go_on
from retention.models import BreakerLimit, DeletionRun, Reprieve
from retention.rules import promise_of
from retention.run_forms import CallOffForm, EndReprievesForm, GoOnForm, LimitForm
from retention.run_page import run_context, unit_of

STATE_TONES = {
    "Going on": "info",
    "The first ones go first": "info",
    "Stopped: needs a decision": "danger",
    "Called off": "warning",
    "Over": "success",
}


@admin.register(DeletionRun)
class DeletionRunAdmin(ReadOnlyAdmin):
    empty_title = "No runs yet"
    empty_text = "What comes due together is frozen as a run and judged before any of it is deleted."
    list_display = ["ref", "rule_title", "kind", "amount_of", "state_badge", "frozen_at", "decided_by"]
    list_filter = [("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["rule", "decided_by"]
    ordering = ["-frozen_at", "pk"]
    fields = ()
    change_form_outer_before_template = "retention/run.html"
    actions_detail = ["ask_to_go_on", "call_off", "ask_to_end_reprieves"]

    def get_fieldsets(self, request, obj=None):
        return []

    def change_view(self, request, object_id, form_url="", extra_context=None):
        run = self.get_object(request, object_id)
        context = run_context(run) if run else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description="run")
    def ref(self, run: DeletionRun) -> str:
        return run.reference

    @display(description="rule")
    def rule_title(self, run: DeletionRun) -> str:
        return promise_of(run.rule).title

    @display(description="what", ordering="amount")
    def amount_of(self, run: DeletionRun) -> str:
        return f"{run.amount:,} {unit_of(run)}"

    @display(description="state", ordering="state", label=STATE_TONES)
    def state_badge(self, run: DeletionRun) -> str:
        return run.get_state_display()

    def has_decide_permission(self, request, object_id=None) -> bool:
        run = self.get_object(request, object_id)
        stopped = bool(run) and run.state == DeletionRun.State.STOPPED
        return stopped and request.user.has_perm("retention.decide_job")

    def has_end_reprieves_permission(self, request, object_id=None) -> bool:
        run = self.get_object(request, object_id)
        return bool(run) and runs.reprieves_of(run.pk).exists() and request.user.has_perm("retention.decide_job")

    @action(
        description="Ask to let it go on",
        permissions=["decide"],
        variant=ActionVariant.PRIMARY,
        icon="play_arrow",
        dialog={
            "title": "Ask a second officer to let this run go on",
            "description": "",
            "form_class": GoOnForm,
            "form_submit_text": "Ask to let it go on",
        },
    )
    def ask_to_go_on(self, request, form, object_id):
        return self._ask(request, object_id, ask_to_let_go_on)

    @action(
        description="These were wrong",
        permissions=["decide"],
        variant=ActionVariant.DANGER,
        icon="undo",
        dialog={
            "title": "Call this run off",
            "description": "",
            "form_class": CallOffForm,
            "form_submit_text": "Call it off",
        },
    )
    def call_off(self, request, form, object_id):
        run = self.get_object(request, object_id)
        run_or_say(
            request,
            lambda: runs.call_off(run.pk, reason=form.cleaned_data["reason"], user=request.user, now=timezone.now()),
            "Called off. Nothing of it is deleted.",
            runs.UnableToDecide,
        )
        return back_to(self, object_id)

    @action(
        description="Ask to let them be due again",
        permissions=["end_reprieves"],
        icon="event_available",
        dialog={
            "title": "Ask a second officer to let them be due again",
            "description": "",
            "form_class": EndReprievesForm,
            "form_submit_text": "Ask to let them be due",
        },
    )
    def ask_to_end_reprieves(self, request, form, object_id):
        return self._ask(request, object_id, ask_to_end_reprieves)

    def _ask(self, request, object_id, ask: Callable[..., approvals.Approval]):
        """Ask the second officer for something about this run; ``ask`` takes the run, the user and now."""
        run = self.get_object(request, object_id)
        done = "Asked. Another officer now finds it under Approvals."
        run_or_say(request, lambda: ask(run, user=request.user, now=timezone.now()), done, approvals.UnableToApprove)
        return back_to(self, object_id)


@admin.register(BreakerLimit)
class BreakerLimitAdmin(ReadOnlyAdmin):
    list_display = ["title", "in_force", "bounds"]
    ordering = ["key"]
    fields = ["title", "in_force", "bounds", "usual"]
    readonly_fields = fields
    actions_detail = ["set_limit"]

    @display(description="the breaker stops when there are more")
    def title(self, limit: BreakerLimit) -> str:
        return breaker.LIMITS[limit.pk].title

    @display(description="limit")
    def in_force(self, limit: BreakerLimit) -> str:
        known = breaker.LIMITS[limit.pk]
        return known.words(breaker.believed(known, limit.value))

    @display(description="between")
    def bounds(self, limit: BreakerLimit) -> str:
        known = breaker.LIMITS[limit.pk]
        return f"{known.strictest:,} and {known.words(known.ceiling)}"

    @display(description="usual")
    def usual(self, limit: BreakerLimit) -> str:
        return breaker.LIMITS[limit.pk].words(breaker.LIMITS[limit.pk].usual)

    def get_queryset(self, request):
        return super().get_queryset(request).filter(pk__in=breaker.LIMITS)

    def has_set_limit_permission(self, request, object_id=None) -> bool:
        return request.user.has_perm("retention.decide_job")

    @action(
        description="Change the limit",
        permissions=["set_limit"],
        icon="speed",
        dialog={
            "title": "Change this limit",
            "description": "Lowering it takes effect at once. Raising it needs a second officer. What is missing or out of "
            "bounds in the database counts as the strictest value.",
            "form_class": LimitForm,
            "form_submit_text": "Change",
        },
    )
    def set_limit(self, request, form, object_id):
        limit = self.get_object(request, object_id)
        asked: list = []
        run_or_say(
            request,
            lambda: asked.append(
                limits.set_limit(limit.pk, form.cleaned_data["value"], user=request.user, now=timezone.now())
            ),
            "Done. A lower limit holds from now on; a higher one waits for another officer under Approvals.",
            limits.UnableToSet,
            approvals.UnableToApprove,
        )
        return back_to(self, object_id)


@admin.register(Reprieve)
class ReprieveAdmin(ReadOnlyAdmin):
    empty_title = "No reprieves"
    empty_text = (
        "When an officer calls a run off because its dates were wrong, its workspaces stand here until their "
        "dates are changed."
    )
    list_display = ["workspace", "reason", "granted_by", "granted_at", "state_badge"]
    list_select_related = ["workspace", "granted_by"]
    search_fields = ["workspace__outside_id__exact"]
    search_help_text = "Account number"
    ordering = ["-granted_at", "pk"]
    fields = ["workspace", "job", "reason", ("granted_by", "granted_at"), ("ending", "ended_at")]

    @display(description="state", label={"Kept": "warning", "Ended": ""})
    def state_badge(self, reprieve: Reprieve) -> str:
        return "Kept" if reprieve.is_open else "Ended"
