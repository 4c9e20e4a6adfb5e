"""What every request must be, and what every response carries."""

from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from retention import restore


class PrivatePages:
    """Keep pages of signed-in people out of every cache, the browser's too (a shared desk has a Back button)."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        return response


class NoNulBytes:
    """Refuse an address with a NUL byte, which PostgreSQL cannot hold; forms refuse it in their fields themselves."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            raise SuspiciousOperation("A NUL byte in the address.")
        return self.get_response(request)


class Sealed:
    """Serve nothing while the database is a restored copy whose deletions have not been done again (mission P11).

    But for signing in, the page on which the copy is put right, and what two officers need on the way: holds and approvals.
    """

    OPEN = ("/admin/login/", "/admin/logout/", "/admin/jsi18n/", "/admin/retention/restore/", "/admin/accounts/approval/", "/admin/retention/hold/")  # fmt: skip

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path.startswith(self.OPEN) or not restore.is_sealed():
            return self.get_response(request)
        asked_by_machine = request.path == "/healthz"
        response: HttpResponse = (
            JsonResponse({"status": "sealed"}, status=503)
            if asked_by_machine
            else render(request, "sealed.html", status=503)
        )
        add_never_cache_headers(response)
        return response
