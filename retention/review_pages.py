"""Pages of the reviews: which are due, and one rule with what is kept and what has no running reason."""

import datetime as dt

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.portal_admin import run_or_say
from retention import reviews
from retention.forms import ReviewForm
from retention.models import Review, Rule
from retention.retention_schedule import line_of

SHOWN = 25


@require_GET
@permission_required("retention.view_review", raise_exception=True)
def review_list(request: HttpRequest) -> HttpResponse:
    """Show every rule with its last review and when the next is due."""
    now = timezone.now()
    today = timezone.localtime(now).date()
    shown = [
        {"standing": standing, "overdue": standing.is_overdue(today)}
        for standing in sorted(reviews.standings(), key=lambda standing: standing.next_on or dt.date.max)
    ]
    context = {**admin.site.each_context(request), "title": "Reviews", "rows": shown}
    return render(request, "retention/reviews.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("retention.view_review", raise_exception=True)
def review(request: HttpRequest, key: str) -> HttpResponse:
    """Show what a rule keeps now and what of it has no running reason; take an officer's finding."""
    rule = get_object_or_404(Rule, pk=key)
    now = timezone.now()
    may_record = request.user.has_perm("retention.arm_rule")
    form = ReviewForm(request.POST or None, initial={"next_on": timezone.localtime(now).date() + reviews.LONGEST})
    if request.method == "POST" and may_record and form.is_valid():
        done = run_or_say(
            request,
            lambda: reviews.record_review(rule, **form.cleaned_data, user=request.user, now=now),  # type: ignore[arg-type]
            "Recorded.",
            reviews.UnableToReview,
        )
        if done:
            return redirect("retention:reviews")
    whole = key == "workspace_expiry"
    may_see_people = request.user.has_perm("accounts.view_person")
    context = {
        **admin.site.each_context(request),
        "title": f"Review: {line_of(rule, now).title}",
        "breadcrumbs": [{"title": "Reviews", "href": reverse("retention:reviews")}],
        "line": line_of(rule, now),
        "kept": reviews.kept_under(key),
        "whole": whole,
        "people": reviews.people_without_reason()[:SHOWN] if whole and may_see_people else [],
        "people_count": reviews.people_without_reason().count() if whole else 0,
        "endless": reviews.workspaces_without_end()[:SHOWN] if whole else [],
        "endless_count": reviews.workspaces_without_end().count() if whole else 0,
        "past": Review.objects.filter(rule=rule).select_related("reviewed_by").order_by("-reviewed_at")[:SHOWN],
        "form": form if may_record else None,
    }
    status = 403 if request.method == "POST" and not may_record else 200
    return render(request, "retention/review.html", context, status=status)
