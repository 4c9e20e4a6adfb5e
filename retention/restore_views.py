"""The page on which a restored copy of the database is put right."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import approvals
from accounts.verdicts import data_map
from accounts.workers import NOBODY_THERE, call_worker
from retention import restore, unsealing
from retention.models import Seal
from retention.tasks import replay_erasures

PAST_SHOWN = 5


@require_GET
@login_required
@permission_required("retention.unseal", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show what has to be done before the portal may serve anybody again, and how far it is."""
    seal = restore.current()
    context = {
        **admin.site.each_context(request),
        "title": "After a restore",
        "seal": seal,
        "past": Seal.objects.filter(unsealed_at__isnull=False).order_by("-pk")[:PAST_SHOWN],
    }
    if seal:
        context |= {
            "steps": _steps(seal),
            "left": len(restore.to_replay(seal)) if seal.put_back is not None else None,
            "lost": restore.lost_controls(seal),
            "gone": _in_words(seal.rows_gone),
        }
    return render(request, "retention/restore.html", context)


@require_POST
@login_required
@permission_required("retention.unseal", raise_exception=True)
def replay(request: HttpRequest) -> HttpResponse:
    """Begin to carry out again what the copy has brought back."""
    if restore.current():
        if call_worker(replay_erasures):
            messages.success(request, "Begun. This page shows how far it is; manage.py replay_erasures does the same.")
        else:
            messages.error(
                request, f"{NOBODY_THERE} Nothing was begun; manage.py replay_erasures --commit does it without them."
            )
    return redirect("retention:restore")


@require_POST
@login_required
@permission_required("retention.unseal", raise_exception=True)
def ask_to_unseal(request: HttpRequest) -> HttpResponse:
    """Ask a second person to end the seal."""
    seal = restore.current()
    if seal:
        try:
            unsealing.ask_to_unseal(seal, user=request.user, now=timezone.now())  # type: ignore[arg-type]
            messages.success(request, "Asked. Another person now finds it under Approvals, which is open meanwhile.")
        except approvals.UnableToApprove as error:
            messages.error(request, str(error))
    return redirect("retention:restore")


def _steps(seal: Seal) -> list[dict[str, Any]]:
    done = [True, seal.put_back is not None, seal.replayed_at is not None, seal.verified_at is not None, False]
    now_at = done.index(False)
    titles = [
        "Sealed",
        "Evidence put back",
        "Deletions done again",
        "Looked for remains by another path",
        "Ended by two people",
    ]
    return [
        {"title": title, "state": "done" if place < now_at else "now" if place == now_at else "next"}
        for place, title in enumerate(titles)
    ]


def _in_words(counts: dict[str, int]) -> str:
    maps = data_map()
    named = [f"{count:,} {maps[label].plural if label in maps else label}" for label, count in counts.items()]
    return ", ".join(named)
