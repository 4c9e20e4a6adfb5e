"""What every request must be, and what every response carries."""

from django.core.exceptions import SuspiciousOperation
from django.utils.cache import add_never_cache_headers


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
