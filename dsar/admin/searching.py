"""The button on the page of a request of somebody who is no customer."""

from django import forms
from django.utils import timezone
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from accounts.portal_admin import back_to, run_or_say
from accounts.validators import validate_year
from dsar import searching
from dsar.request_forms import RequestDialog


class SearchForm(RequestDialog):
    value = forms.CharField(
        label="E-mail address or number", max_length=254, widget=UnfoldAdminTextInputWidget,
        help_text="A number with + and its country.",
    )  # fmt: skip
    on = forms.DateField(
        label="On one day only", required=False, widget=UnfoldAdminSingleDateWidget, validators=[validate_year],
        help_text="When the person had the number at that time only. Empty: at any time.",
    )  # fmt: skip


class SearchActions:
    """Adds the button to the admin of requests."""

    def has_search_permission(self, request, object_id=None) -> bool:
        found = self.get_object(request, object_id)  # type: ignore[attr-defined]
        no_customer = bool(found) and found.is_open and not found.person_id and not found.workspace_id
        return no_customer and request.user.has_perm("dsar.search_records")

    @action(
        description="Search the records",
        permissions=["search"],
        icon="search",
        dialog={
            "title": "Search for somebody who is no customer",
            "description": "Customers, numbers, calls, messages, recordings and correspondence. You see how much there is, not what.",
            "form_class": SearchForm,
            "form_submit_text": "Search",
        },
    )
    def search(self, request, form, object_id):
        data = form.cleaned_data
        run_or_say(
            request,
            lambda: searching.search(object_id, data["value"], on=data["on"], user=request.user, now=timezone.now()),
            "Searched: the result stands on the page.",
            searching.UnableToSearch,
        )
        return back_to(self, object_id)  # type: ignore[arg-type]
