"""What every response carries."""

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
