"""The pages of the traffic of one customer, and of one number."""

import functools
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.keyset import Page, Part, Place, UnableToFindPlace, newer_page, older_page, read_place
from accounts.masking import mask
from accounts.models import Workspace
from accounts.portal_admin import ROWS_PER_PAGE, log_clear_look, may_see_clear, shown
from telecom_records.models import CallDetailRecord, Number, Recording, SmsRecord
from telecom_records.traffic_of import MODELS, Traffic, duration


@require_GET
@permission_required("telecom_records.view_calldetailrecord", raise_exception=True)
def of_workspace(request: HttpRequest, workspace_id) -> HttpResponse:
    """Show the traffic of a customer."""
    workspace = shown(Workspace.objects.filter(pk=workspace_id)).first()
    if workspace is None:
        raise Http404
    page = reverse("admin:accounts_workspace_change", args=[workspace.pk])
    may_open = request.user.has_perm("accounts.view_workspace")
    crumbs = [{"title": str(workspace), "href": page}] if may_open else []
    query = f"?account={workspace.outside_id}"
    return _page(request, Traffic.of_workspace(workspace.pk), f"Traffic of {workspace}", crumbs, query)


@require_GET
@permission_required("telecom_records.view_calldetailrecord", raise_exception=True)
def of_number(request: HttpRequest, number_id: int) -> HttpResponse:
    """Show the traffic over a number, on either side."""
    number = shown(Number.objects.filter(pk=number_id)).first()
    if number is None:
        raise Http404
    said = number.e164 if may_see_clear(request) else mask(number.e164)
    may_open = request.user.has_perm("telecom_records.view_number")
    page = reverse("admin:telecom_records_number_change", args=[number.pk])
    crumbs = [{"title": said, "href": page}] if may_open else []
    query = f"?q=%2B{number.e164[1:]}" if may_see_clear(request) else ""
    return _page(request, Traffic.of_number(number.e164), f"Traffic over {said}", crumbs, query)


def _page(request: HttpRequest, traffic: Traffic, title: str, crumbs: list[Any], query: str) -> HttpResponse:
    models = tuple(model for model in MODELS if request.user.has_perm(f"telecom_records.view_{model._meta.model_name}"))
    found = _asked_page(request, traffic.parts(models))
    log_clear_look(request, CallDetailRecord, rows=len(found.rows))
    is_first = found.newer is None
    context = {
        **admin.site.each_context(request),
        "title": title,
        "breadcrumbs": crumbs,
        "rows": [_line(row, is_clear=may_see_clear(request)) for row in found.rows],
        "page": found,
        "newer_href": f"?before={found.newer.code()}" if found.newer else "",
        "older_href": f"?after={found.older.code()}" if found.older else "",
        "charts": traffic.charts(timezone.now()) if is_first else [],
        "is_first": is_first,
        "lists": [
            (str(model._meta.verbose_name_plural).capitalize(), _list_of(model) + query) for model in models
        ] if query else [],
    }  # fmt: skip
    return render(request, "telecom_records/traffic.html", context)


def _asked_page(request: HttpRequest, parts: list[Part]) -> Page:
    def asked(name: str) -> Place | None:
        code = request.GET.get(name)
        return read_place(code, *MODELS) if code else None

    try:
        after, before = asked("after"), asked("before")
    except UnableToFindPlace as error:
        messages.warning(request, f"{error} Here is the first page.")
        after = before = None
    if before:
        return newer_page(parts, size=ROWS_PER_PAGE, before=before)
    return older_page(parts, size=ROWS_PER_PAGE, after=after)


def _list_of(model: Any) -> str:
    return reverse(f"admin:telecom_records_{model._meta.model_name}_changelist")


def _line(row: Any, *, is_clear: bool) -> dict[str, Any]:
    """Return what the page says of one call, message or recording."""
    model = type(row)
    said = (lambda value: value) if is_clear else mask
    return {
        "at": row.sent_at if isinstance(row, SmsRecord) else row.started_at,
        "what": _what(row),
        "workspace": row.workspace,
        "own": said(row.own_number),
        "other": said(row.other_party),
        "detail": _detail(row),
        "href": reverse(f"admin:telecom_records_{model._meta.model_name}_change", args=[row.pk]),
    }


@functools.singledispatch
def _what(row: Any) -> str:
    return f"{row.get_direction_display()} {'message' if isinstance(row, SmsRecord) else 'call'}"


@_what.register
def _(row: Recording) -> str:
    return row.get_kind_display()


def _detail(row: Any) -> str:
    if isinstance(row, SmsRecord):
        return row.get_status_display()
    if isinstance(row, Recording):
        return duration(row.duration_s)
    return f"{row.get_status_display()}, {duration(row.talk_s)}" if row.talk_s else row.get_status_display()
