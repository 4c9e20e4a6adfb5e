"""Who is trying to sign in, however they write it."""

import unicodedata
from collections.abc import Mapping
from typing import Any

FIELD = "username"  # of the sign-in form, whatever the account's own field is called


def tried_account(request: Any, credentials: Mapping[str, Any] | None = None) -> str:
    """Return the account that a sign-in is for, as the sign-in finds it: one account has one count of wrong tries."""
    written = (credentials or {}).get(FIELD) or (request.POST.get(FIELD) if request is not None else "") or ""
    return unicodedata.normalize("NFKC", written).strip().lower()
