"""Placing a hold: what it would keep is shown before, by the code that keeps."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.models import EvidenceEntry, Person, Workspace
from retention.hold_forms import HoldForm
from retention.hold_words import lines
from retention.holds import UnableToHold, place_hold, preview_hold
from retention.models import Hold


@require_http_methods(["GET", "POST"])
@permission_required("retention.add_hold", raise_exception=True)
def new_hold(request: HttpRequest) -> HttpResponse:
    """Show the form; with “preview” what the hold would keep now; with “place” keep it, and go to its page."""
    now = timezone.now()
    form = HoldForm(request.POST or None, initial=_initial(request))
    preview: list[dict[str, Any]] | None = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            if "place" in request.POST:
                fields = {name: data[name] for name in ("reason", "authority", "owner", "review_on")}
                hold = place_hold(**vars(form.covers()), **fields, user=request.user, now=now)  # type: ignore[arg-type]
                messages.success(request, placed_words(hold))
                return redirect("admin:retention_hold_change", hold.pk)
            preview = lines(preview_hold(form.covers(), user=request.user, now=now))  # type: ignore[arg-type]
        except UnableToHold as error:
            form.add_error(None, str(error))
    return render(
        request,
        "retention/new_hold.html",
        {
            **admin.site.each_context(request),
            "title": "Place a hold",
            "form": form,
            "preview": preview,
            "breadcrumbs": [{"title": "Holds", "href": reverse("admin:retention_hold_changelist")}],
        },
        status=400 if form.errors else 200,
    )


def placed_words(hold: Hold) -> str:
    """Return what to tell the officer who placed a hold: above all, what it came too late for."""
    entry = EvidenceEntry.objects.filter(type="HOLD_PLACED", subject=str(hold.pk)).first()
    gone = entry.body.get("too_late", {}) if entry else {}
    if not gone:
        return "The hold is in force."
    words = ", ".join(f"{line['shown']} {line['what']}" for line in lines(gone))
    return f"The hold is in force. It came too late for {words}: their deletion has begun."


def _initial(request: HttpRequest) -> dict[str, Any]:
    given: dict[str, Any] = {"owner": request.user.pk}
    for name, model in (("workspace", Workspace), ("person", Person)):
        if row := model.objects.filter(outside_id=request.GET.get(name, "")).first():
            given[name] = row.outside_id
    return given
