"""Consents, identity documents and versions of the policy."""

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from accounts.admin.customers import CustomerAdmin
from accounts.models import Consent, KycDocument, PolicyVersion
from accounts.portal_admin import PortalAdmin, ReadOnlyAdmin
from accounts.resources import ConsentResource


@admin.register(Consent)
class ConsentAdmin(CustomerAdmin):
    empty_title = "No consents yet"
    empty_text = (
        "What people have agreed to, with the words they saw. It comes by the import of consents, or is added here."
    )
    add_words = "Add a consent"
    resource_classes = [ConsentResource]
    list_display = ["outside_id", "person", "purpose", "policy_version", "given_at", "channel", "state_badge"]
    list_filter = [("purpose", ChoicesDropdownFilter), ("channel", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["person", "policy_version"]
    search_fields = ["outside_id__exact", "person__outside_id__exact"]
    search_help_text = "Consent or customer number"
    ordering = ["-given_at", "pk"]
    autocomplete_fields = ["person", "policy_version"]
    fields = [
        ("outside_id", "person"),
        ("purpose", "policy_version"),
        "given_at",
        ("channel", "evidence"),
        "withdrawn_at",
    ]

    @display(description="state", label={"Given": "success", "Withdrawn": "warning"})
    def state_badge(self, consent: Consent) -> str:
        return "Withdrawn" if consent.withdrawn_at else "Given"


@admin.register(KycDocument)
class KycDocumentAdmin(ReadOnlyAdmin):
    empty_title = "No identity documents"
    empty_text = "Documents that customers have sent for a check come by the feed or the import."
    list_display = ["id", "person", "type", "issuing_country", "result_badge", "received_at", "decided_at"]
    list_filter = [("result", ChoicesDropdownFilter), ("type", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["person"]
    search_fields = ["person__outside_id__exact"]
    search_help_text = "Customer number"
    ordering = ["-received_at", "pk"]
    fields = [
        ("person", "workspace"), ("type", "issuing_country", "expires_on"), ("result", "decided_at", "reviewer"),
        ("provider", "received_at", "file_bytes"),
    ]  # fmt: skip

    @display(description="result", label={"Accepted": "success", "Rejected": "danger", "Not decided": "warning"})
    def result_badge(self, document: KycDocument) -> str:
        return document.get_result_display()


@admin.register(PolicyVersion)
class PolicyVersionAdmin(PortalAdmin):
    empty_title = "No policy version yet"
    empty_text = "The published texts of the privacy policy, with the day from which each is in effect."
    add_words = "Add a version"
    list_display = ["version", "effective_on", "published_at"]
    search_fields = ["version"]
    ordering = ["-effective_on"]
    fields = [("version", "effective_on"), ("published_at", "recording_days"), "summary"]
