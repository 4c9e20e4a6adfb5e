"""Saying what the columns of a file are, with the file beside it and a preview of how its rows would be read."""

from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.portal_admin import log_clear_look
from accounts.workers import call_worker
from telecom_records import drafts
from telecom_records.formats.guesses import guess_mapping
from telecom_records.formats.mapping import DIRECTIONS, MEANINGS, STATUSES, BadMapping, TableMapping, draft_mapping
from telecom_records.forms import SampleForm
from telecom_records.imports import UnableToImport
from telecom_records.mapping_forms import SPLIT, VALUES, MappingForm, column_lines, initial_of, shape_of
from telecom_records.models import ImportRun, ImportSource
from telecom_records.previews import preview_of, sample_of, with_words, words_of
from telecom_records.tasks import run_import

ONLY_DELIMITED = ("delimiter", "header")
SAVING = ("import", "save")
RULER = "".join(f"{place:.>10}" for place in range(10, 201, 10))
PERMISSIONS = ["telecom_records.import_calls", "telecom_records.change_importsource", "accounts.view_clear_values"]


class Glossary(NamedTuple):
    """The words of a column, what each is, and what it could be."""

    title: str
    means: str
    at: str
    words: list[tuple[str, str]]
    choices: dict[str, str]


@require_http_methods(["GET", "POST"])
@permission_required(PERMISSIONS, raise_exception=True)
def columns(request: HttpRequest, run_id) -> HttpResponse:
    """Show an upload with its columns; a press of a button previews, saves and imports, saves only, or throws it away."""
    run = get_object_or_404(ImportRun.objects.select_related("source"), pk=run_id)
    if run.state != ImportRun.State.MAPPING:
        return _to_run(run)
    try:
        form = _form(request, run, drafts.head_of_draft(run))
        if request.method == "POST" and (done := _act(request, run, form)):
            return done
    except UnableToImport as error:
        messages.error(request, str(error))
        return _to_run(run)
    if request.method == "GET":
        log_clear_look(request, ImportRun, subject=str(run.pk))
    template = "_columns.html" if request.headers.get("HX-Request") else "columns.html"
    is_refused = request.POST.get("action") in SAVING and form.errors
    context = _context(request, run, form)
    return render(request, f"telecom_records/{template}", context, status=400 if is_refused else 200)


@require_http_methods(["GET", "POST"])
@permission_required(PERMISSIONS, raise_exception=True)
def sample(request: HttpRequest, source_id: int) -> HttpResponse:
    """Take a file of a source that has a mapping, or shall have one, and go to the page that shows both."""
    source = get_object_or_404(ImportSource, pk=source_id)
    form = SampleForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and (run := form.save(source, user=request.user)):
        return redirect("calls:columns", run.pk)
    context = {
        **admin.site.each_context(request),
        "title": f"Map the columns of {source}",
        "breadcrumbs": [{"title": "Sources", "href": "../../../../telecom_records/importsource/"}],
        "form": form,
    }
    return render(request, "telecom_records/sample.html", context, status=400 if form.errors else 200)


def _act(request: HttpRequest, run: ImportRun, form: MappingForm) -> HttpResponse | None:
    """Do what the pressed button says and return where to go; None to show the page again."""
    action = request.POST.get("action", "")
    if action == "discard":
        drafts.discard_draft(run.pk, now=timezone.now(), why="Thrown away before its columns were mapped.")
        messages.success(request, "The file was destroyed. Nothing of it was imported.")
        return _to_run(run)
    if action not in SAVING or form.errors:
        return None
    zone, country = form.cleaned_data["time_zone"], form.cleaned_data["country"]
    try:
        if action == "import":
            drafts.start_draft(run.pk, form.mapping, time_zone=zone, country=country)
            call_worker(run_import, str(run.pk))
        else:
            drafts.save_mapping(run.source, form.mapping, time_zone=zone, country=country)
            drafts.discard_draft(run.pk, now=timezone.now(), why="Its columns were saved; it was not imported.")
    except ValidationError as error:
        form.add_error(None, error.messages)
        return None
    _write_history(request, run.source, form.mapping)
    messages.success(request, f"The columns of {run.source} are saved. Its next files need no mapping.")
    if action == "save":
        return redirect("admin:telecom_records_importsource_change", run.source_id)
    return _to_run(run)


def _form(request: HttpRequest, run: ImportRun, head: bytes) -> MappingForm:
    """Return the form as it was sent, or at first as the source has it, else as the file looks."""
    if request.method == "POST":
        form = MappingForm(request.POST, head=head)
        if request.POST.get("action") in SAVING:
            form.check_whole()
        elif form.is_valid() and form.mapping.time_style != form.cleaned_data["time_style"]:  # split anew
            form.data = request.POST.copy()
            form.data["time_style"] = form.mapping.time_style
        return form
    mapping = with_words(head, _mapping_of(run.source) or guess_mapping(head))
    form = MappingForm(
        head=head, initial=initial_of(mapping, time_zone=run.source.time_zone, country=run.source.country)
    )
    form.mapping = mapping
    return form


def _mapping_of(source: ImportSource) -> TableMapping | None:
    try:
        return draft_mapping(source.mapping) if source.mapping else None
    except BadMapping:
        return None


def _context(request: HttpRequest, run: ImportRun, form: MappingForm) -> dict[str, Any]:
    mapping = form.mapping
    sample = sample_of(form.head, mapping)
    zone, country = _place(form, run.source)
    titles = sample.titles or [f"Column {place}" for place in sample.places]
    lines = column_lines(mapping, sample.places)
    return {
        **admin.site.each_context(request),
        "title": "Map the columns",
        "breadcrumbs": [{"title": "Imports", "href": "../../../../telecom_records/importrun/"}],
        "run": run,
        "form": form,
        "mapping": mapping,
        "shape": shape_of(mapping),
        "sample": sample,
        "columns": list(zip(titles, lines, strict=False)),
        "places": lines,
        "meanings": MEANINGS[mapping.kind],
        "split_fields": [form[name] for name in SPLIT if mapping.layout == "delimited" or name not in ONLY_DELIMITED],
        "hidden_fields": [form[name] for name in ONLY_DELIMITED if mapping.layout == "fixed"],
        "value_fields": [form[name] for name in VALUES],
        "glossaries": [
            Glossary(title, means, *words_of(sample, mapping, means), choices)
            for title, means, choices in (
                ("Words of the status", "status", STATUSES[mapping.kind]),
                ("Words of the direction", "direction", DIRECTIONS),
            )
        ],
        "preview": preview_of(form.head, mapping, zone=zone, country=country),
        "ruler": RULER,
    }


def _place(form: MappingForm, source: ImportSource) -> tuple[ZoneInfo | None, str]:
    """Return the zone and the country of the form as it stands."""
    values = form.cleaned_data if form.is_bound and hasattr(form, "cleaned_data") else form.initial
    name = values.get("time_zone", "")
    return ZoneInfo(name) if name else None, values.get("country", "")


def _write_history(request: HttpRequest, source: ImportSource, mapping: TableMapping) -> None:
    """Write down that the columns were changed, by what they mean; titles and words of the file stay out."""
    meanings = MEANINGS[mapping.kind]
    told = ", ".join(dict.fromkeys(meanings[column.means] for column in mapping.columns))
    page = admin.site.get_model_admin(ImportSource)
    page.log_change(request, source, f"Columns mapped: {told}.")


def _to_run(run: ImportRun) -> HttpResponse:
    return redirect("admin:telecom_records_importrun_change", run.pk)
