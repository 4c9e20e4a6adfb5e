"""The rules, in words, and whether this installation keeps them yet."""

from django.contrib import admin
from django.utils import timezone
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import approvals
from accounts.portal_admin import PortalInline, ReadOnlyAdmin, back_to, run_or_say
from retention.approved_actions import ask_to_arm, observe_again
from retention.forms import PeriodForm
from retention.models import Rule, RuleVersion, Tombstone
from retention.periods import UnableToChange, ask_for_period
from retention.rules import aged_maps, period_of, period_words, promise_of, words_of


class PeriodInline(PortalInline):
    """The periods that officers set, newest first."""

    model = RuleVersion
    fields = ["number", "kept_for", "effective_at", "asked_by", "approved_by"]
    readonly_fields = fields
    verbose_name_plural = "periods"
    ordering = ("-number",)

    @display(description="kept for")
    def kept_for(self, version: RuleVersion) -> str:
        return period_words(version.period)


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin):
    list_display = ["title", "words", "period", "policy", "state_badge"]
    ordering = ["key"]
    fields = ["title", "words", "period", "policy", "state", "armed_at"]
    readonly_fields = ["title", "words", "period", "policy", "state", "armed_at"]
    inlines = [PeriodInline]
    actions_detail = ["ask_to_arm", "change_period", "observe"]

    @display(description="rule")
    def title(self, rule: Rule) -> str:
        return promise_of(rule).title

    @display(description="what it does")
    def words(self, rule: Rule) -> str:
        return words_of(rule.key, timezone.now())

    @display(description="period")
    def period(self, rule: Rule) -> str:
        return period_words(period_of(rule.key, timezone.now())) if aged_maps(rule.key) else "–"

    @display(description="policy")
    def policy(self, rule: Rule) -> str:
        return promise_of(rule).policy

    @display(description="state", label={"Observing": "warning", "Armed": "success"})
    def state_badge(self, rule: Rule) -> str:
        return rule.get_state_display()

    def has_ask_to_arm_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, Rule.State.OBSERVING)

    def has_change_period_permission(self, request, object_id=None) -> bool:
        rule = self.get_object(request, object_id)
        has_choice = bool(rule) and bool(aged_maps(rule.key)) and not promise_of(rule).is_fixed
        return has_choice and request.user.has_perm("retention.arm_rule")

    def has_observe_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, Rule.State.ARMED)

    def _may(self, request, object_id, state: str) -> bool:
        rule = self.get_object(request, object_id)
        return bool(rule) and rule.state == state and request.user.has_perm("retention.arm_rule")

    @action(
        description="Ask to arm",
        permissions=["ask_to_arm"],
        variant=ActionVariant.PRIMARY,
        icon="shield",
        dialog={
            "title": "Ask a second officer to arm this rule",
            "description": "Until then it only shows what it would delete. Once armed, it deletes by itself what is past its "
            "time, beginning with everything that already is. Look at “Due” first.",
            "form_submit_text": "Ask to arm",
        },
    )
    def ask_to_arm(self, request, form, object_id):
        rule = self.get_object(request, object_id)
        run_or_say(
            request,
            lambda: ask_to_arm(rule, user=request.user, now=timezone.now()),
            "Asked. Another officer now finds it under Approvals.",
            approvals.UnableToApprove,
        )
        return back_to(self, object_id)

    @action(
        description="Change the period",
        permissions=["change_period"],
        icon="timer",
        dialog={
            "title": "Ask a second officer to change the period",
            "description": "The request says what the change would delete at once. It is in force from the next day on.",
            "form_class": PeriodForm,
            "form_submit_text": "Ask to change",
        },
    )
    def change_period(self, request, form, object_id):
        rule = self.get_object(request, object_id)
        run_or_say(
            request,
            lambda: ask_for_period(rule, form.cleaned_data["period"], user=request.user, now=timezone.now()),
            "Asked. Another officer now finds it under Approvals, with what it would delete.",
            approvals.UnableToApprove,
            UnableToChange,
        )
        return back_to(self, object_id)

    @action(
        description="Stop deleting",
        permissions=["observe"],
        variant=ActionVariant.DANGER,
        icon="pause",
        dialog={
            "title": "Stop this rule at once",
            "description": "It observes from now on: nothing more is deleted by it until two officers arm it again. "
            "Deletions that have begun are finished.",
            "form_submit_text": "Stop deleting",
        },
    )
    def observe(self, request, form, object_id):
        run_or_say(
            request,
            lambda: observe_again(self.get_object(request, object_id), user=request.user),
            "The rule only observes now.",
        )
        return back_to(self, object_id)


@admin.register(Tombstone)
class TombstoneAdmin(ReadOnlyAdmin):
    list_display = ["id", "window", "erased_at", "job"]
    list_select_related = ["job"]
    ordering = ["-pk"]
    fields = ["window", "erased_at", "job"]
