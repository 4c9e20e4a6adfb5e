"""Who is trying to sign in, and from where, however they write it."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from django.conf import settings

FIELD = "username"  # of the sign-in form, whatever the account's own field is called


def tried_account(request: Any, credentials: Mapping[str, Any] | None = None) -> str:
    """Return the account that a sign-in is for, as the sign-in finds it: one account has one count of wrong tries."""
    written = (credentials or {}).get(FIELD) or (request.POST.get(FIELD) if request is not None else "") or ""
    return unicodedata.normalize("NFKC", written).strip().lower()


def client_address(request: Any) -> str:
    """Return the address of the browser: what the outermost of our own proxies saw, or the peer when there is none.

    Whatever stands further left in X-Forwarded-For was written by the client and is not believed.
    """
    if settings.PROXY_COUNT:
        seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        if len(seen) >= settings.PROXY_COUNT:
            return seen[-settings.PROXY_COUNT]
    return request.META.get("REMOTE_ADDR", "")
