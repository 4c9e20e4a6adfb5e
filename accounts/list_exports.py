"""Export of a long list as it is filtered: with a reason, written in the access log, masked as the list is."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.access import log_access
from accounts.exporting import Export, exported_columns
from accounts.long_lists import LongList, LongListAdmin
from accounts.models import AccessLogEntry
from accounts.portal_admin import masked_columns, may_see_clear


class ExportForm(forms.Form):
    """Why somebody takes rows away."""

    reason = forms.CharField(
        max_length=300, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}), help_text="It is kept in the access log."
    )
    ticket = forms.CharField(max_length=40, required=False, widget=UnfoldAdminTextInputWidget)


class ExportableListAdmin(LongListAdmin):
    """A long list that can be taken away as a file by those who have the permission ``export_<model>``."""

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Return whether this person may take away what they see."""
        code = f"{self.opts.app_label}.export_{self.opts.model_name}"
        return self.has_view_permission(request) and request.user.has_perm(code)

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/", self.admin_site.admin_view(self.export_view), name=name), *super().get_urls()]

    def export_href(self, listed: LongList) -> str:
        """Return where what is listed can be exported."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export") + listed.get_query_string()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None):
        response = super().changelist_view(request, extra_context)
        listed = (getattr(response, "context_data", None) or {}).get("cl")
        if listed is not None and self.has_export_permission(request):
            response.context_data["export_href"] = self.export_href(listed)  # type: ignore[attr-defined]
        return response

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Ask why, and then send the rows that the filters of the address choose."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            listed = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return redirect("..")
        form = ExportForm(request.POST or None)
        masked = set() if may_see_clear(request) else masked_columns(self.model)
        if request.method == "POST" and form.is_valid():
            return self._send(request, listed, masked, **form.cleaned_data)
        context = {
            **admin.site.each_context(request),
            "title": f"Export {self.opts.verbose_name_plural}",
            "breadcrumbs": [
                {"title": str(self.opts.verbose_name_plural).capitalize(), "href": f"..{listed.get_query_string()}"}
            ],
            "form": form,
            "chosen": _chosen(listed),
            "columns": exported_columns(self.model),
            "masked": masked,
            "list_href": f"..{listed.get_query_string()}",
        }
        return render(request, "portal/export.html", context, status=400 if form.errors else 200)

    def _send(
        self, request: HttpRequest, listed: Any, masked: set[str], *, reason: str, ticket: str
    ) -> HttpResponseBase:
        now = timezone.now()
        entry = log_access(
            request.user,  # type: ignore[arg-type]
            AccessLogEntry.Action.EXPORT,
            of=self.opts.label,
            reason=reason,
            ticket=ticket,
            now=now,
        )
        export = Export([part.rows for part in listed.parts], dated_by=self.dated_by, masked=masked)
        name = f"{str(self.opts.verbose_name_plural).replace(' ', '-')}-{timezone.localdate(now)}.csv"
        return StreamingHttpResponse(
            _counted(export, entry),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Content-Encoding": "identity",  # else the middleware would compress it, slower than the database writes
            },
        )


def _counted(export: Export, entry: AccessLogEntry) -> Iterator[bytes]:
    """Yield the file, and write down how many rows were sent, also when whoever reads it goes away."""
    try:
        yield from export.blocks()
    finally:
        AccessLogEntry.objects.filter(pk=entry.pk).update(rows=export.rows)


def _chosen(listed: Any) -> list[tuple[str, str]]:
    """Return in words what the list is filtered by."""
    found = [("Search", listed.query)] if listed.query else []
    for spec in listed.filter_specs:
        values = [value[-1] if isinstance(value, list) else value for value in spec.used_parameters.values()]
        if said := " ".join(str(value) for value in values if value):
            found.append((str(spec.title), said))
    return found
