"""The rules, in words, and whether this installation keeps them yet."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts import approvals
from accounts.portal_admin import ReadOnlyAdmin, back_to, run_or_say
from retention import rule_pages
from retention.approved_actions import ask_to_arm, observe_again
from retention.models import Rule, Tombstone
from retention.periods import UnableToChange, confirm_seed
from retention.rules import promise_of, unconfirmed_seeds


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin):
    """The list and the page are our own (``retention/rule_pages.py``); the buttons that ask something are here."""

    ordering = ["key"]
    change_form_outer_before_template = "retention/rule.html"
    actions_detail = ["ask_to_arm", "confirm_seed", "observe"]

    def get_fieldsets(self, request, obj=None):
        return []

    def changelist_view(self, request, extra_context=None):
        if not self.has_view_permission(request):
            raise PermissionDenied
        return rule_pages.list_page(request)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        rule = self.get_object(request, object_id)
        context = rule_pages.rule_context(rule, request.user, timezone.now()) if rule else {}
        title = {"title": promise_of(rule).title} if rule else {}
        return super().change_view(request, object_id, form_url, {**context, **title, **(extra_context or {})})

    def has_ask_to_arm_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, Rule.State.OBSERVING)

    def has_confirm_seed_permission(self, request, object_id=None) -> bool:
        rule = self.get_object(request, object_id)
        return bool(rule) and rule.key in unconfirmed_seeds() and request.user.has_perm("retention.arm_rule")

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
        description="Confirm the seed",
        permissions=["confirm_seed"],
        icon="task_alt",
        dialog={
            "title": "Confirm the period that ships with this rule",
            "description": "You say that you have compared it with the policy in force. Your name and the time are recorded. "
            "Nothing is deleted by this.",
            "form_submit_text": "Confirm",
        },
    )
    def confirm_seed(self, request, form, object_id):
        run_or_say(
            request,
            lambda: confirm_seed(self.get_object(request, object_id), user=request.user, now=timezone.now()),
            "Confirmed.",
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
    empty_title = "No tombstones yet"
    empty_text = (
        "Of each number that was deleted a keyed hash stays, so that late calls of it are recognised and refused."
    )
    list_display = ["id", "window", "erased_at", "job"]
    list_select_related = ["job"]
    ordering = ["-pk"]
    fields = ["window", "erased_at", "job"]
