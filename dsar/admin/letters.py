"""Letters: written from approved words with a preview, and what was sent, refused and downloaded."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from accounts.portal_admin import ReadOnlyAdmin, back_to, run_or_say
from accounts.validators import refuse_card_numbers
from dsar import downloads
from dsar.contesting import TYPES
from dsar.identity.proof import proved
from dsar.letters import sending
from dsar.letters.compose import DECISIONS, UnableToCompose
from dsar.letters.laws import REASONS, law_of, reasons_for
from dsar.models import DownloadLink, Identifier, Letter, Refusal, SubjectRequest
from dsar.models.letters import Language
from dsar.rights import RIGHTS

Kind = Letter.Kind


def kinds_for(request_type: str) -> list[tuple[str, str]]:
    """Return which letters an officer writes about a request; that a part was passed on is told with the part."""
    never = {
        Kind.FORWARDED,
        *(() if request_type in RIGHTS["restriction"].types else (Kind.LIFTING,)),
        *((Kind.ANSWER, Kind.PARTIAL, Kind.NOTHING, Kind.REFUSAL) if request_type in TYPES else DECISIONS),
    }
    return [(kind, label) for kind, label in Kind.choices if kind not in never]


class LetterForm(forms.Form):
    """What an officer chooses for a letter; its words are approved, but for the particulars."""

    kind = forms.ChoiceField(choices=Letter.Kind.choices, widget=UnfoldAdminSelectWidget)
    language = forms.ChoiceField(choices=Language.choices, widget=UnfoldAdminSelectWidget)
    way = forms.ChoiceField(label="Sent by", choices=Letter.Way.choices, widget=UnfoldAdminSelectWidget)
    reasons = forms.MultipleChoiceField(required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget)
    particulars = forms.CharField(
        required=False,
        max_length=8000,
        validators=[refuse_card_numbers],
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="Your own words, in the language of the letter. They stand before the advice on complaints.",
    )
    code_to = forms.ChoiceField(
        label="Code for the download goes to",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Only addresses that were proved to be this person’s. With one, the letter has a link to the answer.",
    )
    link_days = forms.IntegerField(
        label="Link ends after (days)", initial=14, min_value=1, max_value=downloads.LONGEST_DAYS, required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )  # fmt: skip

    def __init__(self, *args: Any, subject_request: SubjectRequest, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = kinds_for(subject_request.type)  # type: ignore[attr-defined]
        choices = reasons_for(subject_request.regime, subject_request.type)
        self.fields["reasons"].choices = [(code, reason.label) for code, reason in choices.items()]  # type: ignore[attr-defined]
        if downloads.answer_file(subject_request) is None:
            del self.fields["code_to"], self.fields["link_days"]
        else:
            addresses = sorted(proved(subject_request, Identifier.Kind.EMAIL))
            none = (
                "No download" if addresses else "No e-mail address was proved: send a code to one, or send it by post"
            )
            self.fields["code_to"].choices = [("", none), *((each, each) for each in addresses)]  # type: ignore[attr-defined]

    def draft(self) -> sending.Draft:
        data = self.cleaned_data
        return sending.Draft(
            kind=data["kind"], language=data["language"], way=data["way"], reasons=tuple(data["reasons"]),
            particulars=data["particulars"], code_to=data.get("code_to", ""), link_days=data.get("link_days") or 14,
        )  # fmt: skip


@admin.register(Letter)
class LetterAdmin(ReadOnlyAdmin):
    empty_title = "No letters yet"
    empty_text = "Each letter as it was sent. One is written from the page of its request."
    list_display = ["sent_at", "request", "kind", "language", "way", "sent_by"]
    list_filter = [("kind", ChoicesDropdownFilter), ("language", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["request", "sent_by"]
    search_fields = ["request__reference__exact"]
    search_help_text = "The number of a request"
    ordering = ["-sent_at", "pk"]
    fields = [("request", "kind"), ("language", "regime"), ("way", "to"), ("sent_at", "sent_by"), "subject", "body"]

    def get_urls(self):
        own = path("write/<uuid:request_id>/", self.admin_site.admin_view(self.write_view), name="dsar_letter_write")
        return [own, *super().get_urls()]

    def write_view(self, request, request_id):
        """Choose, preview, and send exactly what was previewed."""
        if not request.user.has_perm("dsar.send_letter"):
            raise PermissionDenied
        asked = get_object_or_404(SubjectRequest.objects.select_related("person"), pk=request_id)
        initial = {"language": sending.language_of(asked), "kind": request.GET.get("kind", "")}
        form = LetterForm(request.POST or None, subject_request=asked, initial=initial)
        shown = None
        if request.method == "POST" and form.is_valid():
            draft = form.draft()
            try:
                shown = sending.preview(asked, draft, user=request.user, now=timezone.now())
                if "send" in request.POST and request.POST.get("previewed") == shown[1].replace("\n", "\r\n"):
                    base = settings.PORTAL_URL or request.build_absolute_uri("/")
                    letter = sending.send(asked.pk, draft, base_url=base, user=request.user, now=timezone.now())
                    messages.success(
                        request, "The letter is on its way." if letter.mail else "Noted. Print the letter and post it."
                    )
                    return redirect("admin:dsar_letter_change", letter.pk)
                if "send" in request.POST:
                    messages.warning(request, "Something was changed since the preview. Read it once more, and send.")
            except UnableToCompose as error:
                form.add_error(None, str(error))
                shown = None
        context = {
            **self.admin_site.each_context(request), "title": f"Letter about {asked.reference}", "form": form, "asked": asked,
            "shown": shown, "address": sending.address_of(asked), "law": law_of(asked.regime).name["en"],
            "breadcrumbs": [{"title": "Requests", "href": "../../../subjectrequest/"}],
        }  # fmt: skip
        return render(request, "dsar/write_letter.html", context, status=400 if form.errors else 200)


@admin.register(Refusal)
class RefusalAdmin(ReadOnlyAdmin):
    empty_title = "Nothing has been refused"
    empty_text = "Each refusal with its reasons, entered before its letter leaves (Hong Kong: PDPO section 27)."
    list_display = ["entered_at", "request", "regime", "why", "is_partial", "entered_by"]
    list_filter = ["regime", "is_partial"]
    list_filter_submit = True
    list_select_related = ["request", "entered_by"]
    search_fields = ["request__reference__exact"]
    search_help_text = "The number of a request"
    ordering = ["-entered_at", "pk"]
    fields = [("request", "regime"), "why", "particulars", ("is_partial", "entered_at", "entered_by")]
    readonly_fields = ["why"]

    @display(description="reasons")
    def why(self, refusal: Refusal) -> str:
        return "; ".join(REASONS[code].label if code in REASONS else code for code in refusal.reasons)


@admin.register(DownloadLink)
class DownloadLinkAdmin(ReadOnlyAdmin):
    empty_title = "No links yet"
    empty_text = "Where answers can be taken, and whether they were. A letter with an answer makes one."
    list_display = ["made_at", "request", "state_badge", "expires_at", "first_downloaded_at", "downloads", "codes_sent", "wrong_codes"]  # fmt: skip
    list_select_related = ["request"]
    search_fields = ["request__reference__exact"]
    search_help_text = "The number of a request"
    ordering = ["-made_at", "pk"]
    fields = [
        ("request", "language"), ("made_at", "made_by"), ("expires_at", "withdrawn_at"), ("first_downloaded_at", "downloads"),
        ("codes_sent", "code_sent_at", "wrong_codes"),
    ]  # fmt: skip
    actions_detail = ["withdraw"]

    @display(description="state", label={"Downloaded": "success", "Open": "info", "Ended, not downloaded": "danger", "Withdrawn": "", "Too many codes": "danger"})  # fmt: skip
    def state_badge(self, link: DownloadLink) -> str:
        if link.first_downloaded_at:
            return "Downloaded"
        if link.withdrawn_at:
            return "Withdrawn"
        if link.expires_at <= timezone.now():
            return "Ended, not downloaded"
        return "Too many codes" if link.wrong_codes >= downloads.MOST_WRONG else "Open"

    def has_withdraw_permission(self, request, object_id=None) -> bool:
        link = self.get_object(request, object_id)
        return bool(link) and link.withdrawn_at is None and request.user.has_perm("dsar.send_letter")

    @action(description="Withdraw", permissions=["withdraw"], variant=ActionVariant.DANGER, icon="link_off",
            dialog={"title": "Withdraw this link", "description": "It opens nothing from now on. A new letter can have a new link.", "form_submit_text": "Withdraw it"})  # fmt: skip
    def withdraw(self, request, form, object_id):
        run_or_say(request, lambda: downloads.withdraw(object_id, user=request.user, now=timezone.now()), "Withdrawn.")
        return back_to(self, object_id)
