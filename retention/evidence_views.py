"""Pages about what proves a deletion: its certificate, the state of the evidence, and what an auditor takes away."""

from pathlib import Path
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import checkpoints, evidence, outside, signing, verify_evidence
from accounts.access import log_access
from accounts.evidence_check import Finding, check_everything
from accounts.models import AccessLogEntry, Checkpoint, EvidenceEntry
from retention.bundles import bundle
from retention.certificate_page import page_of
from retention.certificates import UnableToCertify, as_text, certificate_of
from retention.forms import TakeForm
from retention.models import DeletionJob

SHOWN = 12
UNABLE = (checkpoints.Inconsistent, outside.Damaged, outside.UnableToWrite)


@require_GET
@permission_required("retention.view_deletionjob", raise_exception=True)
def certificate(request: HttpRequest, job_id) -> HttpResponse:
    """Show the certificate of a deletion as a page to print, or say why there is none."""
    job = get_object_or_404(DeletionJob.objects.select_related("rule", "workspace"), pk=job_id)
    try:
        made = certificate_of(job)
    except UnableToCertify as error:
        messages.warning(request, str(error))
        return redirect("admin:retention_deletionjob_change", job.pk)
    return render(request, "retention/certificate.html", page_of(made))


@require_GET
@permission_required("retention.view_deletionjob", raise_exception=True)
def certificate_json(request: HttpRequest, job_id) -> HttpResponse:
    """Return the certificate itself, or 409 and why there is none."""
    job = get_object_or_404(DeletionJob, pk=job_id)
    try:
        text = as_text(certificate_of(job))
    except UnableToCertify as error:
        return HttpResponse(f"{error}\n", status=409, content_type="text/plain; charset=utf-8")
    response = HttpResponse(text, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="certificate-{str(job.pk)[:8]}.json"'
    return response


@require_GET
@permission_required("accounts.view_evidenceentry", raise_exception=True)
def state(request: HttpRequest) -> HttpResponse:
    """Show the size and root of the log, and when it was last written outside and taken away."""
    return render(request, "retention/evidence.html", _state(request))


@require_POST
@permission_required("accounts.view_evidenceentry", raise_exception=True)
def verify(request: HttpRequest) -> HttpResponse:
    """Look through everything now, and show what was found."""
    findings = check_everything()
    return render(request, "retention/evidence.html", _state(request, findings=findings))


@require_POST
@permission_required("accounts.view_evidenceentry", raise_exception=True)
def take_bundle(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Hand the whole log with its proofs over, under a fresh checkpoint that is written outside first."""
    checkpoint = _take(request)
    if checkpoint is None:
        return redirect("retention:evidence")
    response = StreamingHttpResponse(bundle(checkpoint), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="evidence-{checkpoint.size}.json"'
    return response


@require_POST
@permission_required("accounts.view_evidenceentry", raise_exception=True)
def take_checkpoint(request: HttpRequest) -> HttpResponse:
    """Hand a fresh checkpoint over: the few lines by which a rewritten log is found later."""
    checkpoint = _take(request)
    if checkpoint is None:
        return redirect("retention:evidence")
    response = HttpResponse(checkpoint.note, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="checkpoint-{checkpoint.size}.txt"'
    return response


@require_GET
@permission_required("accounts.view_evidenceentry", raise_exception=True)
def verifier(request: HttpRequest) -> FileResponse:
    """Hand over the program that checks a bundle without this portal."""
    return FileResponse(Path(verify_evidence.__file__).open("rb"), as_attachment=True, filename="verify_evidence.py")


@require_GET
def public_key(request: HttpRequest) -> HttpResponse:
    """Publish the keys by which anybody checks our signatures, the one in use first; open to all."""
    lines = [signing.verifier_key(public) for public in checkpoints.public_keys()]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def _take(request: HttpRequest) -> Checkpoint | None:
    """Return a fresh checkpoint for whoever takes it away, in the access log with the reason; None when it was refused."""
    form = TakeForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why you take it away: nothing was handed over.")
        return None
    try:
        checkpoint = checkpoints.take(request.user)  # type: ignore[arg-type]
    except UNABLE as error:
        messages.error(request, f"Nothing was handed over. {error}")
        return None
    log_access(
        request.user,  # type: ignore[arg-type]
        AccessLogEntry.Action.TAKE,
        of="evidence",
        subject=str(checkpoint.size),
        now=timezone.now(),
        **form.cleaned_data,
    )
    return checkpoint


def _state(request: HttpRequest, *, findings: list[Finding] | None = None) -> dict[str, Any]:
    size, root = evidence.tree_now()
    now = timezone.now()
    recent = list(Checkpoint.objects.select_related("taken_by").order_by("-at")[:SHOWN])
    taken = Checkpoint.objects.select_related("taken_by").filter(taken_at__isnull=False).order_by("-taken_at").first()
    last = recent[0] if recent else None
    return {
        **admin.site.each_context(request),
        "title": "Evidence",
        "size": size,
        "root": root.hex(),
        "since_last": size - last.size if last else size,
        "last": last,
        "is_stale": bool(last and now - last.at > checkpoints.STALE),
        "taken": taken,
        "nag": checkpoints.nobody_took_one(now),
        "fault": checkpoints.fault(),
        "recent": recent,
        "keys": [signing.verifier_key(public) for public in checkpoints.public_keys()],
        "key_entries": EvidenceEntry.objects.filter(type="SIGNING_KEY").order_by("-sequence")[:SHOWN],
        "findings": findings,
        "form": TakeForm(),
        "holds": findings is not None and all(finding.holds for finding in findings),
        "now": now,
    }
