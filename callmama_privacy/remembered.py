"""What stands on every page and costs many questions: remembered for a few seconds, or until anything is done.

The key holds the size of the evidence log, so that whatever leaves evidence (a stop, a hold, a move) is seen at once; what
only time brings about is seen when the seconds are over.
"""

from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.core.cache import cache

from accounts.models.evidence import EvidenceTree

T = TypeVar("T")
NOTHING = object()


def for_a_moment(request, name: str, compute: Callable[[], T]) -> T:
    """Return what `compute` returned lately for this person, or now. PAGE_FACTS_SECONDS of 0 remembers nothing."""
    if not settings.PAGE_FACTS_SECONDS:
        return compute()
    if not hasattr(request, "evidence_size"):
        request.evidence_size = EvidenceTree.objects.values_list("size", flat=True).first() or 0
    key = f"{name}:{request.user.pk}:{request.evidence_size}"
    known = cache.get(key, NOTHING)
    if known is NOTHING:
        known = compute()
        cache.set(key, known, timeout=settings.PAGE_FACTS_SECONDS)
    return known
