"""Calls, messages, recordings and usage: to look at, by time, whatever their number."""

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from accounts.keyset import Part
from accounts.list_exports import ExportableListAdmin
from accounts.long_lists import LongList, LongListAdmin, TimeRangeFilter, tell
from accounts.portal_admin import ReadOnlyAdmin, may_see_clear
from telecom_records.admin.filters import (
    AccountFilter,
    OtherPartyFilter,
    OwnNumberFilter,
    account,
    countries_of,
)
from telecom_records.models import CallDetailRecord, FreeToolSession, SmsRecord, UsageRecord
from telecom_records.number_search import understand
from telecom_records.recording_pages import sounds_context
from telecom_records.recordings.playback import recordings_shown
from telecom_records.traffic_of import duration

RECORDINGS_SHOWN = 20  # of one call
CALL_TONES = {"Answered": "success", "No answer": "warning", "Busy": "warning", "Failed": "danger"}


class RecordsAdmin(LongListAdmin, ReadOnlyAdmin):
    """A long list of customers' records: searched by an account."""

    list_filter_submit = True
    list_select_related = ["workspace"]
    search_fields = ["workspace__outside_id__exact"]
    search_help_text = "Account number"

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str):
        """Leave the rows as they are: what is searched chooses the parts, so that each is read along its own index."""
        return queryset, False

    def parts(self, request: HttpRequest, listed: LongList) -> list[Part]:
        """Return the rows in one part for each way in which an index leads to what is searched for, or filtered by."""
        along = listed.narrowed(request, self.model._default_manager.all())
        if listed.query.strip():
            conditions = self.sought(request, listed)
            if not conditions:
                return [Part(listed.queryset.none(), along.none(), self.dated_by)]
        else:
            leads = [spec for spec in listed.filter_specs if hasattr(spec, "lead") and spec.conditions()]
            strongest = max(leads, key=lambda spec: spec.lead, default=None)
            conditions = strongest.conditions() if strongest else [Q()]
        parts, rest = [], listed.queryset
        for each in conditions:
            parts.append(Part(rest.filter(each), along.filter(each), self.dated_by))
            rest = rest.exclude(each)
        return parts

    def sought(self, request: HttpRequest, listed: LongList) -> list[Q]:
        """Return what is searched for, one condition for each index that finds it."""
        found = account(listed.query)
        return [Q(workspace=found.pk)] if found else []


class TrafficAdmin(RecordsAdmin):
    """A long list of what went over numbers: searched by one of them too, whichever side it was on."""

    search_fields = ["own_number__exact", "other_party__exact", "workspace__outside_id__exact"]
    search_help_text = "Account number, or a telephone number"

    def sought(self, request: HttpRequest, listed: LongList) -> list[Q]:
        if found := super().sought(request, listed):
            return found
        chosen = next((spec.workspace for spec in listed.filter_specs if isinstance(spec, AccountFilter)), None)
        may_look_for_part = chosen is not None and may_see_clear(request)
        sought = understand(listed.query, countries=countries_of(request), within_workspace=may_look_for_part)
        if sought.refused:
            tell(request, sought.refused)
        if chosen and sought.last_digits:
            ends = Q(own_number__endswith=sought.last_digits) | Q(other_party__endswith=sought.last_digits)
            return [Q(ends, workspace=chosen.pk)]
        if len(sought.values) > 1:
            tell(request, f"Looked for each number that this may be: {', '.join(sought.values)}.", messages.INFO)
        return [Q(**{column: value}) for value in sought.values for column in ("own_number", "other_party")]


@admin.register(CallDetailRecord)
class CallDetailRecordAdmin(ExportableListAdmin, TrafficAdmin):
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
    dated_by = "started_at"
    list_filter = [
        AccountFilter, OwnNumberFilter, OtherPartyFilter, ("started_at", TimeRangeFilter),
        ("direction", ChoicesDropdownFilter), ("status", ChoicesDropdownFilter), ("source", RelatedDropdownFilter),
    ]  # fmt: skip
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
        return duration(call.talk_s)

    @display(description="status", label=CALL_TONES)
    def status_badge(self, call: CallDetailRecord) -> str:
        return call.get_status_display()

    @display(description="cost")
    def price(self, call: CallDetailRecord) -> str:
        return f"{call.cost.normalize():f} {call.currency}" if call.cost is not None else "–"


@admin.register(SmsRecord)
class SmsRecordAdmin(ExportableListAdmin, TrafficAdmin):
    empty_title = "No messages"
    empty_text = "Records of messages come from the platform. Those whose time is over are not shown."
    list_display = ["sent_at", "workspace", "direction", "own_number", "other_party", "status", "segments"]
    dated_by = "sent_at"
    list_filter = [
        AccountFilter, OwnNumberFilter, OtherPartyFilter, ("sent_at", TimeRangeFilter),
        ("direction", ChoicesDropdownFilter), ("status", ChoicesDropdownFilter), ("source", RelatedDropdownFilter),
    ]  # fmt: skip
    fields = [
        ("workspace", "direction"), ("own_number", "other_party"), ("sent_at", "status", "segments"), ("cost", "currency"),
    ]  # fmt: skip


@admin.register(UsageRecord)
class UsageRecordAdmin(RecordsAdmin):
    empty_title = "No usage records"
    empty_text = "Devices and visits come from the platform."
    list_display = ["occurred_at", "workspace", "event", "ip_address", "device", "browser", "country"]
    dated_by = "occurred_at"
    list_filter = [AccountFilter, ("occurred_at", TimeRangeFilter)]
    fields = [
        ("workspace", "person"), ("occurred_at", "event"), ("ip_address", "country"),
        ("device", "browser", "operating_system"), "privacy_control",
    ]  # fmt: skip


@admin.register(FreeToolSession)
class FreeToolSessionAdmin(ReadOnlyAdmin):
    empty_title = "No sessions"
    empty_text = "Sessions of the free tools go when they end, an hour after they began at the latest."
    list_display = ["id", "tool", "started_at", "ended_at"]
    ordering = ["-started_at", "pk"]
    fields = ["tool", "started_at", "ended_at"]
