"""Setting the breaker's limits: lowering one takes an officer, raising one takes two."""

import datetime as dt

from django.db import transaction

from accounts import approvals, evidence
from accounts.models import Approval, User
from retention import breaker
from retention.models import BreakerLimit

RAISE_LIMIT = "raise_limit"


class UnableToSet(ValueError):
    """The limit cannot be set; the message says why, for the officer."""


def set_limit(key: str, value: int, *, user: User, now: dt.datetime) -> Approval | None:
    """Lower a limit at once, or ask a second officer to raise it; return what was asked, or None.

    Raises UnableToSet for a value outside its bounds, and approvals.UnableToApprove.
    """
    limit = breaker.LIMITS[key]
    in_force = breaker.limits()[key]
    if not limit.strictest <= value <= limit.ceiling:
        raise UnableToSet(f"It must be between {limit.strictest:,} and {limit.words(limit.ceiling)}.")
    if value == in_force:
        raise UnableToSet(f"It is {limit.words(value)} already.")
    if value > in_force:
        return approvals.ask(
            RAISE_LIMIT,
            target=f"{key}:{value}",
            summary=f"Raise a limit of the breaker from {in_force:,} to {limit.words(value)}: {limit.title[0].lower()}{limit.title[1:]}",
            user=user,
            now=now,
        )
    with transaction.atomic():
        _write(key, value, by=[user.pk])
    return None


def facts(target: str) -> dict[str, object]:
    """Return what an approval to raise a limit is bound to: its value now, and the one asked for."""
    key, value = target.split(":")
    return {"limit": key, "to": int(value), "from": breaker.limits()[key]}


def raise_limit(target: str, asked_by: User, approved_by: User, now: dt.datetime) -> None:
    """Raise a limit, by two officers."""
    key, value = target.split(":")
    _write(key, int(value), by=[asked_by.pk, approved_by.pk])


def _write(key: str, value: int, *, by: list[int]) -> None:
    BreakerLimit.objects.update_or_create(key=key, defaults={"value": value})
    evidence.append_entry("LIMIT_SET", subject=key, body={"value": value, "by": by})
