"""Website forms: who may hand in what people wrote, their secret, which is shown once, and what became of their messages."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.portal_admin import PortalAdmin, ReadOnlyAdmin, back_to, run_or_say
from dsar.intake import signing
from dsar.models import IntakeDelivery, IntakeSource


@admin.register(IntakeSource)
class IntakeSourceAdmin(PortalAdmin):
    empty_title = "No website form yet"
    empty_text = "A program, such as the website, that may hand in what people wrote: docs/intake.md."
    add_words = "Add a form"
    list_display = ["name", "state_badge", "secret_set_at", "created_at"]
    ordering = ["retired_at", "name"]
    fields = ["name", "address", ("secret_set_at", "created_at", "retired_at")]
    readonly_fields = ["address", "secret_set_at", "created_at", "retired_at"]
    fixed_after_add = ("name",)
    actions_detail = ["new_secret", "retire"]

    def get_fields(self, request, obj=None):
        return ["name"] if obj is None else super().get_fields(request, obj)

    def has_change_permission(self, request, obj=None):
        return False

    @display(description="state", label={"In use": "success", "No secret yet": "warning", "Retired": ""})
    def state_badge(self, source: IntakeSource) -> str:
        return "Retired" if source.retired_at else "In use" if source.secret_set_at else "No secret yet"

    @display(description="address")
    def address(self, source: IntakeSource) -> str:
        return reverse("intake:receive", args=[source.name])

    def save_model(self, request, obj, form, change):
        signing.make_source(obj, user=request.user, now=timezone.now())

    def get_urls(self):
        own = path(
            "<int:source_id>/secret/", self.admin_site.admin_view(self.secret_view), name="dsar_intakesource_secret"
        )
        return [own, *super().get_urls()]

    def secret_view(self, request, source_id: int):
        """Ask, and after a POST make a new secret and show it once, in this answer and nowhere else."""
        source = get_object_or_404(IntakeSource, pk=source_id, retired_at__isnull=True)
        if not request.user.has_perm("dsar.rotate_intakesource"):
            raise PermissionDenied
        secret = (
            signing.make_secret(source.pk, user=request.user, now=timezone.now()) if request.method == "POST" else ""
        )
        context = {
            **self.admin_site.each_context(request), "title": f"Secret of {source.name}", "sender": source, "secret": secret,
            "back": reverse("admin:dsar_intakesource_change", args=[source.pk]),
            "without": "Until the website has the new one, its messages are refused, and it must send them again.",
        }  # fmt: skip
        response = render(request, "accounts/sender_secret.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def has_rotate_permission(self, request, object_id=None) -> bool:
        source = self.get_object(request, object_id)
        return bool(source) and source.retired_at is None and request.user.has_perm("dsar.rotate_intakesource")

    @action(description="Make a secret", permissions=["rotate"], variant=ActionVariant.PRIMARY, icon="key", url_path="go-to-secret")  # fmt: skip
    def new_secret(self, request, object_id):
        return redirect(reverse("admin:dsar_intakesource_secret", args=[object_id]))

    @action(description="Retire", permissions=["rotate"], variant=ActionVariant.DANGER, icon="link_off",
            dialog={"title": "Retire this website form", "description": "Nothing that it sends is taken from now on, and its secret is destroyed. This cannot be undone.", "form_submit_text": "Retire it"})  # fmt: skip
    def retire(self, request, form, object_id):
        run_or_say(request, lambda: signing.retire(object_id, user=request.user, now=timezone.now()), "Retired.")
        return back_to(self, object_id)


@admin.register(IntakeDelivery)
class IntakeDeliveryAdmin(ReadOnlyAdmin):
    empty_title = "No message yet"
    empty_text = "What became of each signed message of a website form, never what it said."
    list_display = ["received_at", "source", "state_badge", "ticket_reference", "request_reference", "problem"]
    list_filter = [("state", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["source"]
    search_fields = ["ticket_reference__exact", "request_reference__exact", "key__exact"]
    search_help_text = "The number of a ticket or a request, or the website’s key"
    ordering = ["-pk"]
    fields = [("source", "received_at"), ("state", "problem"), ("ticket_reference", "request_reference"), "key"]

    @display(description="state", ordering="state", label={"Taken": "success", "Came again": "info", "Refused": "danger", "Being taken": "info"})  # fmt: skip
    def state_badge(self, delivery: IntakeDelivery) -> str:
        return delivery.get_state_display()
