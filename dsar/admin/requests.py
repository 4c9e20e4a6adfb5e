"""The queue of requests, and one request with its dates explained."""

import datetime as dt
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.models import Person
from accounts.portal_admin import PortalAdmin, back_to, run_or_say, shown
from dsar.forms import RequestForm
from dsar.models import SubjectRequest
from dsar.queue import days_left, days_left_words, tone_of
from dsar.services import MOVES, UnableToMove, move_request, redate_request, register_request
from dsar.views import request_context

State = SubjectRequest.State
STATE_TONES = {"Received": "info", "In progress": "info", "Answered": "success", "Refused": "warning", "Withdrawn": ""}


class OpenFilter(admin.SimpleListFilter):
    """Open requests unless something else is asked for: the queue is what has to be done."""

    title = "open"
    parameter_name = "open"

    def lookups(self, request, model_admin):
        return [("late", "Overdue"), ("week", "Due within 7 days"), ("closed", "Closed"), ("all", "Open and closed")]

    def choices(self, changelist):
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": "Open",
        }
        for value, title in self.lookup_choices:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(self, request, queryset):
        now = timezone.now()
        conditions = {
            None: Q(closed_at__isnull=True),
            "late": Q(closed_at__isnull=True, due_at__lte=now),
            "week": Q(closed_at__isnull=True, due_at__gt=now, due_at__lte=now + dt.timedelta(days=7)),
            "closed": Q(closed_at__isnull=False),
            "all": Q(),
        }
        return queryset.filter(conditions.get(self.value(), Q(closed_at__isnull=True)))


def closing_dialog(title: str, text: str, submit: str) -> Any:
    return {"title": title, "description": text, "form_submit_text": submit}


@admin.register(SubjectRequest)
class SubjectRequestAdmin(PortalAdmin):
    empty_title = "No requests yet"
    empty_text = "What data subjects ask for, each with the day by which it must be answered."
    add_words = "Register a request"
    form = RequestForm
    list_display = ["ref", "type", "who", "left", "due_on", "statutory_due_on", "state_badge", "owner"]
    list_filter = [
        OpenFilter,
        ("type", ChoicesDropdownFilter),
        ("regime", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
    ]
    list_filter_submit = True
    list_select_related = ["workspace", "owner"]
    search_fields = [
        "reference__exact",
        "person__outside_id__exact",
        "workspace__outside_id__exact",
        "requester_name__icontains",
    ]
    no_partial_search = ("reference__exact", "person__outside_id__exact", "workspace__outside_id__exact")
    search_help_text = "Reference, customer or account number, or a part of the name"
    ordering = ["due_at", "reference"]
    autocomplete_fields = ["person", "workspace"]
    fields = [
        "type", "received_at", ("channel", "regime"), "region", ("person", "workspace"), ("requester_name", "requester_contact"),
        "note", "owner",
    ]  # fmt: skip
    change_form_outer_before_template = "dsar/request.html"
    actions_detail = ["start", "answered", "refused", "withdrawn", "reopen"]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        found = self.get_object(request, object_id)
        context = request_context(found, now=timezone.now()) if found else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def get_changeform_initial_data(self, request):
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_queryset(self, request):
        """Return the requests, with the person only where pages may show them still: the request outlives the account."""
        return super().get_queryset(request).prefetch_related(Prefetch("person", shown(Person.objects.all())))

    @display(description="reference", ordering="reference")
    def ref(self, obj: SubjectRequest) -> str:
        return obj.reference

    @display(description="person")
    def who(self, obj: SubjectRequest) -> str:
        return (
            (obj.person.name if obj.person else "")
            or obj.requester_name
            or (obj.workspace and str(obj.workspace))
            or "–"
        )

    @display(
        description="days left",
        ordering="due_at",
        label={"danger": "danger", "warning": "warning", "success": "success"},
    )
    def left(self, obj: SubjectRequest):
        if not obj.is_open:
            return None
        left = days_left(obj, now=timezone.now())
        return tone_of(left), days_left_words(left)

    @display(description="state", ordering="state", label=STATE_TONES)
    def state_badge(self, obj: SubjectRequest) -> str:
        return obj.get_state_display()

    def save_model(self, request, obj, form, change):
        if change:
            redate_request(obj, user=request.user, now=timezone.now())
        else:
            register_request(obj, user=request.user, now=timezone.now())

    def _may_move(self, request, found: SubjectRequest | None, state: str) -> bool:
        return found is not None and state in MOVES[found.state] and request.user.has_perm("dsar.change_subjectrequest")

    def has_start_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)
        return bool(found) and found.is_open and self._may_move(request, found, State.WORKING)

    def has_close_permission(self, request, object_id=None) -> bool:
        return self._may_move(request, self.get_object(request, object_id), State.ANSWERED)

    def has_reopen_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)
        return bool(found) and not found.is_open and self._may_move(request, found, State.WORKING)

    @action(description="Start", permissions=["start"], variant=ActionVariant.PRIMARY, icon="play_arrow",
            dialog=closing_dialog("Start work on this request", "It is shown as in progress; the dates stay.", "Start"))  # fmt: skip
    def start(self, request, form, object_id):
        return self._move(request, object_id, State.WORKING, "Work has begun.")

    @action(description="Answered", permissions=["close"], icon="check",
            dialog=closing_dialog("Close as answered", "The answer has been sent. The request leaves the queue.", "Close as answered"))  # fmt: skip
    def answered(self, request, form, object_id):
        return self._move(request, object_id, State.ANSWERED, "Closed as answered.")

    @action(description="Refused", permissions=["close"], icon="block",
            dialog=closing_dialog("Close as refused", "The refusal, with its reasons and the complaint body, has been sent.", "Close as refused"))  # fmt: skip
    def refused(self, request, form, object_id):
        return self._move(request, object_id, State.REFUSED, "Closed as refused.")

    @action(description="Withdrawn", permissions=["close"], icon="undo",
            dialog=closing_dialog("Close as withdrawn", "The person no longer asks for it.", "Close as withdrawn"))  # fmt: skip
    def withdrawn(self, request, form, object_id):
        return self._move(request, object_id, State.WITHDRAWN, "Closed as withdrawn.")

    @action(description="Reopen", permissions=["reopen"], icon="replay",
            dialog=closing_dialog("Reopen this request", "It returns to the queue with its old dates.", "Reopen"))  # fmt: skip
    def reopen(self, request, form, object_id):
        return self._move(request, object_id, State.WORKING, "Reopened.")

    def _move(self, request, object_id, state: str, done: str):
        run_or_say(
            request, lambda: move_request(object_id, state, user=request.user, now=timezone.now()), done, UnableToMove
        )
        return back_to(self, object_id)
