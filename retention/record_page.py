"""The page of one record's time: for everybody who may see the record itself."""

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.portal_admin import shown
from accounts.verdicts import data_map
from retention.retention_schedule import line_of
from retention.rules import Rule
from retention.timeline import timeline, workspaces_of


@require_GET
def record(request: HttpRequest, label: str, pk: str) -> HttpResponse:
    """Show when one record came, what happens to it when, under which rule, and what keeps it."""
    entry = data_map().get(label)
    if entry is None:
        raise Http404
    model = apps.get_model(label)
    meta = model._meta
    if not request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}"):
        raise PermissionDenied
    try:
        row = shown(model._default_manager.all()).get(pk=pk)
    except (model.DoesNotExist, ValidationError, ValueError, OverflowError):
        raise Http404 from None
    now = timezone.now()
    story = timeline(entry, row, now)
    rules = Rule.objects.in_bulk([end.rule for end in story.ends])
    context = {
        **admin.site.each_context(request),
        "title": f"What happens to this {meta.verbose_name}",
        "story": story,
        "steps": story.steps(),
        "row": row,
        "name": meta.verbose_name,
        "page": _page_of(meta, row),
        "workspaces": workspaces_of(entry, row),
        "lines": [line_of(rules[end.rule], now) for end in story.ends if end.rule in rules],
    }
    return render(request, "retention/record.html", context)


def _page_of(meta, row) -> str:
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[quote(row.pk)])
    except NoReverseMatch:
        return ""
