"""Calls, messages, recordings and usage: to look at. The lists never count: they are too long for it."""

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from accounts.portal_admin import ReadOnlyAdmin
from telecom_records.models import CallDetailRecord, FreeToolSession, SmsRecord, UsageRecord
from telecom_records.recording_pages import sounds_context
from telecom_records.recordings.playback import recordings_shown

MAX_PAGE = 400
RECORDINGS_SHOWN = 20  # of one call
CALL_TONES = {"Answered": "success", "No answer": "warning", "Busy": "warning", "Failed": "danger"}


class TrafficAdmin(ReadOnlyAdmin):
    """A long list by time."""

    paginator = InfinitePaginator
    list_filter_submit = True
    list_select_related = ["workspace"]
    search_fields = ["own_number__exact", "other_party__exact", "workspace__outside_id__exact"]
    search_help_text = "Account number, or a telephone number in international form"

    def get_search_results(self, request, queryset, search_term):
        """Search one thing exactly, each by its own index: an OR over two tables would read the whole list."""
        term = search_term.strip().replace(" ", "")
        if not term:
            return queryset, False
        if term.startswith("+") or term.isdigit():
            number = term if term.startswith("+") else f"+{term}"
            return queryset.filter(own_number=number) | queryset.filter(other_party=number), False
        return queryset.filter(workspace__outside_id=search_term.strip()), False

    def changelist_view(self, request, extra_context=None):
        if request.GET.get("p", "0").isdigit() and int(request.GET.get("p", "0")) > MAX_PAGE:
            request.GET = request.GET.copy()
            request.GET["p"] = str(MAX_PAGE)
            self.message_user(
                request, f"The list shows its first {MAX_PAGE} pages. Narrow it by a filter or a search.", "WARNING"
            )
        return super().changelist_view(request, extra_context)


@admin.register(CallDetailRecord)
class CallDetailRecordAdmin(TrafficAdmin):
    empty_title = "No calls"
    empty_text = "They come by imports of call records. Those whose time is over are not shown."
    list_display = [
        "started_at",
        "workspace",
        "direction",
        "own_number",
        "other_party",
        "talk",
        "status_badge",
        "price",
    ]
    list_filter = [
        ("started_at", RangeDateTimeFilter), ("direction", ChoicesDropdownFilter), ("status", ChoicesDropdownFilter),
    ]  # fmt: skip
    ordering = ["-started_at", "-id"]
    fields = [
        ("workspace", "direction"), ("own_number", "other_party"), ("started_at", "answered_at", "ended_at"),
        ("duration_s", "talk_s", "billed_s"), ("status", "cost", "currency"), ("source", "run", "revision"),
        ("time_source", "call_group"),
    ]  # fmt: skip
    change_form_outer_before_template = "telecom_records/call.html"

    def change_view(self, request, object_id, form_url="", extra_context=None):
        call = self.get_object(request, object_id)
        context = {}
        if call and request.user.has_perm("telecom_records.view_recording"):
            recordings = recordings_shown().filter(call=call.pk).order_by("started_at", "pk")[:RECORDINGS_SHOWN]
            context = {"call": call, **sounds_context(request, recordings)}
            context["may_add"] = request.user.has_perm("telecom_records.import_recordings")
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description="talk time")
    def talk(self, call: CallDetailRecord) -> str:
        seconds = int(call.talk_s or 0)
        return f"{seconds // 60}:{seconds % 60:02d}" if call.talk_s is not None else "–"

    @display(description="status", label=CALL_TONES)
    def status_badge(self, call: CallDetailRecord) -> str:
        return call.get_status_display()

    @display(description="cost")
    def price(self, call: CallDetailRecord) -> str:
        return f"{call.cost.normalize():f} {call.currency}" if call.cost is not None else "–"


@admin.register(SmsRecord)
class SmsRecordAdmin(TrafficAdmin):
    empty_title = "No messages"
    empty_text = "Records of messages come from the platform. Those whose time is over are not shown."
    list_display = ["sent_at", "workspace", "direction", "own_number", "other_party", "status", "segments"]
    list_filter = [("sent_at", RangeDateTimeFilter), ("direction", ChoicesDropdownFilter)]
    ordering = ["-sent_at", "-id"]
    fields = [
        ("workspace", "direction"), ("own_number", "other_party"), ("sent_at", "status", "segments"), ("cost", "currency"),
    ]  # fmt: skip


@admin.register(UsageRecord)
class UsageRecordAdmin(TrafficAdmin):
    empty_title = "No usage records"
    empty_text = "Devices and visits come from the platform."
    list_display = ["occurred_at", "workspace", "event", "ip_address", "device", "browser", "country"]
    list_filter = [("occurred_at", RangeDateTimeFilter)]
    ordering = ["-occurred_at", "-id"]
    search_fields = ["workspace__outside_id__exact"]
    search_help_text = "Account number"
    fields = [
        ("workspace", "person"), ("occurred_at", "event"), ("ip_address", "country"),
        ("device", "browser", "operating_system"), "privacy_control",
    ]  # fmt: skip

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()
        return (queryset.filter(workspace__outside_id=term) if term else queryset), False


@admin.register(FreeToolSession)
class FreeToolSessionAdmin(ReadOnlyAdmin):
    empty_title = "No sessions"
    empty_text = "Sessions of the free tools go when they end, an hour after they began at the latest."
    list_display = ["id", "tool", "started_at", "ended_at"]
    ordering = ["-started_at", "pk"]
    fields = ["tool", "started_at", "ended_at"]
