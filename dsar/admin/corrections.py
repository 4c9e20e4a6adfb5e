"""What was corrected, and what people say of what was not."""

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from accounts.portal_admin import ReadOnlyAdmin
from dsar.models import Correction, Statement
from dsar.rights.correction import label_of


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin):
    empty_title = "Nothing corrected yet"
    empty_text = (
        "Each field that was corrected at somebody’s request, with what it said before, until its own time is over."
    )
    list_display = ["request", "what", "evidence", "at"]
    list_filter = [("evidence", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["request"]
    search_fields = ["request__reference__exact", "person__outside_id__exact", "workspace__outside_id__exact"]
    search_help_text = "Request, customer or account number"
    ordering = ["-at", "pk"]
    fields = [("request", "what"), ("before", "after"), ("evidence", "at")]
    readonly_fields = ["what"]

    @display(description="field")
    def what(self, correction: Correction) -> str:
        return label_of(f"{correction.model}.{correction.field}")


@admin.register(Statement)
class StatementAdmin(ReadOnlyAdmin):
    empty_title = "No statement yet"
    empty_text = "What people say of data that was not corrected. It stands beside the data, and goes with it."
    list_display = ["request", "person", "about", "made_at"]
    list_select_related = ["request", "person"]
    search_fields = ["request__reference__exact", "person__outside_id__exact"]
    search_help_text = "Request or customer number"
    ordering = ["-made_at", "pk"]
    fields = [("request", "person"), "about", "text", ("made_at", "entered_by")]
    readonly_fields = ["about"]

    @display(description="of")
    def about(self, statement: Statement) -> str:
        return ", ".join(label_of(key) for key in statement.fields)
