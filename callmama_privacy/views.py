"""Pages that belong to no app."""

from django.contrib.auth.decorators import permission_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.models import Workspace
from accounts.portal_admin import shown
from callmama_privacy import workspace_page
from retention.schedule import is_silent, silence
from retention.stops import TICK
from telecom_records.partitions import missing_months


@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Tell a load balancer whether the portal can work: 200 when the database answers.

    Whether anything looks for what is due stands in it, and is a page of its own (``schedule_health``): pages must go on
    being served when the schedule is dead, not least to say so.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok", "schedule": _schedule()})


@never_cache
def schedule_health(request: HttpRequest) -> JsonResponse:
    """Tell a monitor whether the schedule does its work.

    503 when it has given no sign of life for five minutes, or never, and when a month of the large tables is missing.
    """
    said = _schedule()
    missing = [f"{plural} {month:%Y-%m}" for plural, month in missing_months(timezone.now())]
    is_well = said["status"] == "ok" and not missing
    return JsonResponse({**said, "months_missing": missing}, status=200 if is_well else 503)


@require_GET
@permission_required("accounts.view_workspace", raise_exception=True)
def held_of_workspace(request: HttpRequest, workspace_id) -> HttpResponse:
    """Return the part of a workspace's page that counts: it asks for it when it is there, so that nobody waits for it."""
    workspace = shown(Workspace.objects.filter(pk=workspace_id, state=Workspace.State.ACTIVE)).first()
    if workspace is None:
        raise Http404
    categories = workspace_page.categories(workspace, request.user)
    return render(request, "accounts/_held.html", {"categories": categories})


def _schedule() -> dict[str, object]:
    since = silence(TICK)
    return {
        "status": "new" if since is None else "silent" if is_silent(TICK) else "ok",
        "seconds_ago": None if since is None else int(since.total_seconds()),
    }
