"""Files without a row and rows without a file: what the nightly comparison found."""

from django.contrib import admin, messages
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts import approvals
from accounts.portal_admin import ReadOnlyAdmin, back_to, run_or_say
from accounts.workers import NOBODY_THERE, call_worker
from retention import reconcile
from retention.models import FileCheck, FileFinding
from retention.tasks import compare_files


@admin.register(FileFinding)
class FileFindingAdmin(ReadOnlyAdmin):
    empty_title = "No findings"
    empty_text = "Each night files and rows are compared; what does not match stands here, and nothing is destroyed without two officers."
    list_display = ["key_shown", "kind_badge", "stored_at", "found_at", "seen_at", "state_badge"]
    list_filter = [("kind", ChoicesDropdownFilter), ("end", ChoicesDropdownFilter)]
    list_filter_submit = True
    ordering = ["ended_at", "-found_at", "pk"]
    fields = [
        ("key_shown", "kind_badge", "state_badge"),
        ("stored_at", "found_at", "seen_at"),
        ("agreed_at", "ended_at"),
        "next_step",
    ]
    readonly_fields = ["key_shown", "kind_badge", "state_badge", "next_step"]
    actions_list = ["look_now", "destroy"]

    @display(description="name in the store")
    def key_shown(self, finding: FileFinding) -> str:
        return finding.key or "forgotten: it was not one of ours"

    @display(description="what", label={"File without a row": "warning", "Row without a file": "danger"})
    def kind_badge(self, finding: FileFinding) -> str:
        return finding.get_kind_display()

    @display(description="state", label={"Open": "warning", "Being destroyed": "info"})
    def state_badge(self, finding: FileFinding) -> str:
        if finding.ended_at:
            return finding.get_end_display()
        return "Being destroyed" if finding.agreed_at else "Open"

    @display(description="what is next")
    def next_step(self, finding: FileFinding) -> str:
        if finding.ended_at:
            return "Nothing."
        if finding.kind == FileFinding.Kind.MISSING:
            return "Find out why the file is gone. If a backup of the store has it, put it back under this name."
        if not finding.is_ours:
            return "The portal gives no such names. Somebody put it there: look at it and remove it by hand."
        return "Nothing refers to it. Two officers can have it destroyed."

    def has_look_now_permission(self, request) -> bool:
        return request.user.has_perm("retention.destroy_filefinding")

    def has_destroy_permission(self, request) -> bool:
        return request.user.has_perm("retention.destroy_filefinding") and reconcile.open_strays().exists()

    @action(
        description="Compare now",
        permissions=["look_now"],
        icon="find_in_page",
        dialog={
            "title": "Compare the file store with its rows",
            "description": "A worker looks at every file and every row. Nothing is deleted. It is done each night anyway.",
            "form_submit_text": "Compare",
        },
    )
    def look_now(self, request, form):
        if call_worker(compare_files, asked=True):
            messages.success(request, "A worker compares. Load this page again in a minute.")
        else:
            messages.error(
                request, f"{NOBODY_THERE} Nothing was compared; manage.py reconcile_files does it without them."
            )
        return back_to(self)

    @action(
        description="Destroy files without a row",
        permissions=["destroy"],
        variant=ActionVariant.DANGER,
        icon="delete_forever",
        dialog={
            "title": "Ask for the destruction of all files without a row",
            "description": "A second officer must agree to exactly the files on this list. Rows without a file are left as they are.",
            "form_submit_text": "Ask",
        },
    )
    def destroy(self, request, form):
        run_or_say(
            request,
            lambda: reconcile.ask_to_destroy(user=request.user, now=timezone.now()),
            "Asked. A second officer must agree, under Approvals.",
            approvals.UnableToApprove,
        )
        return back_to(self)


@admin.register(FileCheck)
class FileCheckAdmin(ReadOnlyAdmin):
    empty_title = "Not compared yet"
    empty_text = "Each night all stored files are compared with their rows; every comparison stands here."
    list_display = ["began_at", "files", "rows", "stray", "missing", "failed"]
    ordering = ["-pk"]
    fields = [("began_at", "ended_at"), ("files", "rows"), ("stray", "missing"), "failed"]
