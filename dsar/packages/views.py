"""The page of a request's packages: what one would hold, how far it is, its review."""

from collections.abc import Callable
from itertools import chain
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import files, keys
from accounts.access import log_access
from accounts.models import AccessLogEntry
from accounts.portal_admin import run_or_say
from dsar.models import Package, SubjectRequest
from dsar.packages import states
from dsar.packages.categories import CATEGORIES, categories_for
from dsar.packages.late import COUNTED_UP_TO as LATE_UP_TO
from dsar.packages.late import came_since
from dsar.packages.parties import Parties
from dsar.packages.subject import COUNTED_UP_TO, UnableToCollect
from dsar.packages.withheld import WHY
from retention.rules import words_of

TONES = {
    "waiting": "info",
    "running": "info",
    "failed": "danger",
    "sealed": "warning",
    "approved": "success",
    "dropped": "",
}
TITLES = {
    category.name: category.name.replace("-", " ").capitalize() for category in CATEGORIES
}  # as its files are called
UNREADABLE = (keys.KeyDestroyed, FileNotFoundError, files.FileChanged, files.UnableToAsk)


@require_GET
@permission_required("dsar.view_package", raise_exception=True)
def page(request: HttpRequest, request_id) -> HttpResponse:
    """Show the packages of a request, and what one made now would hold."""
    found = get_object_or_404(SubjectRequest.objects.select_related("person", "workspace"), pk=request_id)
    context = {
        **admin.site.each_context(request),
        "title": f"Package for {found.reference}",
        "breadcrumbs": [
            {"title": "Requests", "href": reverse("admin:dsar_subjectrequest_changelist")},
            {"title": found.reference, "href": reverse("admin:dsar_subjectrequest_change", args=[found.pk])},
        ],
        **section(found),
    }
    return render(request, "dsar/package/page.html", context)


@require_GET
@permission_required("dsar.view_package", raise_exception=True)
def progress(request: HttpRequest, request_id) -> HttpResponse:
    """Return the part of the page that changes while a package is made."""
    return render(request, "dsar/package/_packages.html", section(get_object_or_404(SubjectRequest, pk=request_id)))


@require_GET
@permission_required("dsar.view_package", raise_exception=True)
def summary(request: HttpRequest, request_id) -> HttpResponse:
    """Return the small part on the page of a request, which asks for it when it is there: it has questions enough of its own."""
    return render(request, "dsar/package/_section.html", section(get_object_or_404(SubjectRequest, pk=request_id)))


@require_GET
@permission_required("dsar.view_package", raise_exception=True)
def preview(request: HttpRequest, request_id) -> HttpResponse:
    """Return what a package made now would hold and leave out, counted: of a large customer that takes a while."""
    found = get_object_or_404(SubjectRequest, pk=request_id)
    context: dict[str, Any] = {"subject_request": found}
    try:
        counts, left = states.preview(found, now=timezone.now())
    except UnableToCollect as error:
        context["problem"] = str(error)
    else:
        context["counts"] = [(TITLES[category.name], counts[category.name]) for category in categories_for(found.type)]
        context["total"] = sum(counts.values())
        context["withheld"] = _lines({"category": name, "code": code, "rows": rows} for name, code, rows in left)
        context["parties"] = Parties.by_settings(b"").words
    return render(request, "dsar/package/_preview.html", context)


@require_POST
@permission_required("dsar.add_package", raise_exception=True)
def make(request: HttpRequest, request_id) -> HttpResponse:
    """Have a package made, by the next free worker."""
    return _act(request, request_id, states.ask, request_id, "A worker makes it now. You can leave this page.")


@require_POST
@permission_required("dsar.add_package", raise_exception=True)
def retry(request: HttpRequest, package_id) -> HttpResponse:
    """Let a failed package be made again."""
    return _act_on(request, package_id, states.retry, "It is made again, from the beginning.")


@require_POST
@permission_required("dsar.approve_package", raise_exception=True)
def approve(request: HttpRequest, package_id) -> HttpResponse:
    """Let a reviewed package leave."""
    return _act_on(request, package_id, states.approve, "Approved: it can be delivered.")


@require_POST
@permission_required("dsar.approve_package", raise_exception=True)
def drop(request: HttpRequest, package_id) -> HttpResponse:
    """Give a package up."""
    return _act_on(request, package_id, states.drop, "Dropped: nothing of its archive is left.")


@require_POST
@permission_required("dsar.take_package", raise_exception=True)
def take(request: HttpRequest, package_id) -> HttpResponse | StreamingHttpResponse:
    """Hand a package over for review, decrypted as it goes; who took it stands in the access log."""
    package = get_object_or_404(Package.objects.select_related("request"), pk=package_id)
    try:
        if not package.is_there:
            raise FileNotFoundError
        pieces = files.stream(package.file_key)
        first = next(pieces, b"")
    except UNREADABLE:
        messages.error(request, "This package cannot be read: its archive was destroyed, or its store does not answer.")
        return redirect("packages:page", package.request_id)
    log_access(
        request.user,  # type: ignore[arg-type]
        AccessLogEntry.Action.EXPORT,
        of="dsar.Package",
        subject=str(package.pk),
        rows=sum(counts["rows"] for counts in package.contents.values()),
        reason=f"Review of {package.request.reference}",
        now=timezone.now(),
    )
    response = StreamingHttpResponse(chain([first], pieces), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{package.request.reference}.zip"'
    response["Content-Length"] = str(package.file_bytes)
    response["Content-Encoding"] = "identity"  # it is compressed already
    return response


def section(found: SubjectRequest) -> dict[str, Any]:
    """Return what the pages show of a request's packages, the newest first."""
    now = timezone.now()
    packages: QuerySet[Package] = found.packages.select_related("asked_by", "decided_by").order_by("-asked_at", "pk")
    lines = [
        {
            "package": package,
            "tone": TONES[package.state],
            "is_moving": package.state in Package.UNDER_WAY,
            "percent": min(99, 100 * package.rows_done // package.rows_planned) if package.rows_planned else 0,
            "rows": sum(counts["rows"] for counts in package.contents.values()),
            "counts": [(title, package.contents[name]) for name, title in TITLES.items() if _rows_of(package, name)],
            "withheld": _lines(package.withheld),
            "late": came_since(package, now=now) if package.state == "sealed" and package.file_key else 0,
        }
        for package in packages
    ]
    busy = any(line["package"].state in (*Package.UNDER_WAY, "failed") for line in lines)  # type: ignore[attr-defined]
    return {
        "subject_request": found,
        "packages": lines,
        "kept_words": words_of("request_package", timezone.now()),
        "is_moving": any(line["is_moving"] for line in lines),
        "late_up_to": LATE_UP_TO,
        "can_have_package": found.type in states.KINDS,
        "can_make": found.type in states.KINDS and found.is_open and not busy,
    }


def _rows_of(package: Package, name: str) -> int:
    return package.contents.get(name, {}).get("rows", 0)


def _lines(withheld) -> list[dict[str, Any]]:
    return [
        {
            "title": TITLES.get(item["category"], item["category"]),
            "rows": f"{item['rows']:,}{'+' if item['rows'] >= COUNTED_UP_TO else ''}",
            "why": WHY[item["code"]],
        }
        for item in withheld
    ]


def _act_on(request: HttpRequest, package_id, act: Callable[..., Any], done: str) -> HttpResponse:
    package = get_object_or_404(Package, pk=package_id)
    return _act(request, package.request_id, act, package_id, done)


def _act(request: HttpRequest, request_id, act: Callable[..., Any], subject_id, done: str) -> HttpResponse:
    run_or_say(request, lambda: act(subject_id, user=request.user, now=timezone.now()), done, states.UnableToPackage)
    return redirect("packages:page", request_id)
