"""The page of marketing: who may receive it, as a file; who wants none; and whether one address does."""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import log_access
from accounts.models import AccessLogEntry, Consent, User
from accounts.resources import safe_cell
from dsar import marketing
from dsar.marketing.forms import CheckForm, ListForm, OptOutForm
from dsar.models import OptOut

COLUMNS = ["customer", "name", "address", "language", "country", "consent", "given"]
TAKE = "dsar.take_marketing_list"


@require_http_methods(["GET", "POST"])
@permission_required("dsar.view_optout", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show how many may receive marketing, and take opt-outs in, typed or as a file: all of it or nothing."""
    now = timezone.now()
    may_add = request.user.has_perm("dsar.add_optout")
    if request.method == "POST" and not may_add:
        raise PermissionDenied
    form = OptOutForm(request.POST or None, request.FILES or None, now=now)
    if request.method == "POST" and form.is_valid():
        messages.success(request, f"{_take(form, request.user):,} addresses receive no marketing any more.")  # type: ignore[arg-type]
        return redirect("marketing:page")
    return _render(request, opt_out_form=form if may_add else None, status=400 if form.errors else 200)


def _take(form: OptOutForm, user: User) -> int:
    """Opt out what the form holds; return how many lines."""
    wanted = form.wanted()
    with transaction.atomic():
        marketing.opt_out_many(
            [(line.address, line.asked_at or form.now) for line in wanted], channel=form.cleaned_data["channel"],
            user=user, now=form.now,
        )  # fmt: skip
    return len(wanted)


@require_POST
@permission_required("dsar.view_optout", raise_exception=True)
def check(request: HttpRequest) -> HttpResponse:
    """Say whether the owner of one address wants no marketing."""
    form = CheckForm(request.POST)
    if not form.is_valid():
        return _render(request, check_form=form, status=400)
    since = marketing.opted_out_since(form.cleaned_data["address"], now=timezone.now())
    return _render(request, check_form=form, answer={"since": since})


@require_POST
@permission_required([TAKE, "accounts.view_clear_values"], raise_exception=True)
def take_list(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Give the list for one purpose as a stream, as of this moment; the access log has how many rows left."""
    form = ListForm(request.POST)
    if not form.is_valid():
        return _render(request, list_form=form, status=400)
    purpose, now = form.cleaned_data["purpose"], timezone.now()
    lines = _lines(purpose, reason=form.cleaned_data["reason"], user=request.user, now=now)  # type: ignore[arg-type]
    name = f"marketing-{purpose}-{timezone.localtime(now):%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


class _Line:
    """A file of one line, which the writer gives back."""

    def write(self, text: str) -> str:
        return text


def _lines(purpose: str, *, reason: str, user: User, now) -> Iterator[str]:
    """Yield the list as CSV; however far it was read, what left is written down."""
    writer, rows = csv.writer(_Line()), 0
    try:
        yield writer.writerow(COLUMNS)
        for consent in marketing.audience(purpose, now=now):
            person = consent.person
            address = getattr(person, marketing.REACHES[purpose])
            values: list[Any] = [person.outside_id, person.name, address, person.language, person.country]
            values += [consent.outside_id, consent.given_at.isoformat()]
            rows += 1
            yield writer.writerow([safe_cell(value) for value in values])
    finally:
        export = AccessLogEntry.Action.EXPORT
        log_access(user, export, of=Consent._meta.label, rows=rows, reason=f"{purpose}: {reason}"[:300], now=now)


def _render(request: HttpRequest, *, status: int = 200, **forms: Any) -> HttpResponse:
    now = timezone.now()
    may_take = request.user.has_perms([TAKE, "accounts.view_clear_values"])
    kept = OptOut.objects.filter(ended_at__isnull=True)
    context = {
        **admin.site.each_context(request),
        "title": "Marketing",
        "purposes": [
            (Consent.Purpose(purpose).label, marketing.candidates(purpose, now=now).count())
            for purpose in marketing.REACHES
        ],
        "opt_outs": [(label, kept.filter(kind=kind).count()) for kind, label in OptOut.Kind.choices],
        "check_form": CheckForm(),
        "list_form": ListForm() if may_take else None,
        "opt_out_form": OptOutForm(now=now) if request.user.has_perm("dsar.add_optout") else None,
        **forms,
    }
    return render(request, "dsar/marketing.html", context, status=status)
