"""What every address for signed messages has in common: JSON in, not compressed, not too large; errors as JSON."""

import json
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse


class NotTaken(Exception):
    """The request is not one that can be read; ``response`` says why."""

    def __init__(self, response: HttpResponse):
        super().__init__(response.status_code)
        self.response = response


def body_of(request: HttpRequest, *, most_bytes: int) -> bytes:
    """Return the body of a POST of JSON. Raises NotTaken."""
    if request.method != "POST":
        raise NotTaken(error(405, "method", "Send messages with POST.", headers={"Allow": "POST"}))
    if request.headers.get("Content-Encoding", "identity") != "identity" or request.content_type != "application/json":
        raise NotTaken(error(415, "form", "Send JSON (Content-Type: application/json), not compressed."))
    try:
        if int(request.headers.get("Content-Length") or 0) <= most_bytes:
            return request.body
    except (RequestDataTooBig, ValueError):
        pass
    raise NotTaken(error(413, "too_big", f"At most {most_bytes:,} bytes in one message."))


def error(
    status: int, code: str, message: str, *, faults: list[Any] | None = None, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return an error as every address of this kind gives it: a code for programs, words for people."""
    said = {"error": {"code": code, "message": message, **({"faults": faults} if faults else {})}}
    return HttpResponse(json.dumps(said), status=status, content_type="application/json", headers=headers)
