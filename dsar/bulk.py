"""One thing done to many requests: chosen once, then one by one in transactions of their own, so that it can be resumed.

Only what harms nobody when it is done to one too many: an owner, a watcher, the confirmation of receipt. More time is
asked for singly, since each notice needs reasons of its own (Article 12(3) GDPR).
"""

import datetime as dt
import logging
import uuid

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from accounts import evidence
from accounts.models import User
from dsar.dating import local_day
from dsar.letters import sending
from dsar.letters.compose import UnableToCompose
from dsar.models import BulkAction, BulkItem, Letter, SubjectRequest
from dsar.reminders import watch
from dsar.trail import tell

log = logging.getLogger(__name__)
Kind, State = BulkAction.Kind, BulkItem.State
MOST = 5_000
AT_ONCE = 100  # in a task; another one takes the rest


class UnableToStart(ValueError):
    """This cannot be done to so many; the message says why, for the officer."""


class NotDone(ValueError):
    """Nothing was done to this one; the message says why."""


def start(
    kind: str, requests: QuerySet[SubjectRequest], *, target: User | None, user: User, now: dt.datetime
) -> BulkAction:
    """Freeze which open requests are meant, for the workers. Raises UnableToStart."""
    chosen = list(
        requests.filter(closed_at__isnull=True).order_by("due_at", "reference").values_list("pk", flat=True)[: MOST + 1]
    )
    if not chosen:
        raise UnableToStart("No open request is on this list.")
    if len(chosen) > MOST:
        raise UnableToStart(f"These are more than {MOST:,} requests. Filter the list first.")
    if (kind == Kind.RECEIPT) != (target is None):
        raise UnableToStart("Choose who of the staff." if target is None else "A letter needs nobody of the staff.")
    with transaction.atomic():
        action = BulkAction.objects.create(kind=kind, target=target, asked_by=user, asked_at=now)
        BulkItem.objects.bulk_create([BulkItem(action=action, request_id=pk) for pk in chosen], batch_size=1_000)
        body = {"kind": kind, "requests": len(chosen), "by": user.pk}
        evidence.append_entry("BULK_ACTION", subject=str(action.pk), body=body)
    return action


def under_way() -> list[uuid.UUID]:
    """Return the actions with something left to do, oldest first."""
    waiting = BulkItem.objects.filter(state=State.WAITING).values("action")
    return list(BulkAction.objects.filter(pk__in=waiting).order_by("asked_at").values_list("pk", flat=True))


def carry_on(action_id: uuid.UUID, *, now: dt.datetime) -> int:
    """Do the next ones, each in its transaction; return how many. Two workers share them."""
    action = BulkAction.objects.select_related("target", "asked_by").get(pk=action_id)
    for count in range(AT_ONCE):
        if not _next(action, now):
            return count
    return AT_ONCE


def counts(action: BulkAction) -> dict[str, int]:
    """Return how far an action is: all, over, failed."""
    return BulkItem.objects.filter(action=action).aggregate(
        all=Count("pk"),
        over=Count("pk", filter=~Q(state=State.WAITING)),
        failed=Count("pk", filter=Q(state=State.FAILED)),
    )


def _next(action: BulkAction, now: dt.datetime) -> bool:
    with transaction.atomic():
        waiting = BulkItem.objects.select_for_update(skip_locked=True).filter(action=action, state=State.WAITING)
        item = waiting.order_by("pk").first()
        if item is None:
            return False
        item.ended_at = now
        try:
            with transaction.atomic():
                item.state, item.result = State.DONE, _do(action, item.request_id, now)
        except (NotDone, UnableToCompose) as error:
            item.state, item.result = State.FAILED, str(error)[:300]
        except Exception as error:  # one that breaks must not stop the others
            log.exception("bulk action %s broke on request %s", action.pk, item.request_id)
            item.state, item.result = State.FAILED, f"An unforeseen fault ({type(error).__name__})."
        item.save(update_fields=["state", "result", "ended_at"])
    return True


def _do(action: BulkAction, request_id: uuid.UUID, now: dt.datetime) -> str:
    """Do it to one request; return what was done. Raises NotDone, UnableToCompose."""
    if action.kind == Kind.RECEIPT:
        return _confirm(request_id, action.asked_by, now)
    assert action.target, "the database demands one"
    request = SubjectRequest.objects.select_for_update().get(pk=request_id)
    if not request.is_open:
        raise NotDone("It is over.")
    if action.kind == Kind.WATCH:
        watch(request.pk, user=action.target, now=now)
        return f"{action.target} watches it."
    if request.owner_id != action.target.pk:
        request.owner = action.target
        request.save(update_fields=["owner"])
        tell(request, "changed", f"Owner: {action.target}.", user=action.asked_by, now=now)
    return f"Owner: {action.target}."


def _confirm(request_id: uuid.UUID, user: User, now: dt.datetime) -> str:
    request = SubjectRequest.objects.select_related("person").get(pk=request_id)
    if request.acknowledged_at:
        raise NotDone(f"Receipt was confirmed on {local_day(request, request.acknowledged_at):%-d %b %Y}.")
    draft = sending.Draft(Letter.Kind.RECEIPT, sending.language_of(request))
    sending.send(request_id, draft, base_url="", user=user, now=now)
    return "The letter is on its way."
