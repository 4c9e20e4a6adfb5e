"""What the person sees, and what the platform says of somebody who is signed in there. No session, no cookies."""

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.feeds import signing
from accounts.masking import mask
from accounts.models import Feed
from dsar.identity import codes
from dsar.identity.links import identifier_of
from dsar.identity.proof import Kind, Proof, prove
from dsar.models import Agent, SubjectRequest
from dsar.workflow import State

LONGEST_CALL = 4096


@csrf_exempt  # nobody is signed in here: whoever knows the link and the code may act, from any page
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest, token: str) -> HttpResponse:
    """The page at which a code is entered, or a new one is asked for."""
    now = timezone.now()
    identifier = identifier_of(token)
    if identifier is None:
        return _page(request, {"gone": True}, status=404)
    context = {"said": "", "fault": ""}
    if request.method == "POST":
        try:
            if "again" in request.POST:
                codes.ask_for_code(identifier.pk, now=now)
                context["said"] = "A new code is on its way. The earlier one no longer works."
            else:
                codes.enter_code(identifier.pk, request.POST.get("code", "")[:40], user=None, now=now)
        except (codes.CodeRefused, codes.UnableToSendCode) as refusal:
            context["fault"] = str(refusal)
        identifier.refresh_from_db()
    subject_request = identifier.request
    return _page(
        request,
        {
            **context,
            "reference": subject_request.reference,
            "where": mask(identifier.value),
            "by_text": identifier.kind == Kind.PHONE,
            "proved": identifier.proved_at is not None,
            "waits": subject_request.state == State.IDENTITY,
            "agent": Agent.objects.filter(request=subject_request).first(),
        },
        status=422 if context["fault"] else 200,
    )


def _page(request: HttpRequest, context: dict, *, status: int) -> HttpResponse:
    response = render(request, "dsar/identity_code.html", context, status=status)
    add_never_cache_headers(response)
    response["Referrer-Policy"] = "no-referrer"  # the address is the key to this page
    return response


@csrf_exempt  # the caller is a machine without a session: what it says is believed for its signature
@require_POST
def signed_in(request: HttpRequest, name: str) -> JsonResponse:
    """Take a feed's word that a customer is signed in to their account and stands by a request.

    The body is {"request": "DSR-2026-0042", "person": "<the customer's number>"}, signed as every message of a feed. It
    proves the account and nothing else. Sent twice it changes nothing.
    """
    now = timezone.now()
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_CALL:
        return _refuse(413, "At most 4,096 bytes.")
    try:
        signing.check(
            Feed.objects.filter(name=name, retired_at__isnull=True).first() if name.isascii() else None,
            timestamp=request.headers.get(signing.TIMESTAMP, ""),
            nonce=request.headers.get(signing.NONCE, ""),
            signature=request.headers.get(signing.SIGNATURE, ""),
            body=request.body,
            now=now,
        )
        message = json.loads(request.body)
        reference, person = message["request"], message["person"]
    except signing.UnableToTrust as failure:
        return _refuse(401, str(failure))
    except (ValueError, KeyError, TypeError):
        return _refuse(422, "Send {“request”: a reference, “person”: a customer’s number}.")
    found = SubjectRequest.objects.select_related("person").filter(reference=str(reference)).first()
    if not found or not found.person or found.person.outside_id != person or found.state != State.IDENTITY:
        return _refuse(404, "No request of this customer waits for identity by that reference.")
    prove(found.pk, Kind.ACCOUNT, person, Proof.LOGIN, user=None, now=now)
    return JsonResponse({"proved": found.reference})


def _refuse(status: int, message: str) -> JsonResponse:
    return JsonResponse({"error": message}, status=status)
