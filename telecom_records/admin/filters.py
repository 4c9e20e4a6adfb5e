"""Filters of the lists of traffic that an index serves: a list is read along one of them (``LongListAdmin.parts``)."""

import functools

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import TextFilter

from accounts.long_lists import tell
from accounts.models import Workspace
from accounts.portal_admin import shown
from telecom_records.models import ImportSource
from telecom_records.number_search import Sought, understand


def countries_of(request: HttpRequest) -> list[str]:
    """Return where numbers without their country may have been dialled: at the chosen source, else at any, and by staff."""
    chosen = request.GET.get("source__id__exact", "")
    sources = ImportSource.objects.exclude(country="").order_by("country")
    if chosen.isdigit() and (country := sources.filter(pk=chosen).values_list("country", flat=True).first()):
        return [country]
    return [*sources.values_list("country", flat=True).distinct(), settings.COUNTRY]


def account(text: str) -> Workspace | None:
    """Return the workspace with this account number, if pages may show it."""
    return shown(Workspace.objects.filter(outside_id=text.strip())).first()


class AccountFilter(TextFilter):
    """One customer's rows, by the account number."""

    title = "account number"
    parameter_name = "account"
    lead = 1

    @functools.cached_property
    def workspace(self) -> Workspace | None:
        return account(self.value()) if self.value() else None

    def conditions(self) -> list[Q]:
        return [Q(workspace=self.workspace.pk)] if self.workspace else []

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        return queryset.filter(workspace=self.workspace.pk) if self.workspace else queryset.none()


class NumberFilter(TextFilter):
    """Rows with a number, in any notation, in one column."""

    column: str
    lead = 2

    @functools.cached_property
    def sought(self) -> Sought:
        text = self.value()
        return understand(text, countries=countries_of(self.request)) if text and text.strip() else Sought()

    def __init__(self, request, params, model, model_admin):
        self.request = request
        super().__init__(request, params, model, model_admin)

    def conditions(self) -> list[Q]:
        return [Q(**{self.column: value}) for value in self.sought.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.sought.refused:
            tell(request, self.sought.refused)
            return queryset.none()
        return queryset.filter(**{f"{self.column}__in": self.sought.values}) if self.sought.values else queryset


class OwnNumberFilter(NumberFilter):
    title = "customer’s number"
    parameter_name = "own"
    column = "own_number"


class OtherPartyFilter(NumberFilter):
    title = "other party"
    parameter_name = "other"
    column = "other_party"
