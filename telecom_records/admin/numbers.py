"""Numbers and who had them when."""

from django.contrib import admin
from django.utils import timezone
from unfold.decorators import display

from accounts.admin.customers import CustomerAdmin
from accounts.masking import mask
from accounts.portal_admin import PortalAdmin, PortalInline, may_see_clear
from telecom_records.late import take_up
from telecom_records.models import Number, NumberAssignment
from telecom_records.resources import NumberAssignmentResource


class AssignmentInline(PortalInline):
    model = NumberAssignment
    fields = ["workspace", "person", "window"]
    verbose_name_plural = "who had it when"


@admin.register(Number)
class NumberAdmin(PortalAdmin):
    empty_title = "No numbers yet"
    empty_text = "They come by the import of number assignments, or are added here."
    add_words = "Add a number"
    list_display = ["e164", "country", "kind", "holder"]
    list_filter = ["is_voip"]
    search_fields = ["e164__exact"]
    search_help_text = "The number in international form, such as +442079460123"
    ordering = ["e164"]
    fields = [("e164", "country"), "is_voip"]
    inlines = [AssignmentInline]
    change_form_outer_before_template = "telecom_records/number.html"

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("assignments__workspace")

    @display(description="kind", label={"VoIP": "info", "Non-VoIP": "warning"})
    def kind(self, number: Number) -> str:
        return "VoIP" if number.is_voip else "Non-VoIP"

    @display(description="held now by")
    def holder(self, number: Number) -> str:
        now = timezone.now()
        holders = [assignment.workspace for assignment in number.assignments.all() if now in assignment.window]
        return str(holders[0]) if holders else "nobody"


@admin.register(NumberAssignment)
class NumberAssignmentAdmin(CustomerAdmin):
    empty_title = "No assignments yet"
    empty_text = "Which workspace has which number, from when to when: that says whose a call is."
    add_words = "Add an assignment"
    resource_classes = [NumberAssignmentResource]
    list_display = ["outside_id", "number_shown", "workspace", "since", "until"]
    list_select_related = ["number", "workspace"]
    search_fields = ["outside_id__exact", "number__e164__exact", "workspace__outside_id__exact"]
    search_help_text = "Assignment or account number, or the telephone number in international form"
    ordering = ["-pk"]
    autocomplete_fields = ["number", "workspace", "person"]
    fixed_after_add = ("number", "workspace")
    fields = ["outside_id", "number", ("workspace", "person"), "window"]

    @display(description="number")
    def number_shown(self, assignment: NumberAssignment) -> str:
        return assignment.number.e164

    @display(description="from")
    def since(self, assignment: NumberAssignment):
        return assignment.window.lower

    @display(description="until", empty_value="still in use")
    def until(self, assignment: NumberAssignment):
        return assignment.window.upper

    def get_list_display(self, request):
        if may_see_clear(request):
            return self.list_display

        def number(assignment: NumberAssignment) -> str:
            return mask(assignment.number.e164)

        return [number if name == "number_shown" else name for name in self.list_display]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        obj.refresh_from_db()
        if obj.ends_at and not obj.number.is_voip:
            when = timezone.localtime(obj.ends_at, obj.workspace.zone)
            self.message_user(
                request,
                f"Unless somebody else has the number then, it is deleted on {when:%-d %b %Y at %H:%M} "
                f"({obj.workspace.time_zone}), without recovery.",
            )
        if taken := take_up(obj):
            self.message_user(request, f"{taken} calls that waited for this assignment now belong to its workspace.")
