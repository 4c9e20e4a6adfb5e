"""Outgoing mail: what is to be sent, what came of it, and what somebody must see to."""

from django.contrib import admin
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.masking import mask
from accounts.portal_admin import ReadOnlyAdmin, back_to, log_clear_look, may_see_clear, run_or_say
from dsar import outbox
from dsar.models import OutgoingMail

State = OutgoingMail.State
TONES = {"To be sent": "info", "Sent": "success", "Given up": "danger", "Undeliverable": "danger", "Closed by hand": ""}


class StandsFilter(admin.SimpleListFilter):
    title = "stands"
    parameter_name = "stands"

    def lookups(self, request, model_admin):
        return [("wrong", "Somebody must see to it")]

    def queryset(self, request, queryset):
        if self.value() == "wrong":
            return queryset.filter(pk__in=outbox.needs_somebody(timezone.now()).order_by().values("pk"))
        return queryset


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin):
    empty_title = "No mail has gone out yet"
    empty_text = "Each mail to a person, from the moment it is written until the mail server has it."
    list_display = ["created_at", "to", "purpose", "ticket", "about", "state_badge", "answer", "tries"]
    list_filter = [StandsFilter, ("state", ChoicesDropdownFilter), ("purpose", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["ticket"]
    search_fields = ["ticket__reference__exact", "about__exact"]
    search_help_text = "The number of a ticket or a request"
    ordering = ["-created_at", "pk"]
    fields = [
        ("to", "purpose"), ("subject", "message_id"), ("ticket", "about"), ("state", "answer"), ("tries", "next_try_at"),
        ("created_at", "created_by"), ("sent_at", "give_up_at"),
    ]  # fmt: skip
    readonly_fields = ["to", "subject", "message_id"]
    actions_detail = ["again", "done_with"]

    def changelist_view(self, request, extra_context=None):
        response = super().changelist_view(request, extra_context)
        if shown := (getattr(response, "context_data", None) or {}).get("cl"):
            log_clear_look(request, self.model, rows=len(shown.result_list))
        return response

    def get_list_display(self, request):
        return ["created_at", "to_clear" if may_see_clear(request) else "to", *self.list_display[2:]]

    def get_fields(self, request, obj=None):
        to = "to_clear" if may_see_clear(request) else "to"
        return [(to, "purpose"), *self.fields[1:]]

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), "to_clear"]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        response = super().change_view(request, object_id, form_url, extra_context)
        if request.method == "GET":
            log_clear_look(request, self.model, subject=str(object_id))
        return response

    @display(description="to")
    def to(self, mail: OutgoingMail) -> str:
        return mask(outbox.content_of(mail).to)

    @display(description="to")
    def to_clear(self, mail: OutgoingMail) -> str:
        return outbox.content_of(mail).to

    @display(description="subject")
    def subject(self, mail: OutgoingMail) -> str:
        return outbox.content_of(mail).subject

    @display(description="Message-ID")
    def message_id(self, mail: OutgoingMail) -> str:
        return outbox.message_id(mail)

    @display(description="state", ordering="state", label=TONES)
    def state_badge(self, mail: OutgoingMail) -> str:
        return mail.get_state_display()

    def _may_settle(self, request, object_id) -> bool:
        mail = self.get_object(request, object_id)
        went_wrong = mail is not None and mail.state in (State.FAILED, State.UNDELIVERABLE)
        return went_wrong and request.user.has_perm("dsar.settle_outgoingmail")

    def has_again_permission(self, request, object_id=None) -> bool:
        return (
            self._may_settle(request, object_id)
            and self.get_object(request, object_id).purpose != OutgoingMail.Purpose.CODE
        )

    def has_settle_permission(self, request, object_id=None) -> bool:
        return self._may_settle(request, object_id)

    @action(description="Send again", permissions=["again"], variant=ActionVariant.PRIMARY, icon="send",
            dialog={"title": "Send this mail again", "description": "It goes to the same address, under the same Message-ID.", "form_submit_text": "Send again"})  # fmt: skip
    def again(self, request, form, object_id):
        run_or_say(request, lambda: outbox.send_again(object_id, now=timezone.now()), "It goes out again.", outbox.UnableToSend)  # fmt: skip
        return back_to(self, object_id)

    @action(description="Dealt with", permissions=["settle"], icon="check",
            dialog={"title": "This has been dealt with", "description": "You have reached the person in another way, or nobody needs it any more. The mail is not sent.", "form_submit_text": "Close it"})  # fmt: skip
    def done_with(self, request, form, object_id):
        run_or_say(request, lambda: outbox.close(object_id, now=timezone.now()), "Closed.", outbox.UnableToSend)
        return back_to(self, object_id)
