"""The page of one right of one request: what would happen, the choices, the button, and what was done."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.approvals import UnableToApprove
from dsar.models import Decision, SubjectRequest
from dsar.rights import RIGHTS, Preview, Right, UnableToCarryOut, rights_for
from dsar.rights.decisions import PERMISSION, approval_of, decide, digest_of, obstacles_of, preview_of


@require_http_methods(["GET", "POST"])
@permission_required("dsar.view_decision", raise_exception=True)
def page(request: HttpRequest, request_id, code: str) -> HttpResponse:
    """Show what would happen as it is chosen; with “confirm” do just what was shown, or ask a second officer."""
    found = get_object_or_404(SubjectRequest.objects.select_related("person", "workspace"), pk=request_id)
    right = RIGHTS.get(code)
    if right is None or (right not in rights_for(found) and not found.decisions.filter(right=code).exists()):
        raise Http404("This right does not answer a request of this type.")
    may_decide = request.user.has_perm(PERMISSION)
    if request.method == "POST" and not may_decide:
        raise PermissionDenied
    now = timezone.now()
    form = right.form(request.POST or None, subject_request=found)
    shown = right.form(form.initial_choices(), subject_request=found) if request.method == "GET" else form
    lines = lines_of(found, right, now)
    is_busy = any(line["is_open"] for line in lines)
    context: dict[str, Any] = {"obstacles": obstacles_of(found, right)}
    if shown.is_valid() and ("confirm" in request.POST or (not is_busy and _may_still(found, right))):
        choices = shown.chosen()
        try:
            if "confirm" in request.POST:
                seen = request.POST.get("seen", "")
                made = decide(found.pk, code, choices, seen=seen, user=request.user, now=now)  # type: ignore[arg-type]
                messages.success(request, _told(made))
                return redirect("rights:page", found.pk, code)
            preview = preview_of(found, right, choices, now=now)
            context |= {"preview": preview, "seen": digest_of(right, choices, preview)}
            context["obstacles"] += preview.obstacles
        except (UnableToCarryOut, UnableToApprove) as error:
            context["problem"] = str(error)
            context |= _shown_again(found, right, choices, now)
    context |= {
        **admin.site.each_context(request),
        "title": f"{right.title} for {found.reference}",
        "right": right,
        "form": form,
        "subject_request": found,
        "may_decide": may_decide,
        "decisions": lines,
        "is_busy": is_busy,
        "breadcrumbs": [
            {"title": "Requests", "href": reverse("admin:dsar_subjectrequest_changelist")},
            {"title": found.reference, "href": reverse("admin:dsar_subjectrequest_change", args=[found.pk])},
        ],
    }
    return render(
        request,
        "dsar/right.html",
        context,
        status=400 if form.errors or (request.method == "POST" and "problem" in context) else 200,
    )


@require_GET
@permission_required("dsar.view_decision", raise_exception=True)
def summary(request: HttpRequest, request_id) -> HttpResponse:
    """Return the part on the page of a request, which asks for it when it is there: it has questions enough of its own."""
    found = get_object_or_404(SubjectRequest, pk=request_id)
    lines = lines_of(found, None, timezone.now())
    codes = dict.fromkeys([*(right.code for right in rights_for(found)), *(line["right"].code for line in lines)])
    rights = [(RIGHTS[code], [line for line in lines if line["right"].code == code]) for code in codes]
    return render(request, "dsar/_rights.html", {"subject_request": found, "rights": rights})


def _may_still(found: SubjectRequest, right: Right) -> bool:
    return right.in_any_state or (found.is_open and found.state != SubjectRequest.State.APPROVED)


def _shown_again(found: SubjectRequest, right: Right, choices: dict[str, Any], now) -> dict[str, Any]:
    try:
        preview: Preview = preview_of(found, right, choices, now=now)
    except UnableToCarryOut:
        return {}
    return {"preview": preview, "seen": digest_of(right, choices, preview)}


def _told(decision: Decision) -> str:
    if decision.state == Decision.State.WAITING:
        return "Asked. Another officer now finds it under Approvals, with what it does."
    return (
        "Carried out." if decision.state == Decision.State.DONE else "It is being carried out. You can leave this page."
    )


def lines_of(found: SubjectRequest, right: Right | None, now) -> list[dict[str, Any]]:
    """Return what was decided for a request, under one right or all, the newest first."""
    decisions = Decision.objects.filter(request=found).select_related("decided_by", "confirmed_by")
    if right:
        decisions = decisions.filter(right=right.code)
    lines = []
    for decision in decisions.order_by("-decided_at", "pk"):
        its = RIGHTS[decision.right]
        approval = approval_of(decision, now=now) if decision.state == Decision.State.WAITING else None
        lapsed = decision.state == Decision.State.WAITING and approval is None
        lines.append(
            {
                "decision": decision,
                "right": its,
                "approval": approval,
                "lapsed": lapsed,
                "tone": "" if lapsed else decision.tone,
                "is_open": not lapsed and decision.state in Decision.OPEN_STATES,
                "progress": its.progress(decision, now) or []
                if its.progress and decision.state == Decision.State.UNDER_WAY
                else [],
                "asked": _asked(found, decision, now) if approval else None,
                "told": its.told(decision, "en") if decision.state == Decision.State.DONE else [],
            }
        )
    return lines


def _asked(found: SubjectRequest, decision: Decision, now) -> Preview | None:
    """Return what a second officer is asked to agree to, as it is now."""
    try:
        return preview_of(found, RIGHTS[decision.right], decision.choices, now=now)
    except UnableToCarryOut:
        return None
