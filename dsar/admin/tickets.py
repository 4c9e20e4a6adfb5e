"""Tickets: the queue, and one conversation with its customer beside it."""

import tempfile

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, Subquery
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import files, keys
from accounts.access import log_access
from accounts.models import AccessLogEntry
from accounts.portal_admin import PortalAdmin, back_to, may_see_clear, run_or_say
from dsar.admin.expired import ExpiredActions
from dsar.deadlines import REGIONS, REQUEST_TYPES, UnableToComputeDeadline
from dsar.forms import regime_choices, region_fault
from dsar.models import Attachment, ReplyTemplate, SubjectRequest, Ticket, TicketMessage
from dsar.services import UnableToRegister, open_ticket, request_from_ticket
from dsar.ticket_forms import AnswerForm, TicketForm
from dsar.ticket_page import ticket_context
from dsar.tickets import UnableToAnswer, add_message, correct_ticket, fill_in, move_ticket, take_ticket

State = Ticket.State
STATE_TONES = {"Open": "info", "Waiting for the customer": "warning", "Closed": ""}
SAID = {
    TicketMessage.Kind.SENT: "Your answer is on its way.",
    TicketMessage.Kind.NOTE: "Noted.",
    TicketMessage.Kind.RECEIVED: "Written down.",
}


class PrivacyRequestForm(BaseDialogForm):
    type = forms.ChoiceField(choices=list(REQUEST_TYPES.items()), widget=UnfoldAdminSelectWidget)
    regime = forms.ChoiceField(choices=regime_choices(), widget=UnfoldAdminSelectWidget)
    region = forms.ChoiceField(
        label="Member state or nation",
        required=False,
        choices=[("", "Not known, or neither EU nor UK"), *REGIONS.items()],
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self):
        cleaned = super().clean()
        if fault := region_fault(cleaned.get("regime", ""), cleaned.get("region", "")):
            self.add_error("region", fault)
        return cleaned


class QueueFilter(admin.SimpleListFilter):
    """Open tickets unless something else is asked for: the queue is what has to be done."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request, model_admin):
        return [
            ("mine", "My tickets"), ("nobody", "Nobody’s"), ("waiting", "Waiting for the customer"), ("closed", "Closed"),
            ("all", "All"),
        ]  # fmt: skip

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
        still = Q(closed_at__isnull=True)
        conditions = {
            "mine": still & Q(assignee=request.user),
            "nobody": still & Q(assignee__isnull=True),
            "waiting": Q(state=State.WAITING),
            "closed": Q(closed_at__isnull=False),
            "all": Q(),
        }
        return queryset.filter(conditions.get(self.value() or "", still))


@admin.register(Ticket)
class TicketAdmin(ExpiredActions, PortalAdmin):
    empty_title = "No tickets yet"
    empty_text = "What customers ask the support, as a conversation: by mail, the website, chat, telephone or letter."
    add_words = "Open a ticket"
    form = TicketForm
    list_display = ["ref", "subject", "who", "channel", "state_badge", "last_said", "age", "assignee"]
    list_filter = [QueueFilter, ("channel", ChoicesDropdownFilter), "assignee"]
    list_filter_submit = True
    list_select_related = ["assignee", "workspace", "person"]
    search_fields = [
        "reference__exact",
        "workspace__outside_id__exact",
        "person__outside_id__exact",
        "subject__icontains",
    ]
    search_help_text = "Ticket, account or customer number, or words of the subject"
    ordering = ["closed_at", "opened_at", "pk"]
    autocomplete_fields = ["workspace", "person"]
    fields = ["subject", ("channel", "state"), ("workspace", "person"), ("contact_name", "contact"), "assignee"]
    change_form_outer_before_template = "dsar/ticket.html"
    actions_detail = ["make_request", "take", "expired", "close", "reopen"]

    def get_changeform_initial_data(self, request):
        return {"assignee": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_queryset(self, request):
        last = (
            TicketMessage.objects.filter(ticket=OuterRef("pk"))
            .exclude(kind=TicketMessage.Kind.NOTE)
            .order_by("-at", "-pk")
        )
        return super().get_queryset(request).annotate(
            last_kind=Subquery(last.values("kind")[:1]), last_at=Subquery(last.values("at")[:1]),
            has_warning=Exists(TicketMessage.objects.filter(ticket=OuterRef("pk")).exclude(warning="")),
        )  # fmt: skip

    def get_readonly_fields(self, request, obj=None):
        """Let who sees addresses masked give one to a ticket that has none, and not read or change another."""
        return super().get_readonly_fields(request, obj if obj is None or obj.contact else None)

    def get_fieldsets(self, request, obj=None):
        return super().get_fieldsets(request, obj if obj is None or obj.contact else None)

    @display(description="ticket", ordering="reference")
    def ref(self, ticket: Ticket) -> str:
        return ticket.reference

    @display(description="from")
    def who(self, ticket):
        name = ticket.contact_name or (ticket.person.name if ticket.person else "") or str(ticket.workspace or "–")
        if not ticket.has_warning:
            return name
        return format_html('{} <span class="pp-badge pp-badge-danger">Who is this?</span>', name)

    @display(description="state", ordering="state", label=STATE_TONES)
    def state_badge(self, ticket: Ticket) -> str:
        return ticket.get_state_display()

    @display(description="last said", label={"Customer": "danger", "We": "success"})
    def last_said(self, ticket):
        if not ticket.last_kind:
            return None
        who = "Customer" if ticket.last_kind == TicketMessage.Kind.RECEIVED else "We"
        return who, f"{who}, {_ago(timezone.now() - ticket.last_at)}"

    @display(description="age", ordering="opened_at")
    def age(self, ticket: Ticket) -> str:
        days = ((ticket.closed_at or timezone.now()) - ticket.opened_at).days
        return "today" if days <= 0 else f"{days} day{'s' if days != 1 else ''}"

    def save_model(self, request, obj, form, change):
        if change:
            correct_ticket(obj, now=timezone.now())
        else:
            obj.closed_at = timezone.now() if obj.state == State.CLOSED else None
            open_ticket(obj, now=timezone.now())

    def change_view(self, request, object_id, form_url="", extra_context=None):
        ticket = self.get_object(request, object_id)
        context = {}
        if ticket:
            context = {
                **ticket_context(ticket, request, now=timezone.now()),
                "show_save_and_add_another": False,
                "show_save_and_continue": False,
                "answer_form": AnswerForm(initial={"text": request.session.pop(f"draft-{ticket.pk}", "")}),
                "may_answer": request.user.has_perm("dsar.add_ticketmessage")
                and request.user.has_perm("dsar.change_ticket"),
            }
        try:
            return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})
        except (files.UnableToStore, files.UnableToAsk, files.FileChanged, keys.KeyDestroyed, FileNotFoundError):
            messages.error(
                request, "The files of this ticket could not be given to that customer. Nothing was changed; try again."
            )
            return redirect(request.path)

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("<int:ticket_id>/answer/", wrap(self.answer_view), name="dsar_ticket_answer"),
            path("<int:ticket_id>/file/<uuid:file_id>/", wrap(self.file_view), name="dsar_ticket_file"),
            *super().get_urls(),
        ]

    def answer_view(self, request, ticket_id: int):
        """Take an answer, a note or what the customer said; what cannot be taken comes back with the words kept."""
        ticket = self._ticket(request, ticket_id)
        if not (request.user.has_perm("dsar.add_ticketmessage") and request.user.has_perm("dsar.change_ticket")):
            raise PermissionDenied
        if request.method != "POST":
            return redirect("admin:dsar_ticket_change", ticket_id)
        form, kind = AnswerForm(request.POST, request.FILES), request.POST.get("kind", "")
        if not form.is_valid():
            for faults in form.errors.values():
                messages.error(request, " ".join(map(str, faults)))
        elif kind == "insert":
            self._insert(request, ticket, form)
            return redirect(f"{reverse('admin:dsar_ticket_change', args=[ticket_id])}#answer")
        elif kind in SAID:
            data = form.cleaned_data
            done = SAID[TicketMessage.Kind(kind)]
            if run_or_say(
                request,
                lambda: add_message(
                    ticket.pk, kind=kind, text=data["text"], user=request.user, now=timezone.now(), close=data["close"],
                    files=[data["file"]] if data["file"] else [],
                ),
                done,
                UnableToAnswer, files.UnableToStore, keys.KeyDestroyed,
            ):  # fmt: skip
                return redirect("admin:dsar_ticket_change", ticket_id)
        request.session[f"draft-{ticket.pk}"] = request.POST.get("text", "")[:50_000]
        return redirect(f"{reverse('admin:dsar_ticket_change', args=[ticket_id])}#answer")

    def _insert(self, request, ticket: Ticket, form: AnswerForm) -> None:
        template, text = form.cleaned_data["template"], form.cleaned_data["text"].rstrip()
        if template is None:
            messages.error(request, "Choose the words to insert.")
            words = ""
        else:
            words = fill_in(template, ticket, user=request.user)
        request.session[f"draft-{ticket.pk}"] = "\n\n".join(filter(None, [text, words]))

    def file_view(self, request, ticket_id: int, file_id):
        """Send one file of a ticket to who may see it, and write down that they took it."""
        ticket = self._ticket(request, ticket_id)
        file = get_object_or_404(Attachment, pk=file_id, message__ticket=ticket)
        if file.kind == Attachment.Kind.ORIGINAL and not may_see_clear(request):
            raise PermissionDenied
        plain = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
        try:
            files.decrypt_to(plain, file.file_key)
        except (files.UnableToAsk, files.FileChanged, keys.KeyDestroyed, FileNotFoundError):
            plain.close()
            messages.error(
                request, "This file cannot be read. Whoever looks after the portal finds the reason under File checks."
            )
            return redirect("admin:dsar_ticket_change", ticket_id)
        log_access(
            request.user, AccessLogEntry.Action.LOOK, of=Attachment._meta.label, subject=str(file.pk), now=timezone.now(),
            ticket=ticket.reference,
        )  # fmt: skip
        plain.seek(0)
        response = FileResponse(plain, as_attachment=True, filename=file.name, content_type="application/octet-stream")
        response["Cache-Control"], response["X-Content-Type-Options"] = "no-store", "nosniff"
        response["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return response

    def _ticket(self, request, ticket_id: int) -> Ticket:
        ticket = self.get_object(request, str(ticket_id))
        if ticket is None:
            raise Http404("There is no ticket with this id, or it is past its time.")
        if not self.has_view_permission(request, ticket):
            raise PermissionDenied
        return ticket

    def has_make_request_permission(self, request, object_id=None) -> bool:
        return request.user.has_perm("dsar.add_subjectrequest")

    def has_take_permission(self, request, object_id=None) -> bool:
        ticket = self.get_object(request, object_id)
        return bool(ticket) and ticket.closed_at is None and ticket.assignee_id != request.user.pk and self._may_change(request)  # fmt: skip

    def has_close_permission(self, request, object_id=None) -> bool:
        ticket = self.get_object(request, object_id)
        return bool(ticket) and ticket.closed_at is None and self._may_change(request)

    def has_reopen_permission(self, request, object_id=None) -> bool:
        ticket = self.get_object(request, object_id)
        return bool(ticket) and ticket.closed_at is not None and self._may_change(request)

    def _may_change(self, request) -> bool:
        return request.user.has_perm("dsar.change_ticket")

    @action(
        description="Make a privacy request",
        permissions=["make_request"],
        variant=ActionVariant.PRIMARY,
        icon="gavel",
        dialog={
            "title": "Make a privacy request of this ticket",
            "description": "It counts as received when the ticket was opened, for the ticket’s customer.",
            "form_class": PrivacyRequestForm,
            "form_submit_text": "Make the request",
        },
    )
    def make_request(self, request, form, object_id):
        ticket = Ticket.objects.select_related("person", "workspace").get(pk=object_id)
        made: list[SubjectRequest] = []
        data = form.cleaned_data
        run_or_say(
            request,
            lambda: made.append(
                request_from_ticket(
                    ticket,
                    type=data["type"],
                    regime=data["regime"],
                    region=data["region"],
                    user=request.user,
                    now=timezone.now(),
                )
            ),
            "The request was registered.",
            UnableToComputeDeadline,
            UnableToRegister,
        )
        if made:
            return HttpResponse(headers={"HX-Redirect": reverse("admin:dsar_subjectrequest_change", args=[made[0].pk])})
        return back_to(self, object_id)

    @action(description="Take it", permissions=["take"], icon="back_hand",
            dialog={"title": "Take this ticket", "description": "It becomes yours, and leaves whoever has it.", "form_submit_text": "Take it"})  # fmt: skip
    def take(self, request, form, object_id):
        run_or_say(request, lambda: take_ticket(object_id, user=request.user), "It is yours.")
        return back_to(self, object_id)

    @action(description="Close", permissions=["close"], icon="check",
            dialog={"title": "Close this ticket", "description": "It leaves the queue; an answer of the customer opens it again. Recordings made to find its fault are deleted.", "form_submit_text": "Close it"})  # fmt: skip
    def close(self, request, form, object_id):
        run_or_say(request, lambda: move_ticket(object_id, State.CLOSED, now=timezone.now()), "Closed.")
        return back_to(self, object_id)

    @action(description="Reopen", permissions=["reopen"], icon="replay",
            dialog={"title": "Open this ticket again", "description": "It returns to the queue.", "form_submit_text": "Open it"})  # fmt: skip
    def reopen(self, request, form, object_id):
        run_or_say(request, lambda: move_ticket(object_id, State.OPEN, now=timezone.now()), "Open again.")
        return back_to(self, object_id)


@admin.register(ReplyTemplate)
class ReplyTemplateAdmin(PortalAdmin):
    empty_title = "No reply templates yet"
    empty_text = "Approved words that agents insert into their answers."
    add_words = "Write the first"
    list_display = ["name", "language", "is_active"]
    list_filter = ["language", "is_active"]
    list_filter_submit = True
    search_fields = ["name__icontains"]
    ordering = ["name", "language"]
    fields = [("name", "language"), "text", "is_active"]


def _ago(since) -> str:
    minutes = int(since.total_seconds() // 60)
    for unit, size in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if count := minutes // size:
            return f"{count} {unit}{'s' if count != 1 else ''} ago"
    return "now"
