"""The queue of requests, and one request with its dates explained."""

import contextlib
import datetime as dt
from functools import partialmethod
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Prefetch, Q
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.models import Person, Restriction
from accounts.portal_admin import PortalAdmin, back_to, may_see_clear, run_or_say
from dsar import forecast
from dsar.admin.bulk import BulkPages
from dsar.admin.clock import ClockActions
from dsar.admin.duplicates import DuplicateActions
from dsar.admin.identity import IdentityActions
from dsar.admin.routing import RoutingActions
from dsar.admin.searching import SearchActions
from dsar.contest_forms import ContestForm
from dsar.contesting import CONTESTABLE, TYPES, UnableToContest, contest
from dsar.duplicates import may_have_some
from dsar.forms import RequestForm
from dsar.identity.proof import unsettled
from dsar.letters.guards import unanswered
from dsar.models import ClockEvent, Identifier, Letter, RecordSearch, RequestPart, RequestStep, SubjectRequest, Watcher
from dsar.outbox import undelivered
from dsar.queue import days_left, days_left_words, tone_of
from dsar.request_forms import StateForm
from dsar.services import redate_request, register_request
from dsar.views import STATE_TONES, STEP_FAILED, request_context
from dsar.workflow import MOVES, UnableToMove, move_request, why_not
from retention.visibility import visible

State = SubjectRequest.State


class OpenFilter(admin.SimpleListFilter):
    """Open requests unless something else is asked for: the queue is what has to be done."""

    title = "open"
    parameter_name = "open"

    def lookups(self, request, model_admin):
        return [
            ("late", "Overdue"),
            ("week", "Due within 7 days"),
            ("risk", "At risk of being late"),
            ("stopped", "With a failed step"),
            ("mine", "Mine"),
            ("closed", "Closed"),
            ("all", "Open and closed"),
        ]

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
        is_open = Q(closed_at__isnull=True)
        match self.value():
            case "late":
                return queryset.filter(is_open, due_at__lte=now)
            case "week":
                return queryset.filter(is_open, due_at__gt=now, due_at__lte=now + dt.timedelta(days=7))
            case "risk":
                return queryset.filter(forecast.condition(now))
            case "stopped":
                return queryset.filter(Exists(RequestStep.objects.filter(request=OuterRef("pk"), state="stopped")))
            case "mine":
                return queryset.filter(is_open).filter(Q(owner=request.user) | Q(is_watched=True))
            case "closed":
                return queryset.filter(closed_at__isnull=False)
            case "all":
                return queryset
        return queryset.filter(is_open)


NEXT = {  # the one button that leads on, by the state it leads to
    State.COLLECTING: ("Start collecting", "play_arrow", "The person is known, or need not be. Their data is collected."),
    State.REVIEW: ("Send to review", "rate_review", "What was collected or done is complete, and is looked at before it leaves."),
    State.APPROVED: ("Approve", "verified", "The answer is right and may leave. Data is no longer kept for this request."),
    State.DELIVERED: ("Delivered", "outgoing_mail", "It is answered. The request leaves the queue."),
    State.CLOSED: ("Close", "check", "Nothing more is to be done."),
}  # fmt: skip


def next_action(name: str, state: str) -> Any:
    """Return the button `name` that leads on to a state, behind a dialog."""
    description, icon, text = NEXT[State(state)]

    def lead_on(self, request, form, object_id):
        return self.move(request, object_id, state)

    lead_on.__name__ = name  # unfold looks a button up by the name of its function
    return action(
        description=description,
        permissions=[f"to_{state}"],
        variant=ActionVariant.PRIMARY,
        icon=icon,
        url_path=f"to-{state}",
        dialog={"title": description, "description": text, "form_submit_text": description},
    )(lead_on)


@admin.register(SubjectRequest)
class SubjectRequestAdmin(
    IdentityActions, RoutingActions, DuplicateActions, SearchActions, BulkPages, ClockActions, PortalAdmin
):
    empty_title = "No requests yet"
    empty_text = "What data subjects ask for, each with the day by which it must be answered."
    add_words = "Register a request"
    form = RequestForm
    list_display = ["ref", "type", "who", "left", "due_on", "statutory", "state_badge", "owner"]
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
        "type", "received_at", ("channel", "regime"), ("region", "also_under"), ("person", "workspace"), ("requester_name", "requester_contact"),
        "note", "owner",
    ]  # fmt: skip
    change_form_outer_before_template = "dsar/request.html"
    list_before_template = "dsar/_bulk_link.html"
    actions_detail = [
        "forward", "check_identity", "collect", "review", "approve", "write_answer", "deliver", "close", "retry_steps",
        {"title": "Identity", "icon": "badge", "items": IdentityActions.identity_names},
        {"title": "Clock", "icon": "schedule", "items": ClockActions.clock_names},
        {"title": "More", "icon": "more_horiz", "items": ("write_letter", "search", "merge", "not_same", "contest", "split", "client_answer", "change_state", "watch", "unwatch")},
    ]  # fmt: skip

    collect = next_action("collect", State.COLLECTING)
    review = next_action("review", State.REVIEW)
    approve = next_action("approve", State.APPROVED)
    deliver = next_action("deliver", State.DELIVERED)
    close = next_action("close", State.CLOSED)

    def get_object(self, request, object_id, from_field=None):
        """Return a request, read once a page: every button asks whether it may be shown."""
        read = request.__dict__.setdefault("_subject_requests", {})
        if object_id not in read:
            with contextlib.suppress(ValidationError, ValueError):  # not an id at all
                read[object_id] = self.page_queryset(request).filter(pk=unquote(str(object_id))).first()
        return read.get(object_id)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        found = self.get_object(request, object_id)
        context = request_context(found, now=timezone.now(), clear=may_see_clear(request)) if found else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Read only the chosen customer for a page that is looked at: the widget asks for others when somebody types."""
        if db_field.name == "person" and request.method == "GET" and request.resolver_match.kwargs.get("object_id"):
            found = self.get_object(request, request.resolver_match.kwargs["object_id"])
            kwargs["queryset"] = Person.objects.filter(pk=found and found.person_id)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request):
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_queryset(self, request):
        """Return the requests, with the person only where pages may show them still: the request outlives the account."""
        requests = super().get_queryset(request).prefetch_related(Prefetch("person", visible(Person.objects.all())))
        stopped = RequestStep.objects.filter(request=OuterRef("pk"), state=RequestStep.State.STOPPED)
        at_risk = ExpressionWrapper(forecast.condition(timezone.now()), output_field=BooleanField())
        watched = Watcher.objects.filter(request=OuterRef("pk"), user=request.user, ended_at__isnull=True)
        return requests.annotate(has_stopped=Exists(stopped), at_risk=at_risk, is_watched=Exists(watched))

    def page_queryset(self, request):
        """Return the requests with what the page of one shows, so that it is read together."""
        events = ClockEvent.objects.filter(request=OuterRef("pk"), withdrawn_at__isnull=True)
        restricted = Restriction.objects.filter(person=OuterRef("person"), ended_at__isnull=True)
        identifiers = Prefetch("identifiers", Identifier.objects.select_related("proved_by"))
        return (
            self.get_queryset(request)
            .select_related("workspace", "owner", "agent__seen_by")
            .prefetch_related(identifiers)
            .annotate(
                has_parts=Exists(RequestPart.objects.filter(request=OuterRef("pk"))),
                has_searches=Exists(RecordSearch.objects.filter(request=OuterRef("pk"))),
                may_be_double=Exists(may_have_some()),
                has_contests=Exists(SubjectRequest.objects.filter(contests=OuterRef("pk"))),
            )
            .annotate(is_restricted=Exists(restricted))
            .annotate(has_events=Exists(events), has_undelivered=Exists(undelivered(OuterRef("reference"))))
        )

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
    def left(self, obj):
        if not obj.is_open:
            return None
        left = days_left(obj, now=timezone.now())
        if obj.at_risk:
            return "warning", f"{days_left_words(left)}, at risk"
        return tone_of(left), days_left_words(left)

    @display(description="by law", ordering="statutory_due_on")
    def statutory(self, obj: SubjectRequest):
        return "stands still" if obj.is_paused else obj.statutory_due_on

    @display(description="state", ordering="state", label=STATE_TONES)
    def state_badge(self, obj) -> str:
        return STEP_FAILED if obj.has_stopped else obj.get_state_display()

    def save_model(self, request, obj, form, change):
        if change:
            redate_request(obj, user=request.user, now=timezone.now())
        else:
            register_request(obj, user=request.user, now=timezone.now())

    def may_move(self, request, object_id=None, *, state: str = "", only_from: tuple[str, ...] = ()) -> bool:
        """Return whether this person may bring a request into a state, or into any when none is named."""
        found = self.get_object(request, object_id)
        if found is None or (only_from and found.state not in only_from):
            return False
        return (not state or state in MOVES[found.state]) and request.user.has_perm("dsar.change_subjectrequest")

    def has_to_collecting_permission(self, request, object_id=None) -> bool:
        """Show the way on only when nothing is missing about who asks: until then the identity check leads on."""
        begins = self.may_move(request, object_id, state=State.COLLECTING, only_from=(State.RECEIVED, State.IDENTITY))
        return begins and not unsettled(self.get_object(request, object_id))

    has_to_review_permission = partialmethod(may_move, state=State.REVIEW)
    has_to_approved_permission = partialmethod(may_move, state=State.APPROVED)

    def has_to_delivered_permission(self, request, object_id=None) -> bool:
        """Show it only when nothing is missing: where a letter is, writing it leads on."""
        may = self.may_move(request, object_id, state=State.DELIVERED)
        return may and not why_not(self.get_object(request, object_id), State.DELIVERED)

    has_to_closed_permission = partialmethod(may_move, state=State.CLOSED)
    has_to_any_permission = partialmethod(may_move)

    @action(
        description="Other state",
        permissions=["to_any"],
        icon="swap_horiz",
        dialog={
            "title": "Bring this request into another state",
            "description": "",
            "form_class": StateForm,
            "form_submit_text": "Change the state",
        },
    )
    def change_state(self, request, form, object_id):
        data = form.cleaned_data
        return self.move(request, object_id, data["state"], because=data["because"])

    def has_write_letter_permission(self, request, object_id=None) -> bool:
        return request.user.has_perm("dsar.send_letter")

    def has_write_answer_permission(self, request, object_id=None) -> bool:
        """Show it where only the letter is missing: what else is, stands on the page of the letter."""
        may = self.may_move(request, object_id, state=State.DELIVERED) and request.user.has_perm("dsar.send_letter")
        return may and bool(unanswered(self.get_object(request, object_id)))

    def has_contest_permission(self, request, object_id=None) -> bool:
        return self.may_move(request, object_id, only_from=CONTESTABLE)

    @action(
        description="Complaint or appeal",
        permissions=["contest"],
        icon="balance",
        dialog={
            "title": "Somebody contests our answer",
            "description": "It becomes a request of its own, with its own clock. Another officer than who answered decides.",
            "form_class": ContestForm,
            "form_submit_text": "Register it",
        },
    )
    def contest(self, request, form, object_id):
        data, now = form.cleaned_data, timezone.now()
        made: list[SubjectRequest] = []

        def register() -> None:
            made.append(
                contest(
                    object_id, type=data["type"], received_at=form.received_at(now), channel=data["channel"], note=data["note"],
                    user=request.user, now=now,
                )
            )  # fmt: skip

        run_or_say(request, register, "Registered, with its own dates.", UnableToContest)
        return back_to(self, made[0].pk if made else object_id)

    @action(
        description="Write the answer", permissions=["write_answer"], icon="outgoing_mail", url_path="go-to-answer",
        variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def write_answer(self, request, object_id):
        contests = self.get_object(request, object_id).type in TYPES
        kind = Letter.Kind.REJECTED if contests else Letter.Kind.ANSWER
        return redirect(reverse("admin:dsar_letter_write", args=[object_id]) + f"?kind={kind}")

    @action(description="Write a letter", permissions=["write_letter"], icon="stylus_note", url_path="go-to-letter")
    def write_letter(self, request, object_id):
        return redirect(reverse("admin:dsar_letter_write", args=[object_id]))

    def move(self, request, object_id, state: str, because: str = ""):
        run_or_say(
            request,
            lambda: move_request(object_id, state, user=request.user, now=timezone.now(), because=because),
            f"{State(state).label}.",
            UnableToMove,
        )
        return back_to(self, object_id)
