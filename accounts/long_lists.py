"""Long lists in the admin: by time, a page after the other by where the last one ended (``accounts/keyset.py``)."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.views import ChangeList

from accounts.keyset import Page, Part, Place, UnableToFindPlace, newer_page, older_page, read_place
from accounts.portal_admin import PortalAdmin

AFTER, BEFORE = "after", "before"  # in an address: older than, newer than a place


class TimeRangeFilter(RangeDateTimeFilter):
    """From an instant until another, in the portal's time zone; of a day without a time, its begin or its end."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the rows of the range. An end that cannot be read is none."""
        since, until = self._end("from", dt.time.min), self._end("to", dt.time.max)
        if since:
            queryset = queryset.filter(**{f"{self.field_path}__gte": since})
        return queryset.filter(**{f"{self.field_path}__lte": until}) if until else queryset

    def _end(self, name: str, without_time: dt.time) -> dt.datetime | None:
        day, time = (self.used_parameters.get(f"{self.parameter_name}_{name}_{place}") for place in (0, 1))
        fields = forms.DateField(localize=True), forms.TimeField(required=False, localize=True)
        try:
            on, at = (field.clean(value) for field, value in zip(fields, (day, time), strict=True))
            return timezone.make_aware(dt.datetime.combine(on, at or without_time))
        except (ValidationError, OverflowError):
            return None


class _Shown(Paginator):
    """What unfold's templates ask of a page: how it is left, and that its rows are all there is to count."""

    template_name = "portal/_list_places.html"


class LongList(ChangeList):
    """A list of the admin whose pages are places in time."""

    model_admin: Any
    parts: list[Part]
    page: Page

    def apply_select_related(self, qs: QuerySet) -> QuerySet:
        """Fetch what the page's rows lead to afterwards: a join could be made before the rows are chosen."""
        return qs.prefetch_related(*self.list_select_related)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> list[str]:
        """Return the one order that there is: by time, newest first."""
        return [f"-{self.model_admin.dated_by}", "-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Read the page that the address asks for; the first, with a word, when it cannot be understood."""
        self.parts = self.model_admin.parts(request, self)
        try:
            after, before = (_asked_place(request, name, self.model) for name in (AFTER, BEFORE))
        except UnableToFindPlace as error:
            tell(request, f"{error} Here is the first page.")
            after = before = None
        size = self.list_per_page
        self.page = (
            newer_page(self.parts, size=size, before=before)
            if before
            else older_page(self.parts, size=size, after=after)
        )
        self.result_list = self.page.rows
        self.paginator = _Shown(self.page.rows, self.list_per_page)
        self.result_count = self.full_result_count = len(self.page.rows)
        self.show_full_result_count = self.can_show_all = self.multi_page = self.show_admin_actions = False

    def narrowed(self, request: HttpRequest, rows: QuerySet) -> QuerySet:
        """Return ``rows`` within the range of time that was chosen: every index of a long list knows the time."""
        for spec in self.filter_specs:
            if getattr(spec, "field_path", "") == self.model_admin.dated_by:
                rows = spec.queryset(request, rows)
        return rows

    @property
    def newest_href(self) -> str:
        return self.get_query_string()

    @property
    def newer_href(self) -> str:
        return self._href(BEFORE, self.page.newer)

    @property
    def older_href(self) -> str:
        return self._href(AFTER, self.page.older)

    def _href(self, name: str, place: Place | None) -> str:
        return self.get_query_string({name: place.code()}) if place else ""


def tell(request: HttpRequest, text: str, level: int = messages.WARNING) -> None:
    """Say something about a list on the page that shows it; a file, which a form asks for, has no place for it."""
    if request.method == "GET":
        messages.add_message(request, level, text)


def _asked_place(request: HttpRequest, name: str, model: Any) -> Place | None:
    code = getattr(request, "places_asked", {}).get(name)
    return read_place(code, model) if code else None


class LongListAdmin(PortalAdmin):
    """A page of the portal with a long list by time, newest first."""

    dated_by: str
    sortable_by = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[LongList]:
        return LongList

    def parts(self, request: HttpRequest, listed: LongList) -> list[Part]:
        """Return what is listed, in parts that one index each gives in order. Here: one, by time."""
        return [Part(listed.queryset, listed.narrowed(request, self.model._default_manager.all()), self.dated_by)]

    def get_changelist_instance(self, request: HttpRequest):
        """Take out of the address where a page begins, and what only other lists have: numbers of pages, other orders."""
        given = request.GET.copy()
        request.places_asked = {name: given.pop(name)[-1] for name in (AFTER, BEFORE) if name in given}  # type: ignore[attr-defined]
        for name in ("p", "o", "all"):
            given.pop(name, None)
        request.GET = given  # type: ignore[assignment]
        return super().get_changelist_instance(request)
