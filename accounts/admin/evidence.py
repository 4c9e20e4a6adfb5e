"""The evidence log, and what waits for a second pair of eyes."""

from django.contrib import admin
from django.utils import timezone
from unfold.contrib.filters.admin import AllValuesCheckboxFilter, ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import approvals
from accounts.long_lists import LongListAdmin, TimeRangeFilter
from accounts.models import AccessLogEntry, Approval, EvidenceEntry
from accounts.portal_admin import ReadOnlyAdmin, back_to, run_or_say


@admin.register(EvidenceEntry)
class EvidenceEntryAdmin(ReadOnlyAdmin):
    empty_title = "The log is empty"
    empty_text = "Every decision and every deletion is written here, in order, for good."
    list_display = ["sequence", "at", "type_badge", "subject", "leaf_start"]
    list_filter = [("type", AllValuesCheckboxFilter)]
    list_filter_submit = True
    search_fields = ["subject__exact"]
    search_help_text = "The id of a deletion, a hold, a request …"
    ordering = ["-sequence"]
    fields = ["sequence", "at", "type", "subject", "body", "leaf_hex", "chain_hex"]
    readonly_fields = fields

    @display(description="what", ordering="type", label=True)
    def type_badge(self, entry: EvidenceEntry) -> str:
        return entry.type

    @display(description="hash")
    def leaf_start(self, entry: EvidenceEntry) -> str:
        return f"{bytes(entry.leaf).hex()[:16]}…"

    @display(description="leaf (SHA-256)")
    def leaf_hex(self, entry: EvidenceEntry) -> str:
        return bytes(entry.leaf).hex()

    @display(description="chain (SHA-256)")
    def chain_hex(self, entry: EvidenceEntry) -> str:
        return bytes(entry.chain).hex()


@admin.register(AccessLogEntry)
class AccessLogEntryAdmin(LongListAdmin, ReadOnlyAdmin):
    empty_title = "Nobody has looked yet"
    empty_text = "Who of the staff saw or took customers’ data in clear."
    list_display = ["at", "user", "action_badge", "of", "subject", "rows", "reason", "ticket"]
    list_filter = [("action", ChoicesDropdownFilter), ("at", TimeRangeFilter)]
    list_filter_submit = True
    list_select_related = ["user"]
    search_fields = ["subject__exact", "ticket__exact"]
    search_help_text = "The id of what was looked at, or a ticket"
    dated_by = "at"
    fields = ["at", "user", ("action", "of"), ("subject", "rows"), "reason", "ticket"]
    readonly_fields = ["at", "user", "action", "of", "subject", "rows", "reason", "ticket"]

    @display(description="did", ordering="action", label={"Exported": "warning", "Took the evidence away": "info"})
    def action_badge(self, entry: AccessLogEntry) -> str:
        return entry.get_action_display()


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    empty_title = "Nothing asked yet"
    empty_text = "What cannot be undone waits here for a second officer, and stays here after the decision."
    list_display = ["summary", "state_badge", "requested_by", "requested_at", "decided_by", "decided_at"]
    list_filter = [("state", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["requested_by", "decided_by"]
    ordering = ["-requested_at"]
    fields = [
        "summary", ("state", "action"), ("requested_by", "requested_at", "expires_at"), ("decided_by", "decided_at"), "digest",
    ]  # fmt: skip
    actions_detail = ["approve", "refuse"]

    @display(description="state", label={"Waiting": "warning", "Approved and done": "success", "Refused": "danger"})
    def state_badge(self, approval: Approval) -> str:
        return approval.get_state_display()

    def has_decide_permission(self, request, object_id=None) -> bool:
        approval = self.get_object(request, object_id)
        return (
            bool(approval) and approval.state == Approval.State.WAITING and approvals.may_decide(request.user, approval)
        )

    @action(
        description="Approve",
        permissions=["decide"],
        variant=ActionVariant.PRIMARY,
        icon="check",
        dialog={
            "title": "Approve and do it now",
            "description": "What was asked for is done at once, and your name is recorded beside that of the officer who asked.",
            "form_submit_text": "Approve",
        },
    )
    def approve(self, request, form, object_id):
        self._decide(request, object_id, agree=True, done="Approved and done.")
        return back_to(self, object_id)

    @action(
        description="Refuse",
        permissions=["decide"],
        icon="close",
        dialog={
            "title": "Refuse",
            "description": "Nothing changes. It can be asked for again.",
            "form_submit_text": "Refuse",
        },
    )
    def refuse(self, request, form, object_id):
        self._decide(request, object_id, agree=False, done="Refused; nothing was changed.")
        return back_to(self, object_id)

    def _decide(self, request, object_id, *, agree: bool, done: str) -> None:
        run_or_say(
            request,
            lambda: approvals.decide(object_id, user=request.user, agree=agree, now=timezone.now()),
            done,
            approvals.UnableToApprove,
        )
