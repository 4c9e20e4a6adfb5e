"""The address of a feed: a signed message in, JSON out. Errors say what to do, and nothing personal is logged."""

from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from accounts.feeds import signing, taking
from accounts.feeds.messages import UnableToRead
from accounts.models import Feed
from accounts.signed_http import NotTaken, body_of, error

MOST_BYTES = 10 * 1024 * 1024
DESCRIPTION = Path(__file__).with_name("openapi.json")
STATUS = {"replay": 409, "sequence": 409, "too_many": 429, "failed": 500}


@csrf_exempt
def receive(request: HttpRequest, name: str) -> HttpResponse:
    """Take one message of a feed. Answers 200 with what became of it, or 4xx with the reason; see ``docs/feeds.md``."""
    now = timezone.now()
    try:
        body = body_of(request, most_bytes=MOST_BYTES)
    except NotTaken as refusal:
        return refusal.response
    try:
        feed = signing.check(
            Feed.objects.filter(name=name, retired_at__isnull=True).first() if name.isascii() else None,
            timestamp=request.headers.get(signing.TIMESTAMP, ""),
            nonce=request.headers.get(signing.NONCE, ""),
            signature=request.headers.get(signing.SIGNATURE, ""),
            body=body,
            now=now,
        )
    except signing.UnableToTrust as failure:
        return error(401, "signature", str(failure))
    try:
        delivery = taking.open_delivery(feed, nonce=request.headers[signing.NONCE], now=now)
        outcome = taking.take(delivery, body, now=now)
    except taking.UnableToTake as failure:
        again = {"Retry-After": str(failure.again_in)} if failure.again_in else {}
        return error(STATUS[failure.code], failure.code, str(failure), headers=again)
    except UnableToRead as failure:
        faults = [fault.as_dict() for fault in failure.faults]
        return error(422, "items", "Nothing of this message was taken.", faults=faults)
    return JsonResponse(
        {
            "taken": delivery.items,
            "sequence": delivery.sequence,
            "new": outcome.new,
            "changed": outcome.changed,
            "unchanged": outcome.unchanged,
            "ignored": outcome.ignored,
        }
    )


@require_GET
def describe(request: HttpRequest) -> HttpResponse:
    """Return the description of this interface (OpenAPI 3.1)."""
    return HttpResponse(DESCRIPTION.read_bytes(), content_type="application/json")
