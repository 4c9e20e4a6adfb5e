"""Uploading a call record file, and watching it go in."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from retention.rules import armed_rules
from telecom_records.formats import FORMATS
from telecom_records.forms import UploadForm
from telecom_records.imports import REJECTS_LISTED
from telecom_records.models import ImportRun
from telecom_records.undo import RULE

REJECTS_SHOWN = 100


@require_http_methods(["GET", "POST"])
@permission_required("telecom_records.import_calls", raise_exception=True)
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file, store it encrypted, wake a worker, and go to the page that shows the progress."""
    form = UploadForm(request.POST or None, request.FILES or None, initial={"format": request.GET.get("format", "")})
    if request.method == "POST" and form.is_valid() and (run := form.save(user=request.user)):
        if run.state == ImportRun.State.MAPPING:
            return redirect("calls:columns", run.pk)
        return redirect("admin:telecom_records_importrun_change", run.pk)
    return render(
        request,
        "telecom_records/upload.html",
        {
            **admin.site.each_context(request),
            "title": "Import call records",
            "form": form,
            "breadcrumbs": [{"title": "Imports", "href": "../../telecom_records/importrun/"}],
        },
        status=400 if form.errors else 200,
    )


@require_GET
@permission_required("telecom_records.view_importrun", raise_exception=True)
def progress(request: HttpRequest, run_id) -> HttpResponse:
    """Return the part of an import's page that changes while it runs."""
    run = get_object_or_404(ImportRun.objects.select_related("source"), pk=run_id)
    return render(request, "telecom_records/_run_progress.html", run_context(run))


def run_context(run: ImportRun) -> dict[str, Any]:
    """Return what an import's page shows: where it is, where each row went, and what was not taken."""
    words = {
        "inserted": "Inserted",
        "duplicates": "Known already",
        "revised": "Revised",
        "rejected": "Rejected",
        "skipped": "Passed over",
    }
    return {
        "run": run,
        "format_name": FORMATS[run.format].name if run.format in FORMATS else "",
        "is_moving": run.is_open,
        "accounting": [(text, getattr(run, name)) for name, text in words.items()],
        "rejects": run.rejects.order_by("line")[:REJECTS_SHOWN],
        "more_rejects": max(0, min(run.rejected + run.skipped - run.unattributed, REJECTS_LISTED) - REJECTS_SHOWN),
        "deletes": RULE in armed_rules(),
    }
