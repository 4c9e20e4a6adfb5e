"""The links that people get: each opens the page of one identifier, and nothing by itself."""

import datetime as dt
import uuid

from django.conf import settings
from django.core import signing
from django.urls import reverse

from dsar.models import Identifier

LIFE = dt.timedelta(days=45)  # longer than a request waits for identity


def signer() -> signing.TimestampSigner:
    """Return what signs the links: made when it is used, for a portal without its settings has to say what is missing."""
    return signing.TimestampSigner(salt="dsar.identity")


def link_to(identifier: Identifier) -> str:
    """Return the address at which the person enters the code."""
    return settings.PORTAL_URL.rstrip("/") + reverse("identity:code", args=[signer().sign(str(identifier.pk))])


def identifier_of(token: str) -> Identifier | None:
    """Return whose page a link opens; None for a link that is not ours or is too old."""
    try:
        key = uuid.UUID(signer().unsign(token, max_age=LIFE))
    except (signing.BadSignature, ValueError):
        return None
    return Identifier.objects.select_related("request").filter(pk=key).first()
