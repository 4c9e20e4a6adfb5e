"""Recipients of erasures, and what each was told."""

from typing import Any

import pyrage
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.text import capfirst
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts import approvals
from accounts.portal_admin import PortalAdmin, ReadOnlyAdmin, back_to, run_or_say
from retention.models import Notice, Recipient
from retention.upstream import notices, recipients
from retention.upstream.recipients import Address, UnableToTell
from retention.upstream.webhook import UnsafeAddress, check_url

TONES = {
    "To be sent": "info",
    "Sent, not confirmed": "info",
    "Confirmed": "success",
    "Refused": "danger",
    "Not delivered": "danger",
    "Closed without confirmation": "warning",
}


class RecipientForm(forms.ModelForm):
    """A draft. Where it is told is sealed, so it is typed in again to change it; left empty, it stays."""

    categories = forms.MultipleChoiceField(
        label="It receives",
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="It is told when something of these goes.",
    )
    url = forms.CharField(
        label="Webhook address",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="https://… Leave empty to keep the one that is set.",
    )
    secret = forms.CharField(
        label="Secret of the webhook",
        required=False,
        max_length=200,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=f"At least {recipients.SHORTEST_SECRET} characters, agreed with the recipient: both sides sign with it.",
    )
    email = forms.EmailField(label="E-mail address", required=False, widget=UnfoldAdminEmailInputWidget)
    key = forms.CharField(
        label="Their age key",
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="age1…: the ids are then encrypted to it. Needed when they know customers by telephone number.",
    )

    class Meta:
        model = Recipient
        fields = ["name", "kind", "known_by", "categories", "deadline_days", "contact", "channel"]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if "categories" in self.fields:
            self.fields["categories"].choices = [  # type: ignore[attr-defined]
                (label, capfirst(name)) for label, name in recipients.categories()
            ]

    def clean_url(self) -> str:
        url = self.cleaned_data["url"].strip()
        if url:
            try:
                check_url(url)
            except UnsafeAddress as error:
                raise ValidationError(str(error)) from error
        return url

    def clean_secret(self) -> str:
        secret = self.cleaned_data["secret"]
        if secret and len(secret) < recipients.SHORTEST_SECRET:
            raise ValidationError(f"Use at least {recipients.SHORTEST_SECRET} characters, at random.")
        return secret

    def clean_key(self) -> str:
        key = self.cleaned_data["key"].strip()
        if key:
            try:
                pyrage.x25519.Recipient.from_str(key)
            except pyrage.RecipientError as error:
                raise ValidationError("This is not an age key (age1…).") from error
        return key

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        webhook = cleaned.get("channel") == Recipient.Channel.WEBHOOK
        typed = {name for name in ("url", "secret", "email", "key") if cleaned.get(name)}
        wanted, others = ({"url", "secret"}, {"email", "key"}) if webhook else ({"email", "key"}, {"url", "secret"})
        if typed & others:
            raise ValidationError(
                f"What is filled in does not belong to “{Recipient.Channel(cleaned['channel']).label}”."
            )
        if webhook and typed and typed != wanted:
            raise ValidationError("A webhook needs its address and its secret, both typed in together.")
        if not webhook and typed == {"key"}:
            raise ValidationError("Write the e-mail address beside the key.")
        if not typed and self.instance.sealed_address is not None and "channel" in self.changed_data:
            raise ValidationError("It is told another way now: write where.")
        numbers = cleaned.get("known_by") == Recipient.KnownBy.NUMBER
        if numbers and not webhook and self._address(cleaned) and not self._address(cleaned).key:  # type: ignore[union-attr]
            raise ValidationError("Telephone numbers do not travel in a clear e-mail: ask them for an age key.")
        return cleaned

    def _address(self, cleaned: dict[str, Any]) -> Address | None:
        """Return the address as it will be: as typed in, else as it is set, else None."""
        if any(cleaned.get(name) for name in ("url", "secret", "email", "key")):
            return Address(**{name: cleaned.get(name) or "" for name in ("url", "secret", "email", "key")})
        return recipients.address_of(self.instance) if self.instance.sealed_address is not None else None

    def seal_address(self) -> None:
        """Put what was typed in into the row, sealed; nothing typed in changes nothing."""
        typed = self._address(self.cleaned_data)
        if typed and any(self.cleaned_data.get(name) for name in ("url", "email")):
            shown = (check_url(typed.url).hostname or "") if typed.url else typed.email
            recipients.set_address(self.instance, typed, shown=shown)


@admin.register(Recipient)
class RecipientAdmin(PortalAdmin):
    empty_title = "No recipients yet"
    empty_text = "Whoever outside received customers’ data and must be told when it is deleted."
    add_words = "Add a recipient"
    form = RecipientForm
    list_display = ["name", "kind", "channel", "address_shown", "deadline", "state_badge"]
    ordering = ["name"]
    search_fields = ["name"]
    fields = [
        ("name", "kind"),
        ("known_by", "deadline_days"),
        "categories",
        "contact",
        "channel",
        ("url", "secret"),
        ("email", "key"),
    ]
    actions_detail = ["ask_to_begin", "ask_to_end"]

    @display(description="must confirm within", ordering="deadline_days")
    def deadline(self, recipient: Recipient) -> str:
        return f"{recipient.deadline_days} days"

    @display(description="state", label={"Told of erasures": "success", "Draft": "warning", "Ended": ""})
    def state_badge(self, recipient: Recipient) -> str:
        return "Told of erasures" if recipient.is_active else "Ended" if recipient.active_from else "Draft"

    @display(description="it receives")
    def receives(self, recipient: Recipient) -> str:
        return capfirst(", ".join(recipients.category_names(recipient.categories))) or "Nothing yet"

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and not (obj and obj.is_active)

    def get_fields(self, request, obj=None):
        if obj is None or self.has_change_permission(request, obj):
            return self.fields if obj is None else [*self.fields[:5], ("address_shown",), *self.fields[5:]]
        return [
            ("name", "kind"), ("known_by", "deadline_days"), "receives", "contact", ("channel", "address_shown"),
            ("active_from", "active_until"),
        ]  # fmt: skip

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), "receives", "address_shown"]

    def save_model(self, request, obj, form, change):
        form.seal_address()
        recipients.save_recipient(obj, user=request.user)

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except UnableToTell as error:
            self.message_user(request, str(error), "ERROR")
            return redirect(request.path)

    def has_ask_to_begin_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)
        return bool(found) and not found.is_active and request.user.has_perm("retention.activate_recipient")

    def has_ask_to_end_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)
        return bool(found) and found.is_active and request.user.has_perm("retention.activate_recipient")

    @action(
        description="Ask to begin",
        permissions=["ask_to_begin"],
        variant=ActionVariant.PRIMARY,
        icon="hub",
        dialog={
            "title": "Ask a second officer to let it be told",
            "description": "From then on it is told of every erasure of what it receives, by the ids under which it knows the "
            "customer. The other officer agrees to exactly what is filled in now.",
            "form_submit_text": "Ask to begin",
        },
    )
    def ask_to_begin(self, request, form, object_id):
        self._ask(request, object_id, recipients.ask_to_begin)
        return back_to(self, object_id)

    @action(
        description="Ask to end",
        permissions=["ask_to_end"],
        variant=ActionVariant.DANGER,
        icon="link_off",
        dialog={
            "title": "Ask a second officer to tell it no more",
            "description": "Only when it holds nothing of our customers any more: not yet at the end of a contract. "
            "What it has been told already still has to be confirmed.",
            "form_submit_text": "Ask to end",
        },
    )
    def ask_to_end(self, request, form, object_id):
        self._ask(request, object_id, recipients.ask_to_end)
        return back_to(self, object_id)

    def _ask(self, request, object_id, ask) -> None:
        run_or_say(
            request,
            lambda: ask(Recipient.objects.get(pk=object_id), user=request.user, now=timezone.now()),
            "Asked. Another officer now finds it under Approvals.",
            UnableToTell,
            approvals.UnableToApprove,
        )


class NoteForm(BaseDialogForm):
    note = forms.CharField(
        label="Note",
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="No name of a customer: notes stay.",
    )


class NeedsSomebody(admin.SimpleListFilter):
    title = "what needs somebody"
    parameter_name = "needs"

    def lookups(self, request, model_admin):
        return [("somebody", "Late, refused or not delivered")]

    def queryset(self, request, queryset):
        if self.value() == "somebody":
            return queryset.filter(pk__in=notices.needs_somebody(timezone.now()).values("pk"))
        return queryset


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    empty_title = "Nobody told yet"
    empty_text = (
        "After each deletion, and each change that somebody had a right to, every active recipient that has the data is "
        "told, and reminded until it has confirmed."
    )
    list_display = ["notice", "kind", "recipient", "job", "state_badge", "due_at", "answer", "sent_at", "settled_at"]
    list_filter = [NeedsSomebody, ("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter)]
    list_select_related = ["recipient", "job"]
    search_fields = ["pk__exact", "job__pk__exact", "request_id__exact"]
    search_help_text = "Id of the notice, of the deletion or of the request"
    ordering = ["-prepared_at", "pk"]
    fields = [
        ("recipient", "kind"),
        ("job", "request_id"),
        "went",
        ("state_badge", "due_at"),
        "answer",
        ("sent_at", "next_try_at"),
        ("settled_how", "settled_at", "settled_by"),
        "note",
    ]
    readonly_fields = ["went", "state_badge"]
    actions_detail = ["confirm", "send_again", "close"]

    @display(description="notice")
    def notice(self, notice: Notice) -> str:
        return str(notice.pk)[:8]

    @display(description="what it is about")
    def went(self, notice: Notice) -> str:
        return capfirst(", ".join(recipients.category_names(notice.categories)))

    @display(description="state", ordering="state", label=TONES)
    def state_badge(self, notice: Notice) -> str:
        return notice.get_state_display()

    def _may(self, request, object_id, to: str) -> bool:
        found = self.get_object(request, object_id)
        return (
            bool(found)
            and found.state != Notice.State.PREPARED
            and to in notices.MOVES[found.state]
            and request.user.has_perm("retention.settle_notice")
        )

    def has_confirm_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, Notice.State.CONFIRMED)

    def has_send_again_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, Notice.State.WAITING)

    def has_close_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, Notice.State.CLOSED)

    @action(
        description="It is confirmed",
        permissions=["confirm"],
        variant=ActionVariant.PRIMARY,
        icon="task_alt",
        dialog={
            "title": "They have confirmed it",
            "description": "Write who confirmed it, when and how.",
            "form_class": NoteForm,
            "form_submit_text": "Write down the confirmation",
        },
    )
    def confirm(self, request, form, object_id):
        return self._settle(request, form, object_id, True, "Written down as confirmed.")

    @action(
        description="Send again",
        permissions=["send_again"],
        icon="replay",
        dialog={
            "title": "Send it again now",
            "description": "Under the same id: a recipient who has it already knows it by that.",
            "form_submit_text": "Send again",
        },
    )
    def send_again(self, request, form, object_id):
        run_or_say(
            request,
            lambda: notices.send_again(object_id, user=request.user, now=timezone.now()),
            "It goes out within a minute.",
            notices.UnableToSettle,
        )
        return back_to(self, object_id)

    @action(
        description="Close without confirmation",
        permissions=["close"],
        variant=ActionVariant.DANGER,
        icon="cancel",
        dialog={
            "title": "Close it although nobody has confirmed",
            "description": "The certificate of the deletion stays incomplete and says so. Write why nothing more can be done.",
            "form_class": NoteForm,
            "form_submit_text": "Close",
        },
    )
    def close(self, request, form, object_id):
        return self._settle(request, form, object_id, False, "Closed; the certificate stays incomplete.")

    def _settle(self, request, form, object_id, confirmed: bool, done: str):
        note = form.cleaned_data["note"]
        run_or_say(
            request,
            lambda: notices.settle_by_hand(
                object_id, confirmed=confirmed, note=note, user=request.user, now=timezone.now()
            ),
            done,
            notices.UnableToSettle,
        )
        return back_to(self, object_id)
