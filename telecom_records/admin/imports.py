"""Imports of call records and what was not taken."""

from django.contrib import admin, messages
from django.forms import ChoiceField
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.approvals import UnableToApprove
from accounts.portal_admin import PortalAdmin, ReadOnlyAdmin, run_or_say
from telecom_records import undo, watching
from telecom_records.formats import FORMATS, format_choices
from telecom_records.formats.mapped import FORMAT_OF
from telecom_records.formats.mapping import MEANINGS
from telecom_records.forms import MAP
from telecom_records.imports import ask_to_cancel
from telecom_records.mapping_pages import PERMISSIONS
from telecom_records.models import ImportReject, ImportRun, ImportSource, WatchedFile
from telecom_records.undo import may_be_undone
from telecom_records.views import run_context

STATE_TONES = {
    "Waiting for its columns": "warning",
    "Waiting": "info",
    "Running": "info",
    "Done": "success",
    "Refused": "danger",
    "Cancelled": "warning",
    "Undone": "warning",
}
WATCHED_TONES = {
    "Waiting": "info",
    "Being imported": "info",
    "Refused": "danger",
    WatchedFile.Folder.DONE.label: "success",
}


@admin.register(ImportSource)
class ImportSourceAdmin(PortalAdmin):
    empty_title = "No sources yet"
    empty_text = "A source is the switch or exchange that calls come from. The first import of its file makes it."
    add_words = "Add a source"
    list_display = ["name", "format_name", "time_zone", "country", "runs"]
    search_fields = ["name"]
    ordering = ["name"]
    fields = ["name", "format", ("time_zone", "country"), "reject_percent", "columns"]
    readonly_fields = ["columns"]
    actions_detail = ["map_columns"]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name != "format":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        match = request.resolver_match
        source = (
            self.get_object(request, match.kwargs["object_id"]) if match and match.kwargs.get("object_id") else None
        )
        mapped = FORMAT_OF.get(source.mapping.get("kind", "calls")) if source and source.mapping else None
        own = [(mapped, FORMATS[mapped].name)] if mapped else []
        choices = [("", "Seen from the file"), *own, *format_choices()]
        return ChoiceField(choices=choices, required=False, label="Format", widget=UnfoldAdminSelectWidget)

    @display(description="format", ordering="format")
    def format_name(self, source: ImportSource) -> str:
        return FORMATS[source.format].name if source.format in FORMATS else "Seen from the file"

    @display(description="columns")
    def columns(self, source: ImportSource) -> str:
        """Return what the columns of the source's files are, where somebody mapped them."""
        if not source.mapping:
            return "Not mapped: its files are of a known format"
        meanings = MEANINGS[source.mapping.get("kind", "calls")]
        told = ((column["at"], meanings[column["means"]]) for column in source.mapping["columns"])
        return format_html_join(", ", "{}: {}", told)

    def has_map_permission(self, request, object_id=None) -> bool:
        return request.user.has_perms(PERMISSIONS)

    @action(description="Map its columns", permissions=["map"], icon="table_chart", url_path="go-to-columns")
    def map_columns(self, request, object_id):
        return redirect("calls:source_columns", object_id)

    @display(description="imports")
    def runs(self, source: ImportSource) -> int:
        return source.runs.count()


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    empty_title = "No imports yet"
    empty_text = "Every file of call records that came in stands here, with where each row went."
    list_display = ["created_at", "source", "file_name", "state_badge", "read", "inserted", "rejected", "skipped"]
    list_filter = [("state", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["source"]
    search_fields = ["file_name__icontains", "source__name__exact"]
    ordering = ["-created_at", "pk"]
    actions_list = ["import_calls", "import_unknown"]
    actions_detail = ["cancel", "undo"]
    change_form_outer_before_template = "telecom_records/run.html"
    list_before_template = "telecom_records/watched.html"

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {**(extra_context or {}), "watched": watching.summaries()})

    def get_fieldsets(self, request, obj=None):
        return []

    def change_view(self, request, object_id, form_url="", extra_context=None):
        run = self.get_object(request, object_id)
        context = run_context(run) if run else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description="state", ordering="state", label=STATE_TONES)
    def state_badge(self, run: ImportRun) -> str:
        return run.get_state_display()

    def has_upload_permission(self, request) -> bool:
        return request.user.has_perm("telecom_records.import_calls")

    def has_cancel_permission(self, request, object_id=None) -> bool:
        run = self.get_object(request, object_id)
        return bool(run and run.is_open and not run.cancel_asked_at) and self.has_upload_permission(request)

    def has_undo_permission(self, request, object_id=None) -> bool:
        run = self.get_object(request, object_id)
        return bool(run and may_be_undone(run)) and request.user.has_perm("telecom_records.undo_import")

    @action(
        description="Cancel",
        permissions=["cancel"],
        icon="cancel",
        dialog={
            "title": "Cancel this import",
            "description": "It ends at the next chunk of rows. What it has stored until then goes by the rule “Undone "
            "imports”; the file can be imported again.",
            "form_submit_text": "Cancel the import",
        },
    )
    def cancel(self, request, form, object_id):
        if ask_to_cancel(ImportRun.objects.get(pk=object_id), now=timezone.now()):
            messages.success(request, "The import ends in a moment.")
        else:
            messages.warning(request, "The import is over already.")
        return redirect(reverse("admin:telecom_records_importrun_change", args=[object_id]))

    @action(
        description="Ask to undo",
        permissions=["undo"],
        variant=ActionVariant.DANGER,
        icon="undo",
        dialog={
            "title": "Ask a second officer to undo this import",
            "description": "When the other officer agrees, the records that it brought are hidden at once and deleted, once the "
            "rule “Undone imports” is armed. What it only revised keeps its new values. A call that a later file held too goes as well: import "
            "that file again afterwards.",
            "form_submit_text": "Ask to undo",
        },
    )
    def undo(self, request, form, object_id):
        run_or_say(
            request,
            lambda: undo.ask(ImportRun.objects.get(pk=object_id), user=request.user, now=timezone.now()),
            "Asked. Another officer now finds it under Approvals.",
            UnableToApprove,
        )
        return redirect(reverse("admin:telecom_records_importrun_change", args=[object_id]))

    @action(
        description="Import call records",
        permissions=["upload"],
        variant=ActionVariant.PRIMARY,
        icon="upload_file",
        url_path="go-to-upload",
    )
    def import_calls(self, request):
        return redirect(reverse("calls:upload"))

    @action(description="Import an unknown file", permissions=["upload"], icon="table_chart", url_path="go-to-unknown")
    def import_unknown(self, request):
        return redirect(f"{reverse('calls:upload')}?format={MAP}")


@admin.register(WatchedFile)
class WatchedFileAdmin(ReadOnlyAdmin):
    empty_title = "No file waits"
    empty_text = "Files that other systems put into a watched folder or bucket stand here until they are imported."
    list_display = ["name", "source", "state_badge", "size", "seen_at", "reason", "problem", "run"]
    list_filter = [("folder", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["source", "run"]
    search_fields = ["name__icontains", "source__name__exact"]
    ordering = ["-seen_at", "pk"]
    fields = ["place", "source", "name", "size", "folder", "seen_at", "run", "reason", "problem"]
    list_before_template = "telecom_records/watched.html"

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(
            request, {**(extra_context or {}), "watched": watching.summaries(), "is_files": True}
        )

    @display(description="state", label=WATCHED_TONES)
    def state_badge(self, file: WatchedFile) -> str:
        if file.folder:
            return file.get_folder_display()
        return "Being imported" if file.run else "Waiting"


@admin.register(ImportReject)
class ImportRejectAdmin(ReadOnlyAdmin):
    empty_title = "No rejects"
    empty_text = "Rows that could not be taken stand here, each with its reason."
    list_display = ["run", "line", "code", "message"]
    list_filter = ["code"]
    search_fields = ["run__pk__exact"]
    search_help_text = "The id of an import"
    list_select_related = ["run"]
    ordering = ["-run__created_at", "line"]
    fields = ["run", "line", "code", "message"]
