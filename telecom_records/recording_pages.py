"""Adding recordings, listening to them, and saying which call one is of."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import files
from accounts.masking import mask
from accounts.portal_admin import log_clear_look, may_see_clear, run_or_say, shown
from telecom_records.models import Recording, WaitingRecording
from telecom_records.recording_forms import AddRecordingsForm, ListenForm, PlaceForm, call_shown
from telecom_records.recordings import playback
from telecom_records.recordings.arriving import accounting, take_files
from telecom_records.recordings.matching import Call, candidates, legs_of
from telecom_records.recordings.placing import AlreadyThere, Refused
from telecom_records.recordings.ranges import NotSatisfiable, range_of
from telecom_records.recordings.sounds import ENDINGS, is_played, title_of
from telecom_records.recordings.taking import Outcome, open_facts, place_waiting, set_aside

OUTCOMES = {
    Outcome.STORED: ("Stored with its call", "success"),
    Outcome.ANNOUNCED: ("Told of; its sound is to come", "info"),
    Outcome.WAITING: ("Waits for its call", "warning"),
    Outcome.KNOWN: ("Known already", ""),
    Outcome.REFUSED: ("Refused", "danger"),
}


@require_http_methods(["GET", "POST"])
@permission_required("telecom_records.import_recordings", raise_exception=True)
def add(request: HttpRequest) -> HttpResponse:
    """Take sounds and lists of them, and say of each where it went."""
    form = AddRecordingsForm(request.POST or None, request.FILES or None, initial={"call": request.GET.get("call")})
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        given = [(file.name, file.file) for file in form.cleaned_data["sounds"]]
        taken = list(take_files(given, form.way, now=timezone.now()))
        counts = accounting(each.outcome for _, each in taken)
        context = {
            "counts": [
                (f"{text}: {counts[outcome]}", tone) for outcome, (text, tone) in OUTCOMES.items() if counts[outcome]
            ],
            "read": counts["read"],
            "lines": [
                {
                    "file": given[place - 1][0] if may_see_clear(request) else f"File {place}",  # names hold numbers
                    "outcome": OUTCOMES[each.outcome],
                    "why": each.message,
                }
                for place, each in sorted(taken, key=lambda line: line[0])
            ],
            "waits": counts[Outcome.WAITING] and request.user.has_perm("telecom_records.view_waitingrecording"),
        }
    page = {
        **admin.site.each_context(request),
        "title": "Add recordings",
        "form": form,
        "breadcrumbs": [{"title": "Recordings", "href": "../../../telecom_records/recording/"}],
        **context,
    }
    return render(request, "telecom_records/add_recordings.html", page, status=400 if form.errors else 200)


@require_POST
@permission_required("telecom_records.play_recording", raise_exception=True)
def listen(request: HttpRequest) -> HttpResponse:
    """Write down why somebody listens to the recordings named, and go back to the page they came from."""
    ids = [pk for pk in request.POST.getlist("recording") if _is_uuid(pk)][: playback.MOST_GRANTS]
    found = list(playback.recordings_shown().filter(pk__in=ids).exclude(file_key=""))
    form = ListenForm(request.POST)
    if not found:
        messages.error(request, "This recording is not here any more.")
    elif form.is_valid():
        playback.grant(request, found, **form.cleaned_data, now=timezone.now())
    else:
        messages.error(request, "Say why you listen, and for which ticket or request. Card numbers belong in neither.")
    call = request.POST.get("call", "")
    if call.isascii() and call.isdigit():
        return redirect("admin:telecom_records_calldetailrecord_change", call)
    if len(ids) == 1:
        return redirect("admin:telecom_records_recording_change", ids[0])
    return redirect("admin:telecom_records_recording_changelist")


@require_safe
@permission_required("telecom_records.play_recording", raise_exception=True)
def sound(request: HttpRequest, recording_id) -> HttpResponseBase:
    """Send a recording, or the part of it that is asked for, to who has said why."""
    recording = get_object_or_404(playback.recordings_shown().exclude(file_key=""), pk=recording_id)
    if not playback.is_granted(request, recording):
        raise PermissionDenied
    size = recording.file_bytes
    try:  # nothing here is a validator, so If-Range never holds, and all is sent
        wanted = None if "If-Range" in request.headers else range_of(request.headers.get("Range", ""), size)
    except NotSatisfiable:
        return _private(HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"}))
    begin, length = wanted or (0, size)
    try:
        pieces = [] if request.method == "HEAD" else playback.pieces_of(recording, begin, length)
    except playback.UNREADABLE as error:
        status = 503 if isinstance(error, files.UnableToAsk) else 410
        return _private(HttpResponse("This sound cannot be read.", status=status, content_type="text/plain"))
    response = StreamingHttpResponse(
        pieces, status=206 if wanted else 200, content_type=_sent_as(recording.content_type)
    )
    response["Content-Length"] = str(length)
    response["Accept-Ranges"] = "bytes"
    if wanted:
        response["Content-Range"] = f"bytes {begin}-{begin + length - 1}/{size}"
    is_file = not is_played(recording.content_type)
    response["Content-Disposition"] = content_disposition_header(is_file, playback.file_name(recording)) or "inline"
    return _private(response)


def _sent_as(content_type: str) -> str:
    return content_type if content_type in ENDINGS else "application/octet-stream"


def _private(response: HttpResponseBase) -> HttpResponseBase:
    response["Cache-Control"], response["X-Content-Type-Options"] = "no-store, private", "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Content-Encoding"] = "identity"  # never compressed on the way: a part of it would be another part
    return response


@require_POST
@permission_required("telecom_records.import_recordings", raise_exception=True)
def place(request: HttpRequest, waiting_id) -> HttpResponse:
    """Give a waiting recording to the call that an officer chose, or set it aside."""
    waiting = get_object_or_404(shown(WaitingRecording.objects.all()), pk=waiting_id)
    back = redirect("admin:telecom_records_waitingrecording_change", waiting.pk)
    if "none" in request.POST:
        set_aside(waiting.pk, now=timezone.now())
        messages.success(request, "Set aside: it is not looked for any more, and goes on its day.")
        return back
    form = PlaceForm(request.POST)
    if not form.is_valid() or form.cleaned_data["leg"] is None:
        messages.error(request, "; ".join(map(str, form.non_field_errors())) or "Choose the call that it is of.")
        return back
    call = legs_of(form.cleaned_data["leg"])
    done = run_or_say(
        request,
        lambda: place_waiting(waiting.pk, call, now=timezone.now()),
        "Stored with its call.",
        Refused, AlreadyThere, files.UnableToStore, *playback.UNREADABLE,
    )  # fmt: skip
    return redirect("admin:telecom_records_calldetailrecord_change", form.cleaned_data["leg"].pk) if done else back


def sounds_context(request: HttpRequest, recordings: Iterable[Recording]) -> dict[str, Any]:
    """Return what a page shows of these recordings: each with its player, or what has to be said before."""
    lines, to_grant = [], []
    for recording in recordings:
        granted = recording.has_sound and playback.is_granted(request, recording)
        lines.append(
            {
                "recording": recording,
                "format": title_of(recording.content_type),
                "is_played": is_played(recording.content_type),
                "is_granted": granted,
            }
        )
        if recording.has_sound and not granted:
            to_grant.append(recording)
    return {
        "sounds": lines,
        "to_grant": to_grant,
        "may_listen": playback.may_listen(request),
        "listen_form": ListenForm(),
    }


def waiting_context(request: HttpRequest, waiting: WaitingRecording) -> dict[str, Any]:
    """Return what the page of a waiting recording shows: what came with it, and beside it the calls that fit."""
    facts = open_facts(waiting)
    clear = may_see_clear(request)
    log_clear_look(request, WaitingRecording, subject=str(waiting.pk))
    found = [call for call in candidates(facts, waiting.source, now=timezone.now()) if call_shown(call[0].pk)]
    return {
        "waiting": waiting,
        "format": title_of(waiting.content_type),
        "numbers": [number if clear else mask(number) for number in facts.numbers],
        "has_call_id": bool(facts.call_id),
        "calls": [_candidate(call, clear) for call in found],
        "form": PlaceForm(),
        "may_place": request.user.has_perm("telecom_records.import_recordings"),
    }


def _candidate(call: Call, clear: bool) -> dict[str, Any]:
    leg = call[0]
    return {
        "leg": leg,
        "legs": len(call),
        "own": leg.own_number if clear else mask(leg.own_number),
        "other": leg.other_party if clear else mask(leg.other_party),
        "workspace": leg.workspace,
    }


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and all(each in "0123456789abcdef-" for each in text) and text.count("-") == 4
