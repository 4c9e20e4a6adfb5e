"""The address of the intake: a signed message in, references out. Errors say what to do, and nothing personal is logged."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from accounts import signed
from accounts.signed_http import NotTaken, body_of, error
from dsar.intake import description, signing, taking
from dsar.intake.reading import UnableToRead
from dsar.models import IntakeSource

MOST_BYTES = 256 * 1024
STATUS = {"replay": 409, "key": 409, "too_many": 429, "failed": 500}


@csrf_exempt
def receive(request: HttpRequest, name: str) -> HttpResponse:
    """Take one message. Answers 201 (200 when it had come before) with the references, or 4xx with the reason."""
    now = timezone.now()
    try:
        body = body_of(request, most_bytes=MOST_BYTES)
        source = IntakeSource.objects.filter(name=name, retired_at__isnull=True).first() if name.isascii() else None
        signed.check(
            source,
            purpose=signing.PURPOSE,
            timestamp=request.headers.get(signing.TIMESTAMP, ""),
            nonce=request.headers.get(signing.NONCE, ""),
            signature=request.headers.get(signing.SIGNATURE, ""),
            body=body,
            now=now,
        )
        assert source is not None, "Nobody's signature is believed."
        delivery = taking.open_delivery(source, nonce=request.headers[signing.NONCE], now=now)
        taken = taking.take(delivery, body, now=now)
    except NotTaken as refusal:
        return refusal.response
    except signed.UnableToTrust as failure:
        return error(401, "signature", str(failure))
    except UnableToRead as failure:
        return error(422, "fields", "Nothing was taken.", faults=[fault.as_dict() for fault in failure.faults])
    except taking.UnableToTake as failure:
        again = {"Retry-After": str(failure.again_in)} if failure.again_in else {}
        return error(STATUS[failure.code], failure.code, str(failure), headers=again)
    answer = {"ticket": taken.ticket, "request": taken.request or None, "new": taken.is_new}
    return JsonResponse(answer, status=201 if taken.is_new else 200)


@require_GET
def describe(request: HttpRequest) -> HttpResponse:
    """Return the description of this interface (OpenAPI 3.1)."""
    return JsonResponse(description.describe(), json_dumps_params={"indent": 2})
