"""Pages about the rules: the list, one rule, changing its period after seeing what that does, the schedule to take away."""

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import approvals
from accounts.models import Approval
from accounts.portal_admin import run_or_say
from accounts.verdicts import data_map
from retention import periods
from retention.due import count_past
from retention.forms import ChangePeriodForm
from retention.models import Rule, RuleVersion
from retention.periods import Change, Kind, UnableToChange
from retention.promises import PROMISES
from retention.retention_schedule import as_csv, line_of, schedule_of
from retention.rules import aged_maps, coming_versions, period_words, periods_of

SHOWN_UP_TO = 1_000


def rules_context(now: dt.datetime) -> dict[str, Any]:
    """Return what the list of rules shows."""
    return {"title": "Rules", "lines": [(line, _past(line.key, now)) for line in schedule_of(now)], "now": now}


def rule_context(rule: Rule, user, now: dt.datetime) -> dict[str, Any]:
    """Return what the page of one rule shows: words first, then what is in force, what comes, and how it came to be."""
    versions = RuleVersion.objects.filter(rule=rule).select_related(
        "asked_by", "approved_by", "cancelled_by", "policy_version"
    )
    coming = {version.pk for version in coming_versions(rule.key, now)}
    line = line_of(rule, now)
    waiting = Approval.objects.filter(state=Approval.State.WAITING, expires_at__gt=now)
    return {
        "rule": rule,
        "line": line,
        "past": _past(rule.key, now),
        "versions": [
            {"row": version, "said": period_words(version.period) if version.period else "as everywhere",
             "coming": version.pk in coming}
            for version in versions.order_by("-number")
        ],
        "waiting": [
            approval
            for approval in waiting.filter(action=periods.CHANGE_PERIOD).order_by("requested_at")
            if Change.of(approval.target).rule == rule.key
        ],
        "may_change": line.has_period and user.has_perm("retention.arm_rule"),
        "now": now,
    }  # fmt: skip


def _past(key: str, now: dt.datetime) -> str:
    """Return in words what is past its time under a rule by age; nothing for the workspaces' own, which “Due” shows."""
    if not aged_maps(key):
        return ""
    counts = count_past(key, now, up_to=SHOWN_UP_TO)
    maps = data_map()
    return ", ".join(
        f"{f'{count:,} or more' if count >= SHOWN_UP_TO else f'{count:,}'} {maps[label].plural}"
        for label, count in counts.items()
    )


@require_http_methods(["GET", "POST"])
@permission_required("retention.arm_rule", raise_exception=True)
def change_period(request: HttpRequest, key: str) -> HttpResponse:
    """Let an officer write another period, show what it would do, and then ask for it or, if it keeps longer, do it."""
    rule = get_object_or_404(Rule, pk=key)
    if not line_of(rule, now=timezone.now()).has_period:
        raise Http404
    now = timezone.now()
    data = request.POST if request.method == "POST" else request.GET if "number" in request.GET else None
    form = ChangePeriodForm(data, rule_key=key, initial={"country": request.GET.get("country", "")})
    change, kind = None, None
    if form.is_bound and form.is_valid():
        allowed_by = form.cleaned_data["policy_version"]
        change = Change(
            key, form.cleaned_data["period"], form.cleaned_data["country"], allowed_by.pk if allowed_by else None
        )
        try:
            kind = periods.kind_of(change, now)
        except UnableToChange as error:
            form.add_error(None, str(error))
    if request.method == "POST" and change and kind and _carry_out(request, change, kind, now):
        return redirect(line_of(rule, now).page)
    context = {
        **admin.site.each_context(request),
        "title": f"Change the period: {PROMISES[key].title}",
        "breadcrumbs": [{"title": "Rules", "href": reverse("admin:retention_rule_changelist")}],
        "rule": rule,
        "line": line_of(rule, now),
        "form": form,
        "preview": _preview(change, kind, now) if change and kind else None,
    }
    return render(request, "retention/change_period.html", context)


def _carry_out(request: HttpRequest, change: Change, kind: Kind, now: dt.datetime) -> bool:
    if periods.needs_second_officer(kind):
        return run_or_say(
            request,
            lambda: periods.ask_for_period(change, user=request.user, now=now),  # type: ignore[arg-type]
            "Asked. Another officer now finds it under Approvals, with what it would delete.",
            approvals.UnableToApprove,
            UnableToChange,
        )
    return run_or_say(
        request,
        lambda: periods.lengthen(change, user=request.user, now=now),  # type: ignore[arg-type]
        "The longer period is in force now.",
        UnableToChange,
    )


def _preview(change: Change, kind: Kind, now: dt.datetime) -> dict[str, Any]:
    impact = periods.impact_of_change(change, now)
    maps = data_map()
    return {
        "change": change,
        "kind": kind,
        "before": period_words(periods_of(change.rule, now).of(change.country)),
        "after": period_words(change.period or periods_of(change.rule, now).general),
        "impact": impact,
        "rows": [(maps[label].plural, count) for label, count in impact.rows.items()],
        "needs_second": periods.needs_second_officer(kind),
        "starts": timezone.localtime(now).date() + dt.timedelta(days=1),
    }


@require_POST
@permission_required("retention.arm_rule", raise_exception=True)
def cancel_version(request: HttpRequest, version_id: int) -> HttpResponse:
    """Cancel a period that is not in force yet."""
    version = get_object_or_404(RuleVersion, pk=version_id)
    run_or_say(
        request,
        lambda: periods.cancel_version(version.pk, user=request.user, now=timezone.now()),  # type: ignore[arg-type]
        "Cancelled: the period that is in force now stays.",
        UnableToChange,
    )
    return redirect("admin:retention_rule_change", quote(version.rule_id))


@require_GET
@permission_required("retention.view_rule", raise_exception=True)
def retention_schedule(request: HttpRequest) -> HttpResponse:
    """Show the schedule as a page to print."""
    now = timezone.now()
    context = {
        **admin.site.each_context(request),
        "title": "Retention schedule",
        "breadcrumbs": [{"title": "Rules", "href": reverse("admin:retention_rule_changelist")}],
        "lines": schedule_of(now),
        "now": now,
    }
    return render(request, "retention/retention_schedule.html", context)


@require_GET
@permission_required("retention.view_rule", raise_exception=True)
def retention_schedule_file(request: HttpRequest, format: str) -> HttpResponse:
    """Return the schedule as a file: CSV or JSON."""
    now = timezone.now()
    name = f'attachment; filename="retention-schedule-{timezone.localtime(now):%Y-%m-%d}.{format}"'
    lines = schedule_of(now)
    if format == "csv":
        return HttpResponse(
            as_csv(lines), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
        )
    body = {"as_of": now.isoformat(), "rules": [line.as_dict() for line in lines]}
    return JsonResponse(body, json_dumps_params={"indent": 2}, headers={"Content-Disposition": name})


def list_page(request: HttpRequest) -> HttpResponse:
    """Return the list of rules; the admin has checked who may see it."""
    if request.method != "GET":
        messages.error(request, "This list is only to look at.")
    return render(
        request, "retention/rules.html", {**admin.site.each_context(request), **rules_context(timezone.now())}
    )
