"""Recordings, to listen to; and those of which it is not known whose call they are."""

from django.contrib import admin
from django.shortcuts import redirect
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.long_lists import TimeRangeFilter
from accounts.portal_admin import ReadOnlyAdmin
from telecom_records.admin.filters import AccountFilter, OtherPartyFilter, OwnNumberFilter
from telecom_records.admin.traffic import TrafficAdmin
from telecom_records.models import Recording, WaitingRecording
from telecom_records.recording_pages import sounds_context, waiting_context


@admin.register(Recording)
class RecordingAdmin(TrafficAdmin):
    empty_title = "No recordings"
    empty_text = "They come by upload, from a folder or a provider, and go after the days that the customer chose."
    list_display = ["started_at", "workspace", "kind", "own_number", "other_party", "duration_s", "keep_days", "size"]
    dated_by = "started_at"
    list_filter = [
        AccountFilter, OwnNumberFilter, OtherPartyFilter, ("started_at", TimeRangeFilter), ("kind", ChoicesDropdownFilter),
    ]  # fmt: skip
    fields = [
        ("workspace", "kind"), ("own_number", "other_party"), ("started_at", "duration_s", "channels"),
        ("content_type", "size"), ("keep_days", "ticket_reference"), ("call", "source", "source_recording_id"),
    ]  # fmt: skip
    readonly_fields = ["size"]
    change_form_outer_before_template = "telecom_records/recording.html"
    actions_list = ["add_recordings"]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        recording = self.get_object(request, object_id)
        context = sounds_context(request, [recording]) if recording else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description="size")
    def size(self, recording: Recording) -> str:
        return f"{recording.file_bytes / 1024:,.0f} kB" if recording.has_sound else "to come"

    def has_add_recordings_permission(self, request) -> bool:
        return request.user.has_perm("telecom_records.import_recordings")

    @action(
        description="Add recordings",
        permissions=["add_recordings"],
        variant=ActionVariant.PRIMARY,
        icon="upload_file",
        url_path="go-to-add",
    )
    def add_recordings(self, request):
        return redirect(reverse("calls:add_recordings"))


@admin.register(WaitingRecording)
class WaitingRecordingAdmin(ReadOnlyAdmin):
    empty_title = "No recording is without its call"
    empty_text = "Recordings whose call could not be told stand here for some days, for somebody to say which it is."
    list_display = ["received_at", "source", "kind", "started_at", "duration_s", "sound", "state_badge"]
    list_filter = [("kind", ChoicesDropdownFilter), ("set_aside_at", admin.EmptyFieldListFilter)]
    list_filter_submit = True
    list_select_related = ["source"]
    search_fields = ["source__name__exact", "source_recording_id__exact", "ticket_reference__exact"]
    search_help_text = "Source, ticket, or the id at the source"
    ordering = ["set_aside_at", "-received_at", "pk"]
    change_form_outer_before_template = "telecom_records/waiting_recording.html"

    def get_fieldsets(self, request, obj=None):
        return []

    def change_view(self, request, object_id, form_url="", extra_context=None):
        waiting = self.get_object(request, object_id)
        context = waiting_context(request, waiting) if waiting else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description="sound")
    def sound(self, waiting: WaitingRecording) -> str:
        return f"{waiting.file_bytes / 1024:,.0f} kB" if waiting.file_key else "to come"

    @display(description="state", label={"Waits for its call": "warning", "Set aside": "info"})
    def state_badge(self, waiting: WaitingRecording) -> str:
        return "Set aside" if waiting.set_aside_at else "Waits for its call"
