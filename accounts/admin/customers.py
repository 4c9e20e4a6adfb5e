"""Workspaces and people."""

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, Subquery
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from import_export.admin import ImportExportModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.contrib.import_export.forms import ExportForm, ImportForm
from unfold.decorators import display

from accounts import spreadsheets
from accounts.access import log_access
from accounts.models import (
    AccessLogEntry,
    BillingRecord,
    Consent,
    Credit,
    KycDocument,
    Membership,
    PaymentReference,
    Person,
    Subscription,
    Workspace,
)
from accounts.portal_admin import PortalAdmin, PortalInline, may_see_clear
from accounts.resources import PersonResource, WorkspaceResource

STATE_TONES = {"Active": "success", "Being emptied": "warning", "Emptied": ""}


class CustomerAdmin(PortalAdmin, ImportExportModelAdmin):
    """A page whose rows may also come in as a file, and leave as one for those who may see them in clear."""

    import_form_class = ImportForm
    export_form_class = ExportForm
    formats = spreadsheets.FORMATS

    def add_data_read_fail_error_to_form(self, form, e):
        form.add_error("import_file", spreadsheets.words_for(e))

    def process_import(self, request, **kwargs):
        """Take a confirmed preview in; one that was confirmed already, or is older than an hour, must be uploaded again."""
        try:
            return super().process_import(request, **kwargs)
        except (FileNotFoundError, ValueError):
            messages.error(request, "This preview is no longer there. Upload the file again.")
            return redirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_import"))

    def has_export_permission(self, request):
        return super().has_export_permission(request) and may_see_clear(request)

    def get_export_data(self, file_format, request, queryset, **kwargs):
        """Make the file that leaves, and write down who took how many rows."""
        export = AccessLogEntry.Action.EXPORT
        of, now = self.model._meta.label, timezone.now()
        log_access(request.user, export, of=of, rows=queryset.count(), now=now)
        return super().get_export_data(file_format, request, queryset, **kwargs)


class MembershipInline(PortalInline):
    model = Membership
    fields = ["person", "name", "role", "since"]
    verbose_name_plural = "people"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("person")

    @display(description="name")
    def name(self, membership: Membership) -> str:
        return membership.person.name


class WorkspacesOfPersonInline(PortalInline):
    model = Membership
    fields = ["workspace", "role", "since"]
    verbose_name_plural = "workspaces"


class SubscriptionInline(PortalInline):
    model = Subscription
    fields = ["outside_id", "plan", "starts_at", "ends_at", "recording_enabled", "recording_days"]


class CreditInline(PortalInline):
    model = Credit
    fields = ["amount", "currency", "as_of"]
    verbose_name_plural = "credit"


class PaymentReferenceInline(PortalInline):
    model = PaymentReference
    fields = ["processor", "token", "last_four", "added_at"]
    verbose_name_plural = "payment"


class BillingRecordInline(PortalInline):
    model = BillingRecord
    fields = ["outside_id", "kind", "issued_at", "amount", "currency"]
    verbose_name_plural = "billing"


class KycInline(PortalInline):
    model = KycDocument
    fields = ["type", "issuing_country", "result", "decided_at", "received_at"]
    verbose_name_plural = "identity"


class ConsentInline(PortalInline):
    model = Consent
    fields = ["purpose", "policy_version", "given_at", "channel", "withdrawn_at"]


@admin.register(Workspace)
class WorkspaceAdmin(CustomerAdmin):
    empty_title = "No workspaces yet"
    empty_text = "The accounts of customers. They come by a feed or the import of workspaces, or are added here."
    add_words = "Add a workspace"
    resource_classes = [WorkspaceResource]
    list_display = ["outside_id", "name", "kind", "country", "state_badge", "expires", "created_at"]
    list_filter = [("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter)]
    list_filter_submit = True
    search_fields = ["outside_id__exact", "name__icontains"]
    no_partial_search = ("outside_id__exact",)
    search_help_text = "Account number, or a part of the name"
    ordering = ["-created_at", "pk"]
    fields = [("outside_id", "name"), ("kind", "country"), "time_zone", "created_at"]
    inlines = [
        SubscriptionInline, MembershipInline, CreditInline, PaymentReferenceInline, BillingRecordInline, KycInline,
    ]  # fmt: skip
    change_form_outer_before_template = "accounts/workspace_summary.html"

    def get_queryset(self, request):
        endless = Subscription.objects.filter(workspace=OuterRef("pk"), ends_at__isnull=True)
        last = Subscription.objects.filter(workspace=OuterRef("pk")).order_by("-ends_at").values("ends_at")
        return super().get_queryset(request).annotate(endless=Exists(endless), last_expiry=Subquery(last[:1]))

    def has_change_permission(self, request, obj=None):
        if isinstance(obj, Workspace) and obj.state != Workspace.State.ACTIVE:
            return False
        return super().has_change_permission(request, obj)

    def get_inlines(self, request, obj):
        if obj is None or obj.state == Workspace.State.EMPTIED:
            return []
        return [
            inline for inline in self.inlines if request.user.has_perm(f"accounts.view_{inline.model._meta.model_name}")
        ]

    @display(description="state", ordering="state", label=STATE_TONES)
    def state_badge(self, workspace: Workspace) -> str:
        return workspace.get_state_display()

    @display(description="expires", ordering="last_expiry")
    def expires(self, workspace: Workspace):
        if workspace.state != Workspace.State.ACTIVE:
            return workspace.expired_at
        return None if workspace.endless else workspace.last_expiry  # type: ignore[attr-defined]


@admin.register(Person)
class PersonAdmin(CustomerAdmin):
    empty_title = "No people yet"
    empty_text = "They come by a feed or the import of people, or are added here."
    add_words = "Add a person"
    resource_classes = [PersonResource]
    list_display = ["outside_id", "name", "email", "phone", "country", "source"]
    list_filter = [("source", ChoicesDropdownFilter)]
    list_filter_submit = True
    search_fields = ["outside_id__exact", "phone__exact", "email__iexact", "name__icontains"]
    no_partial_search = ("outside_id__exact", "phone__exact", "email__iexact")
    search_help_text = "Customer number, telephone or e-mail in full, or a part of the name"
    ordering = ["name", "pk"]
    fields = [
        ("outside_id", "name"), ("email", "phone"), ("business_name", "country"), "billing_address",
        ("language", "notify_by_email", "notify_by_sms"), ("source", "source_detail"), "created_at",
    ]  # fmt: skip
    inlines = [WorkspacesOfPersonInline, ConsentInline, KycInline]
    change_form_outer_before_template = "accounts/person_summary.html"

    def get_inlines(self, request, obj):
        return [
            inline for inline in self.inlines if request.user.has_perm(f"accounts.view_{inline.model._meta.model_name}")
        ]


def say_what_an_expiry_does(request, subscription: Subscription) -> None:
    """Tell the officer, after saving, what the expiry will do and when."""
    if subscription.end:
        when = timezone.localtime(subscription.end, subscription.workspace.zone)
        messages.info(
            request,
            f"Unless another subscription runs longer, everything of workspace {subscription.workspace} is deleted on "
            f"{when:%-d %b %Y at %H:%M} ({subscription.workspace.time_zone}), without recovery.",
        )
