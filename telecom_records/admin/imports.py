"""Imports of call records and what was not taken."""

from django.contrib import admin
from django.shortcuts import redirect
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.portal_admin import PortalAdmin, ReadOnlyAdmin
from telecom_records import watching
from telecom_records.formats import FORMATS
from telecom_records.models import ImportReject, ImportRun, ImportSource, WatchedFile
from telecom_records.views import run_context

STATE_TONES = {"Waiting": "info", "Running": "info", "Done": "success", "Refused": "danger"}
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
    list_display = ["name", "format", "time_zone", "country", "runs"]
    search_fields = ["name"]
    ordering = ["name"]
    fields = ["name", "format", ("time_zone", "country")]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "format":
            field.help_text = f"One of: {', '.join(FORMATS)}. Empty: seen from the file."
        return field

    @display(description="imports")
    def runs(self, source: ImportSource) -> int:
        return source.runs.count()


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    empty_title = "No imports yet"
    empty_text = "Every file of call records that came in stands here, with where each row went."
    list_display = ["created_at", "source", "file_name", "state_badge", "read", "inserted", "rejected", "unattributed"]
    list_filter = [("state", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["source"]
    search_fields = ["file_name__icontains", "source__name__exact"]
    ordering = ["-created_at", "pk"]
    actions_list = ["import_calls"]
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

    @action(
        description="Import call records",
        permissions=["upload"],
        variant=ActionVariant.PRIMARY,
        icon="upload_file",
        url_path="go-to-upload",
    )
    def import_calls(self, request):
        return redirect(reverse("calls:upload"))


@admin.register(WatchedFile)
class WatchedFileAdmin(ReadOnlyAdmin):
    empty_title = "No file waits"
    empty_text = "Files that other systems put into a watched folder or bucket stand here until they are imported."
    list_display = ["name", "source", "state_badge", "size", "seen_at", "problem", "run"]
    list_filter = [("folder", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["source", "run"]
    search_fields = ["name__icontains", "source__name__exact"]
    ordering = ["-seen_at", "pk"]
    fields = ["place", "source", "name", "size", "folder", "seen_at", "run", "problem"]
    list_before_template = "telecom_records/watched.html"

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {**(extra_context or {}), "watched": watching.summaries()})

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
